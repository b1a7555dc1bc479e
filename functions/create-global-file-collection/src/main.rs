//! `createGlobalFileCollection`: a new collection for everybody in the organisation, by an administrator.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{ApiError, auth::Auth, collection::Owner, config::ConfigError, file_store::FileStore, http};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("createGlobalFileCollection", CreateGlobalFileCollection::from_env()?, handle).await
}

struct CreateGlobalFileCollection {
    auth: Auth,
    files: FileStore,
}

async fn handle(app: Arc<CreateGlobalFileCollection>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let owner = Owner::administered_by(&caller)?;
    let schema = http::path_schema(&request, "schemaSlug")?;
    let (set, created) = app.files.create_collection(&owner, &schema, &http::json_body(&request)?).await?;
    http::json(StatusCode::CREATED, &set.item(&created))
}

impl CreateGlobalFileCollection {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()? })
    }
}
