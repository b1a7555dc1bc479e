use super::*;
use lambda_http::{Body, RequestExt};
use serde_json::json;
use std::collections::HashMap;

const ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";
const OTHER: &str = "00000000-0000-4000-8000-000000000001";

fn parse(body: &Value) -> Result<SaveRequest, ApiError> {
    SaveRequest::parse(&Request::new(Body::from(body.to_string())), "bucket")
}

fn refused(body: &Value) -> String {
    match parse(body) {
        Ok(_) => panic!("{body} is accepted"),
        Err(error) => error.to_string(),
    }
}

fn caller() -> Caller {
    Caller { org: "123".parse().unwrap(), user: Some("ann".into()), is_admin: false, expires_at: 4_102_444_800 }
}

fn filename(name: &str) -> Filename {
    Filename::try_from(name.to_owned()).unwrap()
}

fn version(name: &str, mime_type: &str) -> Version {
    let Ok(ObjectKey::Saved(object_key)) = format!("123/{ID}/a.pdf").parse() else { panic!("not a saved key") };
    let mime_type = MimeType::try_from(mime_type.to_owned()).unwrap();
    Version { number: 1, object_key, filename: filename(name), size_bytes: 3, mime_type, index_tag: None }
}

/// A new file, saved with this body.
fn saved(body: &Value) -> Meta {
    parse(body).unwrap().new_meta(&caller(), ID.parse().unwrap(), &version("a.pdf", "application/pdf")).unwrap()
}

fn attributes(meta: &Meta) -> Value {
    serde_json::from_str(&meta.attributes).unwrap()
}

#[test]
fn attributes_that_only_we_write_are_ignored_and_all_others_kept() {
    let mut body: Map<String, Value> =
        READ_ONLY.iter().map(|name| ((*name).to_owned(), json!({ "forged": true }))).collect();
    let kept = json!({ "color": "blue", "_tags": ["a"], "n": 1.5, "nothing": null, "deep": { "list": [[], {}] } });
    body.extend(kept.as_object().unwrap().clone());
    let meta = saved(&Value::Object(body));
    assert_eq!(attributes(&meta), kept);
    assert_eq!((meta.org.as_str(), meta.user.as_deref(), meta.revision), ("123", Some("ann"), 1));
    assert_eq!(meta.updated_at, meta.created_at);
}

#[test]
fn a_body_cannot_reach_what_is_stored_beside_its_attributes() {
    for name in ["pk", "sk", "org", "revision", "deleted_at", "expires_at", "created_at", "attributes"] {
        let meta = saved(&json!({ name: "forged" }));
        assert_eq!(attributes(&meta), json!({ name: "forged" }));
        assert_eq!((meta.org.as_str(), meta.revision, meta.deleted_at, meta.expires_at), ("123", 1, None, None));
    }
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
    assert!(matches!(parse(&body("bucket", key())).unwrap().s3ref, Some(ObjectKey::Temp(_))));
    assert!(matches!(parse(&body("bucket", format!("123/{ID}/a.pdf"))).unwrap().s3ref, Some(ObjectKey::Saved(_))));
    for foreign in ["other", "", "Bucket", "bucket "] {
        assert!(refused(&body(foreign, key())).starts_with("Bad Request: s3ref.bucket: "), "{foreign:?}");
    }
    assert!(refused(&body("bucket", "a.pdf".into())).starts_with("Bad Request: s3ref.key: "));
    for shape in [json!(["bucket", key()]), json!("x"), json!({ "bucket": "bucket" })] {
        assert!(refused(&json!({ "s3ref": shape })).starts_with("Bad Request: s3ref: "), "{shape}");
    }
    assert!(parse(&json!({ "s3ref": null })).unwrap().s3ref.is_none());
}

#[test]
fn what_a_save_does_not_mention_stays() {
    let before = saved(&json!({ "access_control": "public-read", "type": "image", "color": "blue", "size": 1 }));
    let change = json!({ "_id": ID, "filename": "b.txt", "size": null, "weight": 2 });
    let after = parse(&change).unwrap().changed(&before).unwrap();
    assert_eq!(attributes(&after), json!({ "color": "blue", "size": null, "weight": 2 }));
    assert_eq!(after.filename, filename("b.txt"));
    let expected = Meta {
        revision: 2,
        filename: after.filename.clone(),
        attributes: after.attributes.clone(),
        updated_at: after.updated_at.clone(),
        ..before
    };
    assert_eq!(after, expected);
}

#[test]
fn a_new_version_gives_the_file_its_name_and_type_unless_the_save_says_otherwise() {
    let before = saved(&json!({}));
    assert_eq!((before.file_type, before.access_control), (FileType::Document, AccessControl::Private));
    let picture = version("b.png", "image/png");
    let after = parse(&json!({})).unwrap().with_version(&before, &picture).unwrap();
    assert_eq!(
        (after.filename, after.mime_type, after.file_type),
        (picture.filename.clone(), picture.mime_type.clone(), FileType::Image)
    );
    let after = parse(&json!({ "type": "font" })).unwrap().with_version(&before, &picture).unwrap();
    assert_eq!(after.file_type, FileType::Font);
}

#[test]
fn attributes_may_have_300_kib_in_all() {
    let empty = json!({ "a": "", "b": "" }).to_string().len();
    let half = json!({ "a": "x".repeat(200 * 1024) });
    let before = saved(&half);
    let rest = |bytes: usize| parse(&json!({ "b": "x".repeat(bytes) })).unwrap().changed(&before);
    let room = MAX_ATTRIBUTE_BYTES - empty - 200 * 1024;
    assert_eq!(rest(room).unwrap().attributes.len(), 300 * 1024);
    assert_eq!(rest(room + 1).unwrap_err().status(), 413);
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
fn null_takes_a_list_of_the_contract_away_and_is_kept_elsewhere() {
    let before = saved(&json!({ "_tags": ["a"], "_purpose": ["b"] }));
    let changed = parse(&json!({ "_tags": null, "_manifest": null, "color": null })).unwrap().changed(&before).unwrap();
    assert_eq!(changed.attributes, r#"{"_purpose":["b"],"color":null}"#);
}

#[test]
fn an_access_control_list_names_organisations_and_users() {
    assert!(parse(&json!({ "_acl": { "view": ["org:456", "user:ann"] } })).unwrap().acl.is_some());
    for bad in [json!(["everybody"]), json!(["org:"]), json!([format!("user:{}", "x".repeat(129))]), json!("org:1")] {
        assert!(refused(&json!({ "_acl": { "view": bad } })).starts_with("Bad Request: _acl: "), "{bad}");
    }
    for bad in [json!([[], [], []]), json!({ "own": ["org:456"] })] {
        assert!(refused(&json!({ "_acl": bad })).starts_with("Bad Request: _acl: "), "{bad}");
    }
}

#[test]
fn values_that_the_contract_does_not_have_are_refused_by_name() {
    for (name, value) in [("access_control", "public"), ("type", "picture"), ("mime_type", "pdf"), ("filename", "../a")]
    {
        let error = refused(&json!({ name: value }));
        assert!(error.starts_with(&format!("Bad Request: {name}: ")), "{error}");
    }
}

#[test]
fn an_upload_is_removed_once_saved_unless_the_caller_keeps_it() {
    let with = |value: &str| {
        let query = HashMap::from([("delete_temp_file".to_owned(), value.to_owned())]);
        SaveRequest::parse(&Request::new(Body::from("{}")).with_query_string_parameters(query), "bucket")
    };
    assert!(parse(&json!({})).unwrap().delete_temp_file && with("true").unwrap().delete_temp_file);
    assert!(!with("false").unwrap().delete_temp_file);
    assert_eq!(with("no").err().unwrap().status(), 400);
}
