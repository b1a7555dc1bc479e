//! `deleteFile`: hides a file from every reader, at once or for good after a while.
//!
//! With `purge=true`, and always by the v1 path, the file, its versions and their objects are gone when the reply is
//! sent. Else they are kept, hidden, for the retention time. Either way one conditional write decides; the rest can be
//! repeated, and the stream worker repeats it if this function dies on the way.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use shared::{
    ApiError, access,
    acl::Right,
    auth::{Auth, Caller},
    config::{self, ConfigError},
    file::{File, Meta, timestamp},
    file_store::{Change, FileStore},
    http,
    object_key::FileId,
    object_store::ObjectStore,
    presign::Presigner,
    purge::purge,
    table::{MAX_ATTEMPTS, Written, back_off},
};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("deleteFile", DeleteFile::from_env()?, handle).await
}

struct DeleteFile {
    auth: Auth,
    bucket: Presigner,
    files: FileStore,
    objects: ObjectStore,
    retention: Duration,
}

async fn handle(app: Arc<DeleteFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let at_once = http::is_v1(&request) || http::flag_query(&request, "purge", false)?;
    let strict = http::flag_query(&request, "strict", false)?;
    let id = http::path_file_id(&request)?;

    let (file, deleted) = app.mark_deleted(&caller, id, at_once).await?;
    if at_once {
        purge(&app.files, &app.objects, &deleted).await?;
    }
    http::json(StatusCode::OK, &file.entity(&app.bucket, strict))
}

impl DeleteFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            auth: Auth::from_env()?,
            bucket: Presigner::from_env()?,
            files: FileStore::from_env()?,
            objects: ObjectStore::from_env()?,
            retention: Duration::days(config::parsed("RETENTION_DAYS")?),
        })
    }

    /// Deletes the file for every reader, and says from when on it is to be removed for good. Returns it as it was and
    /// as it is.
    async fn mark_deleted(&self, caller: &Caller, id: FileId, at_once: bool) -> Result<(File, Meta), ApiError> {
        let wait = if at_once { Duration::ZERO } else { self.retention };
        for attempt in 0..MAX_ATTEMPTS {
            let file = self.files.load(caller, id, Right::Delete).await?;
            let expires_at = (OffsetDateTime::now_utc() + wait).unix_timestamp();
            let meta = file.meta.step_towards(file.meta.deleted(timestamp(), expires_at));
            let change = Change { before: Some(&file.meta), after: &meta, saved: &[], request: None };
            if self.files.commit(change).await? == Written::Stored {
                let deleted = access::settle(&self.files, &self.objects, Some(&file.meta), meta).await?;
                if deleted.is_deleted() {
                    return Ok((file, deleted));
                }
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }
}

#[cfg(test)]
mod tests;
