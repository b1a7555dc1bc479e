//! Signed custom download URLs: proof that this API handed a URL out, a short while ago and for one organisation's
//! file.
//!
//! The key is a secret that Secrets Manager keeps. A signature names the version of the secret that made it, so that
//! replacing the key breaks no URL that is out. A version is good while it is the current one or the one before, and
//! those Secrets Manager keeps: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>

use crate::{
    aws,
    config::{self, ConfigError},
    custom_url::{CustomUrl, EXPIRES_AT, SIGNATURE},
    error::ApiError,
    object_key::OrgId,
    presign::LIFETIME,
};
use aws_sdk_secretsmanager::{Client, operation::get_secret_value::GetSecretValueError};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;
use std::{
    collections::HashMap,
    sync::OnceLock,
    time::{Duration, Instant},
};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded::byte_serialize};
use uuid::Uuid;

/// The longest URL that is looked at, in bytes. A custom URL has 2,048, and what is added to it some 140.
const MAX_BYTES: usize = 4_096;
/// How long a key is used before it is read again, so that a new one is in use everywhere by then. It is remembered as
/// long that there is no key.
const MAX_KEY_AGE: Duration = Duration::from_mins(5);
/// How many answers of Secrets Manager are remembered. There are three keys at most; the others are made up.
const MAX_ANSWERS: usize = 1_000;
/// The labels of the secret's versions that count: the current one, and the one that it replaced.
const GOOD_LABELS: [&str; 2] = ["AWSCURRENT", "AWSPREVIOUS"];

/// What signs and verifies.
pub struct UrlSigner {
    secret: String,
    client: OnceLock<Client>,
    answers: Mutex<HashMap<Wanted, Answer>>,
}

/// Which version of the secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Wanted {
    Current,
    Version(Uuid),
}

/// A version of the secret.
#[derive(Clone)]
struct Key {
    version: Uuid,
    text: String,
}

/// What Secrets Manager said of a version: its key, or that it has none that counts.
struct Answer {
    key: Option<Key>,
    fetched: Instant,
}

/// A URL that has the form of a signed one.
struct SignedUrl {
    canonical: String,
    /// In milliseconds since 1970.
    expires_at: i128,
    version: Uuid,
    mac: Vec<u8>,
}

impl UrlSigner {
    /// With the secret that `URL_SIGNING_SECRET` names.
    ///
    /// # Errors
    /// If it is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        let secret = config::required("URL_SIGNING_SECRET")?;
        Ok(Self { secret, client: OnceLock::new(), answers: Mutex::default() })
    }

    /// A secret behind a client of the caller's, for tests.
    #[must_use]
    pub fn with_client(client: Client, secret: &str) -> Self {
        Self { secret: secret.to_owned(), client: client.into(), answers: Mutex::default() }
    }

    /// The URL with an expiry, 15 minutes from now, and a signature for `org`.
    ///
    /// # Errors
    /// 500 if the key cannot be had.
    pub async fn sign(&self, org: &OrgId, url: &CustomUrl) -> Result<String, ApiError> {
        let key = self.key(Wanted::Current).await?;
        let key = key.ok_or_else(|| ApiError::internal("the secret that signs URLs has no current version"))?;
        let expires_at = now() + i128::try_from(LIFETIME.as_millis()).map_err(ApiError::internal)?;
        let mut url = url.url().clone();
        url.set_fragment(None);
        url.query_pairs_mut().append_pair(EXPIRES_AT, &expires_at.to_string());
        let mac = key.mac(org, &canonical(&url))?.finalize().into_bytes();
        let signature = format!("{}.{}", key.version, BASE64_URL_SAFE_NO_PAD.encode(mac));
        url.query_pairs_mut().append_pair(SIGNATURE, &signature);
        Ok(url.into())
    }

    /// Whether [`Self::sign`] made this URL for `org`, and not too long ago. The order of its parameters does not
    /// count.
    ///
    /// # Errors
    /// 500 if the key cannot be had. A text that is no such URL is not an error: it is not valid.
    pub async fn verify(&self, org: &OrgId, url: &str) -> Result<bool, ApiError> {
        let Some(signed) = SignedUrl::parse(url).filter(|signed| signed.expires_at > now()) else { return Ok(false) };
        let Some(key) = self.key(Wanted::Version(signed.version)).await? else { return Ok(false) };
        // In constant time.
        Ok(key.mac(org, &signed.canonical)?.verify_slice(&signed.mac).is_ok())
    }

    /// The lock is held meanwhile, so that requests that need the same key fetch it once.
    async fn key(&self, wanted: Wanted) -> Result<Option<Key>, ApiError> {
        let mut answers = self.answers.lock().await;
        answers.retain(|_, answer| answer.fetched.elapsed() < MAX_KEY_AGE);
        if let Some(answer) = answers.get(&wanted) {
            return Ok(answer.key.clone());
        }
        let key = self.fetch(wanted).await?;
        if answers.len() >= MAX_ANSWERS {
            answers.retain(|_, answer| answer.key.is_some());
        }
        answers.insert(wanted, Answer { key: key.clone(), fetched: Instant::now() });
        Ok(key)
    }

    async fn fetch(&self, wanted: Wanted) -> Result<Option<Key>, ApiError> {
        let mut get = self.client.get_or_init(aws::secretsmanager).get_secret_value().secret_id(&self.secret);
        if let Wanted::Version(version) = wanted {
            get = get.version_id(version.to_string());
        }
        let secret = match get.send().await {
            Ok(secret) => secret,
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if !secret.version_stages().iter().any(|label| GOOD_LABELS.contains(&label.as_str())) {
            return Ok(None);
        }
        let version = secret.version_id().unwrap_or_default().parse().map_err(ApiError::internal)?;
        let text = secret.secret_string.filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| ApiError::internal("the secret that signs URLs is empty"))?;
        Ok(Some(Key { version, text }))
    }
}

impl Key {
    fn mac(&self, org: &OrgId, canonical: &str) -> Result<Hmac<Sha256>, ApiError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.text.as_bytes()).map_err(ApiError::internal)?;
        // No organisation's id has a line break.
        mac.update(format!("{org}\n{canonical}").as_bytes());
        Ok(mac)
    }
}

impl SignedUrl {
    fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(Some(url).filter(|url| url.len() <= MAX_BYTES)?).ok()?;
        let expires_at = only(&url, EXPIRES_AT)?.parse().ok()?;
        let signature = only(&url, SIGNATURE)?;
        let (version, mac) = signature.split_once('.')?;
        // Only the spelling that we make.
        let version = Uuid::try_parse(version).ok().filter(|uuid| uuid.to_string() == version)?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        Some(Self { canonical: canonical(&url), expires_at, version, mac })
    }
}

/// Now, in milliseconds since 1970.
fn now() -> i128 {
    OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000
}

/// What is signed of a URL: all but its fragment and its signature, its parameters in one order and one spelling.
fn canonical(url: &Url) -> String {
    let mut pairs = pairs(url);
    pairs.retain(|(name, _)| name != SIGNATURE.as_bytes());
    pairs.sort();
    let encode = |bytes: &[u8]| byte_serialize(bytes).collect::<String>();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let mut url = url.clone();
    url.set_fragment(None);
    url.set_query(Some(&pairs.join("&")));
    url.into()
}

/// The value of the parameter `name`, if there is exactly one.
fn only(url: &Url, name: &str) -> Option<String> {
    let mut values = pairs(url).into_iter().filter(|pair| pair.0 == name.as_bytes()).map(|pair| pair.1);
    let value = values.next().filter(|_| values.next().is_none())?;
    String::from_utf8(value).ok()
}

/// The query's parameters, as bytes: read as text, two different values that are not UTF-8 would look the same.
fn pairs(url: &Url) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect();
    let pairs = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

#[cfg(test)]
mod tests;
