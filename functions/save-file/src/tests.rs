//! The order of a save's calls, and its races with other saves and with deletions.

#[path = "../../../tests/mocks/stores.rs"]
mod stores;
#[path = "../../../tests/mocks/token.rs"]
mod token;

use super::*;
use aws_sdk_dynamodb::{
    Client as Table,
    operation::{
        delete_item::DeleteItemOutput,
        put_item::{PutItemError, PutItemOutput},
        query::QueryError,
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    },
    types::error::{ConditionalCheckFailedException, InternalServerError},
};
use aws_sdk_s3::{
    Client as Bucket,
    operation::{copy_object::CopyObjectOutput, delete_object::DeleteObjectOutput, head_object::HeadObjectOutput},
};
use aws_smithy_mocks::{Rule, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lambda_http::RequestExt;
use serde_json::{Value, json};
use stores::{Calls, FILE_ID, OBJECT_KEY, file, lost_race, readings};

const TAGS_AND_COMMIT: [&str; 2] = ["PutObjectTagging", "TransactWriteItems"];

/// Saves what `body` asks for. Whatever `rules` do not answer goes well, and nobody else is there.
async fn save(rules: &[&Rule], body: &Value) -> (Result<Value, ApiError>, Calls) {
    let goes_well = [
        &mock!(Table::put_item).then_output(|| PutItemOutput::builder().build()),
        &mock!(Table::delete_item).then_output(|| DeleteItemOutput::builder().build()),
        &mock!(Bucket::head_object)
            .then_output(|| HeadObjectOutput::builder().content_length(3).e_tag("\"e\"").build()),
        &mock!(Bucket::copy_object).then_output(|| CopyObjectOutput::builder().build()),
        &mock!(Bucket::delete_object).then_output(|| DeleteObjectOutput::builder().build()),
    ];
    let (files, objects, calls) = stores::stores(&[rules, &goes_well].concat());
    let credentials = aws_credential_types::Credentials::new("AKID", "secret", None, None, "test");
    let bucket = Presigner::new("bucket".into(), "eu-central-1".into(), "https://bucket.test/".into(), credentials);
    let source_urls = SourceUrls::new(9, std::time::Duration::from_secs(1), 0, Vec::new());
    let app = SaveFile { auth: token::auth(), bucket, files, objects, max_bytes: 9, max_public_bytes: 9, source_urls };
    let mut request = Request::new(Body::from(body.to_string())).with_raw_http_path("/v2/files");
    request.headers_mut().insert("authorization", token::bearer().parse().unwrap());
    let saved = Box::pin(handle(Arc::new(app), request)).await;
    (saved.map(|response| serde_json::from_slice(response.body()).unwrap()), calls)
}

/// A save of the upload that becomes `OBJECT_KEY`, as a new file.
fn new_file() -> Value {
    json!({ "s3ref": { "bucket": "bucket", "key": format!("temp/{OBJECT_KEY}") } })
}

/// A save of another upload, as the file's second version.
fn new_version() -> Value {
    let key = "temp/123/00000000-0000-4000-8000-000000000002/b.pdf";
    json!({ "_id": FILE_ID, "s3ref": { "bucket": "bucket", "key": key } })
}

fn with(mut body: Value, name: &str, value: &str) -> Value {
    body[name] = value.into();
    body
}

/// Nobody has saved the upload when it is marked; when the mark is looked at again somebody has, as the file.
fn saved_after_it_was_marked() -> Rule {
    let mark = json!({ "state": "saved", "org": "123", "file_id": FILE_ID, "object_key": OBJECT_KEY, "expires_at": 0 });
    let found = move || {
        let item = serde_dynamo::to_item(&mark).unwrap();
        let failed = ConditionalCheckFailedException::builder().set_item(Some(item)).build();
        PutItemError::ConditionalCheckFailedException(failed)
    };
    mock!(Table::put_item).sequence().output(|| PutItemOutput::builder().build()).error(found).build()
}

fn error(status: u16, code: &str) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), format!("<Error><Code>{code}</Code></Error>").into())
}

fn upload_is_gone() -> Rule {
    mock!(Bucket::head_object).then_http_response(|| HttpResponse::new(404.try_into().unwrap(), "".into()))
}

fn loses_once() -> Rule {
    mock!(Table::transact_write_items).sequence().error(lost_race).build()
}

#[tokio::test]
async fn a_file_that_turns_private_is_tagged_before_the_commit() {
    let private = json!({ "_id": FILE_ID, "access_control": "private" });
    for body in [private, with(new_version(), "access_control", "private")] {
        let (saved, calls) = save(&[&readings(vec![Some(file("public-read")), Some(file("private"))])], &body).await;
        assert_eq!(saved.unwrap()["access_control"], "private");
        let order = calls.of(&TAGS_AND_COMMIT);
        assert_eq!(order[..2], ["PutObjectTagging private", "TransactWriteItems 1"], "{body}");
        assert!(!order.contains(&"PutObjectTagging public".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_file_that_turns_public_is_tagged_after_the_commit() {
    let public = json!({ "_id": FILE_ID, "access_control": "public-read" });
    for body in [public, with(new_version(), "access_control", "public-read")] {
        // A commit that lost its race has shown nothing yet.
        let private = Some(file("private"));
        let reads = readings(vec![private.clone(), private, Some(file("public-read"))]);
        let (saved, calls) = save(&[&reads, &loses_once()], &body).await;
        assert_eq!(saved.unwrap()["access_control"], "public-read");
        let order = calls.of(&TAGS_AND_COMMIT);
        assert_eq!(order[..3], ["TransactWriteItems 1", "TransactWriteItems 1", "PutObjectTagging public"], "{body}");
        assert!(!order.contains(&"PutObjectTagging private".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_new_public_file_is_tagged_after_the_commit() {
    let reads = readings(vec![Some(file("public-read"))]);
    let (saved, calls) = save(&[&reads], &with(new_file(), "access_control", "public-read")).await;
    assert_eq!(saved.unwrap()["access_control"], "public-read");
    assert_eq!(calls.of(&TAGS_AND_COMMIT), ["TransactWriteItems", "PutObjectTagging public"]);
}

#[tokio::test]
async fn an_upload_that_vanished_because_a_quicker_save_was_done_is_that_saves_file() {
    for body in [new_file(), new_version()] {
        let rules = [&saved_after_it_was_marked(), &upload_is_gone(), &readings(vec![Some(file("private"))])];
        let (saved, calls) = save(&rules, &body).await;
        assert_eq!(saved.unwrap()["_id"], FILE_ID);
        assert!(calls.of(&["CopyObject", "DeleteItem", "DeleteObject", "DeleteObjects"]).is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_copy_whose_source_a_quicker_save_removed_is_that_saves_file() {
    for body in [new_file(), new_version()] {
        for (status, code) in [(404, "NoSuchKey"), (412, "PreconditionFailed")] {
            let gone = mock!(Bucket::copy_object).then_http_response(move || error(status, code));
            let rules = [&saved_after_it_was_marked(), &gone, &readings(vec![Some(file("private"))])];
            let (saved, calls) = save(&rules, &body).await;
            assert_eq!(saved.unwrap()["_id"], FILE_ID);
            assert!(calls.of(&["DeleteItem", "DeleteObjects"]).is_empty(), "{body} {code}");
            // The attributes that were asked for are left to change, not the version.
            let expected = if body.get("_id").is_some() { vec!["TransactWriteItems 1"] } else { vec![] };
            assert_eq!(calls.of(&["TransactWriteItems"]), expected);
        }
    }
}

#[tokio::test]
async fn an_upload_that_is_not_there_and_that_nobody_saved_is_a_404_and_its_mark_is_taken_back() {
    for body in [new_file(), new_version()] {
        let (saved, calls) = save(&[&upload_is_gone(), &readings(vec![Some(file("private"))])], &body).await;
        assert_eq!(saved.unwrap_err().status(), 404);
        // Only after a second look at the mark.
        assert_eq!(calls.of(&["PutItem", "DeleteItem"]), ["PutItem", "PutItem", "DeleteItem"]);
        assert!(calls.of(&["CopyObject", "TransactWriteItems"]).is_empty());
    }
}

#[tokio::test]
async fn a_new_version_of_a_file_that_is_not_there_takes_its_mark_back_and_copies_nothing() {
    let (saved, calls) = save(&[&readings(vec![None])], &new_version()).await;
    assert_eq!(saved.unwrap_err().status(), 404);
    assert_eq!(calls.of(&["CopyObject", "DeleteItem", "DeleteObject"]), ["DeleteItem"]);
}

#[tokio::test]
async fn an_upload_that_changed_while_it_was_saved_is_a_409() {
    for body in [new_file(), new_version()] {
        let changed = mock!(Bucket::copy_object).then_http_response(|| error(412, "PreconditionFailed"));
        let (saved, calls) = save(&[&changed, &readings(vec![Some(file("private"))])], &body).await;
        assert_eq!(saved.unwrap_err().status(), 409);
        assert!(calls.of(&["TransactWriteItems", "DeleteObject", "DeleteObjects"]).is_empty());
    }
}

#[tokio::test]
async fn an_upload_is_marked_then_copied_then_committed_and_only_then_removed() {
    for (body, commit) in [(new_file(), "TransactWriteItems"), (new_version(), "TransactWriteItems 1")] {
        let (saved, calls) = save(&[&readings(vec![Some(file("private"))])], &body).await;
        assert_eq!(saved.unwrap()["_id"], FILE_ID);
        let order = calls.of(&["PutItem", "CopyObject", "TransactWriteItems", "DeleteObject", "DeleteObjects"]);
        assert_eq!(order, ["PutItem", "CopyObject", commit, "DeleteObject"]);
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_a_500_and_leaves_the_upload_alone() {
    for body in [new_file(), new_version()] {
        let fails = || TransactWriteItemsError::InternalServerError(InternalServerError::builder().build());
        let fails = mock!(Table::transact_write_items).then_error(fails);
        let rules = [&fails, &readings(vec![Some(file("private"))])];
        let (saved, calls) = save(&rules, &with(body, "access_control", "public-read")).await;
        assert_eq!(saved.unwrap_err().status(), 500);
        // It may have been stored all the same, so neither the copy nor the mark is taken back either.
        assert!(calls.of(&["DeleteObject", "DeleteObjects", "DeleteItem", "PutObjectTagging"]).is_empty());
        assert_eq!(fails.num_calls(), 1);
    }
}

#[tokio::test]
async fn a_commit_lost_to_another_save_of_the_same_upload_is_that_saves_file() {
    for body in [new_file(), new_version()] {
        // Our late copy made the other save's public object private: it is tagged again.
        for (access, tags) in [("private", vec![]), ("public-read", vec!["PutObjectTagging public"])] {
            let rules = [&saved_after_it_was_marked(), &loses_once(), &readings(vec![Some(file(access))])];
            let (saved, calls) = save(&rules, &body).await;
            let saved = saved.unwrap();
            assert_eq!((&saved["_id"], &saved["access_control"]), (&json!(FILE_ID), &json!(access)));
            assert_eq!(calls.of(&["PutObjectTagging", "DeleteObjects"]), tags);
            assert_eq!(calls.of(&["TransactWriteItems"]).len(), 1);
        }
    }
}

#[tokio::test]
async fn a_lost_race_for_the_revision_commits_on_the_new_one_without_copying_again() {
    let mut now = file("private");
    now.meta.revision = 2;
    now.versions.insert(0, shared::file::Version { number: 2, ..now.versions[0].clone() });
    now.meta.current = now.versions.first().cloned();
    let third = mock!(Table::transact_write_items)
        .match_requests(|transaction| {
            let mut puts = transaction.transact_items().iter().filter_map(|action| action.put());
            puts.any(|put| put.item()["sk"].as_s().unwrap() == "V#00000003")
        })
        .then_output(|| TransactWriteItemsOutput::builder().build());
    let reads = readings(vec![Some(file("private")), Some(now)]);
    let (saved, calls) = save(&[&reads, &loses_once(), &third], &new_version()).await;
    assert_eq!(saved.unwrap()["versions"].as_array().unwrap().len(), 3);
    let order = calls.of(&["CopyObject", "TransactWriteItems", "DeleteObject"]);
    assert_eq!(order, ["CopyObject", "TransactWriteItems 1", "TransactWriteItems 2", "DeleteObject"]);
    assert_eq!(third.num_calls(), 1);
}

#[tokio::test]
async fn a_late_copy_of_a_file_that_was_removed_meanwhile_is_removed_again() {
    let rules = [&saved_after_it_was_marked(), &loses_once(), &readings(vec![None])];
    let removed = mock!(Bucket::delete_objects)
        .match_requests(|delete| delete.delete().unwrap().objects().iter().all(|object| object.key() == OBJECT_KEY))
        .then_output(|| aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput::builder().build());
    let (saved, _) = save(&[&rules[..], &[&removed]].concat(), &new_file()).await;
    assert_eq!(saved.unwrap_err().status(), 404);
    assert_eq!(removed.num_calls(), 1);
}

#[tokio::test]
async fn the_bytes_of_a_file_that_was_hidden_meanwhile_stay_for_the_retention_time() {
    let mut hidden = file("public-read");
    hidden.meta.deleted_at = Some("2026-01-02T00:00:00Z".into());
    let rules = [&saved_after_it_was_marked(), &loses_once(), &readings(vec![Some(hidden)])];
    let (saved, calls) = save(&rules, &new_file()).await;
    assert_eq!(saved.unwrap_err().status(), 404);
    assert!(calls.of(&["DeleteObjects"]).is_empty());
}

#[tokio::test]
async fn a_late_copy_stays_when_nobody_can_say_whether_its_file_was_removed() {
    let fails = || QueryError::InternalServerError(InternalServerError::builder().build());
    let unread = mock!(Table::query).then_error(fails);
    let (saved, calls) = save(&[&saved_after_it_was_marked(), &loses_once(), &unread], &new_file()).await;
    assert_eq!(saved.unwrap_err().status(), 500);
    assert!(calls.of(&["DeleteObjects"]).is_empty());
}
