//! `saveFile`: an upload becomes a permanent file, once.

use crate::stack::{Reply, Stack, text};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

#[tokio::test]
async fn v1_answers_201_and_v2_200_with_the_contracts_entity() {
    let stack = Stack::new();
    for (path, status) in [("/v1/files", 201), ("/v2/files", 200)] {
        let s3ref = stack.upload("Report.pdf", &[b'x'; 1_234]).await;
        let body = json!({ "s3ref": s3ref, "_tags": ["a"], "custom": { "deep": [1, null, 1.5] }, "_org": "456", "size_bytes": 7 });
        let saved = stack.post(path, &body).await.expect(status);
        let expected = json!({
            "_schema": "file", "_org": "123", "_title": "Report.pdf", "filename": "Report.pdf", "type": "document",
            "mime_type": "application/pdf", "size_bytes": 1_234, "readable_size": "1.2 KB", "access_control": "private",
            "_owners": [{ "org_id": "123", "user_id": "someone" }],
            "_acl": { "view": ["org:123"], "edit": ["org:123"], "delete": ["org:123"] },
            "_tags": ["a"], "custom": { "deep": [1, null, 1.5] },
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&saved[name], value, "{name}");
        }
        assert_eq!(saved["_created_at"], saved["_updated_at"]);
        let version = json!({
            "s3ref": saved["s3ref"], "filename": "Report.pdf", "size_bytes": 1_234, "readable_size": "1.2 KB",
            "mime_type": "application/pdf",
        });
        assert_eq!(saved["versions"], json!([version]));
    }
}

#[tokio::test]
async fn the_object_moves_to_its_permanent_key() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"bytes").await;
    let saved = stack.save(&json!({ "s3ref": s3ref })).await;
    assert_eq!(format!("temp/{}", text(&saved["s3ref"]["key"])), text(&s3ref["key"]));
    assert!(stack.object_exists(&saved["s3ref"]["key"]).await);
    assert!(!stack.object_exists(&s3ref["key"]).await);
    assert_eq!(stack.download(&saved["_id"], "").await.bytes().await.unwrap(), "bytes");
}

#[tokio::test]
async fn the_upload_stays_when_delete_temp_file_is_false() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"bytes").await;
    stack.post("/v2/files?delete_temp_file=false", &json!({ "s3ref": s3ref })).await.expect(200);
    assert!(stack.object_exists(&s3ref["key"]).await);
}

#[tokio::test]
async fn name_and_types_are_those_asked_for() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.bin", b"1").await;
    let body = json!({ "s3ref": s3ref, "filename": "b.odt", "mime_type": "application/vnd.oasis.opendocument.text", "type": "document_template" });
    let saved = stack.save(&body).await;
    assert_eq!(
        (&saved["filename"], &saved["mime_type"], &saved["type"]),
        (&body["filename"], &body["mime_type"], &body["type"])
    );
}

#[tokio::test]
async fn saving_the_same_upload_again_gives_the_same_file() {
    let stack = Stack::new();
    for query in ["", "?delete_temp_file=false"] {
        let s3ref = stack.upload("a.txt", b"1").await;
        let first = stack.post(&format!("/v2/files{query}"), &json!({ "s3ref": s3ref })).await.expect(200);
        let again = stack.save(&json!({ "s3ref": s3ref, "filename": "b.txt" })).await;
        assert_eq!(first, again);
    }
}

#[tokio::test]
async fn twenty_saves_of_the_same_upload_at_once_give_one_file_and_one_object() {
    let stack = Stack::new();
    for access in ["private", "public-read", "public-read"] {
        let s3ref = stack.upload("a.txt", b"1").await;
        let mut requests = JoinSet::new();
        for _ in 0..20 {
            let save = stack.request(&stack.token, Method::POST, "/v2/files");
            requests.spawn(Reply::of(save.json(&json!({ "s3ref": s3ref, "access_control": access }))));
        }
        let entities: Vec<Value> = requests.join_all().await.into_iter().map(|reply| reply.expect(200)).collect();
        assert!(entities.iter().all(|entity| entity == &entities[0]));
        let key = text(&entities[0]["s3ref"]["key"]);
        assert_eq!(stack.keys(key.rsplit_once('/').unwrap().0).await, [key]);
        assert_eq!(stack.items(&format!("FILE#{}", text(&entities[0]["_id"]))).await.len(), 1, "META alone");
        let status = stack.anonymous_status(&entities[0]["public_url"]).await;
        assert_eq!(status, if access == "private" { 403 } else { 200 }, "no late copy changed who may read it");
    }
}

#[tokio::test]
async fn a_new_private_file_is_two_writes_of_one_unit_each() {
    let stack = Stack::new();
    let file = stack.saved("a report of the usual length, 2026.pdf", b"1").await;
    let [item] = stack.items(&format!("FILE#{}", text(&file["_id"]))).await.try_into().unwrap();
    // The claim that it replaced is smaller. A unit is 1 KB, of names and values.
    let bytes: usize = item.iter().map(|(name, value)| name.len() + attribute_bytes(value)).sum();
    assert!((500..=1_024).contains(&bytes), "{bytes}");
}

/// What DynamoDB counts of a value.
fn attribute_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 2,
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + attribute_bytes(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + attribute_bytes(value)).sum::<usize>()
        }
        _ => 1,
    }
}

#[tokio::test]
async fn an_upload_that_does_not_exist_or_has_expired_is_a_404_that_says_why() {
    let stack = Stack::new();
    let upload = stack.post("/v2/files/upload", &json!({ "filename": "a.txt" })).await.expect(201);
    let error = stack.post("/v2/files", &json!({ "s3ref": upload["s3ref"] })).await.error(404);
    assert!(error.contains("24 hours"), "{error}");
    let id = text(&upload["s3ref"]["key"]).split('/').nth(2).unwrap();
    stack.assert_unsaved(id).await;
}

#[tokio::test]
async fn another_organisations_upload_cannot_be_saved() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let save = |body: Value| Reply::of(stack.request(&stack.other_token, Method::POST, "/v2/files").json(&body));
    save(json!({ "s3ref": s3ref })).await.error(404);
    let mine = stack.save(&json!({ "s3ref": s3ref })).await;
    save(json!({ "_id": mine["_id"], "filename": "b.txt" })).await.error(404);
    save(json!({ "_id": mine["_id"], "s3ref": mine["s3ref"] })).await.error(404);
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&mine["_id"]))).await.expect(200), mine);
}

#[tokio::test]
async fn a_save_that_was_interrupted_before_its_commit_is_finished_by_the_next() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let key = text(&s3ref["key"]);
    let id = key.split('/').nth(2).unwrap();
    let saved_key = key.strip_prefix("temp/").unwrap();
    // What a function that died between its copy and its commit leaves: the mark and the copy.
    let text_value = |value: &str| AttributeValue::S(value.to_owned());
    let mark = [
        ("pk", text_value(&format!("FILE#{id}"))),
        ("sk", text_value("META")),
        ("state", text_value("pending")),
        ("org", text_value("123")),
        ("generation", AttributeValue::N("0".to_owned())),
        ("object_key", text_value(saved_key)),
        ("expires_at", AttributeValue::N("4102444800".to_owned())),
    ];
    let mut put = stack.dynamodb.put_item().table_name(&stack.table);
    for (name, value) in mark {
        put = put.item(name, value);
    }
    put.send().await.unwrap();
    stack.s3.put_object().bucket(&stack.bucket).key(saved_key).body(b"1".to_vec().into()).send().await.unwrap();

    let saved = stack.save(&json!({ "s3ref": s3ref })).await;
    assert_eq!(saved["s3ref"]["key"], saved_key);
    assert!(!stack.object_exists(&s3ref["key"]).await);
}

#[tokio::test]
async fn attributes_are_merged_and_what_is_not_mentioned_stays() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let saved = stack.save(&json!({ "s3ref": s3ref, "kept": 1, "changed": 1 })).await;
    let updated = stack.save(&json!({ "file_entity_id": saved["_id"], "changed": 2, "filename": "b.txt" })).await;
    assert_eq!((&updated["kept"], &updated["changed"], &updated["filename"]), (&json!(1), &json!(2), &json!("b.txt")));
    assert_eq!((&updated["versions"], &updated["_created_at"]), (&saved["versions"], &saved["_created_at"]));
    assert!(text(&updated["_updated_at"]) > text(&saved["_updated_at"]));
}

#[tokio::test]
async fn an_entity_can_be_sent_back_as_it_was_returned() {
    let stack = Stack::new();
    let mut saved = stack.saved("a.txt", b"1").await;
    let again = stack.save(&saved).await;
    saved["_updated_at"] = again["_updated_at"].clone();
    assert_eq!(saved, again);
}

#[tokio::test]
async fn a_large_upload_is_copied_in_parts_with_type_and_tags() {
    let stack = Stack::new();
    let bytes: Vec<u8> = (0..70_u8).flat_map(|megabyte| vec![megabyte; 1024 * 1024]).collect();
    let upload = stack.post("/v2/files/upload", &json!({ "filename": "a.mp4", "index_tag": "big" })).await.expect(201);
    let put = stack.http.put(text(&upload["upload_url"])).header("content-type", "video/mp4").body(bytes.clone());
    assert_eq!(put.send().await.unwrap().status(), 200);
    let saved = stack.save(&json!({ "s3ref": upload["s3ref"], "access_control": "public-read" })).await;
    assert_eq!((&saved["type"], &saved["size_bytes"]), (&json!("video"), &json!(bytes.len())));
    let public = stack.http.get(text(&saved["public_url"])).send().await.unwrap();
    assert_eq!((public.status().as_u16(), public.headers()["content-type"].to_str().unwrap()), (200, "video/mp4"));
    assert!(public.bytes().await.unwrap() == bytes, "the same bytes");
    let tags =
        stack.s3.get_object_tagging().bucket(&stack.bucket).key(text(&saved["s3ref"]["key"])).send().await.unwrap();
    assert_eq!(tags.tag_set().len(), 2);
}
