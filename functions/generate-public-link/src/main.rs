//! `generatePublicLink`: a URL by which anybody gets the file, until it is revoked.
//!
//! It follows the file: whoever opens it gets the latest version. Each request makes a link of its own.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{
    ApiError,
    acl::Right,
    auth::{Auth, Caller},
    config::ConfigError,
    file_store::{FileStore, MAX_ATTEMPTS, Written, back_off},
    http,
    object_key::FileId,
    public_link::PublicLink,
    public_url::PublicUrl,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("generatePublicLink", GeneratePublicLink::from_env()?, handle).await
}

struct GeneratePublicLink {
    auth: Auth,
    files: FileStore,
    public_url: PublicUrl,
}

async fn handle(app: Arc<GeneratePublicLink>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let file = http::path_file_id(&request)?;
    let api = app.public_url.of(&request)?;
    let link = app.link(&caller, file).await?;
    http::json(StatusCode::CREATED, &link.url(&api))
}

impl GeneratePublicLink {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()?, public_url: PublicUrl::from_env() })
    }

    async fn link(&self, caller: &Caller, file: FileId) -> Result<PublicLink, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let meta = self.files.load_meta(caller, file, Right::Edit).await?;
            let link = PublicLink::to(&meta);
            if self.files.add_link(&link, &meta).await? == Written::Stored {
                return Ok(link);
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }
}
