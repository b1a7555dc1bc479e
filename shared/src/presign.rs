//! Presigned URLs, made from the role's credentials without a call to AWS.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

use crate::{
    aws,
    config::{self, ConfigError},
    error::ApiError,
    file_type::MimeType,
    filename::{Filename, UNRESERVED},
};
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningParams,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::{
    fmt::{Display, Write},
    time::{Duration, SystemTime},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// How long a presigned URL lives. Role credentials may be rotated, so it cannot be much longer.
pub const LIFETIME: Duration = Duration::from_mins(15);

/// In a path, the slashes between segments stay too.
pub(crate) const PATH: AsciiSet = UNRESERVED.remove(b'/');

/// A bucket, where it is reached, and the credentials to sign with.
pub struct Presigner {
    bucket: String,
    region: String,
    /// The bucket's URL, with the slash at its end.
    base: String,
    credentials: Credentials,
}

impl Presigner {
    /// For the bucket in `BUCKET`, in the function's region and with its role's credentials. It is reached by the host
    /// name in `BUCKET_DOMAIN`, whose end depends on the partition of AWS, or on another endpoint by its path.
    ///
    /// # Errors
    /// If one of them is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        let bucket = config::required("BUCKET")?;
        let base = match aws::endpoint_url() {
            Some(endpoint) => format!("{}/{bucket}/", endpoint.trim_end_matches('/')),
            None => format!("https://{}/", config::required("BUCKET_DOMAIN")?),
        };
        Ok(Self::new(bucket, aws::region(), base, aws::credentials()))
    }

    /// For `bucket` at the URL `base`, which ends with a slash.
    #[must_use]
    pub fn new(bucket: String, region: String, base: String, credentials: Credentials) -> Self {
        Self { bucket, region, base, credentials }
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The object's plain URL, which answers only while the object is public.
    #[must_use]
    pub fn object_url(&self, key: &impl Display) -> String {
        format!("{}{}", self.base, utf8_percent_encode(&key.to_string(), &PATH))
    }

    /// A URL that takes one PUT. Its sender must send `headers` exactly; `query` holds `x-amz-meta-*`, which S3 takes
    /// from a presigned URL as if they were headers.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub fn put(
        &self,
        key: &impl Display,
        headers: &[(&str, &str)],
        query: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        self.presign("PUT", key, headers, query)
    }

    /// A URL that gets the object with this name and type; what a browser would run is always an attachment.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub fn get(
        &self,
        key: &impl Display,
        filename: &Filename,
        mime: &MimeType,
        attachment: bool,
    ) -> Result<String, ApiError> {
        self.read("GET", key, filename, mime, attachment)
    }

    /// The same for a HEAD, which S3 refuses with a signature for a GET.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub fn head(
        &self,
        key: &impl Display,
        filename: &Filename,
        mime: &MimeType,
        attachment: bool,
    ) -> Result<String, ApiError> {
        self.read("HEAD", key, filename, mime, attachment)
    }

    fn read(
        &self,
        method: &str,
        key: &impl Display,
        filename: &Filename,
        mime: &MimeType,
        attachment: bool,
    ) -> Result<String, ApiError> {
        let disposition = filename.content_disposition(attachment || mime.is_active());
        let query = [("response-content-disposition", disposition.as_str()), ("response-content-type", mime.as_str())];
        self.presign(method, key, &[], &query)
    }

    fn presign(
        &self,
        method: &str,
        key: &impl Display,
        headers: &[(&str, &str)],
        query: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let mut url = self.object_url(key);
        let mut separator = '?';
        for (name, value) in query {
            // Writing to a String cannot fail.
            let _ = write!(
                url,
                "{separator}{}={}",
                utf8_percent_encode(name, &UNRESERVED),
                utf8_percent_encode(value, &UNRESERVED)
            );
            separator = '&';
        }
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(s3_query_settings())
            .build()
            .map_err(ApiError::internal)?;
        let request =
            SignableRequest::new(method, url.as_str(), headers.iter().copied(), SignableBody::UnsignedPayload)
                .map_err(ApiError::internal)?;
        let (instructions, _) = sign(request, &SigningParams::V4(params)).map_err(ApiError::internal)?.into_parts();
        for (name, value) in instructions.params() {
            let _ = write!(url, "{separator}{name}={}", utf8_percent_encode(value, &UNRESERVED));
            separator = '&';
        }
        Ok(url)
    }

    /// A form that takes one POST: where to send it, and its fields, which go before the file. `fields` are taken as
    /// they are, except those named in `free`, which the sender may change.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>
    ///
    /// # Errors
    /// 500 if the expiry cannot be written.
    pub fn post(
        &self,
        key: &impl Display,
        fields: &[(&str, &str)],
        free: &[&str],
        size_bytes: (u64, u64),
    ) -> Result<Value, ApiError> {
        let now = OffsetDateTime::now_utc();
        let date = now.format(format_description!("[year][month][day]")).map_err(ApiError::internal)?;
        let timestamp = now
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .map_err(ApiError::internal)?;
        let scope = format!("{date}/{}/s3/aws4_request", self.region);

        let mut form: Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        form.insert("key".into(), key.to_string().into());
        form.insert("x-amz-algorithm".into(), "AWS4-HMAC-SHA256".into());
        form.insert("x-amz-credential".into(), format!("{}/{scope}", self.credentials.access_key_id()).into());
        form.insert("x-amz-date".into(), timestamp.into());
        if let Some(token) = self.credentials.session_token() {
            form.insert("x-amz-security-token".into(), token.into());
        }

        let mut conditions: Vec<Value> = form
            .iter()
            .map(|(name, value)| {
                if free.contains(&name.as_str()) {
                    json!(["starts-with", format!("${name}"), ""])
                } else {
                    json!({ name: value })
                }
            })
            .collect();
        conditions.push(json!({ "bucket": self.bucket }));
        conditions.push(json!(["content-length-range", size_bytes.0, size_bytes.1]));
        let expiration = (now + LIFETIME)
            .replace_nanosecond(0)
            .map_err(ApiError::internal)?
            .format(&Rfc3339)
            .map_err(ApiError::internal)?;
        let policy = BASE64_STANDARD.encode(json!({ "expiration": expiration, "conditions": conditions }).to_string());
        let key = v4::generate_signing_key(self.credentials.secret_access_key(), now.into(), &self.region, "s3");
        form.insert("x-amz-signature".into(), v4::calculate_signature(key, policy.as_bytes()).into());
        form.insert("policy".into(), policy.into());
        Ok(json!({ "url": self.base, "fields": form }))
    }
}

/// S3 signs the path as it is sent: encoded once, and not normalised.
fn s3_query_settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presigner() -> Presigner {
        let credentials = Credentials::new("AKID", "secret", Some("session token".into()), None, "test");
        Presigner::new("bucket".into(), "eu-central-1".into(), "https://bucket.test/".into(), credentials)
    }

    #[test]
    fn a_percent_sign_of_the_key_is_encoded_in_the_url() {
        assert_eq!(presigner().object_url(&"123/a%20b"), "https://bucket.test/123/a%2520b");
    }

    #[test]
    fn a_presigned_url_lives_15_minutes_and_signs_what_was_promised() {
        let url = presigner().put(&"k", &[("content-type", "a/b")], &[("x-amz-meta-color", "light blue")]).unwrap();
        for part in [
            "X-Amz-Expires=900",
            "SignedHeaders=content-type%3Bhost",
            "x-amz-meta-color=light%20blue",
            "Security-Token=session%20token",
        ] {
            assert!(url.contains(part), "{part} in {url}");
        }
    }

    #[test]
    fn a_post_policy_covers_every_field_and_the_size() {
        let form = presigner().post(&"k", &[("Content-Type", "a/b")], &[], (1, 9)).unwrap();
        let policy = BASE64_STANDARD.decode(form["fields"]["policy"].as_str().unwrap()).unwrap();
        let policy: Value = serde_json::from_slice(&policy).unwrap();
        let conditions = policy["conditions"].as_array().unwrap();
        for expected in [
            json!({"key": "k"}),
            json!({"bucket": "bucket"}),
            json!({"Content-Type": "a/b"}),
            json!(["content-length-range", 1, 9]),
        ] {
            assert!(conditions.contains(&expected), "{expected}");
        }
    }
}
