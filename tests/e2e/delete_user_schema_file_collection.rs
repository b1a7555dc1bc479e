//! `deleteUserSchemaFileCollection`.

use crate::{
    collections::{created, names, schema},
    stack::{Stack, text},
};
use serde_json::json;

#[tokio::test]
async fn a_deleted_collection_is_gone_and_what_was_nested_in_it_stays() {
    let stack = Stack::new();
    let schema = schema();
    let path = format!("/v1/{schema}/collections");
    let a = created(&stack, &schema, json!({ "name": "a" })).await;
    let b = created(&stack, &schema, json!({ "name": "b" })).await;
    created(&stack, &schema, json!({ "name": "c", "parents": ["a", "b"] })).await;
    let deleted = stack.delete(&format!("{path}/{}", text(&a["slug"]))).await;
    assert_eq!((deleted.status, &deleted.body), (200, &json!("")));
    assert_eq!(names(&stack, &schema).await, ["b", "c"]);
    assert_eq!(stack.get(&path).await.expect(200)[1]["parents"], json!([b["slug"]]));
    stack.delete(&format!("{path}/a")).await.error(404);
    // The slug is free again, and what was nested in the old one is not in the new one.
    created(&stack, &schema, json!({ "name": "a" })).await;
    assert_eq!(stack.get(&path).await.expect(200)[1]["parents"], json!([b["slug"]]));
}
