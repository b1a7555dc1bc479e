//! `updateGlobalFileCollection`: changes a collection of the organisation, by an administrator; what is not mentioned
//! stays, and so does its slug.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, auth::Auth, collection::Owner, config::ConfigError, file_store::FileStore, http};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("updateGlobalFileCollection", UpdateGlobalFileCollection::from_env()?, handle).await
}

struct UpdateGlobalFileCollection {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<UpdateGlobalFileCollection>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let owner = Owner::administered_by(&caller)?;
    let schema = http::path_schema(&request, "schemaSlug")?;
    let slug = http::path_text(&request, "collectionSlug");
    let (set, updated) = app.files.update_collection(&owner, &schema, slug, &http::json_body(&request)?).await?;
    http::json(StatusCode::OK, &set.item(&updated))
}

impl UpdateGlobalFileCollection {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
