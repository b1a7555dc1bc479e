//! `downloadFile`: a presigned URL for the bytes of a version. It lives 15 minutes, for private and public files alike.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde_json::json;
use shared::{
    ApiError,
    acl::Right,
    auth::Auth,
    config::ConfigError,
    download::{Downloads, no_such_version},
    file_store::FileStore,
    http,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("downloadFile", DownloadFile::from_env()?, handle).await
}

struct DownloadFile {
    auth: Auth,
    downloads: Downloads,
    files: FileStore,
}

async fn handle(app: Arc<DownloadFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let index = http::index_query(&request, "version")?;
    let attachment = http::flag_query(&request, "attachment", true)?;
    let meta = app.files.load_meta(&caller, http::path_file_id(&request)?, Right::View).await?;
    let download_url = if index == 0 {
        app.downloads.latest(&meta, attachment).await?
    } else {
        let version = app.files.version_at(&meta, index).await?.ok_or_else(no_such_version)?;
        app.downloads.older(&version, attachment)?
    };
    http::json(StatusCode::OK, &json!({ "download_url": download_url }))
}

impl DownloadFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, downloads: Downloads::from_env()?, files: FileStore::from_env()? })
    }
}
