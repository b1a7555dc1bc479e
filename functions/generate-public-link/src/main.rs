//! `generatePublicLink`: a URL by which anybody gets the file, until it is revoked.
//!
//! A link leads to the latest version. Each request makes a link of its own, unless it repeats an `Idempotency-Key`.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{
    ApiError,
    acl::Right,
    auth::{Auth, Caller},
    config::ConfigError,
    file_store::FileStore,
    http,
    idempotency::Idempotency,
    object_key::FileId,
    public_link::PublicLink,
    public_url::PublicUrl,
    table::{MAX_ATTEMPTS, Written, back_off},
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
    let idempotency = Idempotency::of(&request, &caller)?;
    let link = app.link(&caller, file, idempotency.as_ref()).await?;
    http::json(StatusCode::CREATED, &link.url(&api))
}

impl GeneratePublicLink {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()?, public_url: PublicUrl::from_env() })
    }

    /// A new link, or the one that an earlier request with the same key made.
    async fn link(&self, caller: &Caller, file: FileId, request: Option<&Idempotency>) -> Result<PublicLink, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let meta = self.files.load_meta(caller, file, Right::View).await?;
            if !meta.permits(caller, Right::Share) {
                return Err(ApiError::Forbidden("only the file's own organisation may make public links to it"));
            }
            if let Some(request) = request
                && let Some(made) = self.files.begin(request).await?
            {
                let link = self.files.find_link(made.parse().map_err(ApiError::internal)?).await?;
                return link.ok_or_else(ApiError::link_not_found);
            }
            let link = PublicLink::to(&meta);
            if self.files.add_link(&link, &meta, request).await? == Written::Stored {
                return Ok(link);
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }
}
