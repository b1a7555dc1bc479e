//! The session cookie: a token that a browser sends along by itself, for `<img>` and links, which can set no header.

use crate::{
    auth::COOKIE_NAME,
    config::{self, ConfigError},
    error::ApiError,
};
use lambda_http::http::HeaderValue;
use std::{fmt, str::FromStr};

/// Which sites' pages the cookie is sent from (RFC 6265bis, 4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum SameSite {
    Lax,
    Strict,
    None,
}

impl FromStr for SameSite {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "Lax" => Ok(Self::Lax),
            "Strict" => Ok(Self::Strict),
            "None" => Ok(Self::None),
            _ => Err(()),
        }
    }
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How this stack sets its session cookie.
pub struct SessionCookie {
    same_site: SameSite,
}

impl SessionCookie {
    /// As `SESSION_SAME_SITE` says.
    ///
    /// # Errors
    /// If it is not set, or none of the three.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::new(config::parsed("SESSION_SAME_SITE")?))
    }

    /// Sent from these sites' pages.
    #[must_use]
    pub fn new(same_site: SameSite) -> Self {
        Self { same_site }
    }

    /// The `Set-Cookie` header that has a browser keep `token` for these seconds. No script can read it.
    ///
    /// # Errors
    /// 500 if `token` has a character that no header may have; a verified one has none.
    pub fn starts(&self, token: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
        let attributes = format!("Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite={}", self.same_site);
        HeaderValue::try_from(format!("{COOKIE_NAME}={token}; {attributes}")).map_err(ApiError::internal)
    }

    /// The `Set-Cookie` header that has a browser forget it.
    ///
    /// # Errors
    /// As [`Self::starts`], which an empty token never gives cause for.
    pub fn ends(&self) -> Result<HeaderValue, ApiError> {
        self.starts("", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_this_api_alone_and_no_script() {
        for (same_site, name) in [(SameSite::Lax, "Lax"), (SameSite::Strict, "Strict"), (SameSite::None, "None")] {
            assert_eq!(name.parse(), Ok(same_site));
            let cookie = SessionCookie::new(same_site);
            let attributes = format!("HttpOnly; Secure; SameSite={name}");
            assert_eq!(cookie.starts("a.b-_c", 60).unwrap(), format!("token=a.b-_c; Path=/; Max-Age=60; {attributes}"));
            assert_eq!(cookie.ends().unwrap(), format!("token=; Path=/; Max-Age=0; {attributes}"));
        }
        for bad in ["", "lax", "Lax; Domain=example"] {
            assert_eq!(bad.parse::<SameSite>(), Err(()), "{bad}");
        }
    }
}
