//! The requests of the scenarios, and files to begin with.

use harness::Result;
use harness::stack::text;
use serde_json::{Value, json};

use crate::lane::{Lane, Request};
use crate::worker::FOR_EVER;

/// Everything that a file can have.
pub fn much(lane: &mut Lane) -> Result<Value> {
    let file = two_versions(lane, &json!({ "relations": [{ "entity_id": "e1" }] }))?;
    lane.must(&link(&file))?;
    lane.must(&preview(&file))?;
    Ok(file)
}

/// The worker, with what the stream says now.
#[expect(clippy::unnecessary_wraps, reason = "as every request")]
pub fn worker() -> Result<Request> {
    Ok(Request::internal("purge-files", Value::Null))
}

#[expect(clippy::unnecessary_wraps, reason = "as every request")]
pub fn save(body: &Value) -> Result<Request> {
    Ok(Request::new("save-file", "POST /v2/files", &[], body))
}

/// A new file with these attributes.
pub fn saved(lane: &mut Lane, attributes: &Value) -> Result<Value> {
    let mut body = attributes.clone();
    body["s3ref"] = lane.upload()?;
    let file = lane.must(&save(&body)?)?;
    lane.settle()?;
    Ok(file)
}

pub fn two_versions(lane: &mut Lane, attributes: &Value) -> Result<Value> {
    let file = saved(lane, attributes)?;
    let next = json!({ "_id": file["_id"], "s3ref": lane.upload()? });
    let file = lane.must(&save(&next)?)?;
    lane.settle()?;
    Ok(file)
}

pub fn delete(file: &Value) -> Request {
    Request::new("delete-file", "DELETE /v2/files/{id}", &[("id", text(&file["_id"]))], &Value::Null)
}

pub fn link(file: &Value) -> Request {
    let path = [("id", text(&file["_id"]))];
    Request::new("generate-public-link", "POST /v1/files/{id}/public/links", &path, &Value::Null)
}

pub fn preview(file: &Value) -> Request {
    Request::new("preview-file", "GET /v1/files/{id}/preview", &[("id", text(&file["_id"]))], &Value::Null)
}

pub fn collection(verb: &str, method: &str, rest: &str, body: &Value) -> Request {
    let function = match verb {
        "create" => "create-user-schema-file-collection",
        "update" => "update-user-schema-file-collection",
        _ => "delete-user-schema-file-collection",
    };
    let path = [("slug", "contract"), ("collectionSlug", "a")];
    Request::new(function, &format!("{method} /v1/{{slug}}/collections{rest}"), &path, body)
}

pub fn global(verb: &str, method: &str, rest: &str, body: &Value) -> Request {
    let function = match verb {
        "create" => "create-global-file-collection",
        "update" => "update-global-file-collection",
        _ => "delete-global-file-collection",
    };
    let path = [("schemaSlug", "contract"), ("collectionSlug", "a")];
    Request::new(function, &format!("{method} /v1/collections/{{schemaSlug}}{rest}"), &path, body).by_admin()
}

/// The same upload, sent as a version of a file that there is not.
pub fn mistaken(request: &Request) -> Request {
    let mut request = request.clone();
    let mut body: Value = serde_json::from_str(text(&request.event["body"])).unwrap_or_default();
    body["_id"] = "00000000-0000-4000-8000-00000000dead".into();
    request.event["body"] = body.to_string().into();
    request
}

/// So that what runs out has run out.
pub fn end(lane: &mut Lane) -> Result<()> {
    lane.pass_time(FOR_EVER)
}
