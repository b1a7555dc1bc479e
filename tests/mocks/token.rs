//! A token of organisation 123, and what accepts it.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, jwk::Jwk};
use serde_json::json;
use shared::{
    auth::Auth,
    jwks::{Jwks, VerifyingKey},
};
use std::sync::Arc;

/// An Ed25519 key, in PKCS #8.
fn key() -> EncodingKey {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    EncodingKey::from_ed_der(&[head.as_slice(), &[7; 32]].concat())
}

pub fn auth() -> Auth {
    let jwk = Jwk::from_encoding_key(&key(), Algorithm::EdDSA).unwrap();
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let jwks = Jwks::Inline(vec![Arc::new(VerifyingKey { id: Some("ed".into()), algorithm: Algorithm::EdDSA, key })]);
    Auth::new("issuer".into(), "file-api".into(), "org_id".into(), "sub".into(), "file_admin".into(), jwks)
}

/// The value of the `Authorization` header; good until 2100.
pub fn bearer() -> String {
    let header = Header { kid: Some("ed".into()), ..Header::new(Algorithm::EdDSA) };
    let claims = json!({ "iss": "issuer", "aud": "file-api", "org_id": "123", "sub": "ann", "exp": 4_102_444_800_u32 });
    format!("Bearer {}", jsonwebtoken::encode(&header, &claims, &key()).unwrap())
}
