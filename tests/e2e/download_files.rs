//! `downloadFiles`: URLs for many files, each judged on its own.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/v1/files:downloadFiles";
const UNKNOWN: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";

impl Stack {
    async fn download_files(&self, token: &str, wanted: &Value) -> Vec<Value> {
        let replies = Reply::of(self.request(token, Method::POST, PATH).json(wanted)).await.expect(200);
        replies.as_array().unwrap().clone()
    }

    async fn bytes_at(&self, reply: &Value) -> String {
        self.http.get(text(&reply["download_url"])).send().await.unwrap().text().await.unwrap()
    }
}

/// What stands in the place of a URL.
fn no_url(file: &Value, why: &str) -> Value {
    json!({ "file_entity_id": file, "status": 404, "error": format!("Not Found: {why}") })
}

#[tokio::test]
async fn every_file_gets_a_url_in_the_order_asked_for_as_often_as_it_is_asked_for() {
    let stack = Stack::new();
    let (one, two) = (stack.saved("one.txt", b"one").await, stack.saved("two.txt", b"two").await);
    let wanted =
        json!([{ "id": two["_id"] }, { "id": one["_id"], "version": 0 }, { "id": two["_id"], "version": null }]);
    let replies = stack.download_files(&stack.token, &wanted).await;
    for (reply, (file, bytes)) in replies.iter().zip([(&two, "two"), (&one, "one"), (&two, "two")]) {
        assert_eq!((&reply["file_entity_id"], reply.as_object().unwrap().len()), (&file["_id"], 2));
        assert!(text(&reply["download_url"]).contains("X-Amz-Expires=900"));
        assert_eq!(stack.bytes_at(reply).await, bytes);
    }
    assert_eq!(replies.len(), 3);
    assert!(stack.download_files(&stack.token, &json!([])).await.is_empty());
}

#[tokio::test]
async fn a_file_is_downloaded_under_its_own_name_and_an_older_version_under_the_name_it_had() {
    let stack = Stack::new();
    let saved = stack.saved("first.txt", b"first").await;
    for name in ["second", "third"] {
        let s3ref = stack.upload(&format!("{name}.txt"), name.as_bytes()).await;
        stack.save(&json!({ "_id": saved["_id"], "s3ref": s3ref })).await;
    }
    stack.save(&json!({ "_id": saved["_id"], "filename": "renamed.txt" })).await;
    let wanted: Vec<_> = (0..4).map(|index| json!({ "id": saved["_id"], "version": index })).collect();
    let replies = stack.download_files(&stack.token, &json!(wanted)).await;
    for (reply, (name, bytes)) in
        replies.iter().zip([("renamed.txt", "third"), ("second.txt", "second"), ("first.txt", "first")])
    {
        let response = stack.http.get(text(&reply["download_url"])).send().await.unwrap();
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with("attachment; ") && disposition.contains(name), "{disposition}");
        assert_eq!(response.text().await.unwrap(), bytes);
    }
    assert_eq!(replies[3], no_url(&saved["_id"], "the file has no such version; 0 is the latest"));
    let far = json!([{ "id": saved["_id"], "version": u32::MAX }]);
    assert_eq!(stack.download_files(&stack.token, &far).await, replies[3..]);
}

#[tokio::test]
async fn what_the_caller_may_not_see_is_a_404_of_its_own_that_looks_like_an_unknown_file() {
    let stack = Stack::new();
    let (mine, deleted) = (stack.saved("mine.txt", b"mine").await, stack.saved("gone.txt", b"gone").await);
    stack.delete(&format!("/v2/files/{}", text(&deleted["_id"]))).await.expect(200);
    let wanted = json!([{ "id": mine["_id"] }, { "id": deleted["_id"] }, { "id": UNKNOWN, "version": 1 }]);
    let absent = |file: &Value| no_url(file, "there is no such file; check its id");

    let owner = stack.download_files(&stack.token, &wanted).await;
    assert_eq!(stack.bytes_at(&owner[0]).await, "mine");
    assert_eq!(owner[1..], [absent(&deleted["_id"]), absent(&UNKNOWN.into())]);
    let stranger = stack.download_files(&stack.other_token, &wanted).await;
    assert_eq!(stranger, [absent(&mine["_id"]), absent(&deleted["_id"]), absent(&UNKNOWN.into())]);
}

#[tokio::test]
async fn whoever_may_view_a_file_may_download_all_its_versions() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"first").await;
    let s3ref = stack.upload("a.txt", b"second").await;
    stack.save(&json!({ "_id": saved["_id"], "s3ref": s3ref, "_acl": { "view": ["org:456"] } })).await;
    let wanted = json!([{ "id": saved["_id"] }, { "id": saved["_id"], "version": 1 }]);
    let replies = stack.download_files(&stack.other_token, &wanted).await;
    assert_eq!([stack.bytes_at(&replies[0]).await, stack.bytes_at(&replies[1]).await], ["second", "first"]);
}

#[tokio::test]
async fn a_hundred_files_can_be_asked_for_and_no_more() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let ids = |count: usize| {
        let unknown = (1..count).map(|_| json!({ "id": uuid::Uuid::new_v4() }));
        json!(unknown.chain([json!({ "id": saved["_id"] })]).collect::<Vec<_>>())
    };
    let replies = stack.download_files(&stack.token, &ids(100)).await;
    assert_eq!(replies.len(), 100);
    assert!(replies[99]["download_url"].is_string() && replies[..99].iter().all(|reply| reply["status"] == 404));
    stack.post(PATH, &ids(101)).await.error(400);
}

#[tokio::test]
async fn a_body_that_is_no_list_of_files_is_a_400_that_names_the_place() {
    let stack = Stack::new();
    for bad in
        [json!({}), json!({ "id": UNKNOWN }), json!(UNKNOWN), json!([UNKNOWN]), json!([[UNKNOWN]]), json!([null])]
    {
        assert!(stack.post(PATH, &bad).await.error(400).contains("JSON list of 0 to 100 objects"), "{bad}");
    }
    for (name, bad) in [
        ("[1]", json!({})),
        ("[1].id", json!({ "id": null })),
        ("[1].id", json!({ "id": 7 })),
        ("[1].id", json!({ "id": "" })),
        ("[1].id", json!({ "id": "x" })),
        ("[1].id", json!({ "id": UNKNOWN.replace('-', "") })),
        ("[1].version", json!({ "id": UNKNOWN, "version": -1 })),
        ("[1].version", json!({ "id": UNKNOWN, "version": 1.5 })),
        ("[1].version", json!({ "id": UNKNOWN, "version": "1" })),
    ] {
        let error = stack.post(PATH, &json!([{ "id": UNKNOWN }, bad])).await.error(400);
        assert!(error.starts_with(&format!("{name}: ")), "{bad}: {error}");
    }
}

#[tokio::test]
async fn files_kept_elsewhere_and_here_go_together() {
    let stack = Stack::new();
    let (here, elsewhere) = (stack.saved("here.txt", b"here").await, stack.saved("old.txt", b"old").await);
    let s3ref = stack.upload("new.txt", b"new").await;
    stack.save(&json!({ "_id": elsewhere["_id"], "s3ref": s3ref })).await;
    stack.keep_elsewhere(&elsewhere, "https://files.example/a?id=7").await;
    let wanted = json!([{ "id": elsewhere["_id"] }, { "id": here["_id"] }, { "id": elsewhere["_id"], "version": 1 }]);
    let replies = stack.download_files(&stack.token, &wanted).await;
    let custom = text(&replies[0]["download_url"]);
    assert!(custom.starts_with("https://files.example/a?id=7&expires_at="), "{custom}");
    assert!(stack.is_valid(&stack.token, custom).await);
    assert_eq!([stack.bytes_at(&replies[1]).await, stack.bytes_at(&replies[2]).await], ["here", "old"]);
}
