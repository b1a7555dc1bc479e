//! `deleteUserSchemaFileCollection`: deletes a collection of the user's own. The files in it stay, and so do the
//! collections nested in it.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, auth::Auth, collection::Owner, config::ConfigError, file_store::FileStore, http};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("deleteUserSchemaFileCollection", DeleteUserSchemaFileCollection::from_env()?, handle).await
}

struct DeleteUserSchemaFileCollection {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<DeleteUserSchemaFileCollection>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let owner = Owner::user(&caller)?;
    let schema = http::path_schema(&request, "slug")?;
    app.files.delete_collection(&owner, &schema, http::path_text(&request, "collectionSlug")).await?;
    Ok(http::empty(StatusCode::OK))
}

impl DeleteUserSchemaFileCollection {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
