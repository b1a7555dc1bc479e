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
use stores::{Calls, FILE_ID, OBJECT_KEY, file, loses_alone_once, readings};

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

async fn deleted_from(
    readings: [Rule; 3],
    rules: &[&Rule],
    path: &str,
    purge: &str,
) -> (Result<Value, ApiError>, Calls) {
    delete(&[rules, &readings.each_ref()].concat(), path, purge).await
}

#[tokio::test]
async fn a_public_file_is_hidden_before_it_is_deleted_and_after_the_table_knows() {
    for (path, purge) in [(V2, ""), (V2, "true"), (V1, "")] {
        let (deleted, calls) = deleted_from(readings(vec![Some(file("public-read"))]), &[], path, purge).await;
        assert_eq!(deleted.unwrap()["s3ref"]["key"], OBJECT_KEY);
        let order = calls.of(&["PutObjectTagging", "Commit", "DeleteObjects"]);
        assert_eq!(order[..3], ["Commit 2", "PutObjectTagging private", "Commit 3"], "{path} {purge}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_hidden_is_not_removed_yet() {
    let fails = mock!(aws_sdk_s3::Client::put_object_tagging).then_http_response(|| {
        let body = "<Error><Code>AccessDenied</Code></Error>";
        aws_smithy_runtime_api::client::orchestrator::HttpResponse::new(403.try_into().unwrap(), body.into())
    });
    let (deleted, calls) = deleted_from(readings(vec![Some(file("public-read"))]), &[&fails], V1, "").await;
    assert_eq!(deleted.unwrap_err().status(), 500);
    assert_eq!(calls.of(&["Commit", "DeleteObjects"]), ["Commit 2"], "the worker finds it and finishes");
}

#[tokio::test]
async fn a_lost_race_reads_again_and_hides_a_file_that_turned_public_meanwhile() {
    let mut now = file("public-read");
    now.meta.revision = 2;
    let reads = readings(vec![Some(file("private")), Some(now)]);
    let (deleted, calls) = deleted_from(reads, &[&loses_alone_once()], V2, "").await;
    assert_eq!(deleted.unwrap()["access_control"], "public-read");
    let order = calls.of(&["Query", "PutObjectTagging", "Commit"]);
    assert_eq!(order, ["Query", "Commit 2", "Query", "Commit 3", "PutObjectTagging private", "Commit 4"]);
}

#[tokio::test]
async fn a_lost_race_with_another_deletion_is_a_404_and_removes_nothing() {
    for (path, purge) in [(V2, "true"), (V1, "")] {
        let reads = readings(vec![Some(file("private")), None]);
        let (deleted, calls) = deleted_from(reads, &[&loses_alone_once()], path, purge).await;
        assert_eq!(deleted.unwrap_err().status(), 404);
        assert!(calls.of(&["DeleteObjects"]).is_empty());
    }
}

#[tokio::test]
async fn v1_and_purge_mark_the_file_deleted_then_remove_its_objects_then_its_items() {
    for (path, purge) in [(V1, ""), (V1, "false"), (V2, "true")] {
        let (deleted, calls) = deleted_from(readings(vec![Some(file("private"))]), &[], path, purge).await;
        assert_eq!(deleted.unwrap()["_id"], FILE_ID);
        let order = calls.of(&["Commit", "DeleteObjects", "BatchWriteItem"]);
        assert_eq!(order, ["Commit 2", "DeleteObjects", "BatchWriteItem"], "{path} {purge}");
    }
}

#[tokio::test]
async fn v2_without_purge_keeps_objects_and_items_for_the_retention_time() {
    let due = (OffsetDateTime::now_utc() + Duration::days(30)).unix_timestamp();
    let marked = mock!(Table::put_item)
        .match_requests(move |put| {
            let meta = put.item().unwrap();
            let expires_at: i64 = meta["expires_at"].as_n().unwrap().parse().unwrap();
            meta.contains_key("deleted_at") && (due..due + 60).contains(&expires_at)
        })
        .then_output(|| aws_sdk_dynamodb::operation::put_item::PutItemOutput::builder().build());
    for purge in ["", "false"] {
        let (deleted, calls) = deleted_from(readings(vec![Some(file("private"))]), &[&marked], V2, purge).await;
        assert_eq!(deleted.unwrap()["_id"], FILE_ID);
        assert_eq!(calls.of(&["Commit", "DeleteObjects", "BatchWriteItem"]), ["Commit 2"]);
    }
    assert_eq!(marked.num_calls(), 2);
}
