//! `createUserSchemaFileCollection`.

use crate::{
    collections::{created, names, schema},
    stack::{Reply, Stack, text},
};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_collection_has_what_was_asked_for_and_a_slug_in_the_contracts_form() {
    let stack = Stack::new();
    let schema = schema();
    let body = json!({
        "name": "Contracts & Offers", "starred": true, "enabled_locations": ["tab"], "enabled_purposes": ["p"], "x": 1,
    });
    let made = created(&stack, &schema, body).await;
    for (name, value) in [
        ("name", json!("Contracts & Offers")),
        ("starred", json!(true)),
        ("order", json!(0)),
        ("parents", json!([])),
        ("enabled_locations", json!(["tab"])),
        ("enabled_purposes", json!(["p"])),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    assert_eq!(made.get("x"), None);
    assert_eq!(made["created_at"], made["updated_at"]);
    let slug = text(&made["slug"]);
    assert!(slug.starts_with("_system_files_collection_") && slug.ends_with("_someone:contracts-offers"), "{slug}");
    assert_eq!(stack.get(&format!("/v1/{schema}/collections")).await.expect(200), json!([made]));
}

#[tokio::test]
async fn a_nested_collection_names_its_parents_by_full_slug_or_short() {
    let stack = Stack::new();
    let schema = schema();
    let parent = created(&stack, &schema, json!({ "name": "Contracts" })).await;
    for (name, slug) in [("a", parent["slug"].clone()), ("b", json!("contracts"))] {
        let nested = created(&stack, &schema, json!({ "name": name, "parents": [slug, slug] })).await;
        assert_eq!(nested["parents"], json!([parent["slug"]]));
    }
}

#[tokio::test]
async fn a_second_collection_of_the_same_slug_is_a_conflict() {
    let stack = Stack::new();
    let schema = schema();
    created(&stack, &schema, json!({ "name": "Offers" })).await;
    stack.post(&format!("/v1/{schema}/collections"), &json!({ "name": "offers!" })).await.error(409);
    assert_eq!(names(&stack, &schema).await, ["Offers"]);
}

#[tokio::test]
async fn collections_made_at_the_same_time_are_all_there_one_after_the_other() {
    let stack = Stack::new();
    let schema = schema();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..8 {
        let request = stack.request(&stack.token, Method::POST, &format!("/v1/{schema}/collections"));
        requests.spawn(Reply::of(request.json(&json!({ "name": number.to_string() }))));
    }
    let mut orders: Vec<_> =
        requests.join_all().await.into_iter().map(|reply| reply.expect(201)["order"].clone()).collect();
    orders.sort_by_key(Value::as_u64);
    assert_eq!(json!(orders), json!([0, 1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(names(&stack, &schema).await.len(), 8);
}

#[tokio::test]
async fn wrong_values_are_refused_by_name() {
    let stack = Stack::new();
    let schema = schema();
    for (field, bad) in [
        ("name", Value::Null),
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", json!("a\u{0}b")),
        ("name", json!("x".repeat(257))),
        ("name", json!(7)),
        ("parents", json!("contracts")),
        ("parents", json!(["unknown"])),
        ("starred", json!("yes")),
        ("enabled_locations", json!([1])),
        ("enabled_purposes", json!(["x".repeat(129)])),
    ] {
        let mut body = json!({ "name": "a" });
        body[field] = bad;
        let error = stack.post(&format!("/v1/{schema}/collections"), &body).await.error(400);
        assert!(error.starts_with(field), "{field}: {error}");
    }
    assert!(names(&stack, &schema).await.is_empty());
}
