//! Events of the bench.

use harness::Result;
use harness::event::http_event;
use serde_json::{Value, json};

use crate::stack::{CONTENT_ETAG, Stack};

/// The event for the function that only answers.
pub fn empty_event() -> Value {
    http_event("GET /", "/", None, "", &Value::Null)
}

/// A change of the mark of an upload, as the table's stream tells of it.
pub fn stream_record(stack: &Stack, change: &str, image_name: &str, expires_at: u64) -> Result<Value> {
    const ID: &str = "00000000-0000-4000-8000-000000000000";
    let keys = json!({ "pk": { "S": format!("FILE#{ID}") }, "sk": { "S": "META" } });
    let mut image = keys.clone();
    image["state"] = json!({ "S": "pending" });
    image["org"] = json!({ "S": "bench" });
    image["generation"] = json!({ "N": "0" });
    image["object_key"] = json!({ "S": format!("bench/{ID}/bench.txt") });
    image["expires_at"] = json!({ "N": expires_at.to_string() });
    let table = format!("arn:aws:dynamodb:{}:000000000000:table/{}", stack.setting("REGION")?, stack.setting("TABLE")?);
    Ok(json!({ "Records": [{
        "eventID": "1",
        "eventName": change,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": stack.setting("REGION")?,
        "dynamodb": {
            "ApproximateCreationDateTime": 1_760_000_000,
            "Keys": keys,
            image_name: image,
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 200,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": format!("{table}/stream/2026-01-01T00:00:00.000"),
    }] }))
}

/// The bucket tells of an upload, as large as it says.
pub fn upload_arrived(s3ref: &Value, size: u64) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "bench" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": { "name": s3ref["bucket"] },
            "object": { "key": s3ref["key"], "size": size, "eTag": CONTENT_ETAG },
        },
    }] })
}

/// A request by the default user; `id` is the path's.
pub fn request(stack: &Stack, route: &str, id: Option<&str>, body: &Value) -> Result<Value> {
    let path = route.split(' ').next_back().unwrap_or_default().replace("{id}", id.unwrap_or_default());
    Ok(http_event(route, &path, id, stack.setting("TOKEN")?, body))
}
