//! Keeping objects as public, or as private, as their file says.

use crate::{
    error::ApiError,
    file::{AccessControl, File},
    file_store::FileStore,
    object_store::ObjectStore,
};

/// Tags the objects of every version as `file`, just read or written, says.
///
/// The file is read again after the tags are written: if somebody made it private in between, their tags came before
/// ours, so the tags are written again as the file says now. The last word is always the file's.
///
/// # Errors
/// 500 if a tag cannot be written.
pub async fn enforce(files: &FileStore, objects: &ObjectStore, mut file: File) -> Result<(), ApiError> {
    loop {
        objects.set_access(&file.versions, access_of(&file)).await?;
        match files.find(file.meta.id).await? {
            Some(now) if access_of(&now) != access_of(&file) || now.versions != file.versions => file = now,
            _ => return Ok(()),
        }
    }
}

/// A deleted file is nobody's to read, whatever it was before.
fn access_of(file: &File) -> AccessControl {
    if file.meta.deleted_at.is_some() { AccessControl::Private } else { file.meta.access_control }
}
