//! `updateUserSchemaFileCollection`: changes a collection of the user's own; what is not mentioned stays, and so does
//! its slug.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, auth::Auth, collection::Owner, config::ConfigError, file_store::FileStore, http};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("updateUserSchemaFileCollection", UpdateUserSchemaFileCollection::from_env()?, handle).await
}

struct UpdateUserSchemaFileCollection {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<UpdateUserSchemaFileCollection>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let owner = Owner::user(&caller)?;
    let schema = http::path_schema(&request, "slug")?;
    let slug = http::path_text(&request, "collectionSlug");
    let (set, updated) = app.files.update_collection(&owner, &schema, slug, &http::json_body(&request)?).await?;
    http::json(StatusCode::OK, &set.item(&updated))
}

impl UpdateUserSchemaFileCollection {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
