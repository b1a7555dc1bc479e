use super::*;
use serde_json::json;
use shared::{file::Version, object_key::ObjectKey};

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
fn attributes_may_have_300_kib_in_all() {
    let empty = json!({ "a": "", "b": "" }).to_string().len() + "[]".len();
    let before = saved(&attributes(&json!({ "a": "x".repeat(200 * 1024) })));
    let rest = |bytes: usize| attributes(&json!({ "b": "x".repeat(bytes) })).apply(&caller("123"), &before);
    let room = MAX_ATTRIBUTE_BYTES - empty - 200 * 1024;
    assert!(rest(room).is_ok());
    assert_eq!(rest(room + 1).unwrap_err().status(), 413);
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
