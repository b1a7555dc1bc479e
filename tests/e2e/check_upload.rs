//! Upload check: an upload over its limit is gone seconds after it arrived.

use crate::{
    admin::invoke,
    stack::{Reply, Stack, eventually, text},
};
use reqwest::Method;
use serde_json::{Value, json};

const LIMIT: u64 = 5_368_709_120;
const PUBLIC_LIMIT: usize = 26_214_400;

/// Asks for a place to upload to, with a token or none, and sends it this many bytes.
async fn upload(stack: &Stack, token: &str, size: usize) -> Value {
    let path = if token.is_empty() { "/v1/files/public/upload" } else { "/v2/files/upload" };
    // In the event, the key of such a name is encoded once more.
    let body = json!({ "filename": "große Datei + 100%.bin" });
    let reply = Reply::of(stack.request(token, Method::POST, path).json(&body)).await.expect(201);
    let put = stack.http.put(text(&reply["upload_url"])).body(vec![0; size]).send().await.unwrap();
    assert_eq!(put.status(), 200, "a URL without a promised size takes any");
    reply["s3ref"].clone()
}

#[tokio::test]
async fn an_upload_without_a_token_that_is_over_its_limit_goes_and_others_stay() {
    let stack = Stack::new();
    let at_the_limit = upload(&stack, "", PUBLIC_LIMIT).await;
    let with_token = upload(&stack, &stack.token, PUBLIC_LIMIT + 1).await;
    let too_large = upload(&stack, "", PUBLIC_LIMIT + 1).await;
    eventually("the upload is gone", async || !stack.object_exists(&too_large["key"]).await).await;
    assert!(stack.object_exists(&at_the_limit["key"]).await);
    assert!(stack.object_exists(&with_token["key"]).await);
}

/// The event of an upload, with its real `ETag` or another one.
async fn arrived(stack: &Stack, s3ref: &Value, size: u64, etag: Option<&str>) -> Value {
    let head = stack.s3.head_object().bucket(&stack.bucket).key(text(&s3ref["key"])).send().await.unwrap();
    let etag = etag.unwrap_or(head.e_tag().unwrap()).trim_matches('"').to_owned();
    let key: String = url::form_urlencoded::byte_serialize(text(&s3ref["key"]).as_bytes()).collect();
    json!({ "Records": [{
        "eventSource": "aws:s3", "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": {}, "requestParameters": {},
        "s3": { "bucket": { "name": stack.bucket }, "object": { "key": key, "size": size, "eTag": etag } },
    }] })
}

/// More than 5 GiB are too much for a test, so the event alone says that they came.
#[tokio::test]
async fn an_upload_with_a_token_that_is_over_its_limit_goes_once_and_one_that_replaced_it_stays() {
    let stack = Stack::new();
    let s3ref = upload(&stack, &stack.token, 5).await;
    let stays = [arrived(&stack, &s3ref, LIMIT, None), arrived(&stack, &s3ref, LIMIT + 1, Some("other"))];
    for event in stays {
        invoke(&stack, "CheckUploadFunction", &event.await).await;
        assert!(stack.object_exists(&s3ref["key"]).await);
    }
    let goes = arrived(&stack, &s3ref, LIMIT + 1, None).await;
    for _ in 0..2 {
        invoke(&stack, "CheckUploadFunction", &goes).await;
        assert!(!stack.object_exists(&s3ref["key"]).await);
    }
}
