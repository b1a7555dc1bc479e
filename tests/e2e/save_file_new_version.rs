//! `saveFile` with `_id` and a new upload: versions are added, never overwritten.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

#[tokio::test]
async fn the_newest_version_comes_first_and_describes_the_file() {
    let stack = Stack::new();
    let saved = stack.saved("old.txt", b"old").await;
    let s3ref = stack.upload("new.pdf", b"newer").await;
    let updated = stack.save(&json!({ "_id": saved["_id"], "s3ref": s3ref })).await;
    assert_eq!(updated["_id"], saved["_id"]);
    assert_eq!(
        (&updated["filename"], &updated["size_bytes"], &updated["type"]),
        (&json!("new.pdf"), &json!(5), &json!("document"))
    );
    assert_eq!(updated["versions"][0]["s3ref"], updated["s3ref"]);
    assert_eq!(updated["versions"][1], saved["versions"][0]);
    assert!(!stack.object_exists(&s3ref["key"]).await);
}

#[tokio::test]
async fn saving_the_same_new_version_again_adds_no_other() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let s3ref = stack.upload("a.txt", b"2").await;
    let body = json!({ "_id": saved["_id"], "s3ref": s3ref });
    let first = stack.save(&body).await;
    let again = stack.save(&body).await;
    assert_eq!(first["versions"], again["versions"]);
    assert_eq!(again["versions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_upload_that_is_another_file_already_is_a_conflict() {
    let stack = Stack::new();
    let one = stack.saved("one.txt", b"1").await;
    let s3ref = stack.upload("two.txt", b"2").await;
    stack.save(&json!({ "s3ref": s3ref })).await;
    stack.post("/v2/files", &json!({ "_id": one["_id"], "s3ref": s3ref })).await.error(409);
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&one["_id"]))).await.expect(200), one);
}

#[tokio::test]
async fn concurrent_new_versions_all_survive() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"0").await;
    let mut refs = Vec::new();
    for _ in 0..5 {
        refs.push(stack.upload("a.txt", b"1").await);
    }
    let mut requests = JoinSet::new();
    for s3ref in refs {
        let save = stack.request(&stack.token, Method::POST, "/v2/files");
        requests.spawn(Reply::of(save.json(&json!({ "_id": saved["_id"], "s3ref": s3ref }))));
    }
    for reply in requests.join_all().await {
        reply.expect(200);
    }
    let file = stack.get(&format!("/v2/files/{}", text(&saved["_id"]))).await.expect(200);
    let keys: Vec<&Value> =
        file["versions"].as_array().unwrap().iter().map(|version| &version["s3ref"]["key"]).collect();
    assert_eq!(keys.len(), 6);
    for key in keys {
        assert!(stack.object_exists(key).await, "{key}");
    }
}

#[tokio::test]
async fn concurrent_changes_of_attributes_all_survive() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"0").await;
    let mut requests = JoinSet::new();
    for number in 0..5 {
        let mut body = json!({ "_id": saved["_id"] });
        body[format!("attribute_{number}")] = number.into();
        requests.spawn(Reply::of(stack.request(&stack.token, Method::POST, "/v2/files").json(&body)));
    }
    for reply in requests.join_all().await {
        reply.expect(200);
    }
    let file = stack.get(&format!("/v2/files/{}", text(&saved["_id"]))).await.expect(200);
    for number in 0..5 {
        assert_eq!(file[format!("attribute_{number}")], number);
    }
}

#[tokio::test]
async fn a_new_version_of_no_file_leaves_nothing_behind() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let unknown = "4ffdc191-f32c-404a-8520-c403b7408afa";
    stack.post("/v2/files", &json!({ "_id": unknown, "s3ref": s3ref })).await.error(404);
    stack.save(&json!({ "s3ref": s3ref })).await;
    assert!(stack.items(&format!("FILE#{unknown}")).await.is_empty());
}
