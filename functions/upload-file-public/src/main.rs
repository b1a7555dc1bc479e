//! `uploadFilePublic`: presigned URLs for an upload by somebody without a token, such as the visitor of a form.
//!
//! The upload waits under `temp/public/` until an organisation saves it: the one that the request names, or any if it
//! names none. Naming an organisation gives no right: it only narrows who may save. Its size limit is its own, and a
//! deployment can switch it off.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{
    ApiError,
    config::{self, ConfigError},
    error::Invalid,
    http,
    object_key::{OrgId, TempKey},
    presign::Presigner,
    upload::UploadBody,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("uploadFilePublic", UploadFilePublic::from_env()?, handle).await
}

struct UploadFilePublic {
    bucket: Presigner,
    max_bytes: u64,
    is_on: bool,
}

async fn handle(app: Arc<UploadFilePublic>, request: Request) -> Result<Response<Body>, ApiError> {
    if !app.is_on {
        return Err(ApiError::Forbidden("uploads without a token are switched off here; upload with a token"));
    }
    let org = named_org(&request)?;
    let upload = http::json_body::<UploadBody>(&request)?.check(app.max_bytes)?;
    let key = TempKey::new_public(org, &upload.filename);
    http::json(StatusCode::CREATED, &upload.presign(&app.bucket, &key, app.max_bytes)?)
}

/// The organisation in `x-epilot-org-id`, else in `?org_id=`, else none.
fn named_org(request: &Request) -> Result<Option<OrgId>, ApiError> {
    let header = request.headers().get("x-epilot-org-id").map(|value| value.to_str().unwrap_or("not ASCII"));
    let named = header.filter(|org| !org.is_empty()).or_else(|| http::text_query(request, "org_id"));
    named.map(|org| org.parse().map_err(|invalid: Invalid| invalid.named("org_id"))).transpose()
}

impl UploadFilePublic {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: Presigner::from_env()?,
            max_bytes: config::parsed("MAX_PUBLIC_UPLOAD_BYTES")?,
            is_on: config::parsed("PUBLIC_UPLOADS")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;

    #[tokio::test]
    async fn every_request_is_refused_when_uploads_without_a_token_are_switched_off() {
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let bucket = Presigner::new("bucket".into(), "eu-central-1".into(), "https://bucket.test/".into(), credentials);
        let app = Arc::new(UploadFilePublic { bucket, max_bytes: 10, is_on: false });
        for body in [r#"{"filename": "a.txt"}"#, "{}"] {
            let error = handle(Arc::clone(&app), Request::new(body.into())).await.unwrap_err();
            assert_eq!(error.status(), StatusCode::FORBIDDEN);
            assert!(error.to_string().contains("token"), "it says what to do instead: {error}");
        }
    }
}
