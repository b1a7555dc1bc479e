//! `getGlobalFileCollections`: the collections that everybody in the caller's organisation has for a schema, in their
//! order.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, auth::Auth, collection::Owner, config::ConfigError, file_store::FileStore, http};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("getGlobalFileCollections", GetGlobalFileCollections::from_env()?, handle).await
}

struct GetGlobalFileCollections {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<GetGlobalFileCollections>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let owner = Owner::organisation(&caller);
    let schema = http::path_schema(&request, "schemaSlug")?;
    let set = app.files.collections(&owner, &schema).await?;
    http::json(StatusCode::OK, &set.items())
}

impl GetGlobalFileCollections {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
