use super::*;
use serde_json::json;
use shared::{
    file::{File, Version},
    object_key::ObjectKey,
    page::{MAX_BODY_BYTES, escaped_bytes},
    presign::Presigner,
};

const ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";

fn caller(org: &str) -> Caller {
    Caller { org: org.parse().unwrap(), user: Some("ann".into()), is_admin: false, expires_at: 4_102_444_800 }
}

fn filename(name: &str) -> Filename {
    Filename::try_from(name.to_owned()).unwrap()
}

fn mime(mime_type: &str) -> MimeType {
    MimeType::try_from(mime_type.to_owned()).unwrap()
}

fn version(name: &str, mime_type: &str) -> Version {
    let Ok(ObjectKey::Saved(object_key)) = format!("123/{ID}/a.pdf").parse() else { panic!("not a saved key") };
    let mime_type = mime(mime_type);
    Version { number: 1, object_key, filename: filename(name), size_bytes: 3, mime_type, index_tag: None }
}

fn attributes(json: &Value) -> Changes {
    Changes { attributes: json.as_object().unwrap().clone(), ..Changes::default() }
}

/// A new file of organisation 123 with one version, saved with these changes.
fn saved(changes: &Changes) -> Meta {
    let blank = new_file(&caller("123"), ID.parse().unwrap(), filename("a.pdf"), mime("application/pdf"));
    changes.apply_with(&caller("123"), &blank, &version("a.pdf", "application/pdf"), None).unwrap()
}

fn attributes_of(meta: &Meta) -> Value {
    serde_json::from_str(&meta.attributes).unwrap()
}

#[test]
fn a_new_file_is_the_callers_and_private() {
    let meta = saved(&Changes::default());
    assert_eq!((meta.org.as_str(), meta.user.as_deref(), meta.revision), ("123", Some("ann"), 1));
    assert_eq!((meta.file_type, meta.access_control), (FileType::Document, AccessControl::Private));
    assert_eq!(meta.updated_at, meta.created_at);
}

#[test]
fn a_body_cannot_reach_what_is_stored_beside_its_attributes() {
    for name in ["pk", "sk", "org", "revision", "deleted_at", "expires_at", "created_at", "attributes", "current"] {
        let meta = saved(&attributes(&json!({ name: "forged" })));
        assert_eq!(attributes_of(&meta), json!({ name: "forged" }));
        assert_eq!((meta.org.as_str(), meta.revision, meta.deleted_at, meta.expires_at), ("123", 1, None, None));
    }
}

#[test]
fn what_a_save_does_not_mention_stays() {
    let before = saved(&attributes(&json!({ "color": "blue", "size": 1 })));
    let change = Changes { filename: Some(filename("b.txt")), ..attributes(&json!({ "size": null, "weight": 2 })) };
    let after = change.apply(&caller("123"), &before).unwrap();
    assert_eq!(attributes_of(&after), json!({ "color": "blue", "size": null, "weight": 2 }));
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
    let before = saved(&Changes::default());
    let picture = version("b.png", "image/png");
    let after = Changes::default().apply_with(&caller("123"), &before, &picture, None).unwrap();
    assert_eq!((after.filename.as_str(), after.file_type), ("b.png", FileType::Image));
    assert_eq!(after.current, Some(picture.clone()));
    let font = Changes { file_type: Some(FileType::Font), ..Changes::default() };
    assert_eq!(font.apply_with(&caller("123"), &before, &picture, None).unwrap().file_type, FileType::Font);
}

#[test]
fn a_version_only_save_changes_nothing_but_the_current_version() {
    let before = saved(&attributes(&json!({ "color": "blue" })));
    let picture = version("b.png", "image/png");
    let after = Changes::default().apply_version_only(&caller("123"), &before, &picture).unwrap();
    let updated_at = after.updated_at.clone();
    assert_eq!(after, Meta { current: Some(picture), revision: 2, updated_at, ..before });
}

#[test]
fn where_a_version_was_fetched_from_is_said_until_the_next_one() {
    let url = Some("https://a.example/a".into());
    let fetched = version("a", "text/plain");
    let file = Changes::default().apply_with(&caller("123"), &saved(&Changes::default()), &fetched, url).unwrap();
    assert_eq!(file.source_url.as_deref(), Some("https://a.example/a"));
    assert!(Changes::default().apply(&caller("123"), &file).unwrap().source_url.is_some());
    let uploaded = Changes::default().apply_with(&caller("123"), &file, &version("a", "text/plain"), None).unwrap();
    assert_eq!(uploaded.source_url, None);
}

#[test]
fn null_takes_a_list_of_the_contract_away_and_is_kept_elsewhere() {
    let before = saved(&attributes(&json!({ "_tags": ["a"], "_purpose": ["b"] })));
    let change = attributes(&json!({ "_tags": null, "_manifest": null, "color": null }));
    assert_eq!(change.apply(&caller("123"), &before).unwrap().attributes, r#"{"_purpose":["b"],"color":null}"#);
}

#[test]
fn attributes_relations_and_acl_may_have_300_kib_in_all() {
    let acl = Acl::of(&"123".parse().unwrap());
    let empty = json!({ "a": "", "b": "" }).to_string().len() + json!([[], acl]).to_string().len();
    let before = saved(&attributes(&json!({ "a": "x".repeat(200 * 1024) })));
    let rest = |bytes: usize| attributes(&json!({ "b": "x".repeat(bytes) })).apply(&caller("123"), &before);
    let room = MAX_ATTRIBUTE_BYTES - empty - 200 * 1024;
    assert!(rest(room).is_ok());
    assert_eq!(rest(room + 1).unwrap_err().status(), 413);
}

/// A file of which everything is as large as it may be.
fn largest_file() -> File {
    let org = "o".repeat(64);
    let Ok(ObjectKey::Saved(object_key)) = format!("{org}/{ID}/{}", "%C3%BC".repeat(133)).parse() else {
        panic!("no key")
    };
    let version = Version {
        number: u32::MAX,
        object_key,
        filename: filename(&"🦀".repeat(255)),
        size_bytes: u64::MAX,
        mime_type: mime(&format!("text/plain; x={}", "x".repeat(241))),
        index_tag: Some("t".repeat(64).try_into().unwrap()),
    };
    let list = |count: usize| vec![format!("user:{}", "u".repeat(128)); count];
    let acl: Acl = serde_json::from_value(json!({ "view": list(34), "edit": list(33), "delete": list(33) })).unwrap();
    let relations = (0..40).map(|number| json!({ "entity_id": format!("{number:0128}"), "_tags": ["🦀".repeat(256)] }));
    let url = format!("https://a.example/{}", "x".repeat(2_048 - 18));
    let blank = new_file(&caller(&org), ID.parse().unwrap(), filename("a"), mime("a/b"));
    let mut before = Meta { user: Some("u".repeat(256)), current: Some(version.clone()), ..blank };
    before.custom_download_url = Some(CustomUrl::try_from(url.clone()).unwrap());
    before.source_url = Some(url);
    let changes = |quotes: usize| Changes {
        filename: Some(version.filename.clone()),
        mime_type: Some(version.mime_type.clone()),
        acl: Some(acl.clone()),
        relations: serde_json::from_value(relations.clone().collect()).unwrap(),
        ..attributes(&json!({ "a": "\"".repeat(quotes) }))
    };
    let rest = json!([changes(0).apply(&caller(&org), &before).unwrap().relations, acl]).to_string().len();
    // Each quote is two bytes in the attributes' JSON.
    let most = (MAX_ATTRIBUTE_BYTES - rest - r#"{"a":""}"#.len()) / 2;
    assert_eq!(changes(most + 1).apply(&caller(&org), &before).unwrap_err().status(), 413);
    let mut meta = changes(most).apply(&caller(&org), &before).unwrap();
    (meta.deleted_at, meta.expires_at) = (Some(timestamp()), Some(i64::MAX));
    File { meta, versions: vec![version; 100] }
}

/// What DynamoDB counts of an item: names and values in UTF-8, and a few bytes for each list and map.
fn item_bytes(item: &Value) -> usize {
    match item {
        Value::String(text) => text.len(),
        Value::Array(list) => 3 + list.iter().map(|entry| 1 + item_bytes(entry)).sum::<usize>(),
        Value::Object(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + item_bytes(value)).sum::<usize>(),
        _ => 21,
    }
}

#[test]
fn a_file_at_every_limit_fits_into_an_item_and_with_100_versions_into_a_reply() {
    let file = largest_file();
    let key = "pkFILE#skMETA".len() + ID.len();
    let item = item_bytes(&json!(file.meta)) + key;
    assert!((300 * 1024..350 * 1024).contains(&item), "{item} of 409,600");
    let credentials = aws_credential_types::Credentials::new("AKID", "secret", None, None, "test");
    let bucket = Presigner::new("b".repeat(63), "eu-central-1".into(), "https://bucket.test/".into(), credentials);
    let reply = escaped_bytes(&file.entity(&bucket, true).to_string());
    assert!(reply < MAX_BODY_BYTES / 3, "{reply}");
}

#[test]
fn a_custom_file_is_named_by_the_save_or_by_its_url_and_cannot_lose_its_url() {
    let url = CustomUrl::try_from("https://a.example/files/Gr%C3%B6%C3%9Fe.pdf?id=1".to_owned()).unwrap();
    let custom =
        |filename| Changes { custom_download_url: UrlChange::Set(url.clone()), filename, ..Changes::default() };
    let named = custom(Some(filename("b.png"))).new_custom_file(&caller("123"), &url).unwrap();
    assert_eq!((named.filename.as_str(), named.mime_type.as_str()), ("b.png", "image/png"));
    let file = custom(None).new_custom_file(&caller("123"), &url).unwrap();
    assert_eq!((file.filename.as_str(), file.file_type, file.revision), ("Größe.pdf", FileType::Document, 1));
    let nameless = CustomUrl::try_from("https://a.example/?id=1".to_owned()).unwrap();
    assert_eq!(custom(None).new_custom_file(&caller("123"), &nameless).unwrap_err().status(), 400);

    let without = Changes { custom_download_url: UrlChange::Remove, ..Changes::default() };
    assert_eq!(without.apply(&caller("123"), &file).unwrap_err().status(), 400);
    let both = custom(None).apply(&caller("123"), &saved(&Changes::default())).unwrap();
    assert_eq!(without.apply(&caller("123"), &both).unwrap().custom_download_url, None);
}

#[test]
fn relations_are_merged_by_their_entity() {
    let change = |json: Value| serde_json::from_value::<Vec<RelationChange>>(json).unwrap();
    let before =
        merged(vec![], &change(json!([{ "entity_id": "a", "_schema": "order" }, { "entity_id": "b" }]))).unwrap();
    let after = merged(
        before,
        &change(json!([
            { "entity_id": "c" }, { "entity_id": "a", "_tags": ["x"] }, { "entity_id": "b", "remove": true },
            { "entity_id": "unknown", "remove": true },
        ])),
    );
    assert_eq!(json!(after.unwrap()), json!([{ "entity_id": "a", "_tags": ["x"] }, { "entity_id": "c" }]));
}

#[test]
fn a_file_has_at_most_40_relations_with_50_tags_each() {
    let related = |count: usize| -> Vec<RelationChange> {
        (0..count).map(|id| serde_json::from_value(json!({ "entity_id": id.to_string() })).unwrap()).collect()
    };
    assert_eq!(merged(vec![], &related(40)).unwrap().len(), 40);
    assert_eq!(merged(vec![], &related(41)).unwrap_err().status(), 400);
    let tagged = |tags: Vec<String>| serde_json::from_value(json!({ "entity_id": "a", "_tags": tags })).unwrap();
    assert!(merged(vec![], &[tagged(vec!["x".repeat(256); 50])]).is_ok());
    for tags in [vec!["x".into(); 51], vec!["x".repeat(257)]] {
        assert_eq!(merged(vec![], &[tagged(tags)]).unwrap_err().status(), 400);
    }
}

#[test]
fn who_edits_a_file_of_another_organisation_cannot_share_it_further() {
    let file = saved(&Changes::default());
    let acl = |acl: Acl| Changes { acl: Some(acl), ..Changes::default() };
    let theirs = Acl::of(&"456".parse().unwrap());
    let public = Changes { access_control: Some(AccessControl::PublicRead), ..Changes::default() };
    for changes in [acl(theirs), public] {
        assert_eq!(changes.apply(&caller("456"), &file).unwrap_err().status(), 403);
        assert!(changes.apply(&caller("123"), &file).is_ok());
    }
    // As an entity that is sent back has them.
    let same = Changes { access_control: Some(AccessControl::Private), ..acl(file.acl.clone()) };
    assert!(same.apply(&caller("456"), &file).is_ok());
}
