//! `access_control`: who may read a file by its plain URL, at every moment.

use crate::stack::{Stack, text};
use serde_json::json;

#[tokio::test]
async fn private_is_the_default_and_public_read_answers_anybody() {
    let stack = Stack::new();
    let private = stack.saved("a.txt", b"1").await;
    assert_eq!(private["access_control"], "private");
    assert_eq!(stack.anonymous_status(&private["public_url"]).await, 403);
    let s3ref = stack.upload("a ü.txt", b"1").await;
    let public = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
    assert_eq!(stack.anonymous_status(&public["public_url"]).await, 200);
}

#[tokio::test]
async fn switching_takes_effect_on_every_version() {
    let stack = Stack::new();
    let first = stack.saved("a.txt", b"1").await;
    let s3ref = stack.upload("a.txt", b"2").await;
    let second = stack.save(&json!({ "_id": first["_id"], "s3ref": s3ref })).await;
    for (access, status) in [("public-read", 200), ("private", 403), ("public-read", 200)] {
        let switched = stack.save(&json!({ "_id": first["_id"], "access_control": access })).await;
        assert_eq!(switched["access_control"], access);
        for version in [&first, &second] {
            assert_eq!(stack.anonymous_status(&version["public_url"]).await, status, "{access}");
        }
    }
}

#[tokio::test]
async fn a_new_version_of_a_public_file_is_public_too() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let first = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
    let s3ref = stack.upload("a.txt", b"2").await;
    let second = stack.save(&json!({ "_id": first["_id"], "s3ref": s3ref })).await;
    assert_eq!(second["access_control"], "public-read");
    assert_eq!(stack.anonymous_status(&second["public_url"]).await, 200);
}

#[tokio::test]
async fn an_upload_is_never_public() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let url = format!("{}/{}/{}", crate::stack::env("AWS_ENDPOINT_URL"), stack.bucket, text(&s3ref["key"]));
    assert_eq!(stack.anonymous_status(&json!(url)).await, 403);
}

#[tokio::test]
async fn values_outside_the_contract_are_refused() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    for bad in [json!("public"), json!("PRIVATE"), json!(""), json!(true), json!(["private"])] {
        let error = stack.post("/v2/files", &json!({ "_id": saved["_id"], "access_control": bad })).await.error(400);
        assert!(error.starts_with("access_control"), "{error}");
    }
}
