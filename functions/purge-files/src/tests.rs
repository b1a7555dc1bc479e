//! What the worker does with each record of the stream, and with one that fails.

#[path = "../../../tests/mocks/stores.rs"]
mod stores;

use super::*;
use aws_sdk_dynamodb::{
    Client as Table,
    operation::{
        batch_write_item::{BatchWriteItemError, BatchWriteItemOutput},
        get_item::GetItemOutput,
    },
    types::error::InternalServerError,
};
use aws_smithy_mocks::{Rule, mock};
use lambda_runtime::Context;
use serde_json::{Value, json};
use shared::file::File;
use stores::{Calls, FILE_ID, OBJECT_KEY, file, readings};

const ALL: [&str; 4] = ["PutObjectTagging", "DeleteObjects", "BatchWriteItem", "Commit"];

/// Long past, and far off, in seconds since 1970.
const PAST: i64 = 1_000_000_000;
const FUTURE: i64 = 4_000_000_000;

fn record(sequence_number: &str, event_name: &str, sk: &str, image: &Value) -> EventRecord {
    let mut record = EventRecord::default();
    record.event_name = event_name.to_owned();
    record.change.sequence_number = Some(sequence_number.to_owned());
    record.change.keys = serde_dynamo::to_item(json!({ "pk": "x", "sk": sk })).unwrap();
    let image: serde_dynamo::Item = serde_dynamo::to_item(image).unwrap();
    if event_name == "REMOVE" {
        record.change.old_image = image;
    } else {
        record.change.new_image = image;
    }
    record
}

/// Handles the records: the failures reported, and the calls made.
async fn handled(rules: &[&Rule], records: Vec<EventRecord>) -> (Vec<Option<String>>, Calls) {
    let (files, objects, calls) = stores::stores(rules);
    let mut event = Event::default();
    event.records = records;
    let response = handle(&PurgeFiles { files, objects }, LambdaEvent::new(event, Context::default())).await.unwrap();
    (response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(), calls)
}

fn deleted(expires_at: i64) -> File {
    let mut file = file("public-read");
    file.meta.deleted_at = Some("2026-01-02T00:00:00Z".into());
    file.meta.expires_at = Some(expires_at);
    file
}

fn mark(state: &str) -> Value {
    json!({ "state": state, "org": "123", "object_key": OBJECT_KEY, "generation": 0, "expires_at": PAST })
}

/// The table has this item for the file's id.
fn finds(item: Option<Value>) -> Rule {
    mock!(Table::get_item).then_compute_output(move |_| {
        GetItemOutput::builder().set_item(item.as_ref().map(|item| serde_dynamo::to_item(item).unwrap())).build()
    })
}

async fn handled_with(file: Option<File>, records: Vec<EventRecord>) -> (Vec<Option<String>>, Calls) {
    handled(&readings(vec![file]).each_ref(), records).await
}

/// A change of the file from one state to another.
fn changed(old: &File, new: &File) -> EventRecord {
    let mut record = record("1", "MODIFY", "META", &json!(new.meta));
    record.change.old_image = serde_dynamo::to_item(&old.meta).unwrap();
    record
}

#[tokio::test]
async fn a_record_that_fails_is_reported_by_its_number_and_the_others_are_handled() {
    let fails = || BatchWriteItemError::InternalServerError(InternalServerError::builder().build());
    let removals = mock!(Table::batch_write_item)
        .sequence()
        .output(|| BatchWriteItemOutput::builder().build())
        .error(fails)
        .build();
    let due = deleted(PAST);
    let records = ["1", "2", "3"].map(|number| record(number, "MODIFY", "META", &json!(due.meta)));
    let (failures, calls) = handled(&[&removals], records.into()).await;
    assert_eq!(failures.len(), 1);
    assert_eq!(calls.of(&["BatchWriteItem"]).len(), 3);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_reported() {
    let broken = record("7", "REMOVE", "META", &json!({ "state": "lost" }));
    let (failures, _) = handled(&[], vec![broken]).await;
    assert_eq!(failures, [Some("7".to_owned())]);
}

#[tokio::test]
async fn what_a_mark_that_ran_out_left_in_the_bucket_is_removed_unless_it_became_a_file() {
    let version = json!({ "state": "version", "org": "123", "file_id": FILE_ID, "number": 2 });
    for state in ["pending", "removed"] {
        let mut under_another_name = mark("pending");
        under_another_name["object_key"] = OBJECT_KEY.replace("a.pdf", "b.pdf").into();
        for (found, removals) in [
            (None, vec!["DeleteObjects"]),
            (Some(mark("removed")), vec!["DeleteObjects"]),
            // It is being saved again; that mark runs out by itself.
            (Some(mark("pending")), vec![]),
            (Some(under_another_name), vec!["DeleteObjects"]),
            (Some(version.clone()), vec![]),
            (Some(json!(file("private").meta)), vec![]),
        ] {
            let removed = record("1", "REMOVE", "META", &mark(state));
            let (failures, calls) = handled(&[&finds(found.clone())], vec![removed]).await;
            assert!(failures.is_empty());
            assert_eq!(calls.of(&ALL), removals, "{state} {found:?}");
        }
    }
    let (failures, calls) = handled(&[], vec![record("1", "REMOVE", "META", &version)]).await;
    assert!(failures.is_empty() && calls.of(&ALL).is_empty());
}

#[tokio::test]
async fn a_deleted_file_that_is_due_loses_its_objects_then_its_items() {
    for event_name in ["MODIFY", "REMOVE"] {
        let due = deleted(PAST);
        let records = vec![record("1", event_name, "META", &json!(due.meta))];
        let (failures, calls) = handled_with(Some(due), records).await;
        assert!(failures.is_empty());
        assert_eq!(calls.of(&ALL), ["DeleteObjects", "BatchWriteItem"], "{event_name}");
    }
}

#[tokio::test]
async fn a_deleted_file_that_is_not_due_is_kept_and_hidden() {
    let hidden = deleted(FUTURE);
    let (failures, calls) = handled_with(Some(hidden.clone()), vec![changed(&file("public-read"), &hidden)]).await;
    assert!(failures.is_empty());
    assert_eq!(calls.of(&ALL), ["PutObjectTagging private"]);
}

#[tokio::test]
async fn a_changed_file_is_tagged_as_the_table_says_now_not_as_the_record_said() {
    let opened = changed(&file("private"), &file("public-read"));
    let (failures, calls) = handled_with(Some(file("private")), vec![opened.clone()]).await;
    assert!(failures.is_empty());
    assert!(calls.of(&ALL).is_empty(), "what closed it hides it");
    let (_, calls) = handled_with(Some(file("public-read")), vec![opened]).await;
    assert_eq!(calls.of(&ALL), ["PutObjectTagging public"]);
}

#[tokio::test]
async fn a_public_file_with_new_attributes_needs_no_tags() {
    let mut renamed = file("public-read");
    renamed.meta.revision = 2;
    let (failures, calls) = handled_with(Some(renamed.clone()), vec![changed(&file("public-read"), &renamed)]).await;
    assert!(failures.is_empty() && calls.of(&ALL).is_empty());
}

#[tokio::test]
async fn an_interrupted_end_of_public_access_is_finished() {
    for to in [json!({ "to": "private" }), json!({ "to": "deleted", "deleted_at": "now", "expires_at": FUTURE })] {
        let mut closing = file("public-read");
        closing.meta.closing = Some(serde_json::from_value(to).unwrap());
        let record = changed(&file("public-read"), &closing);
        let (failures, calls) = handled_with(Some(closing), vec![record]).await;
        assert!(failures.is_empty());
        assert_eq!(calls.of(&ALL), ["PutObjectTagging private", "Commit 2"]);
    }
}
