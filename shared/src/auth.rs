//! Who is calling: the token, checked inside each function.

use crate::{
    config::{self, ConfigError},
    error::{ApiError, Invalid},
    jwks::Jwks,
    object_key::OrgId,
};
use jsonwebtoken::{Validation, decode, decode_header};
use lambda_http::{
    Request,
    http::header::{AUTHORIZATION, COOKIE},
};
use serde_json::{Map, Value};

/// The longest user id: it goes into keys of the table, which have an end. In bytes.
const MAX_USER_BYTES: usize = 256;

/// The session cookie.
pub const COOKIE_NAME: &str = "token";

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 5;

/// The verified caller. The tenant of every read and write comes from here and nowhere else.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organisation.
    pub org: OrgId,
    /// The user, if the token names one.
    pub user: Option<String>,
    /// Whether the token says so of its user, by a claim that is `true`.
    pub is_admin: bool,
    /// When the token runs out, in seconds since 1970.
    pub expires_at: i64,
}

impl Caller {
    /// The user.
    ///
    /// # Errors
    /// 401 if the token names none.
    pub fn user(&self) -> Result<&str, ApiError> {
        self.user.as_deref().ok_or(ApiError::Unauthorized("the token names no user; this operation needs one"))
    }
}

/// What a token must have to be accepted.
pub struct Auth {
    issuer: String,
    audience: String,
    org_claim: String,
    user_claim: String,
    admin_claim: String,
    jwks: Jwks,
}

impl Auth {
    /// From `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_ORG_CLAIM`, `TOKEN_USER_CLAIM`, `TOKEN_ADMIN_CLAIM` and the
    /// key set's variables.
    ///
    /// # Errors
    /// If one is missing: a function that cannot check tokens must not start.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::new(
            config::required("TOKEN_ISSUER")?,
            config::required("TOKEN_AUDIENCE")?,
            config::required("TOKEN_ORG_CLAIM")?,
            config::required("TOKEN_USER_CLAIM")?,
            config::required("TOKEN_ADMIN_CLAIM")?,
            Jwks::from_env()?,
        ))
    }

    /// For tokens that this issuer signed with these keys for this audience, with claims of these names.
    #[must_use]
    pub fn new(
        issuer: String,
        audience: String,
        org_claim: String,
        user_claim: String,
        admin_claim: String,
        jwks: Jwks,
    ) -> Self {
        Self { issuer, audience, org_claim, user_claim, admin_claim, jwks }
    }

    /// The caller, from the token of the request.
    ///
    /// # Errors
    /// 401, the same for whatever is wrong with the token, which only the log says; 500 if the keys cannot be had.
    pub async fn caller(&self, request: &Request) -> Result<Caller, ApiError> {
        let Some(token) = token(request) else {
            tracing::info!("token refused: there is none");
            return Err(ApiError::Unauthorized("send a token in the header Authorization: Bearer"));
        };
        match self.verify(token).await {
            Ok(caller) => {
                tracing::Span::current().record("org", caller.org.as_str());
                Ok(caller)
            }
            Err(Refusal::Token(reason)) => {
                tracing::info!("token refused: {reason}");
                Err(ApiError::Unauthorized("the token is not valid or has expired"))
            }
            Err(Refusal::Keys(error)) => Err(error),
        }
    }

    async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        // A header with `none` or an unknown algorithm does not parse. The error's own words may have a part of it in
        // them.
        let header =
            decode_header(token).map_err(|_| refused("it has no header of a JWT and an algorithm that we know"))?;
        // RFC 7515, 4.1.11: it names what a recipient must understand, and we understand no extensions.
        if header.crit.is_some() {
            return Err(refused("its header has crit"));
        }
        let key = self.jwks.find(header.kid.as_deref()).await.map_err(Refusal::Keys)?;
        let key = key.ok_or_else(|| refused("its header names no key of the issuer's"))?;

        let mut rules = Validation::new(key.algorithm);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[&self.audience]);
        let claims =
            decode::<Map<String, Value>>(token, &key.key, &rules).map_err(|error| refused(error.to_string()))?;
        let claims = claims.claims;
        // RFC 7519, 4.1.1. The library takes a list too.
        if !claims.get("iss").is_some_and(Value::is_string) {
            return Err(refused("its iss is no text"));
        }
        let org = claims.get(&self.org_claim).and_then(text).ok_or_else(|| refused("it names no organisation"))?;
        let org = org.parse().map_err(|invalid: Invalid| refused(format!("its organisation {invalid}")))?;
        let user = claims.get(&self.user_claim).and_then(text);
        Ok(Caller {
            org,
            user: user.filter(|user| (1..=MAX_USER_BYTES).contains(&user.len())),
            is_admin: claims.get(&self.admin_claim) == Some(&Value::Bool(true)),
            expires_at: claims.get("exp").map(seconds).unwrap_or_default(),
        })
    }
}

/// Why a token does not say who is calling.
enum Refusal {
    /// It is not valid, for this reason.
    Token(String),
    /// There are no keys to check it with.
    Keys(ApiError),
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::Token(reason.into())
}

/// A claim that names somebody: issuers have texts and whole numbers. Larger numbers than these were rounded when they
/// were read, and two organisations must never become one.
fn text(claim: &Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// RFC 7519 lets a time have fractions of a second.
#[expect(clippy::cast_possible_truncation, reason = "the fraction is to go")]
fn seconds(time: &Value) -> i64 {
    time.as_i64().unwrap_or_else(|| time.as_f64().unwrap_or_default() as i64)
}

/// The token that a request comes with: its `Authorization: Bearer` header (RFC 6750), or the session cookie.
///
/// The cookie counts for safe methods only (RFC 9110, 9.2.1): a browser sends it along with requests that another site
/// makes, so nothing may be written through it.
#[must_use]
pub fn token(request: &Request) -> Option<&str> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then_some(token.trim());
    }
    let cookies = request.headers().get_all(COOKIE).iter().filter(|_| request.method().is_safe());
    let mut cookies = cookies.filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;
