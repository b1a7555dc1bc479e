//! Events as Lambda hands them to functions, and what their replies say.

use serde_json::{Value, json};

use crate::Result;
use crate::stack::{CONTENT_ETAG, Stack, text};

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

/// An HTTP API event, payload format 2.0.
pub fn http_event(route: &str, path: &str, id: Option<&str>, token: &str, body: &Value) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": "bench.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "bench",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "domainName": "bench.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "bench",
            "http": {
                "method": route.split(' ').next(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "bench",
            },
            "requestId": "bench",
            "routeKey": route,
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64,
        },
        "isBase64Encoded": false,
    });
    if let Some(id) = id {
        event["pathParameters"] = json!({ "id": id });
    }
    if !token.is_empty() {
        event["headers"]["authorization"] = format!("Bearer {token}").into();
    }
    if !body.is_null() {
        event["body"] = body.to_string().into();
    }
    event
}

/// What is wrong with a reply, if anything is: timing an error would say little.
pub fn fault(reply: &Value) -> Option<String> {
    let refused = reply["statusCode"].as_u64().is_some_and(|status| !(200..400).contains(&status));
    let unfinished = reply["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty());
    (refused || unfinished).then(|| reply.to_string())
}

/// The JSON in the body of a reply to HTTP.
pub fn reply_body(reply: &Value) -> Value {
    serde_json::from_str(text(&reply["body"])).unwrap_or_default()
}
