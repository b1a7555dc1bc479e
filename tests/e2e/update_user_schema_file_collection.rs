//! `updateUserSchemaFileCollection`.

use crate::{
    collections::{created, names, schema, send},
    stack::{Reply, Stack, text},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn update(stack: &Stack, schema: &str, slug: &str, body: Value) -> Reply {
    send(stack, &stack.token, Method::PUT, &format!("/v1/{schema}/collections/{slug}"), &body).await
}

#[tokio::test]
async fn a_renamed_collection_keeps_its_slug_and_all_that_is_not_mentioned() {
    let stack = Stack::new();
    let schema = schema();
    let before = created(&stack, &schema, json!({ "name": "Offers", "starred": true })).await;
    for slug in ["offers", text(&before["slug"])] {
        let after = update(&stack, &schema, slug, json!({ "name": "Old offers" })).await.expect(200);
        assert_eq!((&after["name"], &after["slug"]), (&json!("Old offers"), &before["slug"]));
        for kept in ["id", "starred", "order", "created_at", "parents"] {
            assert_eq!(after[kept], before[kept], "{kept}");
        }
        assert_ne!(after["updated_at"], before["updated_at"]);
    }
    assert_eq!(names(&stack, &schema).await, ["Old offers"]);
}

#[tokio::test]
async fn a_collection_cannot_be_nested_in_itself_by_any_way() {
    let stack = Stack::new();
    let schema = schema();
    created(&stack, &schema, json!({ "name": "a" })).await;
    created(&stack, &schema, json!({ "name": "b", "parents": ["a"] })).await;
    created(&stack, &schema, json!({ "name": "c", "parents": ["b"] })).await;
    for parent in ["a", "b", "c"] {
        let error = update(&stack, &schema, "a", json!({ "parents": [parent] })).await.error(400);
        assert!(error.starts_with("parents: a collection cannot be nested in itself"), "{error}");
    }
    let freed = update(&stack, &schema, "b", json!({ "parents": [] })).await.expect(200);
    assert_eq!(freed["parents"], json!([]));
    update(&stack, &schema, "a", json!({ "parents": ["c"] })).await.expect(200);
}

#[tokio::test]
async fn two_updates_at_the_same_time_cannot_close_a_cycle() {
    let stack = Stack::new();
    for _ in 0..10 {
        let schema = schema();
        created(&stack, &schema, json!({ "name": "a" })).await;
        created(&stack, &schema, json!({ "name": "b" })).await;
        let (one, two) = tokio::join!(
            update(&stack, &schema, "a", json!({ "parents": ["b"] })),
            update(&stack, &schema, "b", json!({ "parents": ["a"] })),
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

#[tokio::test]
async fn a_collection_that_is_not_there_is_a_404() {
    let stack = Stack::new();
    let schema = schema();
    let made = created(&stack, &schema, json!({ "name": "a" })).await;
    let prefix = text(&made["slug"]).strip_suffix(":a").unwrap();
    for slug in ["b", "A", prefix, &format!("{prefix}:b"), &format!("_system_files_collection_schema_{schema}:a")] {
        update(&stack, &schema, slug, json!({ "name": "x" })).await.error(404);
    }
    update(&stack, &schema, "a", json!({ "name": 7 })).await.error(400);
}
