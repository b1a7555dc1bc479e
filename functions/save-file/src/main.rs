//! `saveFile`: makes bytes permanent, as a new file or new versions of one, or changes a file's attributes.
//!
//! The bytes are an upload, a version of another file, or on another server; or they stay where they are, and the file
//! has only a `custom_download_url`.
//!
//! Claim the upload and HEAD it → copy it to its permanent key → commit the file → remove the upload. Whatever can be
//! refused is refused before the copy. The commit is one conditional write: before it nothing of the file can be seen,
//! and after it a repetition finds the file and returns it. Whatever an interruption leaves goes by itself: the upload
//! by the lifecycle rule, the copy when its claim runs out. What follows the commit never fails the request: the stream
//! worker repeats it.

mod add_versions;
mod changes;
mod create;
mod incoming;
mod request;
mod source_url;
mod update;

use changes::UrlChange;
use futures_util::future::join_all;
use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use request::SaveRequest;
use shared::{
    ApiError, access,
    acl::Right,
    auth::{Auth, Caller},
    config::{self, ConfigError},
    file::{File, Meta},
    file_store::FileStore,
    http,
    object_store::ObjectStore,
    presign::Presigner,
};
use source_url::SourceUrls;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("saveFile", SaveFile::from_env()?, handle).await
}

struct SaveFile {
    auth: Auth,
    bucket: Presigner,
    files: FileStore,
    objects: ObjectStore,
    max_bytes: u64,
    max_public_bytes: u64,
    max_versions: u32,
    source_urls: SourceUrls,
}

async fn handle(app: Arc<SaveFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let save = SaveRequest::parse(&request, &caller, app.bucket.bucket())?;
    let file = match (save.file_id, save.versions.as_slice(), &save.changes.custom_download_url) {
        (Some(id), [], _) => app.update(&caller, id, &save).await?,
        (Some(id), ..) => app.add_versions(&caller, id, &save).await?,
        (None, [bytes, ..], _) => Box::pin(app.create(&caller, bytes, &save)).await?,
        (None, [], UrlChange::Set(url)) => app.create_custom(&caller, url, &save).await?,
        (None, [], _) => {
            return Err(ApiError::bad_request("s3ref is required, or source_url, custom_download_url or _id"));
        }
    };
    let status = if http::is_v1(&request) { StatusCode::CREATED } else { StatusCode::OK };
    http::json(status, &file.entity(&app.bucket, save.strict))
}

impl SaveFile {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            auth: Auth::from_env()?,
            bucket: Presigner::from_env()?,
            files: FileStore::from_env()?,
            objects: ObjectStore::from_env()?,
            max_bytes: config::parsed("MAX_UPLOAD_BYTES")?,
            max_public_bytes: config::parsed("MAX_PUBLIC_UPLOAD_BYTES")?,
            max_versions: config::parsed("MAX_VERSIONS")?,
            source_urls: SourceUrls::from_env()?,
        })
    }

    /// The file that an earlier request with the same `Idempotency-Key` saved.
    async fn made_before(&self, caller: &Caller, save: &SaveRequest) -> Result<Option<File>, ApiError> {
        let Some(request) = &save.idempotency else { return Ok(None) };
        let Some(made) = self.files.begin(request).await? else { return Ok(None) };
        let id = made.parse().map_err(ApiError::internal)?;
        self.files.load(caller, id, Right::Edit).await.map(Some)
    }

    /// After the commit: brings the objects to what the file says, and removes the uploads.
    async fn finish(&self, before: Option<&Meta>, file: File, save: &SaveRequest) -> Result<File, ApiError> {
        let meta = match access::settle(&self.files, &self.objects, before, file.meta.clone()).await {
            Ok(meta) => meta,
            // The file does not say yet that it is private, and the reply must not say so either.
            Err(error) if file.meta.closing.is_some() => return Err(error),
            Err(error) => {
                tracing::warn!(?error, "the objects of a file are left to the worker");
                file.meta
            }
        };
        if save.delete_temp_file {
            let uploads = save.versions.iter().filter_map(|wanted| wanted.source.upload());
            join_all(uploads.map(|key| self.objects.delete_upload(key))).await;
        }
        Ok(File { meta, versions: file.versions })
    }
}

#[cfg(test)]
mod tests;
