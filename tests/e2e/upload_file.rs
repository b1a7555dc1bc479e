//! `uploadFile`: what was promised about the bytes is what S3 takes.

use crate::stack::{Stack, text};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

#[tokio::test]
async fn v1_answers_200_and_v2_201_with_the_whole_reply() {
    let stack = Stack::new();
    for (path, status) in [("/v1/files/upload", 200), ("/v2/files/upload", 201)] {
        let reply =
            stack.post(path, &json!({ "filename": "a b.pdf", "mime_type": "application/pdf" })).await.expect(status);
        let key = text(&reply["s3ref"]["key"]);
        assert!(key.starts_with("temp/123/") && key.ends_with("/a%20b.pdf"), "{key}");
        assert_eq!(reply["s3ref"]["bucket"], stack.bucket.as_str());
        let saved_key = key.strip_prefix("temp/").unwrap().replace('%', "%25");
        assert!(text(&reply["public_url"]).ends_with(&saved_key));
        assert!(text(&reply["upload_url"]).contains("X-Amz-Expires=900"));
        assert_eq!(reply["upload_post"]["fields"]["key"], key);
    }
}

#[tokio::test]
async fn a_put_with_another_type_or_length_or_content_than_promised_is_refused() {
    let stack = Stack::new();
    let digest = BASE64_STANDARD.encode([
        0x2c, 0xf2, 0x4d, 0xba, 0x5f, 0xb0, 0xa3, 0x0e, 0x26, 0xe8, 0x3b, 0x2a, 0xc5, 0xb9, 0xe2, 0x9e, 0x1b, 0x16,
        0x1e, 0x5c, 0x1f, 0xa7, 0x42, 0x5e, 0x73, 0x04, 0x33, 0x62, 0x93, 0x8b, 0x98, 0x24,
    ]);
    let body = json!({ "filename": "a.txt", "mime_type": "text/plain", "size_bytes": 5, "checksum_sha256": digest });
    let reply = stack.post("/v2/files/upload", &body).await.expect(201);
    let put = async |mime: &str, checksum: &str, bytes: &'static str| {
        let request = stack.http.put(text(&reply["upload_url"])).header("content-type", mime);
        request.header("x-amz-checksum-sha256", checksum).body(bytes).send().await.unwrap().status().as_u16()
    };
    assert_eq!(put("text/html", &digest, "hello").await, 403, "another type");
    assert_eq!(put("text/plain", &digest, "hello!").await, 403, "another length");
    assert_eq!(put("text/plain", &digest, "HELLO").await, 400, "other bytes");
    assert_eq!(put("text/plain", &BASE64_STANDARD.encode([0; 32]), "hello").await, 403, "another checksum");
    assert!(!stack.object_exists(&reply["s3ref"]["key"]).await);
    assert_eq!(put("text/plain", &digest, "hello").await, 200, "as promised");
}

#[tokio::test]
async fn metadata_and_index_tag_are_stored_with_the_object() {
    let stack = Stack::new();
    let body =
        json!({ "filename": "a.txt", "metadata": { "Color": "light blue & more" }, "index_tag": "2f6a377c8e78" });
    let reply = stack.post("/v2/files/upload", &body).await.expect(201);
    let put = stack.http.put(text(&reply["upload_url"])).body("x").send().await.unwrap();
    assert_eq!(put.status(), 200);
    let saved = stack.save(&json!({ "s3ref": reply["s3ref"] })).await;
    let key = text(&saved["s3ref"]["key"]);
    let object = stack.s3.head_object().bucket(&stack.bucket).key(key).send().await.unwrap();
    assert_eq!(object.metadata().unwrap()["color"], "light blue & more");
    let tags = stack.s3.get_object_tagging().bucket(&stack.bucket).key(key).send().await.unwrap();
    assert!(tags.tag_set().iter().any(|tag| tag.key() == "index_tag" && tag.value() == "2f6a377c8e78"));
}

async fn post_form(stack: &Stack, upload_post: &Value, changes: &[(&str, &str)], bytes: &'static [u8]) -> u16 {
    let mut form = Form::new();
    for (name, value) in upload_post["fields"].as_object().unwrap() {
        let change = changes.iter().find(|(changed, _)| changed == name).map(|(_, value)| *value);
        form = form.text(name.clone(), change.unwrap_or(text(value)).to_owned());
    }
    let form = form.part("file", Part::bytes(bytes).file_name("a.txt"));
    stack.http.post(text(&upload_post["url"])).multipart(form).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_form_post_is_held_to_its_size_its_type_and_its_key() {
    let stack = Stack::new();
    let body =
        json!({ "filename": "a.txt", "mime_type": "text/plain", "size_bytes": 5, "metadata": { "color": "blue" } });
    let reply = stack.post("/v2/files/upload", &body).await.expect(201);
    let form = &reply["upload_post"];
    assert_eq!(post_form(&stack, form, &[], b"hello!").await, 400, "too large");
    assert_eq!(post_form(&stack, form, &[], b"hell").await, 400, "too small");
    assert_eq!(post_form(&stack, form, &[("Content-Type", "text/html")], b"hello").await, 403, "another type");
    assert_eq!(post_form(&stack, form, &[("key", "temp/123/other")], b"hello").await, 403, "another key");
    assert!((200..300).contains(&post_form(&stack, form, &[], b"hello").await));
    let saved = stack.save(&json!({ "s3ref": reply["s3ref"] })).await;
    assert_eq!((&saved["size_bytes"], &saved["mime_type"]), (&json!(5), &json!("text/plain")));
}

#[tokio::test]
async fn a_form_post_without_promises_may_correct_the_guessed_type() {
    let stack = Stack::new();
    let reply = stack.post("/v2/files/upload", &json!({ "filename": "a.txt" })).await.expect(201);
    assert_eq!(reply["upload_post"]["fields"]["Content-Type"], "text/plain");
    let status = post_form(&stack, &reply["upload_post"], &[("Content-Type", "text/markdown")], b"# a").await;
    assert!((200..300).contains(&status), "{status}");
    assert_eq!(stack.save(&json!({ "s3ref": reply["s3ref"] })).await["mime_type"], "text/markdown");
}

#[tokio::test]
async fn a_file_entity_id_must_be_a_uuid_or_empty() {
    let stack = Stack::new();
    let body = json!({ "filename": "a.txt" });
    for id in ["", "4ffdc191-f32c-404a-8520-c403b7408afa"] {
        stack.post(&format!("/v2/files/upload?file_entity_id={id}"), &body).await.expect(201);
    }
    assert!(stack.post("/v2/files/upload?file_entity_id=x", &body).await.error(400).contains("file_entity_id"));
}

#[tokio::test]
async fn a_promised_size_over_the_limit_is_refused_before_any_byte_is_sent() {
    let stack = Stack::new();
    let body = json!({ "filename": "a.txt", "size_bytes": 5_368_709_121_u64 });
    stack.post("/v2/files/upload", &body).await.error(413);
}

#[tokio::test]
async fn a_type_is_signed_stored_and_served_exactly_as_it_was_given() {
    let stack = Stack::new();
    let mime = "application/vnd.ms-excel.sheet.macroEnabled.12";
    let reply = stack.post("/v2/files/upload", &json!({ "filename": "a.xlsm", "mime_type": mime })).await.expect(201);
    assert_eq!(reply["upload_post"]["fields"]["Content-Type"], mime);
    let put = stack.http.put(text(&reply["upload_url"])).header("content-type", mime).body("x").send().await.unwrap();
    assert_eq!(put.status(), 200, "{}", put.text().await.unwrap());
    let saved = stack.save(&json!({ "s3ref": reply["s3ref"] })).await;
    assert_eq!((&saved["mime_type"], &saved["type"]), (&json!(mime), &json!("spreadsheet")));
    assert_eq!(stack.download(&saved["_id"], "").await.headers()["content-type"], mime);
}

#[tokio::test]
async fn an_empty_type_means_none_on_upload_and_on_every_save() {
    let stack = Stack::new();
    let body = json!({ "filename": "a.bin", "mime_type": "" });
    let reply = stack.post("/v2/files/upload", &body).await.expect(201);
    let put = stack.http.put(text(&reply["upload_url"])).header("content-type", "text/html").body("x");
    assert_eq!(put.send().await.unwrap().status(), 200, "none was promised");
    let saved = stack.save(&json!({ "s3ref": reply["s3ref"], "mime_type": "" })).await;
    assert_eq!(saved["mime_type"], "text/html");
    let same = stack.save(&json!({ "_id": saved["_id"], "mime_type": "" })).await;
    assert_eq!(same["mime_type"], "text/html");
    let s3ref = stack.upload("b.txt", b"2").await;
    let batch = json!([{ "_id": saved["_id"], "s3ref": s3ref, "mime_type": "" }]);
    let saved = stack.post("/v2/files?version_only=true", &batch).await.expect(200);
    assert_eq!(saved["mime_type"], "text/html", "{saved}");
}
