//! `downloadFile`: a URL for any version's bytes, under the true name.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn the_url_lives_exactly_15_minutes_for_private_and_public_files() {
    let stack = Stack::new();
    for access in ["private", "public-read"] {
        let s3ref = stack.upload("a.txt", b"bytes").await;
        let saved = stack.save(&json!({ "s3ref": s3ref, "access_control": access })).await;
        let reply = stack.get(&format!("/v1/files/{}/download", text(&saved["_id"]))).await.expect(200);
        assert!(text(&reply["download_url"]).contains("X-Amz-Expires=900"));
        let response = stack.http.get(text(&reply["download_url"])).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.bytes().await.unwrap(), "bytes");
    }
}

#[tokio::test]
async fn the_true_filename_comes_back_whatever_it_is() {
    let stack = Stack::new();
    let long = format!("{}.txt", "x".repeat(251));
    let crabs = "🦀".repeat(255);
    for name in ["plain.txt", "\"quotes\" & 'more'.txt", "Übergröße ß.pdf", "🦀.rs", "100% real;=.txt", &long, &crabs]
    {
        let saved = stack.saved(name, b"1").await;
        assert_eq!(saved["filename"], name);
        let response = stack.download(&saved["_id"], "").await;
        let disposition = response.headers()["content-disposition"].to_str().unwrap();
        let (_, encoded) = disposition.split_once("filename*=UTF-8''").unwrap();
        assert_eq!(percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap(), name);
        assert!(disposition.starts_with("attachment; filename=\""));
    }
}

#[tokio::test]
async fn attachment_false_shows_the_file_inline() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let response = stack.download(&saved["_id"], "attachment=false").await;
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("inline; "));
    assert_eq!(response.headers()["content-type"], "text/plain");
}

#[tokio::test]
async fn a_renamed_file_is_downloaded_under_its_new_name() {
    let stack = Stack::new();
    let saved = stack.saved("old.txt", b"1").await;
    stack.save(&json!({ "_id": saved["_id"], "filename": "new.txt" })).await;
    let response = stack.download(&saved["_id"], "").await;
    assert!(response.headers()["content-disposition"].to_str().unwrap().contains("new.txt"));
}

#[tokio::test]
async fn every_version_can_be_downloaded_and_no_other() {
    let stack = Stack::new();
    let saved = stack.saved("first.txt", b"first").await;
    let s3ref = stack.upload("second.txt", b"second").await;
    stack.save(&json!({ "_id": saved["_id"], "s3ref": s3ref })).await;
    for (query, bytes) in [("", "second"), ("version=0", "second"), ("version=1", "first")] {
        assert_eq!(stack.download(&saved["_id"], query).await.bytes().await.unwrap(), bytes);
    }
    let path = |query: &str| format!("/v1/files/{}/download?{query}", text(&saved["_id"]));
    stack.get(&path("version=2")).await.error(404);
    for bad in ["version=-1", "version=x", "version=1.5", "version=99999999999", "attachment=yes"] {
        stack.get(&path(bad)).await.error(400);
    }
}

#[tokio::test]
async fn another_organisation_gets_no_url() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let path = format!("/v1/files/{}/download", text(&saved["_id"]));
    Reply::of(stack.request(&stack.other_token, Method::GET, &path)).await.error(404);
}
