//! `previewS3FileGet`: as `previewS3File`, with the `s3ref` in the query, for `<img>` tags.

use lambda_http::{Body, Error, Request, Response};
use shared::{
    ApiError,
    auth::Auth,
    config::ConfigError,
    file_store::FileStore,
    http,
    preview::{Asked, Audience, Previews},
    s3ref::S3Ref,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("previewS3FileGet", PreviewS3FileGet::from_env()?, handle).await
}

struct PreviewS3FileGet {
    auth: Auth,
    files: FileStore,
    previews: Previews,
}

async fn handle(app: Arc<PreviewS3FileGet>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let s3ref = S3Ref::from_query(&request, ["bucket", "key"])?;
    let asked = Asked::by(&request, Audience::Caller)?;
    app.previews.of_s3ref(&app.files, &caller, &s3ref, asked).await
}

impl PreviewS3FileGet {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()?, previews: Previews::from_env()? })
    }
}
