//! Events as Lambda hands them to functions, and what their replies say.

use serde_json::{Value, json};

use crate::stack::text;

/// An HTTP API event, payload format 2.0.
#[must_use]
pub fn http_event(route: &str, path: &str, id: Option<&str>, token: &str, body: &Value) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": "local.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "harness",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "local.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "local",
            "http": {
                "method": route.split(' ').next(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "harness",
            },
            "requestId": "local",
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
#[must_use]
pub fn fault(reply: &Value) -> Option<String> {
    let refused = reply["statusCode"].as_u64().is_some_and(|status| !(200..400).contains(&status));
    let unfinished = reply["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty());
    (refused || unfinished).then(|| reply.to_string())
}

/// The JSON in the body of a reply to HTTP.
#[must_use]
pub fn reply_body(reply: &Value) -> Value {
    serde_json::from_str(text(&reply["body"])).unwrap_or_default()
}
