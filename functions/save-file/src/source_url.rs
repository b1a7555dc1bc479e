//! Fetching a file from a URL that the caller chose, without letting the caller reach anything that is not public.
//!
//! Each hop resolves its host, checks every address of the answer, and connects to exactly those: nothing asks DNS a
//! second time. Redirects are followed here, one hop after the other, so that each is checked like the first. Every
//! refused address and every failure of the network get one and the same reply, or callers could use us to scan one.

mod fetched;
mod filename;
mod special_ranges;
mod target;

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    dns::{DnsFuture, ResolveDns, ResolveDnsError, SharedDnsResolver},
    http::HttpConnector,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, error::display::DisplayErrorContext};
use lambda_http::http::{self, header};
use shared::{
    ApiError, aws,
    config::{self, ConfigError},
};
use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use target::Target;
use tokio::time::{Instant, timeout_at};

pub use fetched::Fetched;

const USER_AGENT: &str = concat!("file-api/", env!("CARGO_PKG_VERSION"));

/// What may be fetched, and how.
pub struct SourceUrls {
    max_bytes: u64,
    timeout: Duration,
    max_redirects: u32,
    /// Addresses that may be connected to although they are not public, for the local stack and tests.
    exempt: Vec<SocketAddr>,
    dns: SharedDnsResolver,
}

impl SourceUrls {
    /// The limits in `SOURCE_URL_*`.
    ///
    /// # Errors
    /// If one of them is missing or cannot be read.
    pub fn from_env() -> Result<Self, ConfigError> {
        let exempt = config::optional("SOURCE_URL_EXEMPT").unwrap_or_default();
        let addresses = exempt.split(',').map(str::trim).filter(|address| !address.is_empty());
        let addresses = addresses.map(str::parse).collect::<Result<_, _>>();
        Ok(Self::new(
            config::parsed("SOURCE_URL_MAX_BYTES")?,
            Duration::from_secs(config::parsed("SOURCE_URL_TIMEOUT_SECONDS")?),
            config::parsed("SOURCE_URL_MAX_REDIRECTS")?,
            addresses.map_err(|_| ConfigError::Invalid("SOURCE_URL_EXEMPT", exempt))?,
        ))
    }

    /// These limits.
    pub fn new(max_bytes: u64, timeout: Duration, max_redirects: u32, exempt: Vec<SocketAddr>) -> Self {
        Self { max_bytes, timeout, max_redirects, exempt, dns: SharedDnsResolver::new(SystemDns) }
    }

    /// Asks for the file at `url`; its bytes are still to be read, within the same time.
    ///
    /// # Errors
    /// 400 if the URL may not be fetched or gives no file, 413 if the file says that it is too large.
    pub async fn fetch(&self, url: &str) -> Result<Fetched, ApiError> {
        let deadline = Instant::now() + self.timeout;
        let answer = timeout_at(deadline, self.follow(Target::parse(url)?)).await;
        let (target, response) = answer.map_err(|elapsed| not_fetched(&elapsed))??;
        match response.status().as_u16() {
            200 => Fetched::new(&target, response, self.max_bytes, deadline),
            // Not even other successes: 202 has no file yet, 204 none at all, and 206 is a part of one.
            status => Err(ApiError::bad_request(format!("source_url: the server answered {status}"))),
        }
    }

    /// The first answer that is no redirect, and where it is from.
    async fn follow(&self, mut target: Target) -> Result<(Target, HttpResponse), ApiError> {
        for _ in 0..=self.max_redirects {
            let response = self.get(&target).await?;
            match location(&response) {
                Some(location) => target = target.redirected(location)?,
                None => return Ok((target, response)),
            }
        }
        Err(ApiError::bad_request(format!(
            "source_url: redirects more than {} times; send the URL that it leads to",
            self.max_redirects
        )))
    }

    async fn get(&self, target: &Target) -> Result<HttpResponse, ApiError> {
        let addresses = target.public_addresses(&self.dns, &self.exempt).await?;
        // One for each hop: it knows no other addresses, and no connection outlives the check that it was made on.
        let connector = Connector::builder()
            .proxy_config(ProxyConfig::disabled())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(aws::tls_context())
            .build_with_resolver(Checked(addresses));
        let request = http::Request::get(target.url().as_str())
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "*/*")
            .header(header::ACCEPT_ENCODING, "identity")
            .body(SdkBody::empty())
            .map_err(|error| not_fetched(&error))?;
        let request = HttpRequest::try_from(request).map_err(|error| not_fetched(&error))?;
        connector.call(request).await.map_err(|error| not_fetched(&error))
    }
}

/// Where a redirect leads to.
fn location(response: &HttpResponse) -> Option<&str> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(header::LOCATION).filter(|_| is_redirect)
}

/// One reply, whatever is wrong with the URL, its name, its addresses or the connection: callers could otherwise tell
/// which names and ports exist where only we can look. The log has the cause.
fn refused() -> ApiError {
    ApiError::bad_request(
        "source_url: could not be fetched; it must be an http or https URL on a public address that answers with the file",
    )
}

/// A name that DNS does not know, a port that is closed, and an answer that is no HTTP or never comes.
fn not_fetched(cause: &(impl Error + 'static)) -> ApiError {
    tracing::info!(cause = %DisplayErrorContext(cause), "a source_url could not be fetched");
    refused()
}

/// The system's resolver.
#[derive(Debug)]
struct SystemDns;

impl ResolveDns for SystemDns {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let addresses = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Answers with the addresses that were checked, whatever it is asked.
#[derive(Clone, Debug)]
struct Checked(Vec<IpAddr>);

impl ResolveDns for Checked {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(self.0.clone()))
    }
}

#[cfg(test)]
mod tests;
