//! `saveFile` with the `s3ref` of bytes that are saved already: a copy, as a file of its own.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_saved_object_becomes_a_new_file_that_outlives_the_old_one() {
    let stack = Stack::new();
    let old = stack.saved("Größe.txt", b"bytes").await;
    let copy = stack.save(&json!({ "s3ref": old["s3ref"], "color": "blue" })).await;
    assert_ne!((&copy["_id"], &copy["s3ref"]), (&old["_id"], &old["s3ref"]));
    for same in ["filename", "mime_type", "type", "size_bytes"] {
        assert_eq!(copy[same], old[same], "{same}");
    }
    stack.delete(&format!("/v2/files/{}?purge=true", text(&old["_id"]))).await.expect(200);
    assert_eq!(stack.download(&copy["_id"], "").await.bytes().await.unwrap(), "bytes");
    // The source is gone now.
    stack.post("/v2/files", &json!({ "s3ref": old["s3ref"] })).await.error(404);
}

#[tokio::test]
async fn an_older_version_is_copied_under_its_own_name_or_another() {
    let stack = Stack::new();
    let first = stack.saved("old.txt", b"old").await;
    let s3ref = stack.upload("new.txt", b"new").await;
    stack.save(&json!({ "_id": first["_id"], "s3ref": s3ref })).await;
    let copy = stack.save(&json!({ "s3ref": first["s3ref"] })).await;
    assert_eq!((&copy["filename"], copy["versions"].as_array().unwrap().len()), (&json!("old.txt"), 1));
    let named = stack.save(&json!({ "s3ref": first["s3ref"], "filename": "b.png", "mime_type": "image/png" })).await;
    assert_eq!((&named["filename"], &named["type"]), (&json!("b.png"), &json!("image")));
    assert_eq!(stack.download(&named["_id"], "").await.bytes().await.unwrap(), "old");
}

#[tokio::test]
async fn a_copy_of_a_public_file_is_private() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let public = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
    let copy = stack.save(&json!({ "s3ref": public["s3ref"] })).await;
    assert_eq!(copy["access_control"], "private");
    assert_eq!(stack.anonymous_status(&copy["public_url"]).await, 403);
}

#[tokio::test]
async fn nobody_copies_what_they_cannot_get() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let copy = || json!({ "s3ref": file["s3ref"] });
    let stranger = stack.request(&stack.other_token, Method::POST, "/v2/files").json(&copy());
    let refused = Reply::of(stranger).await.error(404);
    let mut unknown = copy();
    let id = uuid::Uuid::new_v4().to_string();
    unknown["s3ref"]["key"] = text(&file["s3ref"]["key"]).replacen(text(&file["_id"]), &id, 1).into();
    assert_eq!(stack.post("/v2/files", &unknown).await.error(404), refused);
    stack.delete(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200);
    assert_eq!(stack.post("/v2/files", &copy()).await.error(404), refused, "a hidden file's bytes are still there");
}
