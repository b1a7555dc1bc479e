//! Who is calling: the token, checked inside each function.

use crate::{
    config::{self, ConfigError},
    error::ApiError,
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
    /// 401, the same for whatever is wrong with the token; 500 if the keys cannot be had.
    pub async fn caller(&self, request: &Request) -> Result<Caller, ApiError> {
        let token = token(request).ok_or(ApiError::Unauthorized("send a token in the header Authorization: Bearer"))?;
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
        Ok(Some(Caller {
            org,
            user: claim(&self.user_claim).filter(|user| (1..=MAX_USER_BYTES).contains(&user.len())).map(str::to_owned),
            is_admin: claims.get(&self.admin_claim) == Some(&Value::Bool(true)),
            expires_at: claims.get("exp").and_then(Value::as_i64).unwrap_or_default(),
        }))
    }
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
mod tests {
    use super::*;
    use crate::fixtures::{RS256_TOKEN, RS512_TOKEN, RSA_MODULUS, ed25519, jwk, logs, p256, token};
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use jsonwebtoken::{Algorithm, EncodingKey};
    use lambda_http::{Body, http};
    use serde_json::json;
    use time::OffsetDateTime;

    fn auth() -> Auth {
        let rsa = json!({ "kty": "RSA", "kid": "rsa", "n": RSA_MODULUS, "e": "AQAB" });
        let keys = [rsa, jwk("ec", Algorithm::ES256, &p256()), jwk("ed", Algorithm::EdDSA, &ed25519(7))];
        let jwks = Jwks::inline(&json!({ "keys": keys }));
        Auth::new("https://issuer".into(), "file-api".into(), "org_id".into(), "sub".into(), "admin".into(), jwks)
    }

    async fn caller(authorization: &str) -> Result<Caller, ApiError> {
        let request = http::Request::builder().header(AUTHORIZATION, authorization).body(Body::Empty).unwrap();
        auth().caller(&request).await
    }

    fn now() -> i64 {
        OffsetDateTime::now_utc().unix_timestamp()
    }

    /// Valid claims, with `name` changed or, for null, left out.
    fn claims(name: &str, value: impl Into<Value>) -> Value {
        let exp = now() + 600;
        let mut claims =
            json!({ "iss": "https://issuer", "aud": "file-api", "org_id": "123", "sub": "ann", "exp": exp });
        claims[name] = value.into();
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    fn signed(claims: &Value) -> String {
        token(Some("ed"), Algorithm::EdDSA, &ed25519(7), claims)
    }

    #[tokio::test]
    async fn tokens_of_all_three_algorithms_name_their_caller() {
        let es256 = token(Some("ec"), Algorithm::ES256, &p256(), &claims("x", 1));
        for token in [RS256_TOKEN, &es256, &signed(&claims("aud", json!(["other", "file-api"])))] {
            for scheme in ["Bearer", "bearer"] {
                let caller = caller(&format!("{scheme} {token}")).await.unwrap();
                assert_eq!((caller.org.as_str(), caller.user.as_deref()), ("123", Some("ann")));
            }
        }
    }

    #[tokio::test]
    async fn a_token_need_not_name_a_user() {
        let caller = caller(&format!("Bearer {}", signed(&claims("sub", Value::Null)))).await.unwrap();
        assert_eq!(caller.user, None);
    }

    #[tokio::test]
    async fn a_request_without_a_bearer_token_gets_401() {
        let none = auth().caller(&http::Request::new(Body::Empty)).await.unwrap_err();
        assert_eq!(none.status(), 401);
        for header in ["", "Bearer", "Basic YTpi", &signed(&claims("x", 1))] {
            assert_eq!(caller(header).await.unwrap_err().status(), 401, "{header:?}");
        }
    }

    #[tokio::test]
    async fn whatever_is_wrong_with_a_token_the_reply_is_one_401_and_the_log_does_not_have_the_token() {
        let good = claims("x", 1);
        let encode = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let unsigned = format!("{}.{}.", encode(json!({ "alg": "none", "kid": "ed" })), encode(good.clone()));
        let signature = signed(&good).rsplit_once('.').unwrap().1.to_owned();
        let header = signed(&good).split_once('.').unwrap().0.to_owned();
        let forged = format!("{header}.{}.{signature}", encode(claims("org_id", "456")));
        // The public key as a shared secret, which a verifier that trusts the token's `alg` would take.
        let public = EncodingKey::from_secret(RSA_MODULUS.as_bytes());
        let (logs, _guard) = logs();
        for (why, token) in [
            ("expired", signed(&claims("exp", now() - 60))),
            ("not valid yet", signed(&claims("nbf", now() + 60))),
            ("another issuer", signed(&claims("iss", "https://other"))),
            ("another audience", signed(&claims("aud", "other"))),
            ("no expiry", signed(&claims("exp", Value::Null))),
            ("no issuer", signed(&claims("iss", Value::Null))),
            ("no audience", signed(&claims("aud", Value::Null))),
            ("no organisation", signed(&claims("org_id", Value::Null))),
            ("a reserved organisation", signed(&claims("org_id", "temp"))),
            ("an organisation with a slash", signed(&claims("org_id", "123/456"))),
            ("an organisation that is no text", signed(&claims("org_id", 123))),
            ("no key id", token(None, Algorithm::EdDSA, &ed25519(7), &good)),
            ("an unknown key id", token(Some("x"), Algorithm::EdDSA, &ed25519(7), &good)),
            ("another key", token(Some("ed"), Algorithm::EdDSA, &ed25519(8), &good)),
            ("another key's id", token(Some("ec"), Algorithm::EdDSA, &ed25519(7), &good)),
            ("a shared secret", token(Some("rsa"), Algorithm::HS256, &public, &good)),
            ("another algorithm of the right key", RS512_TOKEN.to_owned()),
            ("no signature", unsigned),
            ("another's signature", forged),
            ("no token", "x".to_owned()),
            ("nothing", String::new()),
        ] {
            let error = caller(&format!("Bearer {token}")).await.expect_err(why);
            assert_eq!(error.to_string(), "Unauthorized: the token is not valid or has expired", "{why}");
            assert_eq!(error.status(), 401);
            let signature = token.rsplit('.').next().filter(|signature| signature.len() > 8);
            assert!(!signature.is_some_and(|signature| logs.text().contains(signature)), "{why}");
        }
        assert!(logs.text().contains("token refused"));
    }
}
