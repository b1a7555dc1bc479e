//! `previewS3File`: a thumbnail of what an `s3ref` names, a version that is saved or an upload that is not.
//!
//! It is for those who may download it: `downloadS3File` has the rules.

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
    http::run("previewS3File", PreviewS3File::from_env()?, handle).await
}

struct PreviewS3File {
    auth: Auth,
    files: FileStore,
    previews: Previews,
}

async fn handle(app: Arc<PreviewS3File>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let s3ref: S3Ref = http::json_body(&request)?;
    let asked = Asked::by(&request, Audience::Caller)?;
    app.previews.of_s3ref(&app.files, &caller, &s3ref, asked).await
}

impl PreviewS3File {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()?, previews: Previews::from_env()? })
    }
}
