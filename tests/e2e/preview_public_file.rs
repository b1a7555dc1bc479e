//! `previewPublicFile`: a thumbnail of a public file, for everybody.

use crate::{
    image::{header, preview, refused, svg},
    stack::{Stack, text},
};
use serde_json::json;

#[tokio::test]
async fn a_public_file_has_a_preview_for_everybody_who_may_keep_it_for_five_minutes() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    for query in ["", "org_id=123", "org_id=", "w=200&h=200&version=0"] {
        assert_eq!(preview(stack.public_preview(&file, query)).await, ("image/jpeg", 200, 100), "{query}");
    }
    let response = stack.public_preview(&file, "").send().await.unwrap();
    assert_eq!(header(&response, "cache-control"), "public, max-age=300");
    let again = stack.public_preview(&file, "").header("if-none-match", header(&response, "etag"));
    assert_eq!(again.send().await.unwrap().status(), 304);
}

#[tokio::test]
async fn a_private_file_is_a_403_whoever_asks_and_whatever_was_kept() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    let tag = header(&stack.public_preview(&file, "").send().await.unwrap(), "etag").to_owned();
    stack.save(&json!({ "_id": file["_id"], "access_control": "private" })).await;
    refused(stack.public_preview(&file, ""), 403).await;
    refused(stack.public_preview(&file, "").header("if-none-match", tag), 403).await;
    refused(stack.public_preview(&file, "").bearer_auth(&stack.token), 403).await;
}

#[tokio::test]
async fn older_versions_are_as_public_as_the_file() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    let s3ref = stack.upload("b.svg", &svg(20, 40, "teal")).await;
    stack.save(&json!({ "_id": file["_id"], "s3ref": s3ref })).await;
    assert_eq!(preview(stack.public_preview(&file, "")).await, ("image/jpeg", 20, 40));
    assert_eq!(preview(stack.public_preview(&file, "version=1")).await, ("image/jpeg", 200, 100));
    refused(stack.public_preview(&file, "version=2"), 404).await;
}

#[tokio::test]
async fn what_is_unknown_deleted_or_not_of_the_organisation_named_is_the_same_404() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    let deleted = stack.public_picture().await;
    stack.delete(&format!("/v2/files/{}", text(&deleted["_id"]))).await.expect(200);
    let unknown = json!({ "_id": "4ffdc191-f32c-404a-8520-c403b7408afa" });
    let expected = refused(stack.public_preview(&unknown, ""), 404).await;
    for (file, query) in [(&file, "org_id=456"), (&deleted, ""), (&json!({ "_id": "not-an-id" }), "")] {
        assert_eq!(refused(stack.public_preview(file, query), 404).await, expected);
    }
}

#[tokio::test]
async fn a_wrong_size_is_a_400() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    for bad in ["w=0", "h=2049", "version=x"] {
        refused(stack.public_preview(&file, bad), 400).await;
    }
}
