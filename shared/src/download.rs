//! URLs that download files.

use crate::{
    config::ConfigError,
    error::ApiError,
    file::{File, Meta},
    presign::Presigner,
};

/// Where files are downloaded from, and how their URLs are signed.
pub struct Downloads {
    bucket: Presigner,
}

impl Downloads {
    /// For the bucket in `BUCKET`.
    ///
    /// # Errors
    /// If a variable is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { bucket: Presigner::from_env()? })
    }

    /// A URL for a file as it is now: for 15 minutes, under the file's own name and type.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub async fn latest(&self, meta: &Meta, attachment: bool) -> Result<String, ApiError> {
        match &meta.current {
            Some(version) => self.bucket.get(&version.object_key, &meta.filename, &meta.mime_type, attachment),
            None => Err(ApiError::internal("a file without a version or a custom URL")),
        }
    }

    /// A URL for the version at this index, 0 being the latest. Versions before the latest go by their own name and type.
    ///
    /// # Errors
    /// 404 if there is no such version.
    pub async fn version(&self, file: &File, index: u32, attachment: bool) -> Result<String, ApiError> {
        if index == 0 {
            return self.latest(&file.meta, attachment).await;
        }
        let version = usize::try_from(index).ok().and_then(|index| file.versions.get(index));
        let version = version.ok_or(ApiError::NotFound("the file has no such version; 0 is the latest"))?;
        self.bucket.get(&version.object_key, &version.filename, &version.mime_type, attachment)
    }
}
