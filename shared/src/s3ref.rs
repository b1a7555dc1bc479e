//! `s3ref`s: bytes by the name that the bucket has for them, for clients that know no file id.

use crate::{
    acl::Right,
    auth::Caller,
    error::{ApiError, Invalid},
    file::{Meta, Version},
    file_store::FileStore,
    http,
    object_key::{ObjectKey, SavedKey, TempKey},
    object_store::{ObjectStore, StoredObject},
    upload_mark::{Record, UploadMark},
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
    pub async fn load_version(&self, caller: &Caller, key: &SavedKey) -> Result<(Meta, Version), ApiError> {
        let (meta, version) = self.find_version(key).await?.ok_or_else(ApiError::file_not_found)?;
        if meta.permits(caller, Right::View) { Ok((meta, version)) } else { Err(ApiError::file_not_found()) }
    }

    /// The file that has a version with these bytes, whoever it belongs to, and that version.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find_version(&self, key: &SavedKey) -> Result<Option<(Meta, Version)>, ApiError> {
        let (meta, number) = match self.record(key.upload.file_id()).await? {
            // The upload that gave the file its id is its first version.
            Some(Record::File(meta)) => (*meta, 1),
            Some(Record::Mark(UploadMark::Version { file_id, number, .. })) => {
                let Some(meta) = self.find_meta(file_id).await? else { return Ok(None) };
                (meta, number)
            }
            _ => return Ok(None),
        };
        let version = self.version(&meta, number).await?.filter(|version| version.object_key == *key);
        Ok(version.map(|version| (meta, version)))
    }
}

impl ObjectStore {
    /// An upload of the caller's organisation, saved or not.
    ///
    /// # Errors
    /// The 404 of an unknown file if there is none, or it is not theirs.
    pub async fn load_upload(&self, caller: &Caller, key: &TempKey) -> Result<StoredObject, ApiError> {
        if key.org.as_ref() != Some(&caller.org) {
            return Err(ApiError::file_not_found());
        }
        self.head(key).await?.ok_or_else(ApiError::file_not_found)
    }
}
