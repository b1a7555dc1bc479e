//! `getFile`: the entity, for its own organisation only.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn both_paths_give_the_entity_that_save_returned() {
    let stack = Stack::new();
    let saved = stack.saved("a.pdf", b"1").await;
    for version in ["v1", "v2"] {
        assert_eq!(stack.get(&format!("/{version}/files/{}", text(&saved["_id"]))).await.expect(200), saved);
    }
}

#[tokio::test]
async fn another_organisations_file_is_indistinguishable_from_none() {
    let stack = Stack::new();
    let saved = stack.saved("a.pdf", b"1").await;
    let get = |id: &str| Reply::of(stack.request(&stack.other_token, Method::GET, &format!("/v2/files/{id}")));
    let theirs = get(text(&saved["_id"])).await;
    let none = get("4ffdc191-f32c-404a-8520-c403b7408afa").await;
    let no_id = get("not-an-id").await;
    assert_eq!((theirs.status, &theirs.body), (none.status, &none.body));
    assert_eq!((theirs.status, &theirs.body), (no_id.status, &no_id.body));
    theirs.error(404);
}

#[tokio::test]
async fn a_strict_reply_has_unknown_attributes_apart() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let body = json!({ "s3ref": s3ref, "_tags": ["a"], "color": "blue", "_own": 1 });
    let strict = stack.post("/v2/files?strict=true", &body).await.expect(200);
    assert_eq!((&strict["_tags"], &strict["color"]), (&json!(["a"]), &Value::Null));
    assert_eq!(strict["__additional"], json!({ "color": "blue", "_own": 1 }));
    let path = format!("/v2/files/{}", text(&strict["_id"]));
    assert_eq!(stack.get(&format!("{path}?strict=true")).await.expect(200), strict);
    let loose = stack.get(&format!("{path}?strict=false")).await.expect(200);
    assert_eq!((&loose["color"], loose.get("__additional")), (&json!("blue"), None));
    stack.get(&format!("{path}?strict=yes")).await.error(400);
    assert_eq!(stack.delete(&format!("{path}?strict=true")).await.expect(200), strict);
}

#[tokio::test]
async fn a_source_url_is_made_on_demand_and_not_kept() {
    let stack = Stack::new();
    let file = stack.saved("a ü.txt", b"bytes").await;
    let path = format!("/v2/files/{}", text(&file["_id"]));
    let with = stack.get(&format!("{path}?source_url=true")).await.expect(200);
    let bytes = stack.http.get(text(&with["source_url"])).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, "bytes");
    // Sent back, it is neither fetched nor stored.
    let saved = stack.save(&with).await;
    assert_eq!((saved.get("source_url"), &saved["versions"]), (None, &file["versions"]));
    assert_eq!(stack.get(&path).await.expect(200).get("source_url"), None);
}
