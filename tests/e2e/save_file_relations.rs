//! `saveFile` with `relations`: the entities that a file belongs to.

use crate::stack::{Stack, eventually, text};
use serde_json::{Value, json};
use uuid::Uuid;

/// The ids of the files that the table has under this entity of organisation 123.
async fn related(stack: &Stack, entity: &str) -> Vec<String> {
    let items = stack.items(&format!("ENTITY#123#{entity}")).await;
    items.iter().map(|item| item["file_id"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn relations_are_returned_and_find_the_file_in_one_query() {
    let stack = Stack::new();
    let (order, contact) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let relations = json!([
        { "entity_id": order, "_schema": "order", "_tags": ["invoices"] }, { "entity_id": contact },
    ]);
    let s3ref = stack.upload("a.txt", b"1").await;
    let file = stack.save(&json!({ "s3ref": s3ref, "relations": relations })).await;
    assert_eq!(file["relations"], relations);
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200), file);
    for entity in [&order, &contact] {
        assert_eq!(related(&stack, entity).await, [text(&file["_id"])]);
    }
}

#[tokio::test]
async fn a_save_adds_to_the_relations_replaces_one_and_removes_one() {
    let stack = Stack::new();
    let [a, b, c] = [(); 3].map(|()| Uuid::new_v4().to_string());
    let file = stack.saved("a.txt", b"1").await;
    let id = &file["_id"];
    let save = async |relations: Value| stack.save(&json!({ "_id": id, "relations": relations })).await;
    save(json!([{ "entity_id": a }, { "entity_id": b }])).await;
    let after = save(json!([{ "entity_id": c }, { "entity_id": a, "_tags": ["x"] }])).await;
    let expected = json!([{ "entity_id": a, "_tags": ["x"] }, { "entity_id": b }, { "entity_id": c }]);
    assert_eq!(after["relations"], expected);
    // A save that does not mention them, and an entity that is sent back.
    assert_eq!(stack.save(&json!({ "_id": id, "filename": "b.txt" })).await["relations"], expected);
    assert_eq!(stack.save(&after).await["relations"], expected);
    let after = save(json!([{ "entity_id": b, "remove": true }])).await;
    assert_eq!(after["relations"], json!([{ "entity_id": a, "_tags": ["x"] }, { "entity_id": c }]));
    assert!(related(&stack, &b).await.is_empty());
    assert_eq!(related(&stack, &a).await, [text(id)]);
}

#[tokio::test]
async fn relations_go_when_the_file_goes() {
    let stack = Stack::new();
    let entity = Uuid::new_v4().to_string();
    let s3ref = stack.upload("a.txt", b"1").await;
    let file = stack.save(&json!({ "s3ref": s3ref, "relations": [{ "entity_id": entity }] })).await;
    stack.delete(&format!("/v2/files/{}?purge=true", text(&file["_id"]))).await.expect(200);
    eventually("the relation is gone", async || related(&stack, &entity).await.is_empty()).await;
}

#[tokio::test]
async fn relations_that_are_none_are_refused_by_name() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let too_many: Vec<Value> = (0..41).map(|id| json!({ "entity_id": id.to_string() })).collect();
    for bad in [
        json!("order"),
        json!([{}]),
        json!([{ "entity_id": "" }]),
        json!([{ "entity_id": "a/b" }]),
        json!([{ "entity_id": "a#b" }]),
        json!([{ "entity_id": "a", "_schema": "files" }]),
        json!([{ "entity_id": "a", "_tags": "x" }]),
        json!([{ "entity_id": "a", "_tags": vec!["x"; 51] }]),
        json!(too_many),
    ] {
        let error = stack.post("/v2/files", &json!({ "_id": file["_id"], "relations": bad })).await.error(400);
        assert!(error.starts_with("relations"), "{error}");
    }
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200), file);
}
