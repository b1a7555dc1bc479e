//! What is there, as clients and the administrator see it, and whether it keeps the promises.

use std::collections::BTreeMap;

use harness::Result;
use harness::stack::text;
use serde_json::{Map, Value, json};

use crate::aws::{Object, key_of};
use crate::canonical::{Names, uuids};
use crate::lane::{Lane, Request};

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Violation {
    pub class: &'static str,
    pub text: String,
}

pub fn violation(class: &'static str, text: impl Into<String>) -> Violation {
    Violation { class, text: text.into() }
}

/// Everything that there is, in a form that is the same for every run.
pub struct Audit {
    pub state: Value,
    pub violations: Vec<Violation>,
}

/// The files that their owner sees, by id.
type Files = BTreeMap<String, Value>;

/// When nothing is under way any more and nothing runs out: all promises.
pub fn audit(lane: &mut Lane) -> Result<Audit> {
    let mut violations = Vec::new();
    let files = files(lane, &mut violations)?;
    let (objects, previews) = objects(lane)?;
    let keys = keys_of(&files);

    for (key, object) in &objects {
        match keys.get(key) {
            None => violations.push(violation("orphan", format!("{key} is no version of a file"))),
            Some(file) => violations.extend(wrong_access(key, object, file)),
        }
    }
    for (key, file) in &keys {
        violations.extend(lost(lane, key, objects.get(key), file)?);
    }
    for key in previews {
        if !uuids(&key).iter().any(|id| keys.keys().any(|key| key.contains(id))) {
            violations.push(violation("preview", format!("{key} is of a file that is gone")));
        }
    }
    for file in files.values() {
        violations.extend(not_downloaded(lane, file, &objects)?);
    }
    let links = links(lane, &files, &mut violations)?;
    let collections = if lane.known.is_empty() { collections(lane)? } else { Value::Null };
    let state = state(lane, &files, &objects, &links, &collections);
    Ok(Audit { state, violations })
}

/// At every moment: nothing is open to everybody but what a public file has.
pub fn closed_when_in_doubt(lane: &mut Lane) -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let files = files(lane, &mut violations)?;
    let keys = keys_of(&files);
    for (key, object) in objects(lane)?.0 {
        let file = keys.get(&key);
        if object.is_public && file.is_none_or(|file| file["access_control"] != "public-read") {
            violations.push(violation("visible", format!("{key} is open at once after the request")));
        }
    }
    Ok(violations)
}

fn files(lane: &mut Lane, violations: &mut Vec<Violation>) -> Result<Files> {
    let mut ids = lane.known.clone();
    for item in lane.wire.items() {
        ids.extend(uuids(&item.to_string()));
    }
    let mut files = Files::new();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let get = Request::new("get-file", "GET /v2/files/{id}", &[("id", &id)], &Value::Null);
        let reply = lane.invoke(&get, None)?.reply;
        match reply.status {
            Some(200) => {
                files.insert(id, reply.body);
            }
            Some(404) => {}
            _ => violations.push(violation("broken", format!("get-file {id}: {}", reply.raw))),
        }
    }
    Ok(files)
}

/// The permanent objects, and the keys of the previews.
fn objects(lane: &mut Lane) -> Result<(BTreeMap<String, Object>, Vec<String>)> {
    let (mut objects, mut previews) = (BTreeMap::new(), Vec::new());
    let bucket = lane.bucket.clone();
    for key in lane.aws.keys(&bucket)? {
        if key.starts_with("previews/") {
            previews.push(key);
        } else if !key.starts_with("temp/")
            && let Some(object) = lane.aws.object(&bucket, &key)?
        {
            objects.insert(key, object);
        }
    }
    Ok((objects, previews))
}

/// The file of each key that is a version's.
fn keys_of(files: &Files) -> BTreeMap<String, Value> {
    let versions = files.values().flat_map(|file| {
        let versions = file["versions"].as_array().into_iter().flatten();
        versions.map(move |version| (text(&version["s3ref"]["key"]).to_owned(), file.clone()))
    });
    versions.collect()
}

fn wrong_access(key: &str, object: &Object, file: &Value) -> Option<Violation> {
    match (file["access_control"] == "public-read", object.is_public) {
        (false, true) => Some(violation("visible", format!("{key} of a private file is open"))),
        (true, false) => Some(violation("hidden", format!("{key} of a public file is not open"))),
        _ => None,
    }
}

/// A version without its bytes.
fn lost(lane: &Lane, key: &str, object: Option<&Object>, file: &Value) -> Result<Option<Violation>> {
    let Some(object) = object else {
        return Ok(Some(violation("lost", format!("{key} of file {} has no object", file["_id"]))));
    };
    let upload = uuids(key).pop().ok_or("a key without an id")?;
    let is_as_uploaded = lane.contents.get(&upload).is_none_or(|content| content.as_bytes() == object.bytes);
    Ok((!is_as_uploaded).then(|| violation("lost", format!("{key} has other bytes than were uploaded"))))
}

/// What is downloaded is the newest version.
fn not_downloaded(lane: &mut Lane, file: &Value, objects: &BTreeMap<String, Object>) -> Result<Option<Violation>> {
    let id = text(&file["_id"]);
    let get = Request::new("download-file", "GET /v1/files/{id}/download", &[("id", id)], &Value::Null);
    let reply = lane.invoke(&get, None)?.reply;
    if !reply.is_success() {
        return Ok(Some(violation("broken", format!("download-file {id}: {}", reply.raw))));
    }
    let Some(object) = objects.get(text(&file["s3ref"]["key"])) else { return Ok(None) };
    let is_right = lane.download(text(&reply.body["download_url"])).is_ok_and(|bytes| bytes == object.bytes);
    let is_entity = file["size_bytes"] == object.bytes.len();
    Ok((!is_right || !is_entity).then(|| violation("lost", format!("file {id} is not downloaded as it is"))))
}

/// The links of each file; and there is no other that leads anywhere.
fn links(lane: &mut Lane, files: &Files, violations: &mut Vec<Violation>) -> Result<Value> {
    let mut listed = Map::new();
    for id in files.keys() {
        let list =
            Request::new("list-public-links-for-file", "GET /v1/files/{id}/public/links", &[("id", id)], &Value::Null);
        let mut reply = lane.must(&list)?;
        listed.insert(id.clone(), reply["results"].take());
    }
    let listed = Value::Object(listed);
    let in_lists = uuids(&listed.to_string());
    let stored: Vec<_> = lane.wire.items().into_iter().filter(|item| item["pk"].to_string().contains("LINK")).collect();
    let mut ids: Vec<_> = stored.iter().flat_map(|item| uuids(&item.to_string())).collect();
    ids.extend(in_lists.clone());
    ids.sort_unstable();
    ids.dedup();
    for id in ids.iter().filter(|id| !files.contains_key(*id)) {
        let path = [("id", id.as_str()), ("filename", "a.txt")];
        let follow =
            Request::new("access-public-link", "GET /v1/files/public/links/{id}/{filename}", &path, &Value::Null);
        let leads = lane.invoke(&follow, None)?.reply.is_success();
        if leads != in_lists.contains(id) {
            violations.push(violation("link", format!("link {id} is listed or leads to the file, not both")));
        }
    }
    Ok(listed)
}

fn collections(lane: &mut Lane) -> Result<Value> {
    let own = Request::new(
        "get-user-schema-file-collections",
        "GET /v1/{slug}/collections",
        &[("slug", "contract")],
        &Value::Null,
    );
    let global = Request::new(
        "get-global-file-collections",
        "GET /v1/collections/{schemaSlug}",
        &[("schemaSlug", "contract")],
        &Value::Null,
    );
    Ok(json!({ "own": lane.must(&own)?, "global": lane.must(&global)? }))
}

fn state(lane: &Lane, files: &Files, objects: &BTreeMap<String, Object>, links: &Value, collections: &Value) -> Value {
    let objects = objects.iter().map(|(key, object)| {
        let bytes = String::from_utf8_lossy(&object.bytes);
        (key.clone(), json!({ "bytes": bytes, "type": object.mime_type, "public": object.is_public }))
    });
    let mut names = Names::new(&lane.known, &[(lane.address(), "S3"), (&lane.bucket, "BUCKET")]);
    let items = lane.wire.items();
    let items = items.iter().map(|item| (key_of(item).to_string(), Value::Null));
    names.sorted(&json!({
        "files": files,
        "objects": objects.collect::<Map<_, _>>(),
        "links": links,
        "collections": collections,
        "items": items.collect::<Map<_, _>>(),
    }))
}
