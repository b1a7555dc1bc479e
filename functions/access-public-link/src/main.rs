//! `accessPublicLink`: from a public link to the bytes of the file's latest version, without a token.
//!
//! The id of the link decides; the name in the URL is for people and says nothing. A link that is revoked, or whose
//! file is deleted, gives the 404 of one that never was. That a link was followed is noted on the way, and never in the
//! way.

use lambda_http::{
    Body, Error, Request, Response,
    http::{
        HeaderValue, Method, StatusCode,
        header::{LOCATION, REFERRER_POLICY},
    },
};
use shared::{
    ApiError, config::ConfigError, download::Downloads, file_store::FileStore, http, public_link::PublicLink,
};
use std::{sync::Arc, time::Duration};

/// How long the redirect waits for the access to be noted.
const PATIENCE: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("accessPublicLink", AccessPublicLink::from_env()?, handle).await
}

struct AccessPublicLink {
    downloads: Downloads,
    files: FileStore,
}

async fn handle(app: Arc<AccessPublicLink>, request: Request) -> Result<Response<Body>, ApiError> {
    let id = http::path_link_id(&request)?;
    let link = app.files.find_link(id).await?.ok_or_else(ApiError::link_not_found)?;
    let (meta, ()) = tokio::join!(app.files.find_meta(link.file_id), note_access(&app.files, &link));
    let meta = meta?.filter(|meta| !meta.is_deleted()).ok_or_else(ApiError::link_not_found)?;
    let url = match *request.method() {
        Method::HEAD => app.downloads.latest_head(&meta, true).await?,
        _ => app.downloads.latest(&meta, true).await?,
    };

    let mut response = http::empty(StatusCode::FOUND);
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(url).map_err(ApiError::internal)?);
    // Which page the link stands on is no business of the place that it leads to.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

impl AccessPublicLink {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { downloads: Downloads::from_env()?, files: FileStore::from_env()? })
    }
}

async fn note_access(files: &FileStore, link: &PublicLink) {
    match tokio::time::timeout(PATIENCE, files.note_access(link)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(?error, "an access was not noted"),
        Err(_) => tracing::warn!("an access was not noted in time"),
    }
}

#[cfg(test)]
mod tests;
