//! Collections as the tests make them: each test has a schema or a user of its own, so that none sees another's.

use crate::{
    stack::{Reply, Stack, text},
    tokens,
};
use reqwest::Method;
use serde_json::{Value, json};

/// A schema that no other test uses.
pub fn schema() -> String {
    format!("schema-{}", uuid::Uuid::new_v4())
}

/// A token of this user of organisation 123.
pub fn token_of(user: &str) -> String {
    tokens::with(&json!({ "sub": user }))
}

pub async fn send(stack: &Stack, token: &str, method: Method, path: &str, body: &Value) -> Reply {
    Reply::of(stack.request(token, method, path).json(body)).await
}

/// Creates a collection of the default user's, which must succeed, and returns it.
pub async fn created(stack: &Stack, schema: &str, body: Value) -> Value {
    stack.post(&format!("/v1/{schema}/collections"), &body).await.expect(201)
}

/// The names of the default user's collections, in order.
pub async fn names(stack: &Stack, schema: &str) -> Vec<String> {
    let list = stack.get(&format!("/v1/{schema}/collections")).await.expect(200);
    list.as_array().unwrap().iter().map(|collection| text(&collection["name"]).to_owned()).collect()
}
