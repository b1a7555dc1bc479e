//! Which uploads are removed, with S3 replaced.

use super::*;
use aws_credential_types::Credentials;
use aws_sdk_s3::operation::delete_object::{DeleteObjectInput, DeleteObjectOutput};
use aws_smithy_mocks::{MockResponse, MockResponseInterceptor, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use lambda_runtime::Context;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const LIMIT: i64 = 1_000;
const PUBLIC_LIMIT: i64 = 10;

/// Each record has the key, the size and the `ETag` of an upload.
fn event(uploads: &[(&str, i64, &str)]) -> S3Event {
    let record = |(key, size, etag): &(&str, i64, &str)| -> Value {
        json!({
            "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put", "eventSource": "aws:s3",
            "userIdentity": {}, "requestParameters": {},
            "s3": { "bucket": { "name": "bucket" }, "object": { "key": key, "size": size, "eTag": etag } },
        })
    };
    serde_json::from_value(json!({ "Records": uploads.iter().map(record).collect::<Vec<_>>() })).unwrap()
}

/// Whether the event was handled, and what S3 was asked to remove: key and `ETag`. Its answers are these errors or
/// none.
async fn handled(uploads: &[(&str, i64, &str)], answers: Vec<Option<&'static str>>) -> (bool, Vec<String>) {
    let removed = Arc::new(Mutex::new(Vec::new()));
    let answers = Mutex::new(answers.into_iter());
    let record = Arc::clone(&removed);
    let rule = mock!(Client::delete_object).then_compute_response(move |delete: &DeleteObjectInput| {
        let mut removed = record.lock().unwrap();
        removed.push(format!("{} {}", delete.key().unwrap(), delete.if_match().unwrap()));
        match answers.lock().unwrap().next().flatten() {
            None => MockResponse::Output(DeleteObjectOutput::builder().build()),
            Some(code) => {
                let body = SdkBody::from(format!("<Error><Code>{code}</Code></Error>"));
                MockResponse::Http(HttpResponse::new(400.try_into().unwrap(), body))
            }
        }
    });
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .region(aws_sdk_s3::config::Region::new("eu-central-1"))
        .retry_config(RetryConfig::disabled())
        .http_client(create_mock_http_client())
        .interceptor(MockResponseInterceptor::new().with_rule(&rule));
    let client = Client::from_conf(config.build());
    let app = CheckUpload { max_bytes: LIMIT, max_public_bytes: PUBLIC_LIMIT, client: client.into() };
    let result = handle(&app, LambdaEvent::new(event(uploads), Context::default())).await;
    let removed = removed.lock().unwrap().clone();
    (result.is_ok(), removed)
}

#[tokio::test]
async fn an_upload_over_the_limit_of_its_prefix_is_removed_and_one_at_it_is_not() {
    let uploads = [
        ("temp/123/a/f", LIMIT, "1"),
        ("temp/123/b/f", LIMIT + 1, "2"),
        ("temp/public/c/f", PUBLIC_LIMIT, "3"),
        ("temp/public/d/f", PUBLIC_LIMIT + 1, "4"),
        ("temp/public/123/e/f", PUBLIC_LIMIT + 1, "5"),
    ];
    let (ok, removed) = handled(&uploads, vec![]).await;
    assert!(ok);
    assert_eq!(removed, ["temp/123/b/f \"2\"", "temp/public/d/f \"4\"", "temp/public/123/e/f \"5\""]);
}

#[tokio::test]
async fn a_key_is_decoded_once() {
    // The name is percent-encoded in the key, and the key is encoded in the event.
    let (_, removed) = handled(&[("temp/public/a/x+y%2Bz%2520%C3%BC", 11, "1")], vec![]).await;
    assert_eq!(removed, ["temp/public/a/x y+z%20ü \"1\""]);
}

#[tokio::test]
async fn an_upload_that_is_gone_or_replaced_needs_nothing_more() {
    let uploads = [("temp/123/a/f", LIMIT + 1, "1"), ("temp/123/b/f", LIMIT + 1, "2")];
    let (ok, removed) = handled(&uploads, vec![Some("NoSuchKey"), Some("PreconditionFailed")]).await;
    assert!(ok);
    assert_eq!(removed.len(), 2);
}

#[tokio::test]
async fn a_record_that_fails_keeps_no_other_from_being_handled_and_the_event_comes_again() {
    let uploads = ["a", "b", "c"].map(|key| (key, LIMIT + 1, "1"));
    let (ok, removed) = handled(&uploads, vec![Some("InternalError")]).await;
    assert!(!ok);
    assert_eq!(removed, ["a \"1\"", "b \"1\"", "c \"1\""]);
}
