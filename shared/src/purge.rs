//! Removing a deleted file for good.

use crate::{
    error::ApiError,
    file::{Meta, Version},
    file_store::{FileStore, Written},
    object_store::ObjectStore,
};

/// Removes a file's objects, previews and public links, then its items. Can be repeated after any interruption: the
/// items, which say what is left to remove, go last.
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
    match tokio::try_join!(
        objects.delete(&keys),
        Box::pin(objects.delete_previews(&keys)),
        Box::pin(files.remove_links(meta.id))
    )? {
        ((), (), Written::Stored) => files.remove(meta, versions).await,
        ((), (), Written::LostRace) => Ok(Written::LostRace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dynamodb, file, link, s3, s3_answer, version};
    use aws_sdk_dynamodb::{
        Client as Table,
        operation::{
            query::{QueryError, QueryOutput},
            transact_write_items::TransactWriteItemsOutput,
        },
        types::error::InternalServerError,
    };
    use aws_sdk_s3::{
        Client as Bucket,
        operation::{delete_objects::DeleteObjectsOutput, list_objects_v2::ListObjectsV2Output},
    };
    use aws_smithy_mocks::{Rule, mock};

    async fn purged(objects: &Rule, links: &Rule, items: &Rule) -> Result<Written, ApiError> {
        let no_previews = mock!(Bucket::list_objects_v2).then_output(|| ListObjectsV2Output::builder().build());
        purged_with(&no_previews, objects, links, items).await
    }

    async fn purged_with(previews: &Rule, objects: &Rule, links: &Rule, items: &Rule) -> Result<Written, ApiError> {
        let files = FileStore::with_client(dynamodb(&[links, items]), "files");
        purge(&files, &ObjectStore::with_client(s3(&[previews, objects]), "bucket"), &file().meta, &[version(1)]).await
    }

    fn objects_gone() -> Rule {
        mock!(Bucket::delete_objects).then_output(|| DeleteObjectsOutput::builder().build())
    }

    fn no_links() -> Rule {
        mock!(Table::query).then_output(|| QueryOutput::builder().build())
    }

    fn items_gone() -> Rule {
        mock!(Table::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build())
    }

    #[tokio::test]
    async fn the_items_stay_until_the_objects_are_gone() {
        let kept = mock!(Bucket::delete_objects).then_http_response(|| s3_answer(403, Some("AccessDenied")));
        let items = items_gone();
        assert_eq!(purged(&kept, &no_links(), &items).await.unwrap_err().status(), 500);
        assert_eq!(items.num_calls(), 0);
        let gone = objects_gone();
        assert_eq!(purged(&gone, &no_links(), &items).await.unwrap(), Written::Stored);
        assert_eq!((gone.num_calls(), items.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn the_items_stay_until_the_previews_are_gone() {
        let kept = mock!(Bucket::list_objects_v2).then_http_response(|| s3_answer(403, Some("AccessDenied")));
        let items = items_gone();
        assert_eq!(purged_with(&kept, &objects_gone(), &no_links(), &items).await.unwrap_err().status(), 500);
        assert_eq!(items.num_calls(), 0);
    }

    #[tokio::test]
    async fn the_items_stay_until_the_links_are_gone() {
        let kept =
            mock!(Table::query).then_error(|| QueryError::InternalServerError(InternalServerError::builder().build()));
        let items = items_gone();
        assert_eq!(purged(&objects_gone(), &kept, &items).await.unwrap_err().status(), 500);
        assert_eq!(items.num_calls(), 0);
        let one = mock!(Table::query)
            .then_output(|| QueryOutput::builder().items(serde_dynamo::to_item(link(1)).unwrap()).build());
        assert_eq!(purged(&objects_gone(), &one, &items).await.unwrap(), Written::Stored);
        assert_eq!(items.num_calls(), 2, "one transaction for the link, then one for the file");
    }
}
