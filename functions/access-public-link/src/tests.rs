//! An access that cannot be noted.

use super::*;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig},
    operation::update_item::UpdateItemError,
    types::error::InternalServerError,
};
use aws_smithy_mocks::{MockResponseInterceptor, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use aws_smithy_types::retry::RetryConfig;
use serde_json::json;

fn link() -> PublicLink {
    serde_json::from_value(json!({
        "id": "3ef5c6d9-818d-45e6-8efb-b1de59079a1c",
        "file_id": "4ffdc191-f32c-404a-8520-c403b7408afa",
        "filename": "a.pdf",
        "created_at": "2026-01-01T00:00:00.000Z",
    }))
    .unwrap()
}

fn config() -> aws_sdk_dynamodb::config::Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .retry_config(RetryConfig::disabled())
        // It would give up by itself.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// A table that never answers.
#[derive(Debug)]
struct Silent;

impl HttpConnector for Silent {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(std::future::pending())
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_not_waited_for() {
    let silent = config().http_client(http_client_fn(|_, _| SharedHttpConnector::new(Silent)));
    let files = FileStore::with_client(Client::from_conf(silent.build()), "files");
    let noted = tokio::time::timeout(Duration::from_secs(20), note_access(&files, &link())).await;
    assert!(noted.is_ok());
}

#[tokio::test]
async fn a_table_that_refuses_is_no_failure() {
    let refused = mock!(Client::update_item)
        .then_error(|| UpdateItemError::InternalServerError(InternalServerError::builder().build()));
    let rules = MockResponseInterceptor::new().with_rule(&refused);
    let broken = config().http_client(create_mock_http_client()).interceptor(rules);
    note_access(&FileStore::with_client(Client::from_conf(broken.build()), "files"), &link()).await;
    assert_eq!(refused.num_calls(), 1);
}
