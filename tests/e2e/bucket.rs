//! The deployed bucket: what expires, and who may talk to it from a browser.

use crate::stack::Stack;
use aws_sdk_s3::types::{AbortIncompleteMultipartUpload, LifecycleExpiration, LifecycleRule};
use reqwest::Method;

#[tokio::test]
async fn uploads_expire_after_a_day_previews_after_30_and_nothing_else_does() {
    let stack = Stack::new();
    let lifecycle = stack.s3.get_bucket_lifecycle_configuration().bucket(&stack.bucket).send().await.unwrap();
    let enabled = || lifecycle.rules().iter().filter(|rule| rule.status().as_str() == "Enabled");
    #[allow(deprecated)] // The template may say it either way.
    let prefix = |rule: &LifecycleRule| {
        rule.filter().and_then(|filter| filter.prefix()).or(rule.prefix()).unwrap_or_default().to_owned()
    };
    let days = |rule: &LifecycleRule| rule.expiration().and_then(LifecycleExpiration::days);
    let mut expiring: Vec<_> = enabled().filter_map(|rule| Some((prefix(rule), days(rule)?))).collect();
    expiring.sort();
    assert_eq!(expiring, [("previews/".to_owned(), 30), ("temp/".to_owned(), 1)], "{lifecycle:?}");
}

#[tokio::test]
async fn incomplete_multipart_uploads_are_aborted_after_a_day() {
    let stack = Stack::new();
    let lifecycle = stack.s3.get_bucket_lifecycle_configuration().bucket(&stack.bucket).send().await.unwrap();
    let days = |rule: &LifecycleRule| {
        rule.abort_incomplete_multipart_upload().and_then(AbortIncompleteMultipartUpload::days_after_initiation)
    };
    let enabled = |rule: &&LifecycleRule| rule.status().as_str() == "Enabled";
    assert!(lifecycle.rules().iter().filter(enabled).any(|rule| days(rule) == Some(1)), "{lifecycle:?}");
}

#[tokio::test]
async fn browsers_may_call_the_api_and_send_bytes_to_the_bucket() {
    let stack = Stack::new();
    let bucket_url = format!("{}/{}/temp/x", crate::stack::env("AWS_ENDPOINT_URL"), stack.bucket);
    let api_url = format!("{}/v2/files/upload", stack.api);
    for (url, method, header) in [(api_url, "POST", "authorization,content-type"), (bucket_url, "PUT", "content-type")]
    {
        let preflight = stack.http.request(Method::OPTIONS, &url).header("origin", "https://app.example");
        let preflight =
            preflight.header("access-control-request-method", method).header("access-control-request-headers", header);
        let response = preflight.send().await.unwrap();
        assert!(response.status().is_success(), "{url}: {}", response.status());
        assert!(response.headers().contains_key("access-control-allow-origin"), "{url}");
        assert!(response.headers()["access-control-allow-methods"].to_str().unwrap().contains(method), "{url}");
    }
}
