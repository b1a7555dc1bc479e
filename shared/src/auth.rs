//! Who is calling: the bearer token, checked inside each function.

use crate::{
    config::{self, ConfigError},
    error::ApiError,
    jwks::Jwks,
    object_key::OrgId,
};
use jsonwebtoken::{Validation, decode, decode_header};
use lambda_http::{Request, http::header::AUTHORIZATION};
use serde_json::{Map, Value};

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 5;

/// The verified caller. The tenant of every read and write comes from here and nowhere else.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organisation.
    pub org: OrgId,
    /// The user, if the token names one.
    pub user: Option<String>,
}

/// What a token must have to be accepted.
pub struct Auth {
    issuer: String,
    audience: String,
    org_claim: String,
    user_claim: String,
    jwks: Jwks,
}

impl Auth {
    /// From `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_ORG_CLAIM`, `TOKEN_USER_CLAIM` and the key set's variables.
    ///
    /// # Errors
    /// If one is missing: a function that cannot check tokens must not start.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            issuer: config::required("TOKEN_ISSUER")?,
            audience: config::required("TOKEN_AUDIENCE")?,
            org_claim: config::required("TOKEN_ORG_CLAIM")?,
            user_claim: config::required("TOKEN_USER_CLAIM")?,
            jwks: Jwks::from_env()?,
        })
    }

    /// The caller, from the request's `Authorization: Bearer` header (RFC 6750).
    ///
    /// # Errors
    /// 401, the same for whatever is wrong with the token; 500 if the keys cannot be had.
    pub async fn caller(&self, request: &Request) -> Result<Caller, ApiError> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(ApiError::Unauthorized("send a token in the header Authorization: Bearer")),
        };
        let caller =
            self.verify(token).await?.ok_or(ApiError::Unauthorized("the token is not valid or has expired"))?;
        tracing::Span::current().record("org", caller.org.as_str());
        Ok(caller)
    }

    async fn verify(&self, token: &str) -> Result<Option<Caller>, ApiError> {
        // A header with `none` or an unknown algorithm does not parse.
        let Ok(header) = decode_header(token) else { return Ok(None) };
        let Some(kid) = header.kid else { return Ok(None) };
        let Some(key) = self.jwks.find(&kid).await? else { return Ok(None) };

        let mut rules = Validation::new(key.algorithm);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[&self.audience]);
        let claims = match decode::<Map<String, Value>>(token, &key.key, &rules) {
            Ok(token) => token.claims,
            Err(error) => {
                tracing::info!(%error, "token refused");
                return Ok(None);
            }
        };
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        let Some(org) = claim(&self.org_claim).and_then(|org| org.parse().ok()) else { return Ok(None) };
        Ok(Some(Caller { org, user: claim(&self.user_claim).map(str::to_owned) }))
    }
}
