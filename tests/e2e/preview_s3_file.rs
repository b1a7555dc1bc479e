//! `previewS3File`: a thumbnail of what an `s3ref` names, saved or not, if it is the caller's to see.

use crate::{
    image::{preview, refused, svg},
    stack::{Reply, Stack, text},
};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/v1/files:previewS3";

#[tokio::test]
async fn an_upload_has_a_preview_before_it_is_saved_and_its_version_after() {
    let stack = Stack::new();
    for name in ["a.svg", "Größe der Übersicht.svg", "100% +&=#?.svg", "🦀.svg"] {
        let upload = stack.upload(name, &svg(40, 20, "teal")).await;
        assert_eq!(preview(stack.s3_preview(&stack.token, &upload, "")).await, ("image/jpeg", 40, 20), "{name}");
        let file = stack.save(&json!({ "s3ref": upload })).await;
        let saved = preview(stack.s3_preview(&stack.token, &file["s3ref"], "w=16")).await;
        assert_eq!(saved, ("image/jpeg", 16, 8), "{name}");
    }
}

#[tokio::test]
async fn an_upload_that_is_sent_again_has_another_preview() {
    let stack = Stack::new();
    let place = stack.post("/v2/files/upload", &json!({ "filename": "a.svg" })).await.expect(201);
    for (width, height) in [(40, 20), (20, 40)] {
        stack.http.put(text(&place["upload_url"])).body(svg(width, height, "teal")).send().await.unwrap();
        for _ in 0..2 {
            let seen = preview(stack.s3_preview(&stack.token, &place["s3ref"], "")).await;
            assert_eq!(seen, ("image/jpeg", width, height));
        }
    }
    let key = text(&place["s3ref"]["key"]).strip_prefix("temp/").unwrap();
    let folder = key.rsplit_once('/').unwrap().0;
    assert_eq!(stack.keys(&format!("previews/{folder}/")).await.len(), 1, "in the place of the first");
}

#[tokio::test]
async fn the_previews_of_an_upload_go_with_the_file_that_it_became() {
    let stack = Stack::new();
    let upload = stack.upload("a.svg", &svg(40, 20, "teal")).await;
    preview(stack.s3_preview(&stack.token, &upload, "")).await;
    let file = stack.save(&json!({ "s3ref": upload })).await;
    assert_eq!(stack.kept_previews(&file).await.len(), 1);
    stack.delete(&format!("/v2/files/{}?purge=true", text(&file["_id"]))).await.expect(200);
    assert_eq!(stack.kept_previews(&file).await, [""; 0]);
}

#[tokio::test]
async fn a_public_upload_for_the_callers_organisation_has_a_preview_and_one_for_nobody_has_none() {
    let stack = Stack::new();
    let upload = async |query: &str| {
        let request = stack.request("", Method::POST, &format!("/v1/files/public/upload{query}"));
        let reply = Reply::of(request.json(&json!({ "filename": "a.svg" }))).await.expect(201);
        let put = stack.http.put(text(&reply["upload_url"])).body(svg(40, 20, "teal"));
        assert_eq!(put.send().await.unwrap().status(), 200);
        reply["s3ref"].clone()
    };
    let (ours, nobodys) = (upload("?org_id=123").await, upload("").await);
    assert_eq!(preview(stack.s3_preview(&stack.token, &ours, "")).await, ("image/jpeg", 40, 20));
    refused(stack.s3_preview(&stack.other_token, &ours, ""), 404).await;
    refused(stack.s3_preview(&stack.token, &nobodys, ""), 404).await;
}

#[tokio::test]
async fn what_is_not_there_or_not_the_callers_is_the_404_of_an_unknown_file() {
    let stack = Stack::new();
    let upload = stack.upload("a.svg", &svg(40, 20, "teal")).await;
    let saved = stack.saved("b.svg", &svg(40, 20, "teal")).await["s3ref"].clone();
    let purged = stack.saved("c.svg", &svg(40, 20, "teal")).await;
    preview(stack.s3_preview(&stack.token, &purged["s3ref"], "")).await;
    stack.delete(&format!("/v2/files/{}?purge=true", text(&purged["_id"]))).await.expect(200);
    let changed = |s3ref: &Value, from: &str, to: &str| json!({ "bucket": s3ref["bucket"], "key": text(&s3ref["key"]).replace(from, to) });
    let unknown = stack.get("/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa").await;
    for (why, token, s3ref) in [
        ("another organisation's upload", &stack.other_token, &upload),
        ("another organisation's version", &stack.other_token, &saved),
        ("a key in which another put itself", &stack.other_token, &changed(&saved, "123/", "456/")),
        ("another name", &stack.token, &changed(&saved, "b.svg", "c.svg")),
        ("an upload as if it were saved", &stack.token, &changed(&upload, "temp/", "")),
        ("removed", &stack.token, &purged["s3ref"]),
    ] {
        let reply = Reply::of(stack.s3_preview(token, s3ref, "")).await;
        assert_eq!((reply.status, &reply.body), (404, &unknown.body), "{why}");
    }
}

#[tokio::test]
async fn a_missing_or_foreign_s3ref_is_a_400_that_names_the_part() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.svg", &svg(40, 20, "teal")).await;
    let (bucket, key) = (&s3ref["bucket"], &s3ref["key"]);
    for (name, body) in [
        ("bucket", json!({ "key": key, "bucket": "another-bucket" })),
        ("key", json!({ "bucket": bucket, "key": "etc/passwd" })),
        ("key", json!({ "bucket": bucket, "key": format!("previews/{}", text(key)) })),
        ("key", json!({ "bucket": bucket })),
        ("bucket", json!({ "key": key })),
        ("JSON object", json!([bucket, key])),
    ] {
        let error = refused(stack.request(&stack.token, Method::POST, PATH).json(&body), 400).await;
        assert!(error.contains(name), "{body}: {error}");
    }
    refused(stack.s3_preview(&stack.token, &s3ref, "w=0"), 400).await;
}

#[tokio::test]
async fn a_file_over_the_limit_is_a_422_that_says_the_limit() {
    let stack = Stack::new();
    let upload = stack.upload("a.txt", &vec![b'a'; 52_428_801]).await;
    let error = refused(stack.s3_preview(&stack.token, &upload, ""), 422).await;
    assert!(error.contains("52428800 bytes"), "{error}");
}
