//! `s3ref`s: bytes by the name that the bucket has for them, for clients that know no file id.

use crate::{
    acl::Right,
    auth::Caller,
    error::{ApiError, Invalid},
    file::{File, Version},
    file_store::FileStore,
    http,
    object_key::{ObjectKey, SavedKey, TempKey},
    object_store::{ObjectStore, UploadedObject},
};
use lambda_http::Request;
use serde::Deserialize;

/// An `s3ref` as a client sends it.
#[derive(Debug, Deserialize)]
pub struct S3Ref {
    /// Which must be ours.
    pub bucket: String,
    /// Which must be one that we made.
    pub key: String,
}

impl S3Ref {
    /// From the query's parameters of these names.
    ///
    /// # Errors
    /// 400 if one is not there.
    pub fn from_query(request: &Request, [bucket, key]: [&str; 2]) -> Result<Self, ApiError> {
        let parameter = |name| {
            let text =
                http::text_query(request, name).ok_or_else(|| ApiError::bad_request(format!("{name} is required")));
            text.map(str::to_owned)
        };
        Ok(Self { bucket: parameter(bucket)?, key: parameter(key)? })
    }

    /// The key, if it is one of ours in `our_bucket`.
    ///
    /// # Errors
    /// 400 if it is not; the sentence calls the two parts of the `s3ref` by these names.
    pub fn object_key(&self, our_bucket: &str, [bucket, key]: [&str; 2]) -> Result<ObjectKey, ApiError> {
        if self.bucket != our_bucket {
            return Err(Invalid::new("is not this API's bucket; send the s3ref as it was returned").named(bucket));
        }
        self.key.parse().map_err(|invalid: Invalid| invalid.named(key))
    }
}

impl FileStore {
    /// The file that has a version with these bytes, and that version, if the caller may view them.
    ///
    /// # Errors
    /// One and the same 404 if there is no such version, or none that the caller may view.
    pub async fn load_version(&self, caller: &Caller, key: &SavedKey) -> Result<(File, Version), ApiError> {
        let id = self.saved_as(key.upload).await?.ok_or_else(ApiError::file_not_found)?;
        let file = self.load(caller, id, Right::View).await?;
        let version = file.versions.iter().find(|version| version.object_key == *key);
        let version = version.ok_or_else(ApiError::file_not_found)?.clone();
        Ok((file, version))
    }
}

impl ObjectStore {
    /// An upload of the caller's organisation, saved or not.
    ///
    /// # Errors
    /// The 404 of an unknown file if there is none, or it is not theirs.
    pub async fn load_upload(&self, caller: &Caller, key: &TempKey) -> Result<UploadedObject, ApiError> {
        if key.org.as_ref() != Some(&caller.org) {
            return Err(ApiError::file_not_found());
        }
        self.head(key).await?.ok_or_else(ApiError::file_not_found)
    }
}
