//! `listPublicLinksForFile`: the public links to a file that are not revoked, oldest first, in pages.
//!
//! A link gives access for longer than a grant may last, so only the file's own organisation sees them.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde::Serialize;
use shared::{
    ApiError,
    acl::Right,
    auth::Auth,
    config::ConfigError,
    file_store::FileStore,
    http,
    public_link::{LinkCursor, LinkId, PublicLink},
    public_url::PublicUrl,
};
use std::sync::Arc;

/// The most links on a page, and how many there are if the request does not say.
const MAX_LIMIT: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("listPublicLinksForFile", ListPublicLinksForFile::from_env()?, handle).await
}

struct ListPublicLinksForFile {
    auth: Auth,
    files: FileStore,
    public_url: PublicUrl,
}

async fn handle(app: Arc<ListPublicLinksForFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let file = http::path_file_id(&request)?;
    let (limit, after): (_, Option<LinkCursor>) =
        (http::limit_query(&request, MAX_LIMIT)?, http::cursor_query(&request)?);
    let api = app.public_url.of(&request)?;
    // Read together. One link more than asked for says whether there is another page.
    let (meta, mut links) = tokio::try_join!(
        app.files.load_meta(&caller, file, Right::View),
        app.files.links(file, after.as_ref(), limit + 1)
    )?;
    if !meta.permits(&caller, Right::Share) {
        return Err(ApiError::Forbidden("only the file's own organisation may see its public links"));
    }
    let there_are_more = links.len() > limit;
    links.truncate(limit);
    let last = links.last().filter(|_| there_are_more);
    let next_cursor = last.map(|link| link.cursor().to_string());
    let results = links.into_iter().map(|link| Entry::new(link, &api)).collect();
    http::json(StatusCode::OK, &Page { results, next_cursor })
}

#[derive(Serialize)]
struct Page {
    results: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The contract's `PublicLink`.
#[derive(Serialize)]
struct Entry {
    id: LinkId,
    link: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_at: Option<String>,
}

impl Entry {
    fn new(link: PublicLink, api: &str) -> Self {
        Self { id: link.id, link: link.url(api), last_accessed_at: link.last_accessed_at }
    }
}

impl ListPublicLinksForFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, files: FileStore::from_env()?, public_url: PublicUrl::from_env() })
    }
}
