//! `uploadFilePublic`: presigned URLs for an upload by somebody without a token, such as the visitor of a form.
//!
//! The upload waits under `temp/public/` until an organisation saves it: the one that the request names, or any if it
//! names none. Naming an organisation gives no right: it only narrows who may save. Its size limit is its own.

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
}

async fn handle(app: Arc<UploadFilePublic>, request: Request) -> Result<Response<Body>, ApiError> {
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
        Ok(Self { bucket: Presigner::from_env()?, max_bytes: config::parsed("MAX_PUBLIC_UPLOAD_BYTES")? })
    }
}
