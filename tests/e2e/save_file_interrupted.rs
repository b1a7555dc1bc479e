//! Saves that died or came late: what they left is used, replaced or removed, and a committed version never changes.

use crate::stack::{Stack, eventually, text};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

fn id_of(s3ref: &Value) -> &str {
    text(&s3ref["key"]).rsplit('/').nth(1).unwrap()
}

/// The attributes that an update of `META` sets, as an administrator.
async fn set(stack: &Stack, id: &str, expression: &str, value: AttributeValue) {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let update = stack.dynamodb.update_item().table_name(&stack.table);
    let update = update.key("pk", key(&format!("FILE#{id}"))).key("sk", key("META")).update_expression(expression);
    update.expression_attribute_values(":value", value).send().await.unwrap();
}

/// A save that copied and was refused only then, or died: its mark and its copy.
async fn died_after_its_copy(stack: &Stack, s3ref: &Value, content_type: &str) {
    let (id, saved_key) = (id_of(s3ref), text(&s3ref["key"]).strip_prefix("temp/").unwrap());
    let text_value = |value: &str| AttributeValue::S(value.to_owned());
    let put = stack.dynamodb.put_item().table_name(&stack.table);
    let put = put.item("pk", text_value(&format!("FILE#{id}"))).item("sk", text_value("META"));
    let put = put.item("state", text_value("pending")).item("org", text_value("123"));
    let put = put.item("object_key", text_value(saved_key)).item("generation", AttributeValue::N("0".into()));
    put.item("expires_at", AttributeValue::N("4102444800".into())).send().await.unwrap();
    let put = stack.s3.put_object().bucket(&stack.bucket).key(saved_key).content_type(content_type);
    put.body(b"an earlier upload".to_vec().into()).send().await.unwrap();
}

#[tokio::test]
async fn a_copy_of_an_earlier_upload_is_replaced_by_what_is_saved_now() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    died_after_its_copy(&stack, &s3ref, "text/html").await;
    let saved = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
    assert_eq!(saved["size_bytes"], 1);
    let public = stack.http.get(text(&saved["public_url"])).send().await.unwrap();
    assert_eq!(public.headers()["content-type"], "text/plain");
    assert_eq!(public.bytes().await.unwrap(), "1");
}

#[tokio::test]
async fn a_refused_save_does_not_take_back_what_another_attempt_marked() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    died_after_its_copy(&stack, &s3ref, "text/plain").await;
    let unknown = "4ffdc191-f32c-404a-8520-c403b7408afa";
    stack.post("/v2/files", &json!({ "_id": unknown, "s3ref": s3ref })).await.error(404);
    // A day later the upload is gone.
    stack.s3.delete_object().bucket(&stack.bucket).key(text(&s3ref["key"])).send().await.unwrap();
    stack.post("/v2/files", &json!({ "s3ref": s3ref })).await.error(404);
    let items = stack.items(&format!("FILE#{}", id_of(&s3ref))).await;
    assert_eq!(items[0]["state"].as_s().unwrap(), "pending", "the mark removes the copy when it runs out");
}

#[tokio::test]
async fn a_repeated_save_with_another_type_and_other_bytes_changes_nothing_of_the_file() {
    let stack = Stack::new();
    let upload = stack.post("/v2/files/upload", &json!({ "filename": "a.txt" })).await.expect(201);
    let url = text(&upload["upload_url"]);
    stack.http.put(url).body("first").send().await.unwrap();
    let body = json!({ "s3ref": upload["s3ref"], "access_control": "public-read" });
    let saved = stack.save(&body).await;
    // The holder of the upload's URL can still use it for 15 minutes.
    stack.http.put(url).body("second, and longer").send().await.unwrap();
    let mut again = body.clone();
    again["mime_type"] = json!("text/html");
    assert_eq!(stack.save(&again).await, saved);
    let public = stack.http.get(text(&saved["public_url"])).send().await.unwrap();
    assert_eq!((public.status().as_u16(), &public.headers()["content-type"].to_str().unwrap()), (200, &"text/plain"));
    assert_eq!(public.bytes().await.unwrap(), "first");
}

#[tokio::test]
async fn an_upload_becomes_a_file_or_a_version_but_never_both() {
    let stack = Stack::new();
    for _ in 0..5 {
        let file = stack.saved("a.txt", b"1").await;
        let s3ref = stack.upload("b.txt", b"2").await;
        let (as_file, as_version) = (json!({ "s3ref": s3ref }), json!({ "_id": file["_id"], "s3ref": s3ref }));
        let (new, version) = tokio::join!(stack.post("/v2/files", &as_file), stack.post("/v2/files", &as_version));
        match (new.status, version.status) {
            (200, 409) => assert_eq!(new.body["_id"], id_of(&s3ref)),
            (200 | 404, 200) => assert_ne!(new.body["_id"], id_of(&s3ref)),
            other => panic!("{other:?}: {} {}", new.body, version.body),
        }
        let after = stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200);
        let versions = after["versions"].as_array().unwrap().len();
        assert_eq!(versions, if version.status == 200 { 2 } else { 1 });
    }
}

#[tokio::test]
async fn an_end_of_public_access_that_died_half_way_is_finished_by_the_worker() {
    let stack = Stack::new();
    for deleted in [false, true] {
        let s3ref = stack.upload("a.txt", b"1").await;
        let file = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
        let id = text(&file["_id"]);
        let text_value = |text: &str| AttributeValue::S(text.to_owned());
        let mut closing = std::collections::HashMap::new();
        closing.insert("to".to_owned(), text_value(if deleted { "deleted" } else { "private" }));
        if deleted {
            closing.insert("deleted_at".to_owned(), text_value("2026-01-01T00:00:00.000Z"));
            closing.insert("expires_at".to_owned(), AttributeValue::N("1".into()));
        }
        set(&stack, id, "SET closing = :value", AttributeValue::M(closing)).await;
        eventually("it is hidden", async || stack.anonymous_status(&file["public_url"]).await != 200).await;
        let path = format!("/v2/files/{id}");
        if deleted {
            eventually("the file is removed", async || stack.is_removed(id).await).await;
            stack.get(&path).await.error(404);
        } else {
            let is_private = async || stack.get(&path).await.expect(200)["access_control"] == "private";
            eventually("the file says so", is_private).await;
        }
    }
}

#[tokio::test]
async fn what_a_browser_would_run_is_an_attachment_wherever_it_is_read() {
    let stack = Stack::new();
    for (name, is_active) in [("a.html", true), ("a.svg", true), ("a.xml", true), ("a.txt", false), ("a.pdf", false)] {
        let s3ref = stack.upload(name, b"<script>").await;
        let file = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
        let public = stack.http.get(text(&file["public_url"])).send().await.unwrap();
        let signed = stack.download(&file["_id"], "attachment=false").await;
        for response in [public, signed] {
            let disposition = response.headers()["content-disposition"].to_str().unwrap();
            assert_eq!(disposition.starts_with("attachment"), is_active, "{name}: {disposition}");
        }
    }
}
