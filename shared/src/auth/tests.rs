use super::*;
use crate::fixtures::{RS256_TOKEN, RS512_TOKEN, RSA_MODULUS, ed25519, jwk, logs, p256, token};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use lambda_http::{
    Body,
    http::{self, Method},
};
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
    let mut claims = json!({ "iss": "https://issuer", "aud": "file-api", "org_id": "123", "sub": "ann", "exp": exp });
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
async fn whole_numbers_that_name_somebody_are_taken_as_text() {
    let mut claims = claims("org_id", 123);
    claims["sub"] = json!(u64::MAX);
    let caller = caller(&format!("Bearer {}", signed(&claims))).await.unwrap();
    assert_eq!((caller.org.as_str(), caller.user.as_deref()), ("123", Some("18446744073709551615")));
}

#[tokio::test]
async fn a_token_without_a_key_id_is_checked_with_the_only_key() {
    let jwks = Jwks::inline(&json!({ "keys": [jwk("ed", Algorithm::EdDSA, &ed25519(7))] }));
    let auth = Auth { jwks, ..auth() };
    for (key, passes) in [(ed25519(7), true), (ed25519(8), false)] {
        let token = token(None, Algorithm::EdDSA, &key, &claims("x", 1));
        let request = http::Request::builder().header(AUTHORIZATION, format!("Bearer {token}")).body(Body::Empty);
        assert_eq!(auth.caller(&request.unwrap()).await.is_ok(), passes);
    }
}

#[tokio::test]
async fn a_request_without_a_bearer_token_gets_401_and_a_line_in_the_log() {
    let (logs, _guard) = logs();
    let none = auth().caller(&http::Request::new(Body::Empty)).await.unwrap_err();
    assert_eq!(none.status(), 401);
    assert!(logs.text().contains("token refused: there is none"), "{}", logs.text());
    for header in ["", "Bearer", "Basic YTpi", &signed(&claims("x", 1))] {
        assert_eq!(caller(header).await.unwrap_err().status(), 401, "{header:?}");
    }
}

#[tokio::test]
async fn the_caller_has_the_tokens_expiry_in_whole_seconds() {
    for exp in [json!(4_102_444_800_u32), json!(4_102_444_800.7)] {
        let caller = caller(&format!("Bearer {}", signed(&claims("exp", exp.clone())))).await.unwrap();
        assert_eq!(caller.expires_at, 4_102_444_800, "{exp}");
    }
}

fn request(method: Method, headers: &[(http::HeaderName, &str)]) -> Request {
    let request = headers
        .iter()
        .fold(http::Request::builder().method(method), |request, (name, value)| request.header(name, *value));
    request.body(Body::Empty).unwrap()
}

fn token_of(method: Method, headers: &[(http::HeaderName, &str)]) -> Option<String> {
    super::token(&request(method, headers)).map(str::to_owned)
}

#[test]
fn the_cookie_is_found_among_others_and_taken_as_it_is() {
    for (cookies, token) in [
        ("token=a.b.c", Some("a.b.c")),
        ("theme=dark; token=a.b.c; lang=en", Some("a.b.c")),
        ("theme=dark;token=a.b.c;", Some("a.b.c")),
        ("token=a=b", Some("a=b")),
        ("token=\"a.b.c\"", Some("\"a.b.c\"")),
        ("token=", Some("")),
        ("xtoken=a; my-token=b; token2=c; Token=d; tokens; =token; x=token=e", None),
        ("token", None),
        ("", None),
    ] {
        assert_eq!(token_of(Method::GET, &[(COOKIE, cookies)]).as_deref(), token, "{cookies}");
    }
    let two = [(COOKIE, "theme=dark"), (COOKIE, "token=a.b.c")];
    assert_eq!(token_of(Method::GET, &two).as_deref(), Some("a.b.c"));
}

#[test]
fn a_header_wins_over_the_cookie_even_if_it_is_of_no_use() {
    for (header, token) in [("Bearer x", Some("x")), ("Bearer ", Some("")), ("Basic YTpi", None), ("", None)] {
        let headers = [(COOKIE, "token=a.b.c"), (AUTHORIZATION, header)];
        assert_eq!(token_of(Method::GET, &headers).as_deref(), token, "{header}");
    }
}

#[test]
fn the_cookie_counts_for_safe_methods_only_and_the_header_for_all() {
    for (method, is_safe) in [
        (Method::GET, true),
        (Method::HEAD, true),
        (Method::POST, false),
        (Method::PUT, false),
        (Method::PATCH, false),
        (Method::DELETE, false),
    ] {
        assert_eq!(token_of(method.clone(), &[(COOKIE, "token=a.b.c")]).is_some(), is_safe, "{method}");
        assert!(token_of(method.clone(), &[(AUTHORIZATION, "Bearer a.b.c")]).is_some(), "{method}");
    }
}

#[tokio::test]
async fn a_token_in_the_cookie_is_checked_like_one_in_the_header() {
    let with_cookie = |token: &str| request(Method::GET, &[(COOKIE, &format!("token={token}"))]);
    let good = auth().caller(&with_cookie(&signed(&claims("x", 1)))).await.unwrap();
    assert_eq!(good.org.as_str(), "123");
    let quoted = format!("\"{}\"", signed(&claims("x", 1)));
    for bad in [signed(&claims("exp", now() - 60)), quoted, "x".to_owned(), String::new()] {
        assert_eq!(auth().caller(&with_cookie(&bad)).await.unwrap_err().status(), 401, "{bad}");
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
    // As `token` makes it, with `crit` in its header.
    let critical = |names: Value| {
        let header = json!({ "alg": "EdDSA", "kid": "ed", "crit": names, "b64": true });
        let text = format!("{}.{}", encode(header), encode(good.clone()));
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &ed25519(7), Algorithm::EdDSA).unwrap();
        format!("{text}.{signature}")
    };
    let (logs, _guard) = logs();
    let mut refusals = 0;
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
        ("an organisation that is a list", signed(&claims("org_id", json!(["123"])))),
        ("an organisation that is no whole number", signed(&claims("org_id", 1.5))),
        ("an organisation that is a number too large", signed(&claims("org_id", 1e20))),
        ("a list of issuers", signed(&claims("iss", json!(["https://issuer"])))),
        ("an extension that must be understood", critical(json!(["b64"]))),
        ("an extension that it does not name", critical(json!([]))),
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
        let log = logs.text();
        assert!(!token.split('.').any(|part| part.len() > 8 && log.contains(part)), "{why}");
        let reasons: Vec<_> = log.lines().filter(|line| line.contains("token refused: ")).collect();
        refusals += 1;
        assert_eq!(reasons.len(), refusals, "{why}");
    }
}
