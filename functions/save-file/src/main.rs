//! `saveFile`: makes bytes permanent, as a new file or new versions of one, or changes a file's attributes.
//!
//! The bytes are an upload, a version of another file, or on another server; or they stay where they are, and the file
//! has only a `custom_download_url`.
//!
//! HEAD the upload and mark it `pending` → copy it to its permanent key → commit file, version and mark in one
//! transaction → remove the upload. The transaction is the only commit point: before it nothing of the file can be seen,
//! and after it a repetition finds the file and returns it. Whatever an interruption leaves goes by itself: the upload
//! by the lifecycle rule, the copy when its mark runs out.

mod add_versions;
mod changes;
mod fetch;
mod request;
mod source;
mod source_url;

use changes::UrlChange;
use futures_util::future::join_all;
use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use request::{NewVersion, SaveRequest};
use shared::{
    ApiError, access,
    acl::Right,
    auth::{Auth, Caller},
    config::{self, ConfigError},
    custom_url::CustomUrl,
    file::{AccessControl, File, Meta},
    file_store::{FileStore, MAX_ATTEMPTS, Written, back_off},
    http,
    object_key::FileId,
    object_store::ObjectStore,
    presign::Presigner,
};
use source::{Stage, Staged, Start};
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
    source_urls: SourceUrls,
}

async fn handle(app: Arc<SaveFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let save = SaveRequest::parse(&request, app.bucket.bucket())?;
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
            source_urls: SourceUrls::from_env()?,
        })
    }

    /// Saves bytes as a new file, or returns the file that their upload already is.
    async fn create(&self, caller: &Caller, bytes: &NewVersion, save: &SaveRequest) -> Result<File, ApiError> {
        let staged = match self.start(caller, None, bytes).await? {
            Start::Fresh(fresh) => self.stage(*fresh).await?,
            Start::SavedAs(id) => Stage::SavedAs(id),
        };
        let staged = match staged {
            Stage::Done(staged) => *staged,
            Stage::SavedAs(id) => return self.files.load(caller, id, Right::Edit).await,
        };
        let Staged { version, mark, .. } = &staged;
        let blank = changes::new_file(caller, mark.file_id, version.filename.clone(), version.mime_type.clone());
        let meta = save.changes.apply_with(caller, &blank, &staged)?;
        for attempt in 0..MAX_ATTEMPTS {
            if self.files.commit(None, &meta, &[(version.clone(), mark.clone())]).await? == Written::Stored {
                let file = File { meta, versions: vec![version.clone()] };
                return self.finish(&[staged], save, file).await;
            }
            if let Some(id) = self.saved_meanwhile(mark).await? {
                return self.yield_to(caller, id, version).await;
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// Saves a file whose bytes are kept elsewhere.
    async fn create_custom(&self, caller: &Caller, url: &CustomUrl, save: &SaveRequest) -> Result<File, ApiError> {
        let meta = save.changes.new_custom_file(caller, url)?;
        match self.files.commit(None, &meta, &[]).await? {
            Written::Stored => Ok(File { meta, versions: Vec::new() }),
            // Nobody else can know its new id.
            Written::LostRace => Err(ApiError::too_busy()),
        }
    }

    /// Changes a file's attributes.
    async fn update(&self, caller: &Caller, id: FileId, save: &SaveRequest) -> Result<File, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let file = self.files.load(caller, id, Right::Edit).await?;
            // Clients send an entity back as they got it, so the s3ref of a version is no new one.
            if let Some(key) = &save.sent_back
                && !file.versions.iter().any(|version| version.object_key == *key)
            {
                return Err(ApiError::bad_request(
                    "s3ref is not a version of this file; send the s3ref of a new upload",
                ));
            }
            if save.version_only {
                return Ok(file);
            }
            let meta = save.changes.apply(caller, &file.meta)?;
            self.hide_first(&file, &meta).await?;
            if self.files.commit(Some(&file.meta), &meta, &[]).await? == Written::Stored {
                let was = file.meta.access_control;
                let file = File { meta, versions: file.versions };
                if file.meta.access_control != was {
                    access::enforce(&self.files, &self.objects, file.clone()).await?;
                }
                return Ok(file);
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// After the commit: makes a public file's objects public, and removes the uploads.
    async fn finish(&self, staged: &[Staged], save: &SaveRequest, file: File) -> Result<File, ApiError> {
        if file.meta.access_control == AccessControl::PublicRead {
            access::enforce(&self.files, &self.objects, file.clone()).await?;
        }
        if save.delete_temp_file {
            let uploads = staged.iter().filter_map(|staged| staged.upload.as_ref());
            join_all(uploads.map(|key| self.objects.delete_upload(key))).await;
        }
        Ok(file)
    }

    /// A file that turns private is hidden before it says so, one that turns public is shown after: whatever is
    /// interrupted, too little can be read, never too much.
    async fn hide_first(&self, before: &File, after: &Meta) -> Result<(), ApiError> {
        match (before.meta.access_control, after.access_control) {
            (AccessControl::PublicRead, AccessControl::Private) => {
                self.objects.set_access(&before.versions, AccessControl::Private).await
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
