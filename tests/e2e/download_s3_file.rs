//! `downloadS3File`: a URL for what an `s3ref` names, if it is the caller's to see.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/v1/files:downloadS3";

impl Stack {
    async fn download_s3(&self, token: &str, s3ref: &Value) -> Reply {
        let query = [("s3_bucket", text(&s3ref["bucket"])), ("s3_key", text(&s3ref["key"]))];
        Reply::of(self.request(token, Method::POST, PATH).query(&query)).await
    }

    /// The bytes, and the name that they come under.
    async fn downloaded(&self, reply: Reply) -> (String, String) {
        let response = self.http.get(text(&reply.expect(200)["download_url"])).send().await.unwrap();
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        let (_, name) = disposition.split_once("filename*=UTF-8''").unwrap();
        let name = percent_encoding::percent_decode_str(name).decode_utf8().unwrap().into_owned();
        (response.text().await.unwrap(), name)
    }
}

fn pair(bytes: &str, name: &str) -> (String, String) {
    (bytes.to_owned(), name.to_owned())
}

#[tokio::test]
async fn an_s3ref_as_it_was_returned_is_downloaded_under_its_name_whatever_that_is() {
    let stack = Stack::new();
    let long = "ü ".repeat(120) + "x.txt";
    for name in ["a.txt", "Größe der Übersicht.txt", "100% +&=#?.txt", "🦀.txt", &long] {
        let upload = stack.upload(name, b"bytes").await;
        assert_eq!(stack.downloaded(stack.download_s3(&stack.token, &upload).await).await, pair("bytes", name));
        let saved = stack.save(&json!({ "s3ref": upload })).await;
        let reply = stack.download_s3(&stack.token, &saved["s3ref"]).await;
        assert_eq!(stack.downloaded(reply).await, pair("bytes", name));
    }
}

#[tokio::test]
async fn every_version_has_a_url_the_latest_under_the_files_name_and_older_ones_under_their_own() {
    let stack = Stack::new();
    let first = stack.saved("first.txt", b"first").await;
    let s3ref = stack.upload("second.txt", b"second").await;
    let second = stack.save(&json!({ "_id": first["_id"], "s3ref": s3ref })).await;
    stack.save(&json!({ "_id": first["_id"], "filename": "renamed.txt" })).await;
    let of = async |file: &Value| stack.downloaded(stack.download_s3(&stack.token, &file["s3ref"]).await).await;
    assert_eq!(of(&second).await, pair("second", "renamed.txt"));
    assert_eq!(of(&first).await, pair("first", "first.txt"));
}

#[tokio::test]
async fn the_url_lives_15_minutes_and_saves_or_shows_the_file() {
    let stack = Stack::new();
    let upload = stack.upload("a.txt", b"1").await;
    let saved = stack.saved("b.txt", b"1").await;
    for s3ref in [&upload, &saved["s3ref"]] {
        for (attachment, disposition) in [("", "attachment; "), ("true", "attachment; "), ("false", "inline; ")] {
            let query = [("s3_bucket", "bucket"), ("s3_key", "key")].map(|(name, part)| (name, text(&s3ref[part])));
            let request = stack.request(&stack.token, Method::POST, PATH).query(&query);
            let reply = Reply::of(request.query(&[("attachment", attachment)])).await.expect(200);
            assert!(text(&reply["download_url"]).contains("X-Amz-Expires=900"));
            let response = stack.http.get(text(&reply["download_url"])).send().await.unwrap();
            assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with(disposition));
            assert_eq!(response.headers()["content-type"], "text/plain");
        }
    }
}

#[tokio::test]
async fn a_file_kept_elsewhere_too_is_downloaded_from_the_bucket_by_its_s3ref() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"here").await;
    stack.keep_elsewhere(&saved, "https://files.example/a").await;
    let reply = stack.download_s3(&stack.token, &saved["s3ref"]).await;
    assert_eq!(stack.downloaded(reply).await, pair("here", "a.txt"));
}

#[tokio::test]
async fn a_public_upload_for_the_callers_organisation_can_be_downloaded_and_one_for_nobody_cannot() {
    let stack = Stack::new();
    let upload = async |query: &str| {
        let request = stack.request("", Method::POST, &format!("/v1/files/public/upload{query}"));
        let reply = Reply::of(request.json(&json!({ "filename": "a b.txt" }))).await.expect(201);
        assert_eq!(stack.http.put(text(&reply["upload_url"])).body("bytes").send().await.unwrap().status(), 200);
        reply["s3ref"].clone()
    };
    let (ours, nobodys) = (upload("?org_id=123").await, upload("").await);
    assert_eq!(stack.downloaded(stack.download_s3(&stack.token, &ours).await).await, pair("bytes", "a b.txt"));
    stack.download_s3(&stack.other_token, &ours).await.error(404);
    for token in [&stack.token, &stack.other_token] {
        stack.download_s3(token, &nobodys).await.error(404);
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_the_callers_is_the_404_of_an_unknown_file() {
    let stack = Stack::new();
    let upload = stack.upload("a.txt", b"1").await;
    let saved = stack.saved("b.txt", b"1").await["s3ref"].clone();
    let deleted = stack.saved("c.txt", b"1").await;
    stack.delete(&format!("/v2/files/{}", text(&deleted["_id"]))).await.expect(200);
    let purged = stack.saved("d.txt", b"1").await;
    stack.delete(&format!("/v1/files/{}", text(&purged["_id"]))).await.expect(200);
    let changed = |s3ref: &Value, from: &str, to: &str| {
        assert!(text(&s3ref["key"]).contains(from));
        json!({ "bucket": s3ref["bucket"], "key": text(&s3ref["key"]).replace(from, to) })
    };
    let not_uploaded = stack.post("/v2/files/upload", &json!({ "filename": "a.txt" })).await.expect(201);
    let unknown = stack.get("/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa").await;
    for (why, token, s3ref) in [
        ("another organisation's upload", &stack.other_token, &upload),
        ("another organisation's version", &stack.other_token, &saved),
        ("a key in which another put itself", &stack.other_token, &changed(&saved, "123/", "456/")),
        ("a key in which the owner put another", &stack.token, &changed(&saved, "123/", "456/")),
        ("another name", &stack.token, &changed(&saved, "b.txt", "c.txt")),
        ("another name of an upload", &stack.token, &changed(&upload, "a.txt", "c.txt")),
        ("an upload as if it were saved", &stack.token, &changed(&upload, "temp/", "")),
        ("never uploaded", &stack.token, &not_uploaded["s3ref"]),
        ("deleted", &stack.token, &deleted["s3ref"]),
        ("removed", &stack.token, &purged["s3ref"]),
    ] {
        let reply = stack.download_s3(token, s3ref).await;
        assert_eq!((reply.status, &reply.body), (404, &unknown.body), "{why}");
    }
    assert_eq!(stack.download_s3(&stack.token, &saved).await.status, 200);
}

#[tokio::test]
async fn whoever_may_view_a_file_may_download_it_by_its_s3ref() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"shared").await;
    stack.save(&json!({ "_id": saved["_id"], "_acl": { "view": ["org:456"] } })).await;
    let reply = stack.download_s3(&stack.other_token, &saved["s3ref"]).await;
    assert_eq!(stack.downloaded(reply).await, pair("shared", "a.txt"));
}

#[tokio::test]
async fn a_missing_or_foreign_s3ref_is_a_400_that_names_the_parameter() {
    let stack = Stack::new();
    let s3ref = stack.upload("a b.txt", b"1").await;
    let (bucket, key) = (text(&s3ref["bucket"]), text(&s3ref["key"]));
    let decoded = key.replace("%20", " ");
    for (name, query) in [
        ("s3_bucket", vec![("s3_key", key)]),
        ("s3_bucket", vec![("s3_key", key), ("s3_bucket", "")]),
        ("s3_bucket", vec![("s3_key", key), ("s3_bucket", "another-bucket")]),
        ("s3_key", vec![("s3_bucket", bucket)]),
        ("s3_key", vec![("s3_bucket", bucket), ("s3_key", "")]),
        ("s3_key", vec![("s3_bucket", bucket), ("s3_key", "etc/passwd")]),
        ("s3_key", vec![("s3_bucket", bucket), ("s3_key", "previews/123/x")]),
        ("s3_key", vec![("s3_bucket", bucket), ("s3_key", &decoded)]),
        ("s3_key", vec![("s3_bucket", bucket), ("s3_key", &format!("{key}/../x"))]),
        ("attachment", vec![("s3_bucket", bucket), ("s3_key", key), ("attachment", "yes")]),
    ] {
        let error = Reply::of(stack.request(&stack.token, Method::POST, PATH).query(&query)).await.error(400);
        assert!(error.starts_with(name), "{query:?}: {error}");
    }
}
