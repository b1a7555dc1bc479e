//! What each function is measured with: the events, and what has to exist before they arrive.

mod previews;

use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

use harness::Result;
use harness::event::http_event;
use harness::stack::text;

use crate::event::{request, stream_record, upload_arrived};
use crate::stack::{MIME_TYPE, Stack};

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
        "check-upload" => {
            const { &[reading("within its limit", check_upload), using_up("over its limit", check_large_upload)] }
        }
        "save-file" => {
            const {
                &[
                    using_up("new file", save_new),
                    using_up("new file, public-read", save_new_public),
                    using_up("new version", save_new_version),
                    using_up("the same upload again", save_again),
                    using_up("attributes only", save_attributes),
                    using_up("private to public-read", save_public),
                    using_up("batch of 5 versions", save_batch),
                    using_up("copy of a saved object", save_copy),
                    using_up("kept elsewhere", save_custom),
                    using_up("3 relations", save_relations),
                ]
            }
        }
        "get-file" => const { &[reading("get", get)] },
        "list-file-versions" => const { &[reading("list", list_versions)] },
        "download-file" => const { &[reading("download", download)] },
        "download-files" => {
            const { &[reading("10 files", download_many), reading("10 files, one an older version", download_many_older)] }
        }
        "download-s3-file" => const { &[reading("version", download_version), reading("upload", download_upload)] },
        "preview-file" => {
            const {
                &[
                    reading("kept", previews::kept),
                    reading("not modified", previews::not_modified),
                    using_up("rendered", previews::rendered),
                ]
            }
        }
        "preview-public-file" => const { &[using_up("rendered", previews::public_rendered)] },
        "preview-s3-file" => {
            const {
                &[
                    using_up("version, rendered", previews::version_rendered),
                    using_up("upload, rendered", previews::upload_rendered),
                ]
            }
        }
        "preview-s3-file-get" => {
            const {
                &[
                    using_up("version, rendered", previews::version_rendered_by_query),
                    using_up("upload, rendered", previews::upload_rendered_by_query),
                ]
            }
        }
        "verify-custom-download-url" => const { &[reading("key unknown", verify_unknown_key)] },
        "get-session" => const { &[reading("start", get_session)] },
        "delete-session" => const { &[reading("end", delete_session)] },
        "delete-file" => const { &[using_up("at once", delete), using_up("with retention", delete_later)] },
        "generate-public-link" => const { &[reading("generate", generate_link)] },
        "list-public-links-for-file" => const { &[reading("list", list_links)] },
        "access-public-link" => const { &[reading("access", access_link)] },
        "revoke-public-link" => const { &[using_up("revoke", revoke_link)] },
        "get-user-schema-file-collections" => const { &[reading("list", list_collections)] },
        "create-user-schema-file-collection" => const { &[using_up("create", create_collection)] },
        "update-user-schema-file-collection" => const { &[using_up("rename", update_collection)] },
        "delete-user-schema-file-collection" => const { &[using_up("delete", delete_collection)] },
        "get-global-file-collections" => const { &[reading("list", list_global_collections)] },
        "create-global-file-collection" => const { &[using_up("create", create_global_collection)] },
        "update-global-file-collection" => const { &[using_up("rename", update_global_collection)] },
        "delete-global-file-collection" => const { &[using_up("delete", delete_global_collection)] },
        "get-files-in-collection" => {
            const { &[reading("3 files", files_in_collection), reading("one of 2 versions", files_of_two_versions)] }
        }
        "purge-files" => {
            const { &[reading("nothing to do", purge_nothing), reading("a save never finished", purge_abandoned)] }
        }
        _ => &[],
    }
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

fn check_upload(stack: &Stack) -> Result<Value> {
    Ok(upload_arrived(&stack.upload()?, 19))
}

fn check_large_upload(stack: &Stack) -> Result<Value> {
    Ok(upload_arrived(&stack.upload()?, u64::pow(2, 40)))
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

fn save_batch(stack: &Stack) -> Result<Value> {
    let id = stack.save()?["_id"].clone();
    let item = || Ok(json!({ "_id": id, "s3ref": stack.upload()? }));
    let items = (0..5).map(|_| item()).collect::<Result<Vec<_>>>()?;
    let mut event = save(stack, &json!(items))?;
    event["rawQueryString"] = "version_only=true".into();
    Ok(event)
}

fn save_copy(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "s3ref": stack.save()?["s3ref"] }))
}

fn save_custom(stack: &Stack) -> Result<Value> {
    save(stack, &json!({ "custom_download_url": "https://files.example/7", "filename": "bench.txt" }))
}

fn save_relations(stack: &Stack) -> Result<Value> {
    let relations: Vec<_> = (0..3).map(|number| json!({ "entity_id": format!("bench-{number}") })).collect();
    save(stack, &json!({ "_id": stack.save()?["_id"], "relations": relations }))
}

fn save(stack: &Stack, body: &Value) -> Result<Value> {
    request(stack, "POST /v2/files", None, body)
}

fn get(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v2/files/{id}", Some(stack.lasting_file()?), &Value::Null)
}

fn list_versions(stack: &Stack) -> Result<Value> {
    request(stack, "GET /v2/files/{id}/versions", Some(stack.lasting_file()?), &Value::Null)
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

fn list_collections(stack: &Stack) -> Result<Value> {
    collection(stack, "GET /v1/{slug}/collections", true, &Value::Null)
}

fn create_collection(stack: &Stack) -> Result<Value> {
    collection(stack, "POST /v1/{slug}/collections", false, &json!({ "name": "Bench" }))
}

fn update_collection(stack: &Stack) -> Result<Value> {
    collection(stack, "PUT /v1/{slug}/collections/{collectionSlug}", true, &json!({ "name": "Renamed" }))
}

fn delete_collection(stack: &Stack) -> Result<Value> {
    collection(stack, "DELETE /v1/{slug}/collections/{collectionSlug}", true, &Value::Null)
}

fn list_global_collections(stack: &Stack) -> Result<Value> {
    collection(stack, "GET /v1/collections/{schemaSlug}", true, &Value::Null)
}

fn create_global_collection(stack: &Stack) -> Result<Value> {
    collection(stack, "POST /v1/collections/{schemaSlug}", false, &json!({ "name": "Bench" }))
}

fn update_global_collection(stack: &Stack) -> Result<Value> {
    collection(stack, "PUT /v1/collections/{schemaSlug}/{collectionSlug}", true, &json!({ "name": "Renamed" }))
}

fn delete_global_collection(stack: &Stack) -> Result<Value> {
    collection(stack, "DELETE /v1/collections/{schemaSlug}/{collectionSlug}", true, &Value::Null)
}

/// A request for a collection `bench`, which is there already or is not, in a schema of its own.
fn collection(stack: &Stack, route: &str, exists: bool, body: &Value) -> Result<Value> {
    let is_global = route.contains("{schemaSlug}");
    let schema = unique("schema")?;
    if exists {
        stack.create_collection(&schema, is_global)?;
    }
    let path = route.split(' ').next_back().unwrap_or_default();
    let path = path.replace("{slug}", &schema).replace("{schemaSlug}", &schema).replace("{collectionSlug}", "bench");
    let token = stack.setting(if is_global { "ADMIN_TOKEN" } else { "TOKEN" })?;
    let mut event = http_event(route, &path, None, token, body);
    event["pathParameters"] = json!({ "slug": schema, "schemaSlug": schema, "collectionSlug": "bench" });
    Ok(event)
}

fn files_in_collection(stack: &Stack) -> Result<Value> {
    Ok(related_files(stack)?.0)
}

fn files_of_two_versions(stack: &Stack) -> Result<Value> {
    let (event, file) = related_files(stack)?;
    stack.save_version(&file)?;
    Ok(event)
}

/// A request for the three files of an entity in a collection, and the id of one of them.
fn related_files(stack: &Stack) -> Result<(Value, Value)> {
    let (schema, entity) = (unique("schema")?, unique("entity")?);
    stack.create_collection(&schema, false)?;
    let mut id = Value::Null;
    for _ in 0..3 {
        id = stack.save()?["_id"].clone();
        stack.relate(&id, &json!({ "entity_id": entity, "_schema": schema, "_tags": ["bench"] }))?;
    }
    let route = "GET /v1/entity/{id}/collections/{collectionSlug}/files";
    let path = format!("/v1/entity/{entity}/collections/bench/files");
    let mut event = http_event(route, &path, Some(&entity), stack.setting("TOKEN")?, &Value::Null);
    event["pathParameters"]["collectionSlug"] = "bench".into();
    Ok((event, id))
}

/// A name that no earlier event has.
fn unique(kind: &str) -> Result<String> {
    Ok(format!("bench-{kind}-{}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos()))
}
