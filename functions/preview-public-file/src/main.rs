//! `previewPublicFile`: a thumbnail of a version of a public file, without a token.
//!
//! As the contract says, a file that is not public is a 403. That it exists is then known to whoever knows its id,
//! which nobody can guess. With `org_id`, the file of another organisation is the 404 of an unknown one.

use lambda_http::{Body, Error, Request, Response};
use shared::{
    ApiError,
    config::ConfigError,
    file::Meta,
    file_store::FileStore,
    http,
    preview::{Asked, Audience, Previews},
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("previewPublicFile", PreviewPublicFile::from_env()?, handle).await
}

struct PreviewPublicFile {
    files: FileStore,
    previews: Previews,
}

async fn handle(app: Arc<PreviewPublicFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let index = http::index_query(&request, "version")?;
    let asked = Asked::by(&request, Audience::Everybody)?;
    let meta = app.public_file(&request).await?;
    app.previews.of_file(&app.files, &meta, index, asked).await
}

impl PreviewPublicFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { files: FileStore::from_env()?, previews: Previews::from_env()? })
    }

    async fn public_file(&self, request: &Request) -> Result<Meta, ApiError> {
        let org = http::text_query(request, "org_id");
        let meta = self.files.find_meta(http::path_file_id(request)?).await?;
        let is_asked_for = |meta: &Meta| !meta.is_deleted() && org.is_none_or(|org| meta.org.as_str() == org);
        let meta = meta.filter(is_asked_for).ok_or_else(ApiError::file_not_found)?;
        if meta.is_public() { Ok(meta) } else { Err(ApiError::Forbidden("the file is not publicly accessible")) }
    }
}
