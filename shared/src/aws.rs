//! AWS clients, each built when the first request needs it: region, credentials and endpoint come from the function's
//! environment, so there is no profile chain to walk and nothing to do before the first poll.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
    },
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream, retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::http;
use std::{sync::LazyLock, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A copy of some gigabytes inside S3 can take this long; nothing else comes near.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);
const JWKS_TIMEOUT: Duration = Duration::from_secs(5);

/// The credentials of the function's role; Lambda never changes them while a process lives.
#[must_use]
pub fn credentials() -> Credentials {
    let var = |name| std::env::var(name).ok();
    Credentials::new(
        var("AWS_ACCESS_KEY_ID").unwrap_or_default(),
        var("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
        var("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
        None,
        "environment",
    )
}

/// The region that the function runs in.
#[must_use]
pub fn region() -> String {
    std::env::var("AWS_REGION").unwrap_or_default()
}

/// The endpoint that replaces AWS's own, for the local stack.
#[must_use]
pub fn endpoint_url() -> Option<String> {
    crate::config::optional("AWS_ENDPOINT_URL")
}

/// A DynamoDB client.
#[must_use]
pub fn dynamodb() -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&CONFIG)
}

/// A Secrets Manager client.
#[must_use]
pub fn secretsmanager() -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(&CONFIG)
}

/// An S3 client.
#[must_use]
pub fn s3() -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&*CONFIG)
        // Only a custom endpoint needs paths: bucket names in host names resolve on AWS, not on every laptop.
        .force_path_style(endpoint_url().is_some())
        .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// The body of a GET on `url`, which must answer 200 within 5 seconds.
///
/// # Errors
/// What went wrong, in words for the log.
pub async fn get(url: &str) -> Result<Vec<u8>, BoxError> {
    let request = HttpRequest::try_from(http::Request::get(url).body(SdkBody::empty())?)?;
    let exchange = async {
        let response = CONNECTOR.call(request).await?;
        let status = response.status();
        let body = ByteStream::new(response.into_body()).collect().await?.to_vec();
        if status.is_success() { Ok(body) } else { Err(BoxError::from(format!("it answered {}", status.as_u16()))) }
    };
    tokio::time::timeout(JWKS_TIMEOUT, exchange).await?
}

/// The roots in the binary: a `provided` image need not have any, and reading them from files costs more.
#[must_use]
pub fn tls_context() -> TlsContext {
    let mut roots = TrustStore::empty();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der));
        roots.add_pem_certificate(pem);
    }
    // Building a context of roots alone cannot fail; the default would read files.
    TlsContext::builder().with_trust_store(roots).build().unwrap_or_default()
}

static CONFIG: LazyLock<SdkConfig> = LazyLock::new(|| {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT);
    let mut config = SdkConfig::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .region(Region::new(region()))
        .http_client(http_client_fn(|_, _| CONNECTOR.clone()))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts.build());
    config.set_endpoint_url(endpoint_url());
    config.build()
});

/// One connection pool for all clients.
static CONNECTOR: LazyLock<SharedHttpConnector> = LazyLock::new(|| {
    let connector = Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .sleep_impl(TokioSleep::new())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls_context())
        .build();
    SharedHttpConnector::new(connector)
});
