//! `saveFile` with `version_only`: versions are added, one or many at once, and the file stays what it is.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/v2/files?version_only=true";

/// A batch of uploads with these bytes, for the file.
async fn batch(stack: &Stack, id: &Value, contents: &[&str]) -> Value {
    let mut items = Vec::new();
    for content in contents {
        let s3ref = stack.upload(&format!("{content}.png"), content.as_bytes()).await;
        items.push(json!({ "_id": id, "s3ref": s3ref }));
    }
    Value::Array(items)
}

fn names(file: &Value) -> Vec<&str> {
    file["versions"].as_array().unwrap().iter().map(|version| text(&version["filename"])).collect()
}

#[tokio::test]
async fn a_version_only_save_keeps_the_name_the_type_and_the_attributes_of_the_file() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.txt", b"1").await;
    let file = stack.save(&json!({ "s3ref": s3ref, "color": "blue" })).await;
    let s3ref = stack.upload("b.png", b"22").await;
    let body = json!({ "_id": file["_id"], "s3ref": s3ref, "filename": "c.png", "color": "red", "_tags": ["x"] });
    let after = stack.post(PATH, &body).await.expect(200);
    for kept in ["filename", "_title", "type", "mime_type", "color", "_tags", "_created_at"] {
        assert_eq!(after[kept], file[kept], "{kept}");
    }
    assert_eq!((after["size_bytes"].as_u64(), names(&after)), (Some(2), vec!["c.png", "a.txt"]));
    assert_eq!(after["s3ref"], after["versions"][0]["s3ref"]);
    assert_eq!(stack.download(&file["_id"], "").await.bytes().await.unwrap(), "22");
    // A repetition adds no other.
    assert_eq!(stack.post(PATH, &body).await.expect(200), after);
}

#[tokio::test]
async fn a_batch_adds_all_its_versions_the_last_being_the_newest() {
    let stack = Stack::new();
    let file = stack.saved("first.txt", b"0").await;
    let contents: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    let body = batch(&stack, &file["_id"], &contents).await;
    let after = stack.post(PATH, &body).await.expect(200);
    assert_eq!(names(&after)[..2], ["20.png", "19.png"]);
    assert_eq!((after["versions"].as_array().unwrap().len(), &after["filename"]), (21, &json!("first.txt")));
    for (index, content) in [(0, "20"), (7, "13"), (20, "0")] {
        let bytes = stack.download(&file["_id"], &format!("version={index}")).await.bytes().await.unwrap();
        assert_eq!(bytes, content);
    }
    assert_eq!(stack.post(PATH, &body).await.expect(200), after, "a repetition adds nothing");
    for item in body.as_array().unwrap() {
        assert!(!stack.object_exists(&item["s3ref"]["key"]).await, "the uploads are gone");
    }
}

#[tokio::test]
async fn a_batch_is_saved_all_or_none() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"0").await;
    let other = stack.upload("other.txt", b"1").await;
    stack.save(&json!({ "s3ref": other })).await;
    let missing = stack.post("/v2/files/upload", &json!({ "filename": "never.txt" })).await.expect(201);
    for (bad, status) in [(other, 409), (missing["s3ref"].clone(), 404)] {
        let mut body = batch(&stack, &file["_id"], &["1", "2"]).await;
        body.as_array_mut().unwrap().insert(1, json!({ "_id": file["_id"], "s3ref": bad }));
        stack.post(PATH, &body).await.error(status);
        assert_eq!(stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200), file);
        for index in [0, 2] {
            let key = text(&body[index]["s3ref"]["key"]);
            assert!(stack.object_exists(&json!(key)).await, "the other uploads wait");
            let id = key.split('/').nth(2).unwrap();
            stack.assert_unsaved(id).await;
            stack.save(&json!({ "s3ref": body[index]["s3ref"] })).await;
        }
    }
}

#[tokio::test]
async fn batches_that_race_lose_no_version() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"0").await;
    let mut saves = tokio::task::JoinSet::new();
    for contents in [["1", "2"], ["3", "4"], ["5", "6"]] {
        let body = batch(&stack, &file["_id"], &contents).await;
        for _ in 0..2 {
            saves.spawn(Reply::of(stack.request(&stack.token, Method::POST, PATH).json(&body)));
        }
    }
    for reply in saves.join_all().await {
        reply.expect(200);
    }
    let after = stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200);
    let mut names = names(&after);
    names.sort_unstable();
    assert_eq!(names, ["1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "a.txt"]);
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"0").await;
    let two = batch(&stack, &file["_id"], &["1", "2"]).await;
    stack.post("/v2/files", &two).await.error(400);
    stack.post(PATH, &json!([])).await.error(400);
    let mut twice = two.clone();
    twice[1] = twice[0].clone();
    stack.post(PATH, &twice).await.error(400);
    let mut without_id = two.clone();
    without_id[1]["_id"] = json!("");
    stack.post(PATH, &without_id).await.error(400);
    let stranger = stack.request(&stack.other_token, Method::POST, PATH).json(&two);
    Reply::of(stranger).await.error(404);
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200), file);
}
