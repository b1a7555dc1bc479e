//! The keys that sign tokens: a JSON Web Key Set (RFC 7517), given inline or fetched from a URL and cached.

use crate::{aws, config, error::ApiError};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// How long fetched keys are used before they are fetched again.
const MAX_AGE: Duration = Duration::from_mins(10);
/// How soon we may ask again, so that neither made-up key ids nor an issuer that is down cost every request a fetch.
const MIN_AGE: Duration = Duration::from_secs(30);

/// A key and the one algorithm that it may be used with.
pub struct VerifyingKey {
    /// Its `kid`. An issuer with one key need not give it any.
    pub id: Option<String>,
    /// RS256, ES256 or EdDSA, from the key itself: what the token's header says must match it.
    pub algorithm: Algorithm,
    /// The public key.
    pub key: DecodingKey,
}

/// The usable keys of a set.
type Keys = Vec<Arc<VerifyingKey>>;

/// Where the keys come from.
pub enum Jwks {
    /// Fixed when the function starts.
    Inline(Keys),
    /// Fetched when a token needs them.
    Url {
        /// Where the key set is.
        url: String,
        /// The last keys fetched.
        cache: RwLock<Option<Cache>>,
    },
}

/// Keys that were fetched.
pub struct Cache {
    keys: Keys,
    fetched: Instant,
    /// When we asked last, whether it was answered or not.
    asked: Instant,
}

impl Jwks {
    /// The keys in `TOKEN_JWKS`, else those at `TOKEN_JWKS_URL`.
    ///
    /// # Errors
    /// If neither is set, or the inline set has no key that we can use.
    pub fn from_env() -> Result<Self, config::ConfigError> {
        match config::optional("TOKEN_JWKS") {
            Some(json) => {
                let invalid = |why: String| config::ConfigError::Invalid("TOKEN_JWKS", why);
                let keys = parse(json.as_bytes()).map_err(|error| invalid(error.to_string()))?;
                if keys.is_empty() {
                    Err(invalid("no RS256, ES256 or EdDSA key in it".into()))
                } else {
                    Ok(Self::Inline(keys))
                }
            }
            None => Ok(Self::at(config::required("TOKEN_JWKS_URL")?)),
        }
    }

    /// The keys at `url`.
    #[must_use]
    pub fn at(url: String) -> Self {
        Self::Url { url, cache: RwLock::default() }
    }

    /// The key that a token names by its `kid`, fetched again if it is unknown or the set is old; `None` if the issuer
    /// has no such key. A set of one key needs no name for it.
    ///
    /// # Errors
    /// 500 if there are no keys at all because they cannot be fetched.
    pub async fn find(&self, kid: Option<&str>) -> Result<Option<Arc<VerifyingKey>>, ApiError> {
        let (url, cache) = match self {
            Self::Inline(keys) => return Ok(named(keys, kid)),
            Self::Url { url, cache } => (url, cache),
        };
        let known = match &*cache.read().unwrap_or_else(PoisonError::into_inner) {
            Some(cached) => {
                let known = named(&cached.keys, kid);
                let current = known.is_some() && cached.fetched.elapsed() < MAX_AGE;
                if current || cached.asked.elapsed() < MIN_AGE {
                    return Ok(known);
                }
                Some(known)
            }
            None => None,
        };
        let fetched = fetch(url).await;
        let now = Instant::now();
        let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
        match (fetched, known) {
            (Ok(keys), _) => {
                let found = named(&keys, kid);
                *cache = Some(Cache { keys, fetched: now, asked: now });
                Ok(found)
            }
            // An issuer that is down for a while does not lock its users out.
            (Err(error), Some(known)) => {
                tracing::warn!(%error, "the key set could not be refreshed; using the last one");
                if let Some(cached) = cache.as_mut() {
                    cached.asked = now;
                }
                Ok(known)
            }
            (Err(error), None) => Err(ApiError::internal(error)),
        }
    }
}

async fn fetch(url: &str) -> Result<Keys, Box<dyn std::error::Error + Send + Sync>> {
    Ok(parse(&aws::get(url).await?)?)
}

/// The key with this id; if one of the two has none, the only key.
fn named(keys: &Keys, kid: Option<&str>) -> Option<Arc<VerifyingKey>> {
    let key = match keys.as_slice() {
        [only] if kid.is_none() || only.id.is_none() => Some(only),
        keys => keys.iter().find(|key| kid.is_some() && key.id.as_deref() == kid),
    };
    key.cloned()
}

/// The usable keys of a set; those for encryption or of other types are left out, as RFC 7517 section 5 asks.
fn parse(json: &[u8]) -> Result<Keys, serde_json::Error> {
    let set: JwkSet = serde_json::from_slice(json)?;
    Ok(set.keys.iter().filter_map(usable).map(Arc::new).collect())
}

fn usable(jwk: &Jwk) -> Option<VerifyingKey> {
    if matches!(&jwk.common.public_key_use, Some(purpose) if *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|stated| stated != name) {
        return None;
    }
    Some(VerifyingKey { id: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
}

#[cfg(test)]
mod tests;
