//! The header `Idempotency-Key`: a request that is repeated with it gets the first one's reply and changes nothing
//! again. <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>
//!
//! The item `REQUEST#{hash of caller and key}`/`REQUEST` says what was asked for and, from the commit on, what it made.
//! The commit writes it together with what it makes, so that two requests with one key never both succeed.

use crate::{
    auth::Caller,
    error::ApiError,
    file_store::{FileStore, Key, key},
    table::action,
};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use lambda_http::{Request, RequestExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

const HEADER: &str = "idempotency-key";
const MAX_CHARS: usize = 255;
/// How long a key is remembered.
const LIFETIME: Duration = Duration::hours(24);

/// A request that has a key.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// Of the caller and the key: keys of two callers never meet.
    id: String,
    asked: Asked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// Of the method, the path, the query and the body.
    fingerprint: String,
    /// The id of what the request made, once it is committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<String>,
    /// When the key is forgotten, in seconds since 1970: the table's TTL.
    expires_at: i64,
}

impl Idempotency {
    /// The request's key, if it has one.
    ///
    /// # Errors
    /// 400 if it is empty, too long or not printable ASCII.
    pub fn of(request: &Request, caller: &Caller) -> Result<Option<Self>, ApiError> {
        let Some(header) = request.headers().get(HEADER) else { return Ok(None) };
        // The draft has it as a quoted string; most clients send it bare.
        let text = header.to_str().unwrap_or_default().trim_matches('"');
        let is_printable = text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        if !(1..=MAX_CHARS).contains(&text.len()) || !is_printable {
            return Err(ApiError::bad_request(
                "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces; send a new UUID",
            ));
        }
        let body: &[u8] = request.body().as_ref();
        let query = request.query_string_parameters_ref();
        let mut query: Vec<_> = query.iter().flat_map(|query| query.iter()).collect();
        query.sort_unstable();
        let mut parts = vec![request.method().as_str(), request.raw_http_path()];
        parts.extend(query.iter().flat_map(|(name, value)| [*name, *value]));
        let parts: Vec<_> = parts.into_iter().map(str::as_bytes).chain([body]).collect();
        let fingerprint = hash(&parts);
        let user = caller.user.as_deref().unwrap_or_default();
        let id = hash(&[caller.org.as_str().as_bytes(), user.as_bytes(), text.as_bytes()]);
        let expires_at = (OffsetDateTime::now_utc() + LIFETIME).unix_timestamp();
        Ok(Some(Self { id, asked: Asked { fingerprint, made: None, expires_at } }))
    }

    fn key(&self) -> Key {
        key(&format!("REQUEST#{}", self.id), "REQUEST")
    }
}

/// Each part goes with its length, so that no two lists of parts read the same.
fn hash(parts: &[&[u8]]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    BASE64_URL_SAFE_NO_PAD.encode(sha.finalize())
}

impl FileStore {
    /// Remembers a request, and says what an earlier one with the same key made.
    ///
    /// # Errors
    /// 422 if the earlier one asked for something else; 500 if the table cannot be written.
    pub async fn begin(&self, request: &Idempotency) -> Result<Option<String>, ApiError> {
        // The time to live may run late.
        let now = OffsetDateTime::now_utc().unix_timestamp().to_string();
        let put = self
            .put(request.key(), &request.asked)?
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", AttributeValue::N(now));
        match self.put_or_find::<Asked>(put).await? {
            Some(earlier) if earlier.fingerprint != request.asked.fingerprint => Err(another_request()),
            earlier => Ok(earlier.and_then(|earlier| earlier.made)),
        }
    }

    /// Says what the request made, unless an earlier one with its key did.
    pub(crate) fn finish(&self, request: &Idempotency, made: &str) -> Result<TransactWriteItem, ApiError> {
        let asked = Asked { made: Some(made.to_owned()), ..request.asked.clone() };
        let put = self.put(request.key(), &asked)?.condition_expression("attribute_not_exists(made)");
        action(put)
    }
}

fn another_request() -> ApiError {
    ApiError::Unprocessable("this Idempotency-Key came with another request; send a new key".to_owned())
}

#[cfg(test)]
mod tests;
