//! `_acl`: what others than the file's own organisation may do, in every operation.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

/// A file of organisation 123 with this access control list.
async fn shared(stack: &Stack, acl: Value) -> Value {
    let s3ref = stack.upload("a.txt", b"shared").await;
    stack.save(&json!({ "s3ref": s3ref, "_acl": acl })).await
}

/// What organisation 456 (user `stranger`) gets when it views, downloads, changes and deletes the file.
async fn statuses(stack: &Stack, file: &Value) -> [u16; 4] {
    let id = text(&file["_id"]);
    let send = async |method: Method, path: String, body: Value| {
        Reply::of(stack.request(&stack.other_token, method, &path).json(&body)).await.status
    };
    [
        send(Method::GET, format!("/v2/files/{id}"), json!({})).await,
        send(Method::GET, format!("/v1/files/{id}/download"), json!({})).await,
        send(Method::POST, "/v2/files".into(), json!({ "_id": id, "color": "blue" })).await,
        send(Method::DELETE, format!("/v2/files/{id}"), json!({})).await,
    ]
}

#[tokio::test]
async fn each_list_gives_its_right_and_no_other() {
    let stack = Stack::new();
    for who in ["org:456", "user:stranger"] {
        for (acl, expected) in [
            (json!({ "view": [who] }), [200, 200, 404, 404]),
            (json!({ "edit": [who] }), [200, 200, 200, 404]),
            (json!({ "delete": [who] }), [200, 200, 404, 200]),
            (json!({ "view": ["org:4567", "user:someone", "org:stranger", "user:456"] }), [404; 4]),
            (json!({}), [404; 4]),
        ] {
            let file = shared(&stack, acl.clone()).await;
            assert_eq!(statuses(&stack, &file).await, expected, "{acl}");
        }
    }
}

#[tokio::test]
async fn the_files_own_organisation_keeps_every_right_whatever_the_list_says() {
    let stack = Stack::new();
    let file = shared(&stack, json!({ "view": ["org:456"], "edit": ["org:456"], "delete": ["org:456"] })).await;
    let path = format!("/v2/files/{}", text(&file["_id"]));
    assert_eq!(stack.get(&path).await.expect(200)["_acl"]["view"], json!(["org:456"]));
    stack.save(&json!({ "_id": file["_id"], "color": "blue" })).await;
    stack.delete(&path).await.expect(200);
}

#[tokio::test]
async fn a_right_that_is_taken_away_is_gone_at_once() {
    let stack = Stack::new();
    let file = shared(&stack, json!({ "view": ["org:456"] })).await;
    assert_eq!(statuses(&stack, &file).await[..2], [200, 200]);
    stack.save(&json!({ "_id": file["_id"], "_acl": { "view": [] } })).await;
    assert_eq!(statuses(&stack, &file).await, [404; 4]);
}

#[tokio::test]
async fn an_editor_adds_versions_but_cannot_share_the_file_further() {
    let stack = Stack::new();
    let file = shared(&stack, json!({ "edit": ["org:456"] })).await;
    let id = &file["_id"];
    let as_editor =
        async |body: &Value| Reply::of(stack.request(&stack.other_token, Method::POST, "/v2/files").json(body)).await;
    let upload = stack.request(&stack.other_token, Method::POST, "/v2/files/upload");
    let upload = Reply::of(upload.json(&json!({ "filename": "theirs.txt" }))).await.expect(201);
    stack.http.put(text(&upload["upload_url"])).body("theirs").send().await.unwrap();
    let edited = as_editor(&json!({ "_id": id, "s3ref": upload["s3ref"] })).await.expect(200);
    assert_eq!((&edited["_org"], &edited["filename"]), (&json!("123"), &json!("theirs.txt")));
    assert_eq!(stack.download(id, "").await.bytes().await.unwrap(), "theirs");
    as_editor(&edited).await.expect(200);

    let public = json!({ "_id": id, "access_control": "public-read" });
    let share = json!({ "_id": id, "_acl": { "edit": ["org:456"], "delete": ["org:456"] } });
    for body in [public, share] {
        let refused = as_editor(&body).await;
        assert_eq!((refused.status, &refused.body["status"]), (403, &json!(403)), "{}", refused.body);
    }
    let now = stack.get(&format!("/v2/files/{}", text(id))).await.expect(200);
    assert_eq!((&now["access_control"], &now["_acl"]), (&file["access_control"], &file["_acl"]));
    stack.delete(&format!("/v2/files/{}?purge=true", text(id))).await.expect(200);
    for version in now["versions"].as_array().unwrap() {
        assert!(!stack.object_exists(&version["s3ref"]["key"]).await, "their version's bytes go too");
    }
}

#[tokio::test]
async fn an_editors_new_version_is_saved_once_however_often_it_is_sent() {
    let stack = Stack::new();
    let file = shared(&stack, json!({ "edit": ["org:456"] })).await;
    let theirs = |path: &str, body: &Value| Reply::of(stack.request(&stack.other_token, Method::POST, path).json(body));
    let upload = theirs("/v2/files/upload", &json!({ "filename": "b.txt" })).await.expect(201);
    stack.http.put(text(&upload["upload_url"])).body("theirs").send().await.unwrap();
    let body = json!({ "_id": file["_id"], "s3ref": upload["s3ref"] });
    let first = theirs("/v2/files", &body).await.expect(200);
    let again = theirs("/v2/files", &body).await.expect(200);
    assert_eq!((first["versions"].as_array().unwrap().len(), &again["versions"]), (2, &first["versions"]));
}
