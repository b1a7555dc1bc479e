//! Removing a deleted file for good.

use crate::{
    error::ApiError,
    file::{Meta, Version},
    file_store::{FileStore, Written},
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
    meta: &Meta,
    versions: &[Version],
) -> Result<Written, ApiError> {
    let keys: Vec<_> = versions.iter().map(|version| version.object_key.clone()).collect();
    objects.delete(&keys).await?;
    files.remove(meta, versions).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dynamodb, file, s3, s3_answer, version};
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
    use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
    use aws_smithy_mocks::{Rule, mock};

    async fn purged(objects: &Rule, items: &Rule) -> Result<Written, ApiError> {
        let files = FileStore::with_client(dynamodb(&[items]), "files");
        purge(&files, &ObjectStore::with_client(s3(&[objects]), "bucket"), &file().meta, &[version(1)]).await
    }

    #[tokio::test]
    async fn the_items_stay_until_the_objects_are_gone() {
        let items = mock!(aws_sdk_dynamodb::Client::transact_write_items)
            .then_output(|| TransactWriteItemsOutput::builder().build());
        let kept =
            mock!(aws_sdk_s3::Client::delete_objects).then_http_response(|| s3_answer(403, Some("AccessDenied")));
        assert_eq!(purged(&kept, &items).await.unwrap_err().status(), 500);
        assert_eq!(items.num_calls(), 0);
        let gone = mock!(aws_sdk_s3::Client::delete_objects).then_output(|| DeleteObjectsOutput::builder().build());
        assert_eq!(purged(&gone, &items).await.unwrap(), Written::Stored);
        assert_eq!((gone.num_calls(), items.num_calls()), (1, 1));
    }
}
