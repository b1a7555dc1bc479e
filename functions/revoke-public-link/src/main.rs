//! `revokePublicLink`: from the reply on, the link gives the file to nobody.
//!
//! The organisation that the file belongs to may revoke its links; to others a link looks like one that never was.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, acl::Right, auth::Auth, config::ConfigError, file_store::FileStore, http};
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
    file.filter(|file| file.permits(&caller, Right::Share)).ok_or_else(ApiError::link_not_found)?;
    app.files.remove_link(&link).await?;
    Ok(http::empty(StatusCode::NO_CONTENT))
}

impl RevokePublicLink {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
