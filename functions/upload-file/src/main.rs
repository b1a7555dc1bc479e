//! `uploadFile`: presigned URLs that take the bytes of a new file, or of a new version of one.
//!
//! Needs a token. Nothing is stored and AWS is not called: the upload's id, owner and name are in its key, and what the
//! caller promised about the bytes is in the signature.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{
    ApiError,
    auth::Auth,
    config::{self, ConfigError},
    error::Invalid,
    http,
    object_key::{FileId, TempKey},
    presign::Presigner,
    upload::UploadBody,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("uploadFile", UploadFile::from_env()?, handle).await
}

struct UploadFile {
    auth: Auth,
    bucket: Presigner,
    max_bytes: u64,
}

async fn handle(app: Arc<UploadFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    if let Some(id) = http::text_query(&request, "file_entity_id") {
        id.parse::<FileId>().map_err(|invalid: Invalid| invalid.named("file_entity_id"))?;
    }
    let upload = http::json_body::<UploadBody>(&request)?.check(app.max_bytes)?;
    let key = TempKey::new(caller.org, &upload.filename);
    let status = if http::is_v1(&request) { StatusCode::OK } else { StatusCode::CREATED };
    http::json(status, &upload.presign(&app.bucket, &key, app.max_bytes)?)
}

impl UploadFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            auth: Auth::from_env()?,
            bucket: Presigner::from_env()?,
            max_bytes: config::parsed("MAX_UPLOAD_BYTES")?,
        })
    }
}
