//! Removing a deleted file for good.

use crate::{
    error::ApiError,
    file::Version,
    file_store::{FileStore, Written},
    object_key::FileId,
    object_store::ObjectStore,
};

/// Removes a file's objects, then its items. Can be repeated after any interruption: the items, which say what is left to
/// remove, go last.
///
/// # Errors
/// 500 if something may be left.
pub async fn purge(
    files: &FileStore,
    objects: &ObjectStore,
    id: FileId,
    versions: &[Version],
) -> Result<Written, ApiError> {
    let keys: Vec<_> = versions.iter().map(|version| version.object_key.clone()).collect();
    objects.delete(&keys).await?;
    files.remove(id, versions).await
}
