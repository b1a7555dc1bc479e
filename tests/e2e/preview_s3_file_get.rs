//! `previewS3FileGet`: as `previewS3File`, for what can send no more than a URL and a cookie.

use crate::{
    image::{header, preview, refused, svg},
    stack::{Stack, text},
};
use reqwest::Method;

const PATH: &str = "/v1/files:previewS3";

#[tokio::test]
async fn the_s3ref_of_an_upload_or_a_version_is_shown_in_a_session() {
    let stack = Stack::new();
    let upload = stack.upload("Größe 100%.svg", &svg(40, 20, "teal")).await;
    let saved = stack.saved("b c.svg", &svg(40, 20, "teal")).await;
    for s3ref in [&upload, &saved["s3ref"]] {
        let request = stack.request_in_session(&stack.token, Method::GET, PATH);
        let query = [("bucket", text(&s3ref["bucket"])), ("key", text(&s3ref["key"])), ("w", "16")];
        assert_eq!(preview(request.query(&query)).await, ("image/jpeg", 16, 8));
    }
}

#[tokio::test]
async fn who_has_the_preview_gets_304() {
    let stack = Stack::new();
    let upload = stack.upload("a.svg", &svg(40, 20, "teal")).await;
    let first = stack.s3_preview_get(&stack.token, &upload, "").send().await.unwrap();
    assert_eq!(header(&first, "cache-control"), "private, no-cache");
    let again = stack.s3_preview_get(&stack.token, &upload, "").header("if-none-match", header(&first, "etag"));
    assert_eq!(again.send().await.unwrap().status(), 304);
}

#[tokio::test]
async fn whoever_may_not_see_it_gets_404() {
    let stack = Stack::new();
    let upload = stack.upload("a.svg", &svg(40, 20, "teal")).await;
    let saved = stack.saved("b.svg", &svg(40, 20, "teal")).await;
    for s3ref in [&upload, &saved["s3ref"]] {
        refused(stack.s3_preview_get(&stack.other_token, s3ref, ""), 404).await;
    }
}

#[tokio::test]
async fn a_missing_or_foreign_parameter_is_a_400_that_names_it() {
    let stack = Stack::new();
    let s3ref = stack.upload("a.svg", &svg(40, 20, "teal")).await;
    let (bucket, key) = (text(&s3ref["bucket"]), text(&s3ref["key"]));
    for (name, query) in [
        ("bucket", vec![("key", key)]),
        ("bucket", vec![("key", key), ("bucket", "")]),
        ("bucket", vec![("key", key), ("bucket", "another-bucket")]),
        ("key", vec![("bucket", bucket)]),
        ("key", vec![("bucket", bucket), ("key", "previews/123/x")]),
        ("w", vec![("bucket", bucket), ("key", key), ("w", "0")]),
    ] {
        let error = refused(stack.request(&stack.token, Method::GET, PATH).query(&query), 400).await;
        assert!(error.starts_with(name), "{query:?}: {error}");
    }
}
