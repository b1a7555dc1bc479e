//! Removing a deleted file for good.

use crate::{error::ApiError, file::Meta, file_store::FileStore, object_store::ObjectStore};

/// Removes a file's objects, previews and public links, then its items. Can be repeated after any interruption: the
/// items, which say what is left to remove, go last.
///
/// # Errors
/// 500 if something may be left.
pub async fn purge(files: &FileStore, objects: &ObjectStore, meta: &Meta) -> Result<(), ApiError> {
    let versions = files.all_versions(meta).await?;
    let keys: Vec<_> = versions.iter().map(|version| version.object_key.clone()).collect();
    tokio::try_join!(
        objects.delete(&keys),
        Box::pin(objects.delete_previews(&keys)),
        Box::pin(files.remove_links(meta.id))
    )?;
    files.remove(meta, &versions).await
}

#[cfg(test)]
mod tests;
