//! A new file: of bytes that are stored here, or of a URL where they are kept.

use crate::{
    SaveFile, changes,
    incoming::Looked,
    request::{NewVersion, SaveRequest},
};
use shared::{
    ApiError,
    acl::Right,
    auth::Caller,
    custom_url::CustomUrl,
    file::File,
    file_store::Change,
    table::{MAX_ATTEMPTS, Written, back_off},
};

impl SaveFile {
    /// Saves bytes as a new file, or returns the file that their upload already is.
    pub async fn create(&self, caller: &Caller, wanted: &NewVersion, save: &SaveRequest) -> Result<File, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(file) = self.made_before(caller, save).await? {
                return Ok(file);
            }
            let incoming = match self.look(caller, wanted).await? {
                Looked::New(incoming) => *incoming,
                Looked::SavedAs(id) => return self.files.load(caller, id, Right::Edit).await,
            };
            let version = &incoming.version;
            let (id, filename) = (version.object_key.upload.file_id(), version.filename.clone());
            let blank = changes::new_file(caller, id, filename, version.mime_type.clone());
            let mut meta = save.changes.apply_with(caller, &blank, version, incoming.source_url())?;
            if let Some((version, pending)) = self.bring(incoming).await? {
                meta.current = Some(version.clone());
                let saved = [(version, pending)];
                let change = Change { before: None, after: &meta, saved: &saved, request: save.idempotency.as_ref() };
                if self.files.commit(change).await? == Written::Stored {
                    let versions = saved.into_iter().map(|(version, _)| version).collect();
                    return self.finish(None, File { meta, versions }, save).await;
                }
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// Saves a file whose bytes are kept elsewhere.
    pub async fn create_custom(&self, caller: &Caller, url: &CustomUrl, save: &SaveRequest) -> Result<File, ApiError> {
        let meta = save.changes.new_custom_file(caller, url)?;
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(file) = self.made_before(caller, save).await? {
                return Ok(file);
            }
            let change = Change { before: None, after: &meta, saved: &[], request: save.idempotency.as_ref() };
            if self.files.commit(change).await? == Written::Stored {
                return Ok(File { meta, versions: Vec::new() });
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }
}
