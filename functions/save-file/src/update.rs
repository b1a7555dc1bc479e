//! New attributes of a file that is there.

use crate::{SaveFile, request::SaveRequest};
use shared::{
    ApiError,
    acl::Right,
    auth::Caller,
    file::File,
    file_store::Change,
    object_key::{FileId, SavedKey},
    table::{MAX_ATTEMPTS, Written, back_off},
};

impl SaveFile {
    /// Changes a file's attributes.
    pub async fn update(&self, caller: &Caller, id: FileId, save: &SaveRequest) -> Result<File, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(file) = self.made_before(caller, save).await? {
                return Ok(file);
            }
            let file = self.files.load(caller, id, Right::Edit).await?;
            if let Some(key) = &save.sent_back {
                self.check_sent_back(&file, key).await?;
            }
            if save.version_only {
                return Ok(file);
            }
            let meta = file.meta.step_towards(save.changes.apply(caller, &file.meta)?);
            let request = save.idempotency.as_ref();
            let change = Change { before: Some(&file.meta), after: &meta, saved: &[], request };
            if self.files.commit(change).await? == Written::Stored {
                return self.finish(Some(&file.meta), File { meta, versions: file.versions }, save).await;
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// Clients send an entity back as they got it, so the `s3ref` of a version is no new one.
    async fn check_sent_back(&self, file: &File, key: &SavedKey) -> Result<(), ApiError> {
        let is_recent = file.versions.iter().any(|version| version.object_key == *key);
        if is_recent || self.files.find_version(key).await?.is_some_and(|(meta, _)| meta.id == file.meta.id) {
            return Ok(());
        }
        Err(ApiError::bad_request("s3ref is not a version of this file; send the s3ref of a new upload"))
    }
}
