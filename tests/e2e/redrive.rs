//! Changes that the stream worker cannot handle: they are kept whole, and `make redrive` sends them again.

use crate::{
    admin::{alarm_metrics, event_source_mapping, resource},
    stack::{Stack, text},
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};
use std::process::{Command, Output};

#[tokio::test]
async fn a_change_that_fails_for_good_is_kept_whole_in_s3_and_an_alarm_watches_for_it() {
    let stack = Stack::new();
    let bucket = resource(&stack, "PurgeFailuresBucket").await;
    let mapping = event_source_mapping(&stack, "PurgeFilesFunction").await;
    assert_eq!(mapping["DestinationConfig"]["OnFailure"]["Destination"], format!("arn:aws:s3:::{bucket}"), "{mapping}");
    // Before the stream drops them, after 24 hours.
    assert!(mapping["MaximumRecordAgeInSeconds"].as_u64().unwrap() < 86_400, "{mapping}");
    assert!(mapping["ParallelizationFactor"].as_u64().unwrap() > 1, "{mapping}");
    let metrics = alarm_metrics(&stack).await;
    for metric in ["OnFailureDestinationDeliveredEventCount", "DroppedEventCount", "IteratorAge"] {
        assert!(metrics.iter().any(|watched| watched == metric), "{metric} is not among {metrics:?}");
    }
}

/// An item in the JSON of streams.
fn image(item: impl IntoIterator<Item = (String, AttributeValue)>) -> Value {
    item.into_iter().map(|(name, value)| (name, attribute(value))).collect::<Map<_, _>>().into()
}

fn attribute(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::L(list) => json!({ "L": list.into_iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": image(map) }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        other => panic!("{other:?}"),
    }
}

/// Sets a changed file aside as Lambda does (its guide: "Retain discarded records for a DynamoDB event source"), and
/// returns the object's key.
async fn set_aside(stack: &Stack, bucket: &str, image: &Value) -> String {
    let payload = json!({ "Records": [{
        "eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_760_000_000, "SequenceNumber": "100", "SizeBytes": 200,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "Keys": { "pk": image["pk"], "sk": image["sk"] }, "NewImage": image,
        },
    }] });
    let document = json!({
        "requestContext": { "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 11 },
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST" },
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "DDBStreamBatchInfo": { "batchSize": 1, "startSequenceNumber": "100", "endSequenceNumber": "100" },
        "payload": payload.to_string(),
    });
    let key = format!("aws/lambda/mapping/shardId-1/2026/01/01/2026-01-01T00.00.00-{}", uuid::Uuid::new_v4());
    stack.s3.put_object().bucket(bucket).key(&key).body(document.to_string().into_bytes().into()).send().await.unwrap();
    key
}

fn redrive() -> Output {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    Command::new(".local/tools/bin/python").arg("infra/redrive.py").current_dir(root).output().unwrap()
}

#[tokio::test]
async fn a_redrive_finishes_what_was_set_aside_and_keeps_what_fails_again() {
    let stack = Stack::new();
    let bucket = resource(&stack, "PurgeFailuresBucket").await;
    let file = stack.saved("a.txt", b"1").await;
    stack.save(&json!({ "_id": file["_id"], "access_control": "public-read" })).await;
    // As if the switch had died after the file said so.
    stack.s3.delete_object_tagging().bucket(&stack.bucket).key(text(&file["s3ref"]["key"])).send().await.unwrap();
    let items = stack.items(&format!("FILE#{}", text(&file["_id"]))).await;
    let meta = items.into_iter().find(|item| item["sk"] == AttributeValue::S("META".into())).unwrap();
    let good = set_aside(&stack, &bucket, &image(meta)).await;
    let unreadable =
        json!({ "pk": { "S": "FILE#x" }, "sk": { "S": "META" }, "access_control": { "S": "public-read" } });
    let bad = set_aside(&stack, &bucket, &unreadable).await;

    let output = redrive();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let keys: Vec<_> = stack.s3.list_objects_v2().bucket(&bucket).send().await.unwrap().contents.unwrap_or_default();
    stack.s3.delete_object().bucket(&bucket).key(&bad).send().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("done   {good}: 1 records")), "{said}");
    assert!(said.contains(&format!("stays  {bad}: 1 of 1 records failed again")), "{said}");
    let is_kept = |key: &str| keys.iter().any(|object| object.key() == Some(key));
    assert!(!is_kept(&good) && is_kept(&bad), "{keys:?}");
    assert_eq!(stack.anonymous_status(&file["public_url"]).await, 200, "the worker tagged it");

    let output = redrive();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
