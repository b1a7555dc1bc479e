//! `getFile`: the file entity with all its versions, newest first.
//!
//! With `strict=true`, attributes that the contract does not name are under `__additional`. With `source_url=true`, a
//! file that was not fetched from anywhere has a `source_url` too: a presigned URL of its newest version.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, acl::Right, auth::Auth, config::ConfigError, file_store::FileStore, http, presign::Presigner};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("getFile", GetFile::from_env()?, handle).await
}

struct GetFile {
    auth: Auth,
    bucket: Presigner,
    files: FileStore,
}

async fn handle(app: Arc<GetFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let strict = http::flag_query(&request, "strict", false)?;
    let with_source_url = http::flag_query(&request, "source_url", false)?;
    let mut file = app.files.load(&caller, http::path_file_id(&request)?, Right::View).await?;
    if let (true, None, Some(current)) = (with_source_url, &file.meta.source_url, &file.meta.current) {
        let url = app.bucket.get(&current.object_key, &file.meta.filename, &file.meta.mime_type, true)?;
        file.meta.source_url = Some(url);
    }
    http::json(StatusCode::OK, &file.entity(&app.bucket, strict))
}

impl GetFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, bucket: Presigner::from_env()?, files: FileStore::from_env()? })
    }
}
