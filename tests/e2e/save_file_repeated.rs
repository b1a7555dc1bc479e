//! Saves that are repeated with their `Idempotency-Key`, because a reply was lost.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

async fn save_with(stack: &Stack, token: &str, key: &str, body: &Value) -> Reply {
    Reply::of(stack.request(token, Method::POST, "/v2/files").header("idempotency-key", key).json(body)).await
}

fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[tokio::test]
async fn a_save_that_has_no_natural_key_is_repeated_without_a_second_file() {
    let stack = Stack::new();
    let original = stack.saved("a.txt", b"1").await;
    for body in [
        json!({ "custom_download_url": "https://files.example/7", "filename": "a.txt" }),
        json!({ "s3ref": original["s3ref"] }),
    ] {
        let key = new_key();
        let first = save_with(&stack, &stack.token, &key, &body).await.expect(200);
        assert_eq!(save_with(&stack, &stack.token, &key, &body).await.expect(200), first);
        assert_ne!(save_with(&stack, &stack.token, &new_key(), &body).await.expect(200)["_id"], first["_id"]);
    }
}

#[tokio::test]
async fn a_new_version_that_is_repeated_is_one_version() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let s3ref = stack.upload("b.txt", b"2").await;
    let body = json!({ "_id": file["_id"], "s3ref": s3ref });
    let key = new_key();
    let first = save_with(&stack, &stack.token, &key, &body).await.expect(200);
    assert_eq!(first["versions"].as_array().unwrap().len(), 2);
    assert_eq!(save_with(&stack, &stack.token, &key, &body).await.expect(200), first);
}

#[tokio::test]
async fn ten_requests_with_one_key_at_once_make_one_file() {
    let stack = Stack::new();
    let body = json!({ "custom_download_url": "https://files.example/7", "filename": "a.txt" });
    let key = new_key();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let request = stack.request(&stack.token, Method::POST, "/v2/files").header("idempotency-key", &key);
        requests.spawn(Reply::of(request.json(&body)));
    }
    let ids: Vec<Value> = requests.join_all().await.into_iter().map(|reply| reply.expect(200)["_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn the_same_key_with_another_request_is_a_422_and_another_callers_key_is_another() {
    let stack = Stack::new();
    let key = new_key();
    let body = |name: &str| json!({ "custom_download_url": "https://files.example/7", "filename": name });
    let first = save_with(&stack, &stack.token, &key, &body("a.txt")).await.expect(200);
    save_with(&stack, &stack.token, &key, &body("b.txt")).await.error(422);
    let theirs = save_with(&stack, &stack.other_token, &key, &body("a.txt")).await.expect(200);
    assert_ne!(theirs["_id"], first["_id"]);
    for bad in ["", "a b", &"a".repeat(256)] {
        let error = save_with(&stack, &stack.token, bad, &body("a.txt")).await.error(400);
        assert!(error.contains("Idempotency-Key"), "{error}");
    }
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&first["_id"]))).await.expect(200), first);
}
