//! What the worker does with each record of the stream, and with one that fails.

#[path = "../../../tests/mocks/stores.rs"]
mod stores;

use super::*;
use aws_sdk_dynamodb::Client as Table;
use aws_smithy_mocks::{Rule, mock};
use lambda_runtime::Context;
use serde_json::{Value, json};
use shared::file::File;
use stores::{Calls, FILE_ID, OBJECT_KEY, file, lost_race, readings};

const TAGS_AND_REMOVALS: [&str; 3] = ["PutObjectTagging", "DeleteObjects", "TransactWriteItems"];

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

fn mark(state: &str, expires_at: i64) -> Value {
    json!({ "state": state, "org": "123", "file_id": FILE_ID, "object_key": OBJECT_KEY, "expires_at": expires_at })
}

#[tokio::test]
async fn a_record_that_fails_is_reported_by_its_number_and_later_ones_are_not_handled() {
    // The second removal of three meets somebody else's.
    let removals = mock!(Table::transact_write_items)
        .sequence()
        .output(|| aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput::builder().build())
        .error(lost_race)
        .build();
    let due = deleted(PAST);
    let records = ["1", "2", "3"].map(|number| record(number, "MODIFY", "META", &json!(due.meta)));
    let (failures, calls) = handled(&[&removals, &readings(vec![Some(due)])], records.into()).await;
    assert_eq!(failures, [Some("2".to_owned())]);
    assert_eq!(calls.of(&["Query", "TransactWriteItems"]), ["Query", "Query links", "TransactWriteItems"].repeat(2));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_reported() {
    let broken = record("7", "REMOVE", "UPLOAD", &json!({ "state": "lost" }));
    let (failures, _) = handled(&[], vec![broken]).await;
    assert_eq!(failures, [Some("7".to_owned())]);
}

#[tokio::test]
async fn only_a_pending_mark_that_ran_out_has_its_copy_removed() {
    for (state, expires_at, removals) in [
        ("saved", PAST, vec![]),
        ("saved", FUTURE, vec![]),
        // Its save took it back.
        ("pending", FUTURE, vec![]),
        ("pending", PAST, vec!["DeleteObjects"]),
    ] {
        let removed = record("1", "REMOVE", "UPLOAD", &mark(state, expires_at));
        let (failures, calls) = handled(&[], vec![removed]).await;
        assert!(failures.is_empty());
        assert_eq!(calls.of(&TAGS_AND_REMOVALS), removals, "{state} {expires_at}");
    }
}

#[tokio::test]
async fn a_deleted_file_that_is_due_loses_its_objects_then_its_items() {
    for event_name in ["MODIFY", "REMOVE"] {
        let due = deleted(PAST);
        let records = vec![record("1", event_name, "META", &json!(due.meta))];
        let (failures, calls) = handled(&[&readings(vec![Some(due)])], records).await;
        assert!(failures.is_empty());
        assert_eq!(calls.of(&TAGS_AND_REMOVALS), ["DeleteObjects", "TransactWriteItems"], "{event_name}");
    }
}

#[tokio::test]
async fn a_deleted_file_that_is_not_due_is_kept_and_hidden() {
    let hidden = deleted(FUTURE);
    let records = vec![record("1", "MODIFY", "META", &json!(hidden.meta))];
    let (failures, calls) = handled(&[&readings(vec![Some(hidden)])], records).await;
    assert!(failures.is_empty());
    assert_eq!(calls.of(&TAGS_AND_REMOVALS), ["PutObjectTagging private"]);
}

#[tokio::test]
async fn a_changed_file_is_tagged_as_the_table_says_now_not_as_the_record_said() {
    let records = vec![record("1", "MODIFY", "META", &json!(file("public-read").meta))];
    let (failures, calls) = handled(&[&readings(vec![Some(file("private"))])], records).await;
    assert!(failures.is_empty());
    assert_eq!(calls.of(&TAGS_AND_REMOVALS), ["PutObjectTagging private"]);
}
