//! Bad input: a 4xx in the contract's form, and nothing changes.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_body_that_is_not_json_of_the_right_shape_is_a_400() {
    let stack = Stack::new();
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep_attribute = format!(r#"{{"filename":"a","x":{deep},"metadata":{deep}}}"#);
    for path in ["/v1/files/upload", "/v2/files/upload", "/v1/files", "/v2/files", "/v1/files/public/upload"] {
        for body in [
            "",
            "{",
            "not json",
            "null",
            "[]",
            "7",
            "\"text\"",
            "{} {}",
            "{\"filename\":5}",
            "\u{0}",
            &deep,
            &deep_attribute,
        ] {
            let request = stack.request(&stack.token, Method::POST, path).header("content-type", "application/json");
            let reply = Reply::of(request.body(body.to_owned())).await;
            assert_eq!(reply.status, 400, "{path} {body:.40}: {}", reply.body);
            reply.error(400);
        }
    }
}

#[tokio::test]
async fn a_missing_filename_is_named() {
    let stack = Stack::new();
    for body in [json!({}), json!({ "filename": null }), json!({ "mime_type": "text/plain" })] {
        assert_eq!(stack.post("/v1/files/upload", &body).await.error(400), "filename is required");
    }
}

#[tokio::test]
async fn filenames_with_paths_or_control_characters_are_refused() {
    let stack = Stack::new();
    let overlong = "x".repeat(256);
    let saved = stack.saved("a.txt", b"1").await;
    for bad in ["", " ", ".", "..", "../a", "a/b", "a\\b", "a\nb", "a\u{0}b", "a\u{7f}b", "a\u{202e}b", &overlong] {
        let error = stack.post("/v2/files/upload", &json!({ "filename": bad })).await.error(400);
        assert!(error.starts_with("filename"), "{error}");
        stack.post("/v2/files", &json!({ "_id": saved["_id"], "filename": bad })).await.error(400);
    }
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&saved["_id"]))).await.expect(200), saved);
}

#[tokio::test]
async fn wrong_values_of_an_upload_are_refused_by_name() {
    let stack = Stack::new();
    for (name, bad) in [
        ("mime_type", json!("pdf")),
        ("mime_type", json!("text/plain\r\nx: y")),
        ("index_tag", json!("x".repeat(65))),
        ("index_tag", json!(7)),
        ("metadata", json!({ "color": 7 })),
        ("metadata", json!({ "color": "x".repeat(2_048) })),
        ("metadata", json!({ "color": "a\nb" })),
        ("metadata", json!("text")),
        ("size_bytes", json!(-1)),
        ("size_bytes", json!("5")),
        ("checksum_sha256", json!("abc")),
    ] {
        let mut body = json!({ "filename": "a.txt" });
        body[name] = bad;
        let error = stack.post("/v2/files/upload", &body).await.error(400);
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[tokio::test]
async fn foreign_buckets_and_keys_are_refused() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let key = text(&s3ref["key"]);
    let id = key.split('/').nth(2).unwrap();
    for bad in [
        json!({ "bucket": "another-bucket", "key": key }),
        json!({ "bucket": stack.bucket, "key": "" }),
        json!({ "bucket": stack.bucket, "key": "etc/passwd" }),
        json!({ "bucket": stack.bucket, "key": format!("temp/123/{id}/../a.txt") }),
        json!({ "bucket": stack.bucket, "key": format!("temp/123/{id}/a/b") }),
        json!({ "bucket": stack.bucket, "key": format!("temp/123/{id}/%2e%2e") }),
        json!({ "bucket": stack.bucket, "key": format!("/{key}") }),
        json!({ "bucket": stack.bucket, "key": format!("{key}?versionId=1") }),
        json!({ "bucket": stack.bucket }),
        json!({ "key": key }),
        json!([stack.bucket, key]),
        json!(key),
    ] {
        let error = stack.post("/v2/files", &json!({ "s3ref": bad })).await.error(400);
        assert!(error.contains("s3ref"), "{error}");
    }
    assert!(stack.object_exists(&s3ref["key"]).await, "the upload is untouched");
    assert!(stack.items(&format!("FILE#{id}")).await.is_empty());
}

#[tokio::test]
async fn wrong_values_of_a_save_are_refused_by_name() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    for (name, bad) in [
        ("_id", json!("not-a-uuid")),
        ("_id", json!(7)),
        ("file_entity_id", json!("4ffdc191-f32c-404a-8520-c403b7408afa")),
        ("type", json!("picture")),
        ("mime_type", json!("pdf")),
        ("_tags", json!("tag")),
        ("_tags", json!([1])),
        ("_manifest", json!(["a"])),
        ("_acl", json!({ "view": ["everybody"] })),
        ("_acl", json!({ "read": [] })),
        ("_acl", json!([])),
    ] {
        let mut body = json!({ "_id": saved["_id"] });
        body[name] = bad;
        let error = stack.post("/v2/files", &body).await.error(400);
        assert!(error.contains(name), "{name}: {error}");
    }
    assert!(stack.post("/v2/files", &json!({ "filename": "a" })).await.error(400).contains("s3ref is required"));
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&saved["_id"]))).await.expect(200), saved);
}

#[tokio::test]
async fn ids_that_are_none_are_not_found() {
    let stack = Stack::new();
    for id in ["x", "4ffdc191-f32c-404a-8520", "%00", "..%2F..", "META", "4ffdc191-f32c-404a-8520-c403b7408afa%20"] {
        for (method, path) in [(Method::GET, format!("/v2/files/{id}")), (Method::DELETE, format!("/v1/files/{id}"))] {
            let reply = Reply::of(stack.request(&stack.token, method, &path)).await;
            assert_eq!(reply.status, 404, "{path}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn a_large_body_is_a_413_and_one_at_lambdas_limit_too() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let with_bytes = |count: usize| json!({ "_id": saved["_id"], "filename": "b.txt", "x": "x".repeat(count) });
    stack.post("/v2/files", &with_bytes(300 * 1024)).await.error(413);
    // Lambda takes 6 MB. What is larger the gateway refuses itself.
    for count in [5_900_000, 6 * 1024 * 1024] {
        assert_eq!(stack.post("/v2/files", &with_bytes(count)).await.status, 413, "{count}");
    }
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&saved["_id"]))).await.expect(200), saved);
}

#[tokio::test]
async fn attributes_cannot_grow_past_what_an_item_holds() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let add = |name: &str| {
        let mut body = json!({ "_id": saved["_id"] });
        body[name] = Value::String("x".repeat(200 * 1024));
        body
    };
    stack.save(&add("one")).await;
    stack.post("/v2/files", &add("two")).await.error(413);
}
