//! `getFilesInCollection`: an entity's files by the tags of their relations.

use crate::{
    collections::{created, schema, send, token_of},
    stack::{Reply, Stack, text},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A file related to the entity with these tags.
async fn related(stack: &Stack, entity: &str, schema: &str, tags: &[&str]) -> Value {
    let s3ref = stack.upload("a.txt", b"1").await;
    let relation = json!({ "entity_id": entity, "_schema": schema, "_tags": tags });
    stack.save(&json!({ "s3ref": s3ref, "relations": [relation] })).await
}

async fn files(stack: &Stack, token: &str, entity: &str, slug: &str) -> Reply {
    let path = format!("/v1/entity/{entity}/collections/{slug}/files");
    send(stack, token, Method::GET, &path, &json!({})).await
}

#[tokio::test]
async fn files_are_in_a_collection_by_a_tag_and_come_newest_first() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    let slug = text(&created(&stack, &schema, json!({ "name": "Contracts" })).await["slug"]).to_owned();
    let older = related(&stack, &entity, &schema, &["x", "contracts"]).await;
    let newer = related(&stack, &entity, &schema, &[&slug]).await;
    related(&stack, &entity, &schema, &["offers"]).await;
    related(&stack, &entity, &schema, &[]).await;
    related(&stack, &entity, "another-schema", &["contracts"]).await;
    related(&stack, &Uuid::new_v4().to_string(), &schema, &["contracts"]).await;
    for name in ["contracts", &slug] {
        assert_eq!(files(&stack, &stack.token, &entity, name).await.expect(200), json!([newer, older]), "{name}");
    }
}

#[tokio::test]
async fn a_file_of_several_versions_comes_with_all_of_them_and_a_deleted_one_not_at_all() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    created(&stack, &schema, json!({ "name": "c" })).await;
    let kept = related(&stack, &entity, &schema, &["c"]).await;
    let s3ref = stack.upload("b.txt", b"22").await;
    let kept = stack.save(&json!({ "_id": kept["_id"], "s3ref": s3ref })).await;
    for query in ["", "?purge=true"] {
        let gone = related(&stack, &entity, &schema, &["c"]).await;
        stack.delete(&format!("/v2/files/{}{query}", text(&gone["_id"]))).await.expect(200);
    }
    assert_eq!(files(&stack, &stack.token, &entity, "c").await.expect(200), json!([kept]));
    stack.save(&json!({ "_id": kept["_id"], "relations": [{ "entity_id": entity, "remove": true }] })).await;
    assert_eq!(files(&stack, &stack.token, &entity, "c").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_collection_that_the_caller_cannot_see_is_a_404() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    let name = format!("n{}", Uuid::new_v4().simple());
    created(&stack, &schema, json!({ "name": name })).await;
    related(&stack, &entity, &schema, &[&name]).await;
    for token in [&token_of("somebody-else"), &stack.other_token] {
        files(&stack, token, &entity, &name).await.error(404);
    }
    files(&stack, &stack.token, &entity, "unknown").await.error(404);
    stack.delete(&format!("/v1/{schema}/collections/{name}")).await;
    files(&stack, &stack.token, &entity, &name).await.error(404);
}

#[tokio::test]
async fn everybody_in_the_organisation_and_nobody_else_sees_the_files_of_a_shared_collection() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    let shared = format!("/v1/collections/{schema}");
    let made = send(&stack, &stack.admin_token, Method::POST, &shared, &json!({ "name": "Shared" })).await.expect(201);
    let file = related(&stack, &entity, &schema, &["shared"]).await;
    let machine = crate::tokens::with(&json!({ "sub": null }));
    for token in [&stack.token, &token_of("somebody-else"), &machine] {
        assert_eq!(files(&stack, token, &entity, text(&made["slug"])).await.expect(200), json!([file]));
    }
    let theirs = crate::tokens::with(&json!({ "org_id": "456", "file_admin": true }));
    send(&stack, &theirs, Method::POST, &shared, &json!({ "name": "Shared" })).await.expect(201);
    assert_eq!(files(&stack, &theirs, &entity, text(&made["slug"])).await.expect(200), json!([]));
}

#[tokio::test]
async fn an_entity_without_files_has_an_empty_list_and_one_that_cannot_be_is_not_found() {
    let stack = Stack::new();
    let schema = schema();
    created(&stack, &schema, json!({ "name": "empty" })).await;
    assert_eq!(files(&stack, &stack.token, &Uuid::new_v4().to_string(), "empty").await.expect(200), json!([]));
    for bad in ["a%23b", "%C3%BC", &"x".repeat(129)] {
        files(&stack, &stack.token, bad, "empty").await.error(404);
    }
}
