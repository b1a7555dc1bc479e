//! The URL of a file that is kept elsewhere.

use crate::error::Invalid;
use serde::{Deserialize, Serialize};
use url::Url;

const MAX_BYTES: usize = 2_048;

/// The query parameters that we add to a custom download URL when we hand it out.
pub const ADDED_PARAMETERS: [&str; 2] = [EXPIRES_AT, SIGNATURE];
pub(crate) const EXPIRES_AT: &str = "expires_at";
pub(crate) const SIGNATURE: &str = "signature";

/// An absolute http(s) URL of at most 2,048 bytes, without credentials and without the parameters that we add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomUrl(Url);

impl CustomUrl {
    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for CustomUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let url = Url::parse(&text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.as_str().len() <= MAX_BYTES
        });
        let url = url.ok_or_else(|| {
            Invalid::new("must be an absolute http or https URL without credentials, of at most 2048 bytes")
        })?;
        match ADDED_PARAMETERS.iter().find(|added| url.query_pairs().any(|(name, _)| name == **added)) {
            Some(added) => Err(Invalid::new(format!("must not have a parameter {added} of its own: we add one"))),
            None => Ok(Self(url)),
        }
    }
}

impl From<CustomUrl> for String {
    fn from(url: CustomUrl) -> Self {
        url.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_web_addresses_without_credentials_or_our_parameters_are_custom_urls() {
        for good in ["https://some-api-url.com/download?file_id=123", "http://localhost:1234/a?x=1&x=2#part"] {
            assert_eq!(String::from(CustomUrl::try_from(good.to_owned()).unwrap()), good);
        }
        for bad in [
            "",
            "/download",
            "javascript:alert(1)",
            "data:text/plain,a",
            "file:///etc/passwd",
            "ftp://a.example/",
            "https://",
            "https://user:secret@a.example/",
            "https://user@a.example/",
            "https://a.example/?signature=1",
            "https://a.example/?a=1&expires%5Fat=1",
            &format!("https://a.example/{}", "x".repeat(2_048)),
        ] {
            assert!(CustomUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
