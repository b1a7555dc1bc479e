//! A URL that a request may go to, and the addresses that it may go to.

use super::{not_fetched, refused, special_ranges::is_public};
use aws_smithy_runtime_api::client::dns::{ResolveDns, ResolveDnsError};
use shared::ApiError;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// The longest URL that a caller may send, in bytes. Where it redirects to is the server's choice.
const MAX_BYTES: usize = 2_048;

/// An http or https URL without credentials, on a port of the web or one that needs no privilege: the others are those
/// of mail, names and remote logins, which have no files and take it ill when somebody knocks.
pub struct Target(Url);

impl Target {
    /// # Errors
    /// 400 if it is none.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.len() > MAX_BYTES {
            return Err(refused());
        }
        Url::parse(text).map_err(|_| refused()).and_then(Self::checked)
    }

    /// Where a redirect from here leads to.
    ///
    /// # Errors
    /// 400 if the caller could not have sent that URL either.
    pub fn redirected(&self, location: &str) -> Result<Self, ApiError> {
        self.0.join(location).map_err(|_| refused()).and_then(Self::checked)
    }

    fn checked(url: Url) -> Result<Self, ApiError> {
        let allowed = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.port_or_known_default(), Some(80 | 443 | 1024..));
        if allowed { Ok(Self(url)) } else { Err(refused()) }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The addresses to connect to; if one of them is not public, none is.
    ///
    /// # Errors
    /// 400 if one is not public, or there is none.
    pub async fn public_addresses(
        &self,
        dns: &impl ResolveDns,
        exempt: &[SocketAddr],
    ) -> Result<Vec<IpAddr>, ApiError> {
        let addresses = match self.0.host() {
            // What else means an address, such as 2130706433, 0x7f.1 or [::127.1], is one by now.
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => dns.resolve_dns(name).await.map_err(|error| not_fetched(&error))?,
            None => vec![],
        };
        if addresses.is_empty() {
            return Err(not_fetched(&ResolveDnsError::new("the name has no address")));
        }
        let port = self.0.port_or_known_default().unwrap_or_default();
        let allowed = |address: &IpAddr| is_public(*address) || exempt.contains(&SocketAddr::new(*address, port));
        if let Some(address) = addresses.iter().find(|address| !allowed(address)) {
            tracing::warn!(host = self.0.host_str(), %address, port, "a source_url leads to no public address");
            return Err(refused());
        }
        Ok(addresses)
    }
}
