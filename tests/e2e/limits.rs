//! Limits that hold together: what is at all of them at once can still be read, changed and deleted.

use crate::{
    collections::{created, names, schema},
    save_file_source_url,
    stack::{Stack, text},
};
use serde_json::{Value, json};

/// The most that attributes, relations and `_acl` may have.
const MAX_ATTRIBUTE_BYTES: usize = 300 * 1024;

/// A file of which everything is as large as it may be.
async fn largest_file(stack: &Stack) -> Value {
    let longest = |url: &str| format!("{url}{}", "x".repeat(2_048 - url.len()));
    let list = |count: usize| vec![format!("user:{}", "u".repeat(128)); count];
    let relations: Vec<_> =
        (0..40).map(|number| json!({ "entity_id": format!("{number:0128}"), "_tags": ["🦀".repeat(256)] })).collect();
    let body = json!({
        "source_url": longest(&save_file_source_url::url("/")),
        "filename": "🦀".repeat(255),
        "mime_type": format!("text/plain; x={}", "x".repeat(255 - "text/plain; x=".len())),
        "_acl": { "view": list(34), "edit": list(33), "delete": list(33) },
        "relations": relations,
    });
    let file = stack.save(&body).await;
    let id = &file["_id"];
    stack
        .save(&json!({ "_id": id, "custom_download_url": longest("https://a.example/"), "a": "x".repeat(200_000) }))
        .await;
    let lists = json!([file["relations"], file["_acl"]]).to_string().len();
    let room = MAX_ATTRIBUTE_BYTES - lists - 200_000 - json!({ "a": "", "b": "" }).to_string().len();
    stack.post("/v2/files", &json!({ "_id": id, "b": "x".repeat(room + 1) })).await.error(413);
    stack.save(&json!({ "_id": id, "b": "x".repeat(room) })).await
}

#[tokio::test]
async fn a_file_at_every_limit_is_read_updated_opened_closed_and_deleted() {
    let stack = Stack::new();
    for query in ["", "?purge=true"] {
        let file = largest_file(&stack).await;
        let (id, path) = (&file["_id"], format!("/v2/files/{}", text(&file["_id"])));
        assert_eq!(stack.get(&path).await.expect(200), file);
        for access in ["public-read", "private"] {
            let changed = stack.save(&json!({ "_id": id, "access_control": access, "b": file["b"] })).await;
            assert_eq!(changed["access_control"], access);
        }
        let s3ref = stack.upload(&"🦀".repeat(255), b"2").await;
        let two = stack.save(&json!({ "_id": id, "s3ref": s3ref })).await;
        assert_eq!(two["versions"].as_array().unwrap().len(), 2);
        stack.post("/v2/files", &json!({ "_id": id, "c": 1 })).await.error(413);
        let more = json!({ "view": vec!["org:456"; 101] });
        assert!(stack.post("/v2/files", &json!({ "_id": id, "_acl": more })).await.error(400).starts_with("_acl"));
        stack.delete(&format!("{path}{query}")).await.expect(200);
        stack.get(&path).await.error(404);
    }
}

#[tokio::test]
async fn the_parent_of_89_collections_at_every_limit_is_listed_and_deleted() {
    let stack = Stack::new();
    let schema = schema();
    let path = format!("/v1/{schema}/collections");
    let mut parents: Vec<String> = Vec::new();
    for number in 0..90 {
        let name = format!("{number:02}{}", "x".repeat(254));
        let locations = vec!["\"".repeat(127); 62];
        let body = json!({ "name": name, "parents": parents, "enabled_locations": locations });
        let made = created(&stack, &schema, body).await;
        parents.push(text(&made["slug"]).rsplit_once(':').unwrap().1.to_owned());
    }
    let larger = json!({ "name": "x", "enabled_purposes": vec!["x".repeat(128); 100], "enabled_locations": vec!["x".repeat(128); 26] });
    stack.post(&path, &larger).await.error(409);
    assert_eq!(names(&stack, &schema).await.len(), 90);
    stack.delete(&format!("{path}/{}", parents[0])).await.expect(200);
    let left = stack.get(&path).await.expect(200);
    assert_eq!(left.as_array().unwrap().len(), 89);
    assert!(left.as_array().unwrap().iter().all(|child| !child["parents"].to_string().contains(&parents[0])));
    stack.post(&path, &larger).await.error(413);
}
