//! `getFile`: the file entity with all its versions, newest first.

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
    let file = app.files.load(&caller, http::path_file_id(&request)?, Right::View).await?;
    http::json(StatusCode::OK, &file.entity(&app.bucket))
}

impl GetFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, bucket: Presigner::from_env()?, files: FileStore::from_env()? })
    }
}
