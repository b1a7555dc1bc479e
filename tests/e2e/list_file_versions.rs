//! `listFileVersions`, and what a file of many versions costs and promises.

use crate::stack::{Reply, Stack, text};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

/// Makes a saved file one of this many versions: all but the first have no bytes.
async fn with_versions(stack: &Stack, file: &Value, count: u32) {
    let id = text(&file["_id"]);
    let meta: Item = stack.items(&format!("FILE#{id}")).await.remove(0);
    let version = |number: u32| {
        let mut version = meta["current"].as_m().unwrap().clone();
        version.insert("number".into(), AttributeValue::N(number.to_string()));
        if number > 1 {
            let key = format!("123/{}/a.txt", uuid::Uuid::new_v4());
            version.insert("object_key".into(), AttributeValue::S(key));
        }
        version
    };
    let put = |item: Item| {
        WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
    };
    let mut writes = Vec::new();
    for number in 1..count {
        let mut item = version(number);
        item.insert("pk".into(), meta["pk"].clone());
        item.insert("sk".into(), AttributeValue::S(format!("HISTORY#{number:08}")));
        writes.push(put(item));
    }
    let mut meta = meta.clone();
    meta.insert("current".into(), AttributeValue::M(version(count)));
    writes.push(put(meta));
    for batch in writes.chunks(25) {
        stack.dynamodb.batch_write_item().request_items(&stack.table, batch.to_vec()).send().await.unwrap();
    }
}

fn path(file: &Value, query: &str) -> String {
    format!("/v2/files/{}/versions{query}", text(&file["_id"]))
}

fn numbers(page: &Value) -> Vec<u64> {
    page["results"].as_array().unwrap().iter().map(|version| version["number"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn all_versions_come_newest_first_in_pages() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    assert_eq!(stack.get(&path(&file, "")).await.expect(200)["results"][0]["s3ref"], file["s3ref"]);
    with_versions(&stack, &file, 250).await;
    let (mut found, mut query) = (Vec::new(), "?limit=99".to_owned());
    loop {
        let page = stack.get(&path(&file, &query)).await.expect(200);
        found.extend(numbers(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=99&cursor={cursor}");
    }
    assert_eq!(found, (1..=250).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_limit_or_a_cursor_of_the_wrong_form_is_refused() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    for bad in ["limit=0", "limit=101", "limit=x", "cursor=0", "cursor=-1", "cursor=x", "cursor=01", "cursor=%2B1"] {
        stack.get(&path(&file, &format!("?{bad}"))).await.error(400);
    }
    assert!(numbers(&stack.get(&path(&file, "?cursor=1")).await.expect(200)).is_empty());
}

#[tokio::test]
async fn another_organisation_sees_them_only_with_the_right_to_view_the_file() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let list = || Reply::of(stack.request(&stack.other_token, Method::GET, &path(&file, "")));
    list().await.error(404);
    stack.save(&json!({ "_id": file["_id"], "_acl": { "view": ["org:456"] } })).await;
    assert_eq!(numbers(&list().await.expect(200)), [1]);
}

#[tokio::test]
async fn a_file_of_1000_versions_can_be_read_changed_toggled_and_deleted_and_takes_no_more() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let id = text(&file["_id"]);
    with_versions(&stack, &file, 1_000).await;

    let entity = stack.get(&format!("/v2/files/{id}")).await.expect(200);
    assert_eq!(entity["versions"].as_array().unwrap().len(), 100);
    let oldest = stack.download(&file["_id"], "version=999").await;
    assert_eq!(oldest.bytes().await.unwrap(), "1");
    assert_eq!(stack.get(&format!("/v1/files/{id}/download?version=1000")).await.status, 404);
    assert_eq!(stack.save(&json!({ "_id": id, "filename": "b.txt" })).await["filename"], "b.txt");
    // The first version's s3ref is far down the list.
    stack.save(&json!({ "_id": id, "s3ref": file["s3ref"] })).await;

    let s3ref = stack.upload("a.txt", b"2").await;
    let full = stack.post("/v2/files", &json!({ "_id": id, "s3ref": s3ref })).await.error(409);
    assert!(full.contains("new file"), "{full}");

    for (access, status) in [("public-read", 200), ("private", 403)] {
        stack.save(&json!({ "_id": id, "access_control": access })).await;
        assert_eq!(stack.anonymous_status(&file["public_url"]).await, status);
    }
    stack.delete(&format!("/v2/files/{id}?purge=true")).await.expect(200);
    assert!(stack.is_removed(id).await);
    assert!(!stack.object_exists(&file["s3ref"]["key"]).await);
}
