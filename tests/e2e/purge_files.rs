//! The stream worker: what runs out is removed, and nothing else.

use crate::stack::{Stack, eventually, text};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

/// Leaves what a save leaves that died between its copy and its commit, and then lets the mark be removed.
async fn abandoned_save(stack: &Stack, expires_at: i64) -> Value {
    let id = uuid::Uuid::new_v4();
    let key = format!("123/{id}/a.txt");
    stack.s3.put_object().bucket(&stack.bucket).key(&key).send().await.unwrap();
    let text_value = |value: &str| AttributeValue::S(value.to_owned());
    let pk = format!("FILE#{id}");
    let put =
        stack.dynamodb.put_item().table_name(&stack.table).item("pk", text_value(&pk)).item("sk", text_value("META"));
    let put = put
        .item("state", text_value("pending"))
        .item("org", text_value("123"))
        .item("generation", AttributeValue::N("0".to_owned()));
    let put = put.item("object_key", text_value(&key)).item("expires_at", AttributeValue::N(expires_at.to_string()));
    put.send().await.unwrap();
    let delete =
        stack.dynamodb.delete_item().table_name(&stack.table).key("pk", text_value(&pk)).key("sk", text_value("META"));
    delete.send().await.unwrap();
    json!(key)
}

#[tokio::test]
async fn a_pending_mark_that_runs_out_takes_its_copied_object_with_it() {
    let stack = Stack::new();
    let run_out = abandoned_save(&stack, 1).await;
    eventually("the object is gone", async || !stack.object_exists(&run_out).await).await;
}

#[tokio::test]
async fn a_hidden_file_is_removed_when_its_retention_time_is_over() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let id = text(&file["_id"]);
    stack.delete(&format!("/v2/files/{id}")).await.expect(200);
    // The table's TTL removes META, and nothing else.
    let key = |name: &str| AttributeValue::S(name.to_owned());
    let delete = stack
        .dynamodb
        .delete_item()
        .table_name(&stack.table)
        .key("pk", key(&format!("FILE#{id}")))
        .key("sk", key("META"));
    delete.send().await.unwrap();
    eventually("the object is gone", async || !stack.object_exists(&file["s3ref"]["key"]).await).await;
    eventually("the file is removed", async || stack.is_removed(id).await).await;
}

#[tokio::test]
async fn objects_are_tagged_as_their_file_says_when_a_switch_died_half_way() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    for (access, status) in [("public-read", 200), ("private", 403)] {
        let key = |name: &str| AttributeValue::S(name.to_owned());
        let update = stack.dynamodb.update_item().table_name(&stack.table);
        let update = update.key("pk", key(&format!("FILE#{}", text(&file["_id"])))).key("sk", key("META"));
        let update = update
            .update_expression("SET access_control = :access")
            .expression_attribute_values(":access", key(access));
        update.send().await.unwrap();
        eventually(access, async || stack.anonymous_status(&file["public_url"]).await == status).await;
    }
}
