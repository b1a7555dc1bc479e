//! The order of a deletion's calls, and its races.

#[path = "../../../tests/mocks/stores.rs"]
mod stores;
#[path = "../../../tests/mocks/token.rs"]
mod token;

use super::*;
use aws_sdk_dynamodb::Client as Table;
use aws_smithy_mocks::{Rule, mock};
use lambda_http::RequestExt;
use serde_json::Value;
use std::collections::HashMap;
use stores::{Calls, FILE_ID, OBJECT_KEY, file, lost_race, readings};

/// Deletes the file by this path, and `?purge=` if it is not empty.
async fn delete(rules: &[&Rule], path: &str, purge: &str) -> (Result<Value, ApiError>, Calls) {
    let (files, objects, calls) = stores::stores(rules);
    let credentials = aws_credential_types::Credentials::new("AKID", "secret", None, None, "test");
    let bucket = Presigner::new("bucket".into(), "eu-central-1".into(), "https://bucket.test/".into(), credentials);
    let app = DeleteFile { auth: token::auth(), bucket, files, objects, retention: Duration::days(30) };
    let parameter = |name: &str, value: &str| HashMap::from([(name.to_owned(), value.to_owned())]);
    let mut request = Request::new(Body::Empty)
        .with_raw_http_path(path)
        .with_path_parameters(parameter("id", FILE_ID))
        .with_query_string_parameters(parameter("purge", purge));
    request.headers_mut().insert("authorization", token::bearer().parse().unwrap());
    let deleted = Box::pin(handle(Arc::new(app), request)).await;
    (deleted.map(|response| serde_json::from_slice(response.body()).unwrap()), calls)
}

const V1: &str = "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa";
const V2: &str = "/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa";

fn loses_once() -> Rule {
    mock!(Table::transact_write_items).sequence().error(lost_race).build()
}

#[tokio::test]
async fn a_public_file_is_hidden_before_it_is_marked_deleted() {
    for (path, purge) in [(V2, ""), (V2, "true"), (V1, "")] {
        let (deleted, calls) = delete(&[&readings(vec![Some(file("public-read"))])], path, purge).await;
        assert_eq!(deleted.unwrap()["s3ref"]["key"], OBJECT_KEY);
        let order = calls.of(&["PutObjectTagging", "TransactWriteItems", "DeleteObjects"]);
        assert_eq!(order[..2], ["PutObjectTagging private", "TransactWriteItems 1"], "{path} {purge}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_hidden_is_not_marked_deleted() {
    let fails = mock!(aws_sdk_s3::Client::put_object_tagging).then_http_response(|| {
        let body = "<Error><Code>AccessDenied</Code></Error>";
        aws_smithy_runtime_api::client::orchestrator::HttpResponse::new(403.try_into().unwrap(), body.into())
    });
    let (deleted, calls) = delete(&[&fails, &readings(vec![Some(file("public-read"))])], V1, "").await;
    assert_eq!(deleted.unwrap_err().status(), 500);
    assert!(calls.of(&["TransactWriteItems", "DeleteObjects"]).is_empty());
}

#[tokio::test]
async fn a_lost_race_reads_again_and_hides_a_file_that_turned_public_meanwhile() {
    let mut now = file("public-read");
    now.meta.revision = 2;
    let reads = readings(vec![Some(file("private")), Some(now)]);
    let (deleted, calls) = delete(&[&reads, &loses_once()], V2, "").await;
    assert_eq!(deleted.unwrap()["access_control"], "public-read");
    let order = calls.of(&["Query", "PutObjectTagging", "TransactWriteItems"]);
    let commit = ["PutObjectTagging private", "TransactWriteItems 2"];
    assert_eq!(order, [&["Query", "TransactWriteItems 1", "Query"], &commit[..]].concat());
}

#[tokio::test]
async fn a_lost_race_with_another_deletion_is_a_404_and_removes_nothing() {
    for (path, purge) in [(V2, "true"), (V1, "")] {
        let reads = readings(vec![Some(file("private")), None]);
        let (deleted, calls) = delete(&[&reads, &loses_once()], path, purge).await;
        assert_eq!(deleted.unwrap_err().status(), 404);
        assert!(calls.of(&["DeleteObjects"]).is_empty());
    }
}

#[tokio::test]
async fn v1_and_purge_mark_the_file_deleted_then_remove_its_objects_then_its_items() {
    for (path, purge) in [(V1, ""), (V1, "false"), (V2, "true")] {
        let (deleted, calls) = delete(&[&readings(vec![Some(file("private"))])], path, purge).await;
        assert_eq!(deleted.unwrap()["_id"], FILE_ID);
        let order = calls.of(&["TransactWriteItems", "DeleteObjects"]);
        assert_eq!(order, ["TransactWriteItems 1", "DeleteObjects", "TransactWriteItems"], "{path} {purge}");
    }
}

#[tokio::test]
async fn v2_without_purge_keeps_objects_and_items_for_the_retention_time() {
    let due = (OffsetDateTime::now_utc() + Duration::days(30)).unix_timestamp();
    let marked = mock!(Table::transact_write_items)
        .match_requests(move |transaction| {
            let meta = transaction.transact_items()[0].put().unwrap().item();
            let expires_at: i64 = meta["expires_at"].as_n().unwrap().parse().unwrap();
            meta.contains_key("deleted_at") && (due..due + 60).contains(&expires_at)
        })
        .then_output(|| aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput::builder().build());
    for purge in ["", "false"] {
        let (deleted, calls) = delete(&[&marked, &readings(vec![Some(file("private"))])], V2, purge).await;
        assert_eq!(deleted.unwrap()["_id"], FILE_ID);
        assert_eq!(calls.of(&["TransactWriteItems", "DeleteObjects"]), ["TransactWriteItems 1"]);
    }
    assert_eq!(marked.num_calls(), 2);
}
