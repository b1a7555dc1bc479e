use super::*;
use crate::{
    fixtures::{caller, org},
    page::{MAX_BODY_BYTES, escaped_bytes},
};

fn schema(slug: &str) -> SchemaSlug {
    slug.parse().unwrap()
}

fn attributes(json: Value) -> CollectionAttributes {
    serde_json::from_value(json).unwrap()
}

/// Ann's collections of this shape: each with the names of those that it is nested in.
fn set(shape: &[(&str, &[&str])]) -> CollectionSet {
    let owner = Owner::user(&caller("123")).unwrap();
    let mut set = CollectionSet { owner, schema: schema("order"), revision: 0, collections: Vec::new() };
    for (name, parents) in shape {
        let collection = set.created(&attributes(json!({ "name": name, "parents": parents }))).unwrap();
        set.collections.push(collection);
    }
    set
}

#[test]
fn slugs_have_the_contracts_form() {
    let set = set(&[("My Contracts", &[])]);
    let slug = set.item(&set.collections[0])["slug"].as_str().unwrap().to_owned();
    let rest = slug.strip_prefix("_system_files_collection_").unwrap();
    let (uuid, rest) = rest.split_once('_').unwrap();
    assert!(uuid.parse::<Uuid>().is_ok());
    assert_eq!(rest, "ann:my-contracts");
    let global = Owner::Organisation(org("123")).slug_prefix(&schema("order"));
    assert_eq!(global, "_system_files_collection_schema_order");
    let odd = Owner::User(org("123"), "auth0|a:b#c/ü".into()).slug_prefix(&schema("order"));
    assert!(odd.ends_with("_auth0-a-b-c--"), "{odd}");
}

#[test]
fn a_slug_is_made_of_the_names_letters_and_digits() {
    let id = Uuid::nil();
    for (name, key) in [
        ("Contracts", "contracts"),
        ("  2024 -- Contracts (signed)! ", "2024-contracts-signed"),
        ("Verträge", "vertr-ge"),
        ("契約", "00000000"),
        ("🦀", "00000000"),
    ] {
        assert_eq!(key_of_name(name, id), key, "{name}");
    }
    let long = key_of_name(&"ab ".repeat(100), id);
    assert!(long.len() <= MAX_SLUG_CHARS && !long.ends_with('-'), "{long}");
}

#[test]
fn no_slug_is_a_word_of_our_own_paths() {
    let id = "4ffdc191-f32c-404a-8520-c403b7408afa".parse().unwrap();
    for (name, key) in [
        ("Collections", "collections-4ffdc191"),
        (" files! ", "files-4ffdc191"),
        ("My files", "my-files"),
        ("collections 2", "collections-2"),
    ] {
        assert_eq!(key_of_name(name, id), key, "{name}");
    }
}

#[test]
fn a_collection_is_found_by_its_full_slug_and_by_its_key_alone() {
    let set = set(&[("a", &[])]);
    let full = set.owner.slug(&set.collections[0]);
    for slug in ["a", &full] {
        assert_eq!(set.find(slug).unwrap().key, "a");
    }
    let theirs = Owner::User(org("123"), "bob".into()).slug(&set.collections[0]);
    for slug in ["b", "", "A", ":a", &theirs, set.owner.slug_prefix(&set.schema).as_str()] {
        assert_eq!(set.find(slug).unwrap_err().status(), 404, "{slug}");
    }
}

#[test]
fn nesting_has_no_cycles() {
    let set = set(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["a", "c", "a"])]);
    assert_eq!(set.collections[3].parents, ["a", "c"]);
    let nest = |key: &str, parent: &str| {
        let collection = set.find(key).unwrap();
        set.changed(collection, &attributes(json!({ "parents": [parent] }))).map(|changed| changed.parents)
    };
    for (key, parent) in [("a", "a"), ("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("a", "unknown")] {
        assert_eq!(nest(key, parent).unwrap_err().status(), 400, "{key} in {parent}");
    }
    for (key, parent) in [("c", "a"), ("d", "b"), ("b", "a")] {
        assert_eq!(nest(key, parent).unwrap(), [parent]);
    }
}

#[test]
fn what_is_not_mentioned_stays_and_the_slug_always_does() {
    let set = set(&[("a", &[]), ("b", &["a"])]);
    let b = &set.collections[1];
    let renamed = set.changed(b, &attributes(json!({ "name": "Other", "starred": true }))).unwrap();
    let expected =
        Collection { name: "Other".into(), starred: true, updated_at: renamed.updated_at.clone(), ..b.clone() };
    assert_eq!(renamed, expected);
}

#[test]
fn the_children_of_a_deleted_collection_keep_their_other_parents() {
    let set = set(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["b"])]);
    let detached = set.detached_children("a");
    assert_eq!(detached.len(), 1);
    assert_eq!((detached[0].key.as_str(), &detached[0].parents[..]), ("c", &["b".to_owned()][..]));
}

#[test]
fn new_collections_come_last_and_there_is_one_of_each_slug_and_90_in_all() {
    let full: Vec<String> = (0..MAX_COLLECTIONS).map(|number| number.to_string()).collect();
    let mut set = set(&full.iter().map(|name| (name.as_str(), &[][..])).collect::<Vec<_>>());
    assert!(set.collections.iter().map(|collection| collection.order).eq(0..90));
    assert_eq!(set.created(&attributes(json!({ "name": "x" }))).unwrap_err().status(), 409);
    set.collections.remove(0);
    assert_eq!(set.created(&attributes(json!({ "name": "x" }))).unwrap().order, 90);
    assert_eq!(set.created(&attributes(json!({ "name": "  7!" }))).unwrap_err().status(), 409);
}

#[test]
fn attributes_have_bounds() {
    let set = set(&[]);
    for bad in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": " " }),
        json!({ "name": "a\nb" }),
        json!({ "name": "x".repeat(257) }),
        json!({ "name": "a", "enabled_locations": vec!["x"; 101] }),
        json!({ "name": "a", "enabled_purposes": ["x".repeat(129)] }),
    ] {
        assert_eq!(set.created(&attributes(bad.clone())).unwrap_err().status(), 400, "{bad}");
    }
    assert!(
        set.created(&attributes(json!({ "name": "x".repeat(256), "enabled_purposes": ["x".repeat(128)] }))).is_ok()
    );
}

/// 90 collections, each at every limit and nested in all before it.
fn largest_set() -> CollectionSet {
    let user = "u".repeat(256);
    let owner = Owner::User(org(&"o".repeat(64)), user);
    let mut set = CollectionSet { owner, schema: schema(&"s".repeat(64)), revision: 1, collections: Vec::new() };
    for number in 0..MAX_COLLECTIONS {
        let parents: Vec<_> = set.collections.iter().map(|collection| collection.key.clone()).collect();
        let name = format!("{number}{}", "x".repeat(254));
        // A quote takes one byte in the table, two in JSON, and four in JSON that is wrapped.
        let texts = |quotes: usize| json!({ "name": name, "parents": parents, "enabled_locations": vec!["\"".repeat(quotes); 62] });
        assert_eq!(set.created(&attributes(texts(129))).unwrap_err().status(), 400);
        let collection = set.created(&attributes(texts(127))).unwrap();
        set.collections.push(collection);
    }
    set
}

#[test]
fn the_texts_of_a_collection_have_16_kib_in_all() {
    let set = set(&[]);
    let texts = |purposes: usize| {
        let entries = |count: usize| vec!["x".repeat(128); count];
        set.created(&attributes(json!({
            "name": "x", "enabled_locations": entries(100), "enabled_purposes": entries(purposes),
        })))
    };
    assert!(texts(24).is_ok());
    assert_eq!(texts(26).unwrap_err().status(), 413);
    let small = texts(24).unwrap();
    let grow = attributes(json!({ "enabled_purposes": vec!["x".repeat(128); 26] }));
    assert_eq!(set.changed(&small, &grow).unwrap_err().status(), 413);
}

#[test]
fn a_set_at_every_limit_fits_into_a_reply() {
    let reply = json!(largest_set().items()).to_string();
    assert!(escaped_bytes(&reply) <= MAX_BODY_BYTES, "{}", escaped_bytes(&reply));
}

#[test]
fn deleting_the_parent_of_a_set_at_every_limit_is_a_transaction_that_dynamodb_takes() {
    let set = largest_set();
    let children = set.detached_children(&set.collections[0].key);
    // Beside them the revision and the deletion.
    assert_eq!(children.len() + 2, 91);
    // What is sent has the most bytes: each text as `{"S":"…"}`.
    let bytes: usize = children.iter().map(|child| 2 * json!(child).to_string().len()).sum();
    assert!(bytes < 4_000_000, "{bytes}");
}

#[test]
fn a_file_is_in_a_collection_by_a_tag_for_an_entity_of_its_schema() {
    let set = set(&[("a", &[])]);
    let a = &set.collections[0];
    let relation = |json: Value| serde_json::from_value::<Relation>(json).unwrap();
    let slug = set.owner.slug(a);
    for tags in [json!(["a"]), json!(["x", slug])] {
        for schema in [json!("order"), Value::Null] {
            assert!(a.has(&set.owner, &relation(json!({ "entity_id": "1", "_schema": schema, "_tags": tags }))));
        }
        assert!(!a.has(&set.owner, &relation(json!({ "entity_id": "1", "_schema": "contact", "_tags": tags }))));
    }
    for tags in [json!([]), json!(["b", "A", "a "])] {
        assert!(!a.has(&set.owner, &relation(json!({ "entity_id": "1", "_tags": tags }))));
    }
}

#[test]
fn only_administrators_write_for_the_organisation_and_only_users_have_their_own() {
    let user = caller("123");
    assert_eq!(Owner::administered_by(&user).unwrap_err().status(), 403);
    let admin = Caller { is_admin: true, ..user.clone() };
    assert_eq!(Owner::administered_by(&admin).unwrap(), Owner::Organisation(org("123")));
    let machine = Caller { user: None, ..user };
    assert_eq!(Owner::user(&machine).unwrap_err().status(), 401);
}
