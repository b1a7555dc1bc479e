//! `downloadFiles`: what `downloadFile` does, for up to 100 files at once.
//!
//! Each is judged on its own, and answered in the order asked for: where there is no such file or version for the
//! caller, a 404 of its own stands in the URL's place, and the others are served.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    ApiError,
    acl::Right,
    auth::Auth,
    config::ConfigError,
    download::{self, Downloads},
    file::{Meta, Version},
    file_store::FileStore,
    http,
    object_key::FileId,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// As many as one call of DynamoDB's returns.
const MAX_FILES: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("downloadFiles", DownloadFiles::from_env()?, handle).await
}

struct DownloadFiles {
    auth: Auth,
    downloads: Downloads,
    files: FileStore,
}

/// A file, and the index of its version, 0 being the latest.
#[derive(Deserialize)]
struct Wanted {
    id: FileId,
    version: Option<u32>,
}

async fn handle(app: Arc<DownloadFiles>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let wanted: Vec<Wanted> = http::list(http::json_value(&request)?, 0..=MAX_FILES)?;

    let ids: Vec<_> = wanted.iter().map(|wanted| wanted.id).collect();
    let mut metas = app.files.metas(&ids).await?;
    metas.retain(|_, meta| meta.permits(&caller, Right::View));
    let older: HashSet<_> = wanted.iter().filter_map(|wanted| wanted.older(metas.get(&wanted.id)?)).collect();
    let versions = app.files.versions(&older).await?;

    let mut replies = Vec::with_capacity(wanted.len());
    for wanted in &wanted {
        let url = app.url(wanted, metas.get(&wanted.id), &versions).await;
        replies.push(reply(wanted.id, url)?);
    }
    http::json(StatusCode::OK, &replies)
}

impl Wanted {
    /// The number of the version, by its file, unless it is the latest or there can be none.
    fn older(&self, meta: &Meta) -> Option<(FileId, u32)> {
        let index = self.version.filter(|index| *index > 0)?;
        Some((self.id, meta.number_at(index)?))
    }
}

impl DownloadFiles {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, downloads: Downloads::from_env()?, files: FileStore::from_env()? })
    }

    async fn url(
        &self,
        wanted: &Wanted,
        meta: Option<&Meta>,
        versions: &HashMap<(FileId, u32), Version>,
    ) -> Result<String, ApiError> {
        let meta = meta.ok_or_else(ApiError::file_not_found)?;
        if wanted.version.unwrap_or_default() == 0 {
            return self.downloads.latest(meta, true).await;
        }
        let version = wanted.older(meta).and_then(|name| versions.get(&name));
        self.downloads.older(version.ok_or_else(download::no_such_version)?, true)
    }
}

/// A 404 is the one file's; any other error is the whole request's.
fn reply(id: FileId, url: Result<String, ApiError>) -> Result<Value, ApiError> {
    match url {
        Ok(url) => Ok(json!({ "file_entity_id": id, "download_url": url })),
        Err(error @ ApiError::NotFound(_)) => {
            Ok(json!({ "file_entity_id": id, "status": error.status().as_u16(), "error": error.to_string() }))
        }
        Err(error) => Err(error),
    }
}
