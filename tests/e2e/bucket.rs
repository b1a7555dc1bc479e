//! The deployed bucket: what expires, and who may talk to it from a browser.

use crate::stack::Stack;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLocationConstraint, CorsConfiguration, CreateBucketConfiguration,
    LifecycleExpiration, LifecycleRule,
};
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

#[tokio::test]
async fn a_copy_or_a_delete_with_a_precondition_that_does_not_hold_is_refused() {
    let stack = Stack::new();
    let [source, destination] = ["source", "destination"].map(|name| format!("temp/{}/{name}", uuid::Uuid::new_v4()));
    for (key, bytes) in [(&source, "new"), (&destination, "old")] {
        stack
            .s3
            .put_object()
            .bucket(&stack.bucket)
            .key(key)
            .body(bytes.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
    }
    let copy = stack.s3.copy_object().bucket(&stack.bucket).key(&destination);
    let copy = copy.copy_source(format!("{}/{source}", stack.bucket)).if_none_match("*");
    let refused = copy.clone().send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 412, "{refused:?}");

    let delete = stack.s3.delete_object().bucket(&stack.bucket).key(&destination);
    let refused = delete.clone().if_match("\"another\"").send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 412, "{refused:?}");
    let kept = stack.s3.get_object().bucket(&stack.bucket).key(&destination).send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().into_bytes(), "old");

    delete.if_match(kept.e_tag.unwrap()).send().await.unwrap();
    copy.send().await.unwrap();
}

#[tokio::test]
async fn where_origins_are_named_anybody_may_read_and_only_they_may_write() {
    let stack = Stack::new();
    let mut rules = stack.s3.get_bucket_cors().bucket(&stack.bucket).send().await.unwrap().cors_rules.unwrap();
    rules[0].allowed_origins = vec!["https://app.example".into()];
    let bucket = format!("cors-{}", uuid::Uuid::new_v4());
    let region = BucketLocationConstraint::from(crate::stack::env("REGION").as_str());
    let here = CreateBucketConfiguration::builder().location_constraint(region).build();
    stack.s3.create_bucket().bucket(&bucket).create_bucket_configuration(here).send().await.unwrap();
    let cors = CorsConfiguration::builder().set_cors_rules(Some(rules)).build().unwrap();
    stack.s3.put_bucket_cors().bucket(&bucket).cors_configuration(cors).send().await.unwrap();

    let url = format!("{}/{bucket}/x", crate::stack::env("AWS_ENDPOINT_URL"));
    for (origin, methods, may) in [
        ("https://app.example", vec!["GET", "HEAD", "PUT", "POST", "DELETE"], true),
        // As a browser says after a redirect to here from a third place.
        ("null", vec!["GET", "HEAD"], true),
        ("https://other.example", vec!["GET", "HEAD"], true),
        ("null", vec!["PUT", "POST", "DELETE"], false),
        ("https://other.example", vec!["PUT", "POST", "DELETE"], false),
    ] {
        for method in methods {
            let preflight = stack.http.request(Method::OPTIONS, &url).header("origin", origin);
            let preflight = preflight.header("access-control-request-method", method);
            let response =
                preflight.header("access-control-request-headers", "range,content-type").send().await.unwrap();
            let origins = response.headers().get("access-control-allow-origin").map(|origin| origin.to_str().unwrap());
            assert_eq!(
                origins.is_some_and(|allowed| allowed == "*" || allowed == origin),
                may,
                "{method} from {origin}"
            );
        }
    }
    stack.s3.delete_bucket().bucket(&bucket).send().await.unwrap();
}

#[tokio::test]
async fn a_script_may_see_what_s3_says_of_a_file() {
    let stack = Stack::new();
    let cors = stack.s3.get_bucket_cors().bucket(&stack.bucket).send().await.unwrap();
    for rule in cors.cors_rules() {
        for header in ["ETag", "Accept-Ranges", "Content-Range", "Content-Length", "Content-Disposition"] {
            assert!(rule.expose_headers().iter().any(|exposed| exposed == header), "{header}: {rule:?}");
        }
    }
}
