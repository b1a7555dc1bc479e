use super::*;
use crate::fixtures::{dynamodb, file, link, s3, s3_answer, takes_all};
use aws_sdk_dynamodb::{
    Client as Table,
    operation::query::{QueryError, QueryOutput},
    types::error::InternalServerError,
};
use aws_sdk_s3::{
    Client as Bucket,
    operation::{delete_objects::DeleteObjectsOutput, list_objects_v2::ListObjectsV2Output},
};
use aws_smithy_mocks::{Rule, mock};

/// What purging writes to the table, if it succeeds.
async fn purged(objects: &Rule, previews: &Rule, links: &Rule) -> (Result<(), ApiError>, Vec<Vec<String>>) {
    let (rules, taken) = takes_all();
    let files = FileStore::with_client(dynamodb(&[&[links][..], &rules.each_ref()].concat()), "files");
    let purged = purge(&files, &ObjectStore::with_client(s3(&[previews, objects]), "bucket"), &file().meta).await;
    (purged, taken.keys())
}

fn objects_gone() -> Rule {
    mock!(Bucket::delete_objects).then_output(|| DeleteObjectsOutput::builder().build())
}

fn no_previews() -> Rule {
    mock!(Bucket::list_objects_v2).then_output(|| ListObjectsV2Output::builder().build())
}

fn no_links() -> Rule {
    mock!(Table::query).then_output(|| QueryOutput::builder().build())
}

#[tokio::test]
async fn the_items_stay_until_objects_previews_and_links_are_gone() {
    let kept = mock!(Bucket::delete_objects).then_http_response(|| s3_answer(403, Some("AccessDenied")));
    let listed = mock!(Bucket::list_objects_v2).then_http_response(|| s3_answer(403, Some("AccessDenied")));
    let unread =
        mock!(Table::query).then_error(|| QueryError::InternalServerError(InternalServerError::builder().build()));
    for (objects, previews, links) in [
        (&kept, &no_previews(), &no_links()),
        (&objects_gone(), &listed, &no_links()),
        (&objects_gone(), &no_previews(), &unread),
    ] {
        let (purged, writes) = purged(objects, previews, links).await;
        assert_eq!(purged.unwrap_err().status(), 500);
        assert!(writes.is_empty(), "{writes:?}");
    }
}

#[tokio::test]
async fn a_link_goes_before_its_place_in_the_list_and_the_file_last() {
    let one = mock!(Table::query)
        .sequence()
        .output(|| QueryOutput::builder().items(serde_dynamo::to_item(link(1)).unwrap()).build())
        .output(|| QueryOutput::builder().build())
        .build();
    let (purged, writes) = purged(&objects_gone(), &no_previews(), &one).await;
    purged.unwrap();
    let kinds: Vec<_> = writes.iter().map(|write| write[0].split('#').next().unwrap()).collect();
    assert_eq!(kinds, ["delete LINK", "delete LINKS", "put FILE", "delete FILE"]);
}
