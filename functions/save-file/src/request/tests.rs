use super::*;
use lambda_http::{Body, RequestExt};
use serde_json::json;
use std::collections::HashMap;

const ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";
const OTHER: &str = "00000000-0000-4000-8000-000000000001";

fn parse(body: &Value) -> Result<SaveRequest, ApiError> {
    parse_with(body, &[])
}

fn parse_with(body: &Value, query: &[(&str, &str)]) -> Result<SaveRequest, ApiError> {
    let query: HashMap<_, _> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request::new(Body::from(body.to_string())).with_query_string_parameters(query);
    let caller = Caller { org: "123".parse().unwrap(), user: None, is_admin: false, expires_at: 0 };
    SaveRequest::parse(&request, &caller, "bucket")
}

fn refused(body: &Value) -> String {
    refused_with(body, &[])
}

fn refused_with(body: &Value, query: &[(&str, &str)]) -> String {
    match parse_with(body, query) {
        Ok(_) => panic!("{body} is accepted"),
        Err(error) => error.to_string(),
    }
}

/// The `s3ref` of an upload with this id, or of saved bytes.
fn s3ref(prefix: &str, id: &str) -> Value {
    json!({ "bucket": "bucket", "key": format!("{prefix}/{id}/a.pdf") })
}

#[test]
fn a_file_has_one_id_under_either_name() {
    for body in [json!({ "_id": ID }), json!({ "file_entity_id": ID }), json!({ "_id": ID, "file_entity_id": ID })] {
        assert_eq!(parse(&body).unwrap().file_id.unwrap().to_string(), ID);
    }
    for none in [json!({}), json!({ "_id": "", "file_entity_id": "" }), json!({ "_id": null })] {
        assert!(parse(&none).unwrap().file_id.is_none());
    }
    assert!(refused(&json!({ "_id": ID, "file_entity_id": OTHER })).contains("name different files"));
    assert_eq!(refused(&json!({ "_id": "x" })), "Bad Request: _id: must be a UUID");
    assert_eq!(refused(&json!({ "file_entity_id": "x" })), "Bad Request: file_entity_id: must be a UUID");
}

#[test]
fn only_keys_of_our_bucket_are_accepted() {
    let body = |bucket: &str, key: String| json!({ "s3ref": { "bucket": bucket, "key": key } });
    let key = || format!("temp/123/{ID}/a.pdf");
    for foreign in ["other", "", "Bucket", "bucket "] {
        assert!(refused(&body(foreign, key())).starts_with("Bad Request: s3ref.bucket: "), "{foreign:?}");
    }
    assert!(refused(&body("bucket", "a.pdf".into())).starts_with("Bad Request: s3ref.key: "));
    for shape in [json!(["bucket", key()]), json!("x"), json!({ "bucket": "bucket" })] {
        assert!(refused(&json!({ "s3ref": shape })).starts_with("Bad Request: s3ref: "), "{shape}");
    }
    assert!(parse(&json!({ "s3ref": null })).unwrap().versions.is_empty());
}

#[test]
fn bytes_come_from_an_upload_a_saved_object_or_a_url() {
    let source = |body: Value| parse(&body).unwrap().versions.pop().map(|version| version.source);
    assert!(matches!(source(json!({ "s3ref": s3ref("temp/123", ID) })), Some(Source::Upload(_))));
    assert!(matches!(source(json!({ "s3ref": s3ref("123", ID) })), Some(Source::Saved(_))));
    let url = "https://a.example/b.pdf";
    assert_eq!(source(json!({ "source_url": url })), Some(Source::Url(url.into())));
}

#[test]
fn an_entity_that_is_sent_back_asks_for_no_new_version() {
    let entity = json!({ "_id": ID, "s3ref": s3ref("123", OTHER), "source_url": "https://a.example/b.pdf" });
    let save = parse(&entity).unwrap();
    assert!(save.versions.is_empty() && save.sent_back.is_some());
    let fetched_again = parse(&json!({ "_id": ID, "source_url": "https://a.example/b.pdf" })).unwrap();
    assert_eq!(fetched_again.versions.len(), 1);
}

#[test]
fn version_only_leaves_out_every_other_change_of_a_file_that_is_there() {
    let body = json!({ "_id": ID, "s3ref": s3ref("temp/123", OTHER), "filename": "b.pdf", "type": "font", "color": 1 });
    let save = parse_with(&body, &[("version_only", "true")]).unwrap();
    assert!(save.changes.filename.is_none() && save.changes.file_type.is_none() && save.changes.attributes.is_empty());
    assert_eq!(save.versions[0].filename.as_ref().unwrap().as_str(), "b.pdf");

    let new = json!({ "s3ref": s3ref("temp/123", OTHER), "color": 1 });
    let save = parse_with(&new, &[("version_only", "true")]).unwrap();
    assert!(!save.version_only && save.changes.attributes.len() == 1);

    let nothing = refused_with(&json!({ "_id": ID, "filename": "b.pdf" }), &[("version_only", "true")]);
    assert!(nothing.contains("version_only needs"), "{nothing}");
}

#[test]
fn a_batch_is_1_to_20_uploads_for_one_file() {
    let only = [("version_only", "true")];
    let item = |number: usize| json!({ "_id": ID, "s3ref": s3ref("temp/123", &format!("00000000-0000-4000-8000-{number:012}")) });
    let batch = |count: usize| Value::Array((0..count).map(item).collect());
    for count in [1, 20] {
        assert_eq!(parse_with(&batch(count), &only).unwrap().versions.len(), count);
    }
    let with = |name: &str, value: Value| {
        let mut second = item(1);
        second[name] = value;
        json!([item(0), second])
    };
    let saved = s3ref("123", OTHER);
    for (body, words) in [
        (batch(0), "1 to 20"),
        (batch(21), "1 to 20"),
        (json!(["x"]), "1 to 20"),
        (with("_id", json!(OTHER)), "same file"),
        (with("_id", json!("")), "_id is required"),
        (with("s3ref", json!(null)), "s3ref is required"),
        (with("s3ref", saved), "must be that of an upload"),
        (with("s3ref", item(0)["s3ref"].clone()), "one version only"),
        (with("color", json!("blue")), "unknown field `color`"),
        (with("access_control", json!("public")), "access_control"),
    ] {
        let error = refused_with(&body, &only);
        assert!(error.starts_with("Bad Request: ") && error.contains(words), "{error}");
    }
    assert!(refused(&batch(2)).contains("version_only=true"));
}

#[test]
fn the_contracts_lists_hold_text_or_ids_only() {
    let id = "123e4567-e89b-12d3-a456-426614174000";
    for (name, items) in [("_tags", "strings"), ("_purpose", "strings"), ("_manifest", "UUIDs")] {
        for good in [json!([]), json!([id]), json!(null)] {
            assert!(parse(&json!({ name: good })).is_ok());
        }
        for bad in [json!("a"), json!([1]), json!({}), json!([id, null])] {
            assert_eq!(refused(&json!({ name: bad })), format!("Bad Request: {name}: must be a list of {items}"));
        }
    }
    assert_eq!(refused(&json!({ "_manifest": ["a"] })), "Bad Request: _manifest: must be a list of UUIDs");
}

#[test]
fn an_access_control_list_names_organisations_and_users() {
    assert!(parse(&json!({ "_acl": { "view": ["org:456", "user:ann"] } })).unwrap().changes.acl.is_some());
    for bad in [json!(["everybody"]), json!(["org:"]), json!([format!("user:{}", "x".repeat(129))]), json!("org:1")] {
        assert!(refused(&json!({ "_acl": { "view": bad } })).starts_with("Bad Request: _acl: "), "{bad}");
    }
    for bad in [json!([[], [], []]), json!({ "own": ["org:456"] })] {
        assert!(refused(&json!({ "_acl": bad })).starts_with("Bad Request: _acl: "), "{bad}");
    }
}

#[test]
fn values_that_the_contract_does_not_have_are_refused_by_name() {
    for (name, value) in [
        ("access_control", json!("public")),
        ("type", json!("picture")),
        ("mime_type", json!("pdf")),
        ("filename", json!("../a")),
        ("custom_download_url", json!("javascript:alert(1)")),
        ("relations", json!({})),
        ("relations", json!(["x"])),
        ("relations", json!([{}])),
        ("relations", json!([{ "entity_id": "a/b" }])),
        ("relations", json!([{ "entity_id": "a", "_schema": "x y" }])),
        ("relations", json!([{ "entity_id": "a", "_tags": "x" }])),
        ("source_url", json!(7)),
    ] {
        let error = refused(&json!({ name: value }));
        assert!(error.starts_with(&format!("Bad Request: {name}")), "{error}");
    }
}

#[test]
fn an_upload_is_removed_once_saved_unless_the_caller_keeps_it() {
    let with = |value: &str| parse_with(&json!({}), &[("delete_temp_file", value)]);
    assert!(parse(&json!({})).unwrap().delete_temp_file && with("true").unwrap().delete_temp_file);
    assert!(!with("false").unwrap().delete_temp_file);
    assert_eq!(with("no").err().unwrap().status(), 400);
}
