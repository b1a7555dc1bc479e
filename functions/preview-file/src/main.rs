//! `previewFile`: a thumbnail of a version, for those who may view its file.

use lambda_http::{Body, Error, Request, Response};
use shared::{
    ApiError,
    acl::Right,
    auth::Auth,
    config::ConfigError,
    file_store::FileStore,
    http,
    preview::{Asked, Audience, Previews},
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("previewFile", PreviewFile::from_env()?, handle).await
}

struct PreviewFile {
    auth: Auth,
    files: FileStore,
    previews: Previews,
}

async fn handle(app: Arc<PreviewFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let index = http::index_query(&request, "version")?;
    let asked = Asked::by(&request, Audience::Caller)?;
    let meta = app.files.load_meta(&caller, http::path_file_id(&request)?, Right::View).await?;
    app.previews.of_file(&app.files, &meta, index, asked).await
}

impl PreviewFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()?, previews: Previews::from_env()? })
    }
}
