//! The order of a save's calls, and its races with other saves and with deletions.

#[path = "../../../tests/mocks/stores.rs"]
mod stores;
#[path = "../../../tests/mocks/token.rs"]
mod token;

use super::*;
use aws_sdk_dynamodb::{
    Client as Table,
    operation::{
        put_item::{PutItemError, PutItemInput},
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
use shared::file::Closing;
use stores::{Calls, FILE_ID, OBJECT_KEY, file, loses_alone_once, lost_race, readings};

const TAGS_AND_COMMITS: [&str; 2] = ["PutObjectTagging", "Commit"];

/// Saves what `body` asks for. Whatever `rules` do not answer goes well, and nobody else is there.
async fn save(rules: &[&Rule], body: &Value) -> (Result<Value, ApiError>, Calls) {
    let goes_well = [
        &mock!(Bucket::head_object)
            .then_output(|| HeadObjectOutput::builder().content_length(3).e_tag("\"e\"").build()),
        &mock!(Bucket::copy_object).then_output(|| CopyObjectOutput::builder().build()),
        &mock!(Bucket::delete_object).then_output(|| DeleteObjectOutput::builder().build()),
    ];
    let (files, objects, calls) = stores::stores(&[rules, &goes_well].concat());
    let credentials = aws_credential_types::Credentials::new("AKID", "secret", None, None, "test");
    let bucket = Presigner::new("bucket".into(), "eu-central-1".into(), "https://bucket.test/".into(), credentials);
    let source_urls = SourceUrls::new(9, std::time::Duration::from_secs(1), 0, Vec::new());
    let (auth, max_versions) = (token::auth(), 3);
    let app = SaveFile { auth, bucket, files, objects, max_bytes: 9, max_public_bytes: 9, max_versions, source_urls };
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

/// Saves while the table has what these readings say.
async fn save_on(readings: [Rule; 3], rules: &[&Rule], body: &Value) -> (Result<Value, ApiError>, Calls) {
    save(&[rules, &readings.each_ref()].concat(), body).await
}

/// The upload is a file already when it is claimed.
fn claimed_before(found: &File) -> Rule {
    let item: std::collections::HashMap<_, _> = serde_dynamo::to_item(&found.meta).unwrap();
    let claims = |put: &PutItemInput| !put.item().unwrap().contains_key("revision");
    mock!(Table::put_item).match_requests(claims).then_error(move || {
        let failed = ConditionalCheckFailedException::builder().set_item(Some(item.clone()));
        PutItemError::ConditionalCheckFailedException(failed.build())
    })
}

fn error(status: u16, code: &str) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), format!("<Error><Code>{code}</Code></Error>").into())
}

fn upload_is_gone() -> Rule {
    mock!(Bucket::head_object).then_http_response(|| HttpResponse::new(404.try_into().unwrap(), "".into()))
}

/// The first commit of a version loses to somebody else's.
fn loses_once() -> Rule {
    mock!(Table::transact_write_items).sequence().error(lost_race).build()
}

fn closing() -> File {
    let mut closing = file("public-read");
    closing.meta.closing = Some(Closing::Private);
    closing.meta.revision = 2;
    closing
}

#[tokio::test]
async fn an_upload_is_claimed_then_copied_then_committed_and_only_then_removed() {
    for (body, revision) in [(new_file(), "Commit 1"), (new_version(), "Commit 2")] {
        let (saved, calls) = save_on(readings(vec![Some(file("private"))]), &[], &body).await;
        assert_eq!(saved.unwrap()["_id"], FILE_ID);
        let order = calls.of(&["Claim", "CopyObject", "Commit", "DeleteObject", "DeleteObjects"]);
        assert_eq!(order, ["Claim", "CopyObject", revision, "DeleteObject"]);
    }
}

#[tokio::test]
async fn a_new_private_file_is_two_writes_and_no_transaction() {
    let none = mock!(Table::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build());
    let (saved, calls) = save(&[&none], &new_file()).await;
    assert_eq!(saved.unwrap()["versions"].as_array().unwrap().len(), 1);
    assert_eq!((none.num_calls(), calls.of(&["Claim", "Commit"]).len()), (0, 2));
}

#[tokio::test]
async fn whatever_can_be_refused_is_refused_before_bytes_are_copied() {
    let relations: Vec<_> = (0..41).map(|number| json!({ "entity_id": format!("order-{number}") })).collect();
    for body in [new_file(), new_version()] {
        let mut body = body;
        body["relations"] = json!(relations);
        let (saved, calls) = save_on(readings(vec![Some(file("private"))]), &[], &body).await;
        assert_eq!(saved.unwrap_err().status(), 400);
        assert!(calls.of(&["CopyObject", "Commit"]).is_empty());
    }
    for unknown in [readings(vec![None])] {
        let (saved, calls) = save_on(unknown, &[], &new_version()).await;
        assert_eq!(saved.unwrap_err().status(), 404);
        assert!(calls.of(&["CopyObject", "Commit", "DeleteObject"]).is_empty());
    }
    let mut full = file("private");
    full.versions[0].number = 3;
    full.meta.current = full.versions.first().cloned();
    let (saved, calls) = save_on(readings(vec![Some(full)]), &[], &new_version()).await;
    assert_eq!(saved.unwrap_err().status(), 409);
    assert!(calls.of(&["CopyObject", "Commit"]).is_empty());
}

#[tokio::test]
async fn a_file_that_turns_private_is_hidden_before_it_says_so_and_after_the_table_knows() {
    let private = json!({ "_id": FILE_ID, "access_control": "private" });
    for body in [private, with(new_version(), "access_control", "private")] {
        let (saved, calls) = save_on(readings(vec![Some(file("public-read"))]), &[], &body).await;
        assert_eq!(saved.unwrap()["access_control"], "private");
        let order = calls.of(&TAGS_AND_COMMITS);
        assert_eq!(order.first().unwrap(), "Commit 2", "{body}");
        assert_eq!(order.last().unwrap(), "Commit 3", "{body}");
        assert!(order[1..order.len() - 1].iter().all(|call| call == "PutObjectTagging private"), "{order:?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_hidden_does_not_say_that_it_is_private() {
    let refused = mock!(Bucket::put_object_tagging).then_http_response(|| error(403, "AccessDenied"));
    let (saved, calls) = save_on(
        readings(vec![Some(file("public-read"))]),
        &[&refused],
        &json!({ "_id": FILE_ID, "access_control": "private" }),
    )
    .await;
    assert_eq!(saved.unwrap_err().status(), 500);
    assert_eq!(calls.of(&["Commit"]), ["Commit 2"], "the worker finds it and finishes");
}

#[tokio::test]
async fn an_interrupted_end_of_public_access_is_finished_by_the_next_save() {
    let (saved, calls) =
        save_on(readings(vec![Some(closing())]), &[], &json!({ "_id": FILE_ID, "filename": "b.pdf" })).await;
    assert_eq!(saved.unwrap()["access_control"], "private");
    assert_eq!(calls.of(&TAGS_AND_COMMITS), ["Commit 3", "PutObjectTagging private", "Commit 4"]);
    let (saved, calls) = save_on(
        readings(vec![Some(closing()), Some(file("public-read"))]),
        &[],
        &json!({ "_id": FILE_ID, "access_control": "public-read" }),
    )
    .await;
    assert_eq!(saved.unwrap()["access_control"], "public-read");
    assert_eq!(calls.of(&TAGS_AND_COMMITS), ["Commit 3", "PutObjectTagging public"]);
}

#[tokio::test]
async fn a_deletion_that_is_under_way_is_finished_by_the_next_save_whatever_it_asks_for() {
    for access in ["public-read", "private"] {
        let mut being_deleted = closing();
        being_deleted.meta.closing =
            Some(Closing::Deleted { deleted_at: "2026-01-02T00:00:00Z".into(), expires_at: 4_000_000_000 });
        let body = json!({ "_id": FILE_ID, "access_control": access });
        let (saved, calls) = save_on(readings(vec![Some(being_deleted)]), &[], &body).await;
        assert_eq!(saved.unwrap()["_id"], FILE_ID);
        assert_eq!(calls.of(&TAGS_AND_COMMITS), ["Commit 3", "PutObjectTagging private", "Commit 4"], "{access}");
    }
}

#[tokio::test]
async fn a_file_that_turns_public_is_tagged_after_the_commit() {
    let public = json!({ "_id": FILE_ID, "access_control": "public-read" });
    for body in [
        public,
        with(new_version(), "access_control", "public-read"),
        with(new_file(), "access_control", "public-read"),
    ] {
        let mut now = file("public-read");
        now.meta.revision = 9;
        let before = body.get("_id").map(|_| Some(file("private")));
        let readings = readings(before.into_iter().chain([Some(now)]).collect());
        let (saved, calls) = save_on(readings, &[], &body).await;
        assert_eq!(saved.unwrap()["access_control"], "public-read");
        let order = calls.of(&TAGS_AND_COMMITS);
        assert!(order[0].starts_with("Commit "), "{order:?}");
        assert!(order[1..].iter().all(|call| call == "PutObjectTagging public") && order.len() > 1, "{order:?}");
    }
}

#[tokio::test]
async fn a_tag_that_fails_after_the_commit_is_left_to_the_worker() {
    let refused = mock!(Bucket::put_object_tagging).then_http_response(|| error(403, "AccessDenied"));
    let now = readings(vec![Some(file("public-read"))]);
    let (saved, calls) = save_on(now, &[&refused], &with(new_file(), "access_control", "public-read")).await;
    assert_eq!(saved.unwrap()["access_control"], "public-read");
    assert_eq!(calls.of(&["DeleteObject"]).len(), 1);
}

#[tokio::test]
async fn an_upload_that_is_a_file_already_is_that_file() {
    for body in [new_file(), new_version()] {
        for head in [None, Some(upload_is_gone())] {
            let claimed = claimed_before(&file("private"));
            let rules: Vec<&Rule> = [&claimed].into_iter().chain(head.as_ref()).collect();
            let (saved, calls) = save_on(readings(vec![Some(file("private"))]), &rules, &body).await;
            assert_eq!(saved.unwrap()["_id"], FILE_ID);
            assert!(calls.of(&["CopyObject", "DeleteObjects"]).is_empty(), "{body}");
        }
    }
}

#[tokio::test]
async fn an_upload_that_a_quicker_save_removed_is_that_saves_file() {
    let (saved, calls) = save_on(readings(vec![Some(file("private"))]), &[&upload_is_gone()], &new_file()).await;
    assert_eq!(saved.unwrap()["_id"], FILE_ID);
    assert!(calls.of(&["CopyObject", "Commit"]).is_empty());
}

#[tokio::test]
async fn an_upload_that_is_not_there_and_that_nobody_saved_is_a_404() {
    let unknown = readings(vec![None]);
    let (saved, calls) = save_on(unknown, &[&upload_is_gone()], &new_file()).await;
    assert!(matches!(saved.unwrap_err().status().as_u16(), 404 | 409));
    assert!(calls.of(&["CopyObject", "Commit"]).is_empty());
}

#[tokio::test]
async fn an_upload_that_was_sent_again_meanwhile_is_looked_at_again() {
    let changed = mock!(Bucket::copy_object)
        .sequence()
        .http_response(|| error(412, "PreconditionFailed"))
        .output(|| CopyObjectOutput::builder().build())
        .build();
    // The upload, nothing where the copy is to go, and the upload again.
    let found = || HeadObjectOutput::builder().content_length(3).e_tag("\"e\"").build();
    let heads = mock!(Bucket::head_object)
        .sequence()
        .output(found)
        .http_response(|| HttpResponse::new(404.try_into().unwrap(), "".into()))
        .output(found)
        .build();
    let (saved, calls) = save(&[&changed, &heads], &new_file()).await;
    assert_eq!(saved.unwrap()["_id"], FILE_ID);
    assert_eq!(calls.of(&["CopyObject", "Commit"]), ["CopyObject", "CopyObject", "Commit 1"]);
}

#[tokio::test]
async fn a_copy_of_other_bytes_is_fenced_off_before_it_is_replaced() {
    let occupied = mock!(Bucket::copy_object)
        .sequence()
        .http_response(|| error(412, "PreconditionFailed"))
        .output(|| CopyObjectOutput::builder().build())
        .build();
    let (saved, calls) = save(&[&occupied], &new_file()).await;
    assert_eq!(saved.unwrap()["_id"], FILE_ID);
    let order = calls.of(&["Claim", "CopyObject", "Commit", "DeleteObject"]);
    assert_eq!(order, ["Claim", "CopyObject", "Claim", "CopyObject", "Commit 1", "DeleteObject"]);
}

#[tokio::test]
async fn a_commit_that_fails_is_a_500_and_leaves_the_upload_and_the_copy_alone() {
    let fails = || TransactWriteItemsError::InternalServerError(InternalServerError::builder().build());
    let of_versions = mock!(Table::transact_write_items).then_error(fails);
    let alone = mock!(Table::put_item)
        .match_requests(|put| put.item().unwrap().contains_key("revision"))
        .then_error(|| PutItemError::InternalServerError(InternalServerError::builder().build()));
    for body in [new_file(), new_version()] {
        let (saved, calls) = save_on(
            readings(vec![Some(file("private"))]),
            &[&of_versions, &alone],
            &with(body, "access_control", "public-read"),
        )
        .await;
        assert_eq!(saved.unwrap_err().status(), 500);
        // It may have been stored all the same.
        assert!(calls.of(&["DeleteObject", "DeleteObjects", "PutObjectTagging"]).is_empty());
    }
}

#[tokio::test]
async fn a_commit_that_loses_to_another_save_of_the_same_upload_is_that_saves_file() {
    let claims = |put: &PutItemInput| !put.item().unwrap().contains_key("revision");
    let item: std::collections::HashMap<_, _> = serde_dynamo::to_item(file("public-read").meta).unwrap();
    let claims = mock!(Table::put_item)
        .match_requests(claims)
        .sequence()
        .output(|| aws_sdk_dynamodb::operation::put_item::PutItemOutput::builder().build())
        .error(move || {
            let failed = ConditionalCheckFailedException::builder().set_item(Some(item.clone()));
            PutItemError::ConditionalCheckFailedException(failed.build())
        })
        .build();
    let (saved, calls) =
        save_on(readings(vec![Some(file("public-read"))]), &[&claims, &loses_alone_once()], &new_file()).await;
    assert_eq!(saved.unwrap()["access_control"], "public-read");
    assert_eq!(calls.of(&["CopyObject", "Commit"]), ["CopyObject", "Commit 1"]);
    assert!(calls.of(&["PutObjectTagging", "DeleteObject", "DeleteObjects"]).is_empty(), "nothing of it is touched");
}

#[tokio::test]
async fn a_lost_race_for_the_revision_commits_on_the_new_one_without_copying_again() {
    let mut now = file("private");
    now.meta.revision = 2;
    now.versions.insert(0, shared::file::Version { number: 2, ..now.versions[0].clone() });
    now.meta.current = now.versions.first().cloned();
    let still_pending = readings(vec![Some(file("private")), Some(now)]);
    let [query, _, _] = still_pending;
    let pending = mock!(Table::get_item).then_output(|| {
        let key = "123/00000000-0000-4000-8000-000000000002/b.pdf".to_owned().try_into().unwrap();
        let mark = shared::upload_mark::UploadMark::Pending(shared::upload_mark::Pending::new(key));
        let item = serde_dynamo::to_item(mark).unwrap();
        aws_sdk_dynamodb::operation::get_item::GetItemOutput::builder().set_item(Some(item)).build()
    });
    let (saved, calls) = save(&[&query, &pending, &loses_once()], &new_version()).await;
    assert_eq!(saved.unwrap()["versions"].as_array().unwrap().len(), 3);
    let order = calls.of(&["CopyObject", "Commit", "DeleteObject"]);
    assert_eq!(order, ["CopyObject", "Commit 2", "Commit 3", "DeleteObject"]);
}
