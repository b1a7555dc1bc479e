//! `listFileVersions`: the versions of a file, newest first, in pages. The entity carries only the newest 100.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde::Serialize;
use serde_json::Value;
use shared::{
    ApiError,
    acl::Right,
    auth::Auth,
    config::ConfigError,
    error::Invalid,
    file::{ENTITY_VERSIONS, Version, version_entity},
    file_store::FileStore,
    http,
    presign::Presigner,
};
use std::{str::FromStr, sync::Arc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("listFileVersions", ListFileVersions::from_env()?, handle).await
}

struct ListFileVersions {
    auth: Auth,
    bucket: Presigner,
    files: FileStore,
}

#[derive(Serialize)]
struct Page {
    results: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn handle(app: Arc<ListFileVersions>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let limit = u32::try_from(http::limit_query(&request, ENTITY_VERSIONS)?).map_err(ApiError::internal)?;
    let cursor: Option<VersionCursor> = http::cursor_query(&request)?;
    let meta = app.files.load_meta(&caller, http::path_file_id(&request)?, Right::View).await?;
    // Numbers have no gaps, so a page is a range of them.
    let last = cursor.map_or(u32::MAX, |VersionCursor(number)| number - 1).min(meta.current_number());
    let first = last.saturating_sub(limit - 1).max(1);
    let versions = if last == 0 { Vec::new() } else { app.files.versions_between(&meta, first..=last).await? };
    let results = versions.iter().map(|version| numbered(version, &app.bucket)).collect();
    let next_cursor = (first > 1 && last > 0).then(|| first.to_string());
    http::json(StatusCode::OK, &Page { results, next_cursor })
}

/// The contract's `FileVersion` with its number, which stays when newer versions come.
fn numbered(version: &Version, bucket: &Presigner) -> Value {
    let mut entity = version_entity(version, bucket);
    if let Value::Object(entity) = &mut entity {
        entity.insert("number".to_owned(), version.number.into());
    }
    entity
}

/// The number of the oldest version on the page before.
struct VersionCursor(u32);

impl FromStr for VersionCursor {
    type Err = Invalid;

    fn from_str(cursor: &str) -> Result<Self, Invalid> {
        let number = cursor.parse().ok().filter(|number| *number > 0 && !cursor.starts_with(['0', '+']));
        number.map(Self).ok_or_else(|| Invalid::new("must be the next_cursor of a reply"))
    }
}

impl ListFileVersions {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, bucket: Presigner::from_env()?, files: FileStore::from_env()? })
    }
}
