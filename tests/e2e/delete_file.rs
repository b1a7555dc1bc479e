//! `deleteFile`: gone for every reader at once, and for good when it should be.

use crate::stack::{Reply, Stack, eventually, text};
use reqwest::Method;
use serde_json::{Value, json};

/// A public file with two versions.
async fn file(stack: &Stack) -> Value {
    let s3ref = stack.upload("a.txt", b"1").await;
    let saved = stack.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await;
    let s3ref = stack.upload("a.txt", b"2").await;
    stack.save(&json!({ "_id": saved["_id"], "s3ref": s3ref })).await
}

async fn assert_unreadable(stack: &Stack, file: &Value) {
    let id = text(&file["_id"]);
    stack.get(&format!("/v2/files/{id}")).await.error(404);
    stack.get(&format!("/v1/files/{id}/download")).await.error(404);
    stack.post("/v2/files", &json!({ "_id": id, "filename": "b.txt" })).await.error(404);
    stack.delete(&format!("/v2/files/{id}?purge=true")).await.error(404);
}

#[tokio::test]
async fn v1_and_purge_remove_entity_versions_and_objects_at_once() {
    let stack = Stack::new();
    for path in ["/v1/files/{id}", "/v2/files/{id}?purge=true"] {
        let file = file(&stack).await;
        let id = text(&file["_id"]);
        let deleted = stack.delete(&path.replace("{id}", id)).await.expect(200);
        assert_eq!(deleted, file, "the reply is the deleted file");
        for version in file["versions"].as_array().unwrap() {
            assert!(!stack.object_exists(&version["s3ref"]["key"]).await);
        }
        assert!(stack.is_removed(id).await);
        assert_unreadable(&stack, &file).await;
    }
}

#[tokio::test]
async fn v2_hides_the_file_and_keeps_it_for_the_retention_time() {
    let stack = Stack::new();
    let file = file(&stack).await;
    let now = || time::OffsetDateTime::now_utc().unix_timestamp();
    let before = now();
    stack.delete(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200);
    let after = now();
    assert_unreadable(&stack, &file).await;
    for version in file["versions"].as_array().unwrap() {
        assert!(stack.object_exists(&version["s3ref"]["key"]).await);
        let url =
            text(&file["public_url"]).replace(&escaped(&file["s3ref"]["key"]), &escaped(&version["s3ref"]["key"]));
        assert_eq!(stack.anonymous_status(&json!(url)).await, 403);
    }
    let items = stack.items(&format!("FILE#{}", text(&file["_id"]))).await;
    let expires_at: i64 =
        items.iter().find_map(|item| item.get("expires_at")).unwrap().as_n().unwrap().parse().unwrap();
    assert!((before..=after).contains(&(expires_at - 30 * 86_400)), "{expires_at}");
}

fn escaped(key: &Value) -> String {
    text(key).replace('%', "%25")
}

#[tokio::test]
async fn a_deletion_that_died_half_way_is_finished_by_the_worker() {
    let stack = Stack::new();
    let file = file(&stack).await;
    let pk = format!("FILE#{}", text(&file["_id"]));
    // What a function that died right after its conditional write leaves.
    stack
        .dynamodb
        .update_item()
        .table_name(&stack.table)
        .key("pk", aws_sdk_dynamodb::types::AttributeValue::S(pk))
        .key("sk", aws_sdk_dynamodb::types::AttributeValue::S("META".into()))
        .update_expression("SET deleted_at = :at, expires_at = :now")
        .expression_attribute_values(":at", aws_sdk_dynamodb::types::AttributeValue::S("2026-01-01T00:00:00Z".into()))
        .expression_attribute_values(":now", aws_sdk_dynamodb::types::AttributeValue::N("1".into()))
        .send()
        .await
        .unwrap();
    assert_unreadable(&stack, &file).await;
    eventually("the file is removed", async || stack.is_removed(text(&file["_id"])).await).await;
    for version in file["versions"].as_array().unwrap() {
        assert!(!stack.object_exists(&version["s3ref"]["key"]).await);
    }
}

#[tokio::test]
async fn another_organisation_deletes_nothing() {
    let stack = Stack::new();
    let file = file(&stack).await;
    for path in ["/v1/files/{id}", "/v2/files/{id}", "/v2/files/{id}?purge=true"] {
        let path = path.replace("{id}", text(&file["_id"]));
        Reply::of(stack.request(&stack.other_token, Method::DELETE, &path)).await.error(404);
    }
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200), file);
}

#[tokio::test]
async fn a_save_that_races_a_deletion_never_brings_the_file_back() {
    let stack = Stack::new();
    for _ in 0..5 {
        let file = file(&stack).await;
        let id = text(&file["_id"]);
        let s3ref = stack.upload("a.txt", b"3").await;
        let path = format!("/v1/files/{id}");
        let body = json!({ "_id": id, "s3ref": s3ref, "access_control": "public-read" });
        let (deleted, saved) = tokio::join!(stack.delete(&path), stack.post("/v2/files", &body));
        deleted.expect(200);
        assert!(matches!(saved.status, 200 | 404), "{}", saved.body);
        assert_unreadable(&stack, &file).await;
        eventually("the file is removed", async || stack.is_removed(id).await).await;
        if saved.status == 200 {
            assert!(!stack.object_exists(&saved.body["s3ref"]["key"]).await);
        }
    }
}
