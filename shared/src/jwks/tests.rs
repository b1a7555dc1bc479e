use super::*;
use crate::fixtures::{RSA_MODULUS, ed25519, jwk, p256};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Mutex,
};

impl Jwks {
    /// The usable keys of this set, as from `TOKEN_JWKS`.
    pub(crate) fn inline(set: &Value) -> Self {
        Self::Inline(parse(set.to_string().as_bytes()).unwrap())
    }

    /// As if the keys had been fetched that much earlier.
    fn grow_older(&self, by: Duration) {
        let Self::Url { cache, .. } = self else { panic!("inline keys have no age") };
        let mut cache = cache.write().unwrap();
        let cache = cache.as_mut().unwrap();
        cache.fetched = cache.fetched.checked_sub(by).unwrap();
        cache.asked = cache.asked.checked_sub(by).unwrap();
    }

    async fn knows(&self, kid: &str) -> bool {
        self.find(Some(kid)).await.unwrap().is_some()
    }
}

fn rsa_jwk(kid: &str) -> Value {
    json!({ "kty": "RSA", "kid": kid, "n": RSA_MODULUS, "e": "AQAB" })
}

fn ed_jwk(kid: &str) -> Value {
    jwk(kid, Algorithm::EdDSA, &ed25519(7))
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

#[test]
fn a_key_may_be_used_with_its_one_algorithm() {
    let ec = jwk("ec", Algorithm::ES256, &p256());
    let keys = parse(set(&[rsa_jwk("rsa"), ec, ed_jwk("ed")]).to_string().as_bytes()).unwrap();
    for (kid, algorithm) in [("rsa", Algorithm::RS256), ("ec", Algorithm::ES256), ("ed", Algorithm::EdDSA)] {
        assert_eq!(named(&keys, Some(kid)).unwrap().algorithm, algorithm);
    }
}

#[test]
fn keys_that_we_cannot_use_are_left_out_and_take_no_others_with_them() {
    let octets = jwk("x", Algorithm::HS256, &EncodingKey::from_secret(b"secret"));
    for (why, key) in [
        ("for encryption", with(rsa_jwk("x"), "use", "enc")),
        ("shared secret", octets),
        ("another RSA algorithm", with(rsa_jwk("x"), "alg", "RS512")),
        ("RSA for encryption", with(rsa_jwk("x"), "alg", "RSA-OAEP")),
        ("another curve", with(with(jwk("x", Algorithm::ES256, &p256()), "crv", "P-384"), "alg", "ES384")),
        ("key agreement", json!({ "kty": "OKP", "crv": "X25519", "kid": "x", "x": "AAAA" })),
        ("a curve unheard of", json!({ "kty": "EC", "crv": "secp256k1", "kid": "x", "x": "AAAA", "y": "AAAA" })),
        ("a type unheard of", json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "x", "pub": "AAAA" })),
        ("an algorithm unheard of", with(rsa_jwk("x"), "alg", "RS1")),
        ("an empty modulus", with(rsa_jwk("x"), "n", "!")),
    ] {
        let keys =
            parse(set(&[key, ed_jwk("ed")]).to_string().as_bytes()).unwrap_or_else(|error| panic!("{why}: {error}"));
        let ids: Vec<_> = keys.iter().map(|key| key.id.as_deref()).collect();
        assert_eq!(ids, [Some("ed")], "{why}");
    }
}

#[test]
fn the_only_key_needs_no_id_and_one_of_several_does() {
    let nameless = with(ed_jwk("x"), "kid", Value::Null);
    let encryption = with(rsa_jwk("rsa"), "use", "enc");
    let finds = |keys: &[Value], kid| named(&parse(set(keys).to_string().as_bytes()).unwrap(), kid).is_some();
    for only in [vec![ed_jwk("a")], vec![nameless.clone()], vec![ed_jwk("a"), encryption]] {
        assert!(finds(&only, None) && finds(&only, Some("a")), "{only:?}");
    }
    assert!(finds(std::slice::from_ref(&nameless), Some("another")) && !finds(&[ed_jwk("a")], Some("another")));
    let several = [ed_jwk("a"), nameless, rsa_jwk("b")];
    assert!(!finds(&several, None) && !finds(&several, Some("another")) && finds(&several, Some("b")));
    assert!(!finds(&[], None));
}

/// An issuer on loopback that counts its requests and answers with this body, or breaks off when there is none.
struct Issuer {
    url: String,
    body: Arc<Mutex<Option<String>>>,
    requests: Arc<Mutex<u32>>,
}

impl Issuer {
    fn start(set: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let (body, requests) = (Arc::new(Mutex::new(Some(set.to_string()))), Arc::default());
        let issuer = Self { url, body: Arc::clone(&body), requests: Arc::clone(&requests) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                *requests.lock().unwrap() += 1;
                if let Some(body) = &*body.lock().unwrap() {
                    let length = body.len();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                    stream.write_all((head + body).as_bytes()).unwrap();
                }
            }
        });
        issuer
    }

    fn answers(&self, body: Option<String>) {
        *self.body.lock().unwrap() = body;
    }

    fn requests(&self) -> u32 {
        *self.requests.lock().unwrap()
    }
}

#[tokio::test]
async fn the_keys_are_fetched_once_for_many_tokens() {
    let issuer = Issuer::start(&set(&[ed_jwk("a"), ed_jwk("b")]));
    let jwks = Jwks::at(issuer.url.clone());
    for _ in 0..20 {
        assert!(jwks.knows("a").await && jwks.knows("b").await);
    }
    jwks.grow_older(MAX_AGE.saturating_sub(Duration::from_mins(2)));
    assert!(jwks.knows("a").await);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn made_up_key_ids_cannot_make_us_hammer_the_issuer() {
    let issuer = Issuer::start(&set(&[ed_jwk("a")]));
    let jwks = Jwks::at(issuer.url.clone());
    for kid in ["x", "y", "z"] {
        assert!(!jwks.knows(kid).await);
    }
    jwks.grow_older(MIN_AGE / 2);
    assert!(!jwks.knows("x").await);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_key_that_the_issuer_rotated_in_is_picked_up_and_the_old_one_goes() {
    let issuer = Issuer::start(&set(&[ed_jwk("old")]));
    let jwks = Jwks::at(issuer.url.clone());
    assert!(jwks.knows("old").await);
    issuer.answers(Some(set(&[ed_jwk("new")]).to_string()));
    jwks.grow_older(MIN_AGE);
    assert!(jwks.knows("new").await && !jwks.knows("old").await);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_key_that_the_issuer_withdrew_is_refused_when_the_set_is_old() {
    let issuer = Issuer::start(&set(&[ed_jwk("a"), ed_jwk("b")]));
    let jwks = Jwks::at(issuer.url.clone());
    assert!(jwks.knows("a").await);
    issuer.answers(Some(set(&[ed_jwk("b")]).to_string()));
    jwks.grow_older(MAX_AGE);
    assert!(!jwks.knows("a").await);
}

#[tokio::test]
async fn an_issuer_that_is_down_for_a_while_locks_nobody_out() {
    let issuer = Issuer::start(&set(&[ed_jwk("a")]));
    let jwks = Jwks::at(issuer.url.clone());
    assert!(jwks.knows("a").await);
    for body in [None, Some("no JSON".to_owned()), Some("{}".to_owned())] {
        issuer.answers(body);
        jwks.grow_older(MAX_AGE);
        let asked = issuer.requests();
        assert!(jwks.knows("a").await && jwks.knows("a").await && !jwks.knows("b").await);
        assert_eq!(issuer.requests(), asked + 1, "one request has to wait for it, not all");
    }
}

#[tokio::test]
async fn without_any_keys_it_is_our_error_and_no_bad_token() {
    let issuer = Issuer::start(&Value::Null);
    for body in [None, Some("no JSON".to_owned())] {
        issuer.answers(body);
        let error = Jwks::at(issuer.url.clone()).find(Some("a")).await.err().unwrap();
        assert_eq!(error.status(), 500);
    }
    let nobody_listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Jwks::at(format!("http://{nobody_listens}/")).find(Some("a")).await.err().unwrap();
    assert_eq!(error.status(), 500);
}
