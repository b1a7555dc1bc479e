//! `revokePublicLink`: from the reply on, the link gives the file to nobody.
//!
//! Whoever may edit the file may revoke its links; to everybody else a link looks like one that never was.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{
    ApiError,
    acl::Right,
    auth::Auth,
    config::ConfigError,
    file_store::{FileStore, Written},
    http,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("revokePublicLink", RevokePublicLink::from_env()?, handle).await
}

struct RevokePublicLink {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<RevokePublicLink>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let id = http::path_link_id(&request)?;
    let link = app.files.find_link(id).await?.ok_or_else(ApiError::link_not_found)?;
    let file = app.files.find_meta(link.file_id).await?;
    file.filter(|file| file.permits(&caller, Right::Edit)).ok_or_else(ApiError::link_not_found)?;
    match app.files.remove_link(&link).await? {
        Written::Stored => Ok(http::empty(StatusCode::NO_CONTENT)),
        Written::LostRace => Err(ApiError::too_busy()),
    }
}

impl RevokePublicLink {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
