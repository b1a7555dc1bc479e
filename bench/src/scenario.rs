//! What each function is measured with: the events, and what has to exist before they arrive.

use serde_json::{Value, json};

use crate::Result;
use crate::stack::{MIME_TYPE, Stack, text};

/// One way to call a function.
pub struct Case {
    pub name: &'static str,
    /// Each event uses something up, so that fewer are measured.
    pub uses_up: bool,
    /// Makes the next event.
    pub event: fn(&Stack) -> Result<Value>,
}

const fn reading(name: &'static str, event: fn(&Stack) -> Result<Value>) -> Case {
    Case { name, uses_up: false, event }
}

const fn using_up(name: &'static str, event: fn(&Stack) -> Result<Value>) -> Case {
    Case { name, uses_up: true, event }
}

/// The cases of a function. The first is the one that is timed; of the others only the AWS calls are counted.
pub fn cases(function: &str) -> &'static [Case] {
    match function {
        "upload-file" => const { &[reading("upload", upload)] },
        "upload-file-public" => const { &[reading("public upload", upload_public)] },
        "save-file" => {
            const {
                &[
                    using_up("new file", save_new),
                    using_up("new file, public-read", save_new_public),
                    using_up("new version", save_new_version),
                    using_up("the same upload again", save_again),
                    using_up("attributes only", save_attributes),
                    using_up("private to public-read", save_public),
                ]
            }
        }
        "get-file" => const { &[reading("get", get)] },
        "download-file" => const { &[reading("download", download)] },
        "download-files" => {
            const { &[reading("10 files", download_many), reading("10 files, one an older version", download_many_older)] }
        }
        "download-s3-file" => const { &[reading("version", download_version), reading("upload", download_upload)] },
        "verify-custom-download-url" => const { &[reading("key unknown", verify_unknown_key)] },
        "get-session" => const { &[reading("start", get_session)] },
        "delete-session" => const { &[reading("end", delete_session)] },
        "delete-file" => const { &[using_up("at once", delete), using_up("with retention", delete_later)] },
        "generate-public-link" => const { &[reading("generate", generate_link)] },
        "list-public-links-for-file" => const { &[reading("list", list_links)] },
        "access-public-link" => const { &[reading("access", access_link)] },
        "revoke-public-link" => const { &[using_up("revoke", revoke_link)] },
        "purge-files" => {
            const { &[reading("nothing to do", purge_nothing), reading("a save never finished", purge_abandoned)] }
        }
        _ => &[],
    }
}

/// The event for the function that only answers.
pub fn empty_event() -> Value {
    http_event("GET /", "/", None, "", &Value::Null)
}

fn upload(stack: &Stack) -> Result<Value> {
    let body = json!({ "filename": "bench.txt", "mime_type": MIME_TYPE });
    request(stack, "POST /v1/files/upload", None, &body)
}

#[expect(clippy::unnecessary_wraps, reason = "every case makes its events with the same signature")]
fn upload_public(_: &Stack) -> Result<Value> {
    let path = "/v1/files/public/upload";
    let body = json!({ "filename": "bench.txt", "mime_type": MIME_TYPE });
    Ok(http_event(&format!("POST {path}"), path, None, "", &body))
}

fn save_new(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "s3ref": stack.upload()? }))
}

fn save_new_public(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "s3ref": stack.upload()?, "access_control": "public-read" }))
}

fn save_new_version(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "_id": stack.save()?["_id"], "s3ref": stack.upload()? }))
}

fn save_again(stack: &Stack) -> Result<Value> {
    let s3ref = stack.upload()?;
    stack.save_upload(&s3ref)?;
    save(stack, &json!({ "s3ref": s3ref }))
}

fn save_attributes(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "_id": stack.save()?["_id"], "filename": "renamed.txt" }))
}

fn save_public(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "_id": stack.save()?["_id"], "access_control": "public-read" }))
}

fn save(stack: &Stack, body: &Value) -> Result<Value> {
    request(stack, "POST /v2/files", None, body)
}

fn get(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v2/files/{id}", Some(stack.lasting_file()?), &Value::Null)
}

fn download(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v1/files/{id}/download", Some(stack.lasting_file()?), &Value::Null)
}

fn download_many(stack: &Stack) -> Result<Value> {
    let files: Vec<_> = (0..10).map(|_| stack.save()).collect::<Result<_>>()?;
    let wanted: Vec<_> = files.iter().map(|file| json!({ "id": file["_id"] })).collect();
    request(stack, "POST /v1/files:downloadFiles", None, &json!(wanted))
}

fn download_many_older(stack: &Stack) -> Result<Value> {
    let file = stack.save()?;
    stack.save_version(&file["_id"])?;
    let mut event = download_many(stack)?;
    let mut wanted: Value = serde_json::from_str(text(&event["body"]))?;
    wanted[0] = json!({ "id": file["_id"], "version": 1 });
    event["body"] = wanted.to_string().into();
    Ok(event)
}

fn download_version(stack: &Stack) -> Result<Value> {
    download_s3(stack, &stack.save()?["s3ref"])
}

fn download_upload(stack: &Stack) -> Result<Value> {
    download_s3(stack, &stack.upload()?)
}

fn download_s3(stack: &Stack, s3ref: &Value) -> Result<Value> {
    let mut event = request(stack, "POST /v1/files:downloadS3", None, &Value::Null)?;
    // The names in these need no encoding.
    event["rawQueryString"] = format!("s3_bucket={}&s3_key={}", text(&s3ref["bucket"]), text(&s3ref["key"])).into();
    Ok(event)
}

/// A key is read once in five minutes, so only one that is not known is read by every request.
fn verify_unknown_key(stack: &Stack) -> Result<Value> {
    let signature = format!("00000000-0000-4000-8000-000000000000.{}", "A".repeat(43));
    let url = format!("https://files.example/?expires_at=9999999999999&signature={signature}");
    request(stack, "POST /v1/files/download:verify", None, &json!({ "custom_download_url": url }))
}

fn get_session(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v1/files/session", None, &Value::Null)
}

#[expect(clippy::unnecessary_wraps, reason = "every case makes its events with the same signature")]
fn delete_session(_: &Stack) -> Result<Value> {
    Ok(http_event("DELETE /v1/files/session", "/v1/files/session", None, "", &Value::Null))
}

fn delete(stack: &Stack) -> Result<Value> {
    request(stack, "DELETE /v1/files/{id}", Some(text(&stack.save()?["_id"])), &Value::Null)
}

fn delete_later(stack: &Stack) -> Result<Value> {
    request(stack, "DELETE /v2/files/{id}", Some(text(&stack.save()?["_id"])), &Value::Null)
}

fn generate_link(stack: &Stack) -> Result<Value> {
    request(stack, "POST /v1/files/{id}/public/links", Some(stack.lasting_file()?), &Value::Null)
}

fn list_links(stack: &Stack) -> Result<Value> {
    stack.public_link()?;
    request(stack, "GET /v1/files/{id}/public/links", Some(stack.lasting_file()?), &Value::Null)
}

fn access_link(stack: &Stack) -> Result<Value> {
    let id = stack.public_link()?;
    let path = format!("/v1/files/public/links/{id}/bench.txt");
    let mut event = http_event("GET /v1/files/public/links/{id}/{filename}", &path, Some(&id), "", &Value::Null);
    event["pathParameters"]["filename"] = "bench.txt".into();
    Ok(event)
}

fn revoke_link(stack: &Stack) -> Result<Value> {
    request(stack, "DELETE /v1/files/public/links/{id}", Some(&stack.public_link()?), &Value::Null)
}

/// A record that the worker has nothing to do for: a save began.
fn purge_nothing(stack: &Stack) -> Result<Value> {
    stream_record(stack, "INSERT", "NewImage", 4_102_444_800)
}

/// The mark of a save that was never finished ran out.
fn purge_abandoned(stack: &Stack) -> Result<Value> {
    stream_record(stack, "REMOVE", "OldImage", 1_700_000_000)
}

fn stream_record(stack: &Stack, change: &str, image_name: &str, expires_at: u64) -> Result<Value> {
    const ID: &str = "00000000-0000-4000-8000-000000000000";
    let keys = json!({ "pk": { "S": format!("UPLOAD#{ID}") }, "sk": { "S": "UPLOAD" } });
    let mut image = keys.clone();
    image["state"] = json!({ "S": "pending" });
    image["org"] = json!({ "S": "bench" });
    image["file_id"] = json!({ "S": ID });
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

fn request(stack: &Stack, route: &str, id: Option<&str>, body: &Value) -> Result<Value> {
    let path = route.split(' ').next_back().unwrap_or_default().replace("{id}", id.unwrap_or_default());
    Ok(http_event(route, &path, id, stack.setting("TOKEN")?, body))
}

/// An HTTP API event, payload format 2.0.
fn http_event(route: &str, path: &str, id: Option<&str>, token: &str, body: &Value) -> Value {
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
