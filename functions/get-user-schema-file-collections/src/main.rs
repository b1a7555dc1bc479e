//! `getUserSchemaFileCollections`: a user's own collections for a schema, in their order.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, auth::Auth, collection::Owner, config::ConfigError, file_store::FileStore, http};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("getUserSchemaFileCollections", GetUserSchemaFileCollections::from_env()?, handle).await
}

struct GetUserSchemaFileCollections {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<GetUserSchemaFileCollections>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let owner = Owner::user(&caller)?;
    let schema = http::path_schema(&request, "slug")?;
    let set = app.files.collections(&owner, &schema).await?;
    http::json(StatusCode::OK, &set.items())
}

impl GetUserSchemaFileCollections {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
