//! Tokens: every operation that takes one refuses every bad one, in the same words.

use crate::stack::{Reply, Stack, text};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

const OPERATIONS: &[(Method, &str)] = &[
    (Method::POST, "/v1/files/upload"),
    (Method::POST, "/v2/files/upload"),
    (Method::POST, "/v1/files"),
    (Method::POST, "/v2/files"),
    (Method::GET, "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa"),
    (Method::GET, "/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa"),
    (Method::GET, "/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa/versions"),
    (Method::GET, "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa/download"),
    (Method::POST, "/v1/files:downloadFiles"),
    (Method::POST, "/v1/files:downloadS3"),
    (Method::GET, "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa/preview"),
    (Method::POST, "/v1/files:previewS3"),
    (Method::GET, "/v1/files:previewS3?bucket=b&key=k"),
    (Method::POST, "/v1/files/download:verify"),
    (Method::GET, "/v1/files/session"),
    (Method::DELETE, "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa"),
    (Method::DELETE, "/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa"),
    (Method::DELETE, "/v2/files/4ffdc191-f32c-404a-8520-c403b7408afa?purge=true"),
    (Method::GET, "/v1/order/collections"),
    (Method::POST, "/v1/order/collections"),
    (Method::PUT, "/v1/order/collections/contracts"),
    (Method::DELETE, "/v1/order/collections/contracts"),
    (Method::GET, "/v1/collections/order"),
    (Method::POST, "/v1/collections/order"),
    (Method::PUT, "/v1/collections/order/contracts"),
    (Method::DELETE, "/v1/collections/order/contracts"),
    (Method::GET, "/v1/entity/77a1e0cc-7b92-4d41-8cce-eefd317ec004/collections/contracts/files"),
    (Method::POST, "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa/public/links"),
    (Method::GET, "/v1/files/4ffdc191-f32c-404a-8520-c403b7408afa/public/links"),
    (Method::DELETE, "/v1/files/public/links/4ffdc191-f32c-404a-8520-c403b7408afa"),
];

fn pem(algorithm: &str) -> Vec<u8> {
    let path = format!("{}/../.local/keys/{algorithm}.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; run `make dev`"))
}

fn claims() -> Value {
    let exp = time::OffsetDateTime::now_utc().unix_timestamp() + 600;
    json!({ "iss": "https://tokens.example", "aud": "file-api", "sub": "someone", "org_id": "123", "exp": exp })
}

fn signed(algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(&pem("ES256")).unwrap(),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(&pem("EdDSA")).unwrap(),
        _ => EncodingKey::from_rsa_pem(&pem("RS256")).unwrap(),
    };
    encode(&Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }, claims, &key).unwrap()
}

/// A token whose claims are changed or, if null, left out.
pub fn with(changes: &Value) -> String {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    signed(Algorithm::RS256, Some("local-RS256"), &claims)
}

/// A valid token but for `crit` in its header.
fn critical(names: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": "local-EdDSA", "crit": names });
    let encode_part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode_part(&header), encode_part(&claims()));
    let key = EncodingKey::from_ed_pem(&pem("EdDSA")).unwrap();
    format!("{text}.{}", jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::EdDSA).unwrap())
}

/// Tokens that must be refused, and why.
fn bad_tokens(stack: &Stack) -> Vec<(&'static str, String)> {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let encode_part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!(
        "{}.{}.",
        encode_part(&json!({ "alg": "none", "typ": "JWT", "kid": "local-RS256" })),
        encode_part(&claims())
    );
    // The public key is no secret, so a checker that takes it for an HMAC key can be fooled by anybody.
    let public_key = std::process::Command::new("node")
        .args(["-e", "process.stdout.write(require('crypto').createPublicKey(require('fs').readFileSync(process.argv[1])).export({type:'spki',format:'pem'}))"])
        .arg(format!("{}/../.local/keys/RS256.pem", env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let hmac_header = Header { kid: Some("local-RS256".into()), ..Header::new(Algorithm::HS256) };
    let hmac = encode(&hmac_header, &claims(), &EncodingKey::from_secret(&public_key.stdout)).unwrap();
    let (start, signature) = stack.token.rsplit_once('.').unwrap();
    let other_signature: String = signature.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    vec![
        ("none", String::new()),
        ("malformed", "x.y.z".into()),
        ("not a JWT", "token".into()),
        ("wrong signature", format!("{start}.{other_signature}")),
        ("no signature", format!("{start}.")),
        ("another token's signature", format!("{start}.{}", stack.other_token.rsplit_once('.').unwrap().1)),
        ("alg none", unsigned),
        ("HS256 with the public key", hmac),
        ("RS512", signed(Algorithm::RS512, Some("local-RS256"), &claims())),
        ("another key's id", signed(Algorithm::RS256, Some("local-ES256"), &claims())),
        ("an unknown key's id", signed(Algorithm::RS256, Some("unknown"), &claims())),
        ("no key id", signed(Algorithm::RS256, None, &claims())),
        ("expired", with(&json!({ "exp": now - 60 }))),
        ("not yet valid", with(&json!({ "nbf": now + 600 }))),
        ("no expiry", with(&json!({ "exp": null }))),
        ("an extension that must be understood", critical(&json!(["exp"]))),
        ("a list of issuers", with(&json!({ "iss": ["https://tokens.example"] }))),
        ("wrong issuer", with(&json!({ "iss": "https://other.example" }))),
        ("no issuer", with(&json!({ "iss": null }))),
        ("wrong audience", with(&json!({ "aud": "other" }))),
        ("no audience", with(&json!({ "aud": null }))),
        ("no organisation", with(&json!({ "org_id": null }))),
        ("reserved organisation", with(&json!({ "org_id": "temp" }))),
        ("organisation with a slash", with(&json!({ "org_id": "123/456" }))),
        ("organisation that is a list", with(&json!({ "org_id": ["123"] }))),
        ("organisation that is a number with a fraction", with(&json!({ "org_id": 1.5 }))),
    ]
}

#[tokio::test]
async fn every_bad_token_is_a_401_on_every_operation() {
    let stack = Stack::new();
    let bad_tokens = bad_tokens(&stack);
    for (method, path) in OPERATIONS {
        for (why, token) in &bad_tokens {
            let reply =
                Reply::of(stack.request(token, method.clone(), path).json(&json!({ "filename": "a.txt" }))).await;
            assert_eq!(reply.status, 401, "{why} on {method} {path}: {}", reply.body);
            reply.error(401);
        }
    }
}

#[tokio::test]
async fn a_token_in_another_scheme_is_refused() {
    let stack = Stack::new();
    for value in
        [format!("Basic {}", stack.token), stack.token.clone(), "Bearer".into(), format!("Bearer  x {}", stack.token)]
    {
        let request = stack.request("", Method::POST, "/v2/files/upload").header("authorization", value);
        Reply::of(request.json(&json!({ "filename": "a.txt" }))).await.error(401);
    }
}

#[tokio::test]
async fn each_of_the_three_algorithms_is_accepted() {
    let stack = Stack::new();
    for (algorithm, kid) in
        [(Algorithm::RS256, "local-RS256"), (Algorithm::ES256, "local-ES256"), (Algorithm::EdDSA, "local-EdDSA")]
    {
        let token = signed(algorithm, Some(kid), &claims());
        let request = stack.request(&token, Method::POST, "/v2/files/upload");
        Reply::of(request.json(&json!({ "filename": "a.txt" }))).await.expect(201);
    }
}

#[tokio::test]
async fn an_organisation_and_a_user_may_be_whole_numbers() {
    let stack = Stack::new();
    let token = with(&json!({ "org_id": 123, "sub": 7 }));
    let request = stack.request(&token, Method::POST, "/v2/files/upload");
    let upload = Reply::of(request.json(&json!({ "filename": "a.txt" }))).await.expect(201);
    assert!(text(&upload["s3ref"]["key"]).starts_with("temp/123/"), "{upload}");
    // An operation that needs a user.
    Reply::of(stack.request(&token, Method::GET, "/v1/order/collections")).await.expect(200);
}
