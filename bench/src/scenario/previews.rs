//! Events for previews. The file is a line of text, so that what is timed is the function and `render`'s start.

use serde_json::{Value, json};

use harness::Result;
use harness::stack::text;

use crate::event::request;
use crate::stack::Stack;

/// Rendered by the first request, and kept.
pub fn kept(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v1/files/{id}/preview", Some(stack.lasting_file()?), &Value::Null)
}

pub fn not_modified(stack: &Stack) -> Result<Value> {
    let mut event = kept(stack)?;
    event["headers"]["if-none-match"] = "*".into();
    Ok(event)
}

pub fn rendered(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v1/files/{id}/preview", Some(text(&stack.save()?["_id"])), &Value::Null)
}

pub fn public_rendered(stack: &Stack) -> Result<Value> {
    let id = stack.save()?["_id"].clone();
    stack.make_public(&id)?;
    request(stack, "GET /v1/files/public/{id}/preview", Some(text(&id)), &Value::Null)
}

pub fn version_rendered(stack: &Stack) -> Result<Value> {
    request(stack, "POST /v1/files:previewS3", None, &stack.save()?["s3ref"])
}

pub fn upload_rendered(stack: &Stack) -> Result<Value> {
    request(stack, "POST /v1/files:previewS3", None, &stack.upload()?)
}

pub fn version_rendered_by_query(stack: &Stack) -> Result<Value> {
    by_query(stack, &stack.save()?["s3ref"])
}

pub fn upload_rendered_by_query(stack: &Stack) -> Result<Value> {
    by_query(stack, &stack.upload()?)
}

fn by_query(stack: &Stack, s3ref: &Value) -> Result<Value> {
    let mut event = request(stack, "GET /v1/files:previewS3", None, &Value::Null)?;
    let (bucket, key) = (&s3ref["bucket"], &s3ref["key"]);
    event["rawQueryString"] = format!("bucket={}&key={}", text(bucket), text(key)).into();
    event["queryStringParameters"] = json!({ "bucket": bucket, "key": key });
    Ok(event)
}
