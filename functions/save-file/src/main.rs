//! `saveFile`: makes an upload permanent, as a new file or a new version of one, or changes a file's attributes.
//!
//! HEAD the upload and mark it `pending` → copy it to its permanent key → commit file, version and mark in one
//! transaction → remove the upload. The transaction is the only commit point: before it nothing of the file can be seen,
//! and after it a repetition finds the file and returns it. Whatever an interruption leaves goes by itself: the upload
//! by the lifecycle rule, the copy when its mark runs out.

mod request;
#[allow(dead_code)] // Until the handler calls it.
mod source_url;
mod upload;

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use request::SaveRequest;
use shared::{
    ApiError, access,
    acl::Right,
    auth::{Auth, Caller},
    config::{self, ConfigError},
    file::{AccessControl, File, Meta},
    file_store::{FileStore, MAX_ATTEMPTS, Written, back_off},
    http,
    object_copy::Copied,
    object_key::{FileId, ObjectKey, TempKey},
    object_store::ObjectStore,
    presign::Presigner,
    upload_mark::UploadMark,
};
use std::sync::Arc;
use upload::Start;

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
}

async fn handle(app: Arc<SaveFile>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let save = SaveRequest::parse(&request, app.bucket.bucket())?;
    let file = match (save.file_id, &save.s3ref) {
        (None, Some(ObjectKey::Temp(upload))) => app.create(&caller, upload, &save).await?,
        (Some(id), Some(ObjectKey::Temp(upload))) => app.add_version(&caller, id, upload, &save).await?,
        (Some(id), None | Some(ObjectKey::Saved(_))) => app.update(&caller, id, &save).await?,
        (None, Some(ObjectKey::Saved(_))) => {
            return Err(ApiError::bad_request("s3ref is saved already; send the _id of its file to change it"));
        }
        (None, None) => return Err(ApiError::bad_request("s3ref is required")),
    };
    let status = if http::is_v1(&request) { StatusCode::CREATED } else { StatusCode::OK };
    http::json(status, &file.entity(&app.bucket))
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
        })
    }

    /// Saves an upload as a new file, or returns the file that it already is.
    async fn create(&self, caller: &Caller, key: &TempKey, save: &SaveRequest) -> Result<File, ApiError> {
        let mark = UploadMark::pending(key.saved(caller.org.clone()), key.upload.file_id());
        let upload = match self.start(caller, key, &mark).await? {
            Start::Fresh(upload) => upload,
            Start::SavedAs(id) => return self.files.load(caller, id, Right::Edit).await,
        };
        let version = save.version(1, mark.object_key.clone(), key, &upload)?;
        let meta = save.new_meta(caller, mark.file_id, &version)?;
        if self.objects.copy(key, &upload, &version).await? == Copied::SourceChanged {
            let id = self.saved_meanwhile(&mark).await?.ok_or_else(upload_changed)?;
            return self.files.load(caller, id, Right::Edit).await;
        }
        for attempt in 0..MAX_ATTEMPTS {
            if self.files.commit(None, &meta, &[(version.clone(), mark.clone())]).await? == Written::Stored {
                return self.finish(key, save, File { meta, versions: vec![version] }).await;
            }
            if let Some(id) = self.saved_meanwhile(&mark).await? {
                return self.yield_to(caller, id, &version).await;
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// Saves an upload as a file's newest version and changes its attributes; if it is one already, only the latter.
    async fn add_version(
        &self,
        caller: &Caller,
        id: FileId,
        key: &TempKey,
        save: &SaveRequest,
    ) -> Result<File, ApiError> {
        let mark = UploadMark::pending(key.saved(caller.org.clone()), id);
        let (start, file) = tokio::join!(self.start(caller, key, &mark), self.files.load(caller, id, Right::Edit));
        let (upload, mut before) = match (start?, file) {
            (Start::SavedAs(saved_as), _) => return self.update(caller, only(id, saved_as)?, save).await,
            (Start::Fresh(_), Err(error)) => {
                self.files.abandon_save(&mark).await?;
                return Err(error);
            }
            (Start::Fresh(upload), Ok(file)) => (upload, file),
        };
        let mut version = save.version(1, mark.object_key.clone(), key, &upload)?;
        if self.objects.copy(key, &upload, &version).await? == Copied::SourceChanged {
            let saved_as = self.saved_meanwhile(&mark).await?.ok_or_else(upload_changed)?;
            return self.files.load(caller, only(id, saved_as)?, Right::Edit).await;
        }
        for attempt in 0..MAX_ATTEMPTS {
            version.number = before.versions.first().map_or(1, |latest| latest.number + 1);
            let meta = save.with_version(&before.meta, &version)?;
            self.hide_first(&before, &meta).await?;
            if self.files.commit(Some(&before.meta), &meta, &[(version.clone(), mark.clone())]).await?
                == Written::Stored
            {
                before.versions.insert(0, version);
                return self.finish(key, save, File { meta, versions: before.versions }).await;
            }
            if let Some(saved_as) = self.saved_meanwhile(&mark).await? {
                return self.yield_to(caller, only(id, saved_as)?, &version).await;
            }
            back_off(attempt).await;
            before = self.files.load(caller, id, Right::Edit).await?;
        }
        Err(ApiError::too_busy())
    }

    /// Changes a file's attributes.
    async fn update(&self, caller: &Caller, id: FileId, save: &SaveRequest) -> Result<File, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let File { meta: before, versions } = self.files.load(caller, id, Right::Edit).await?;
            // Clients send an entity back as they got it, so the s3ref of a version is no new one.
            if let Some(ObjectKey::Saved(key)) = &save.s3ref
                && !versions.iter().any(|version| version.object_key == *key)
            {
                return Err(ApiError::bad_request(
                    "s3ref is not a version of this file; send the s3ref of a new upload",
                ));
            }
            let meta = save.changed(&before)?;
            let file = File { meta: before, versions };
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

/// An upload becomes a version of one file only.
fn only(id: FileId, saved_as: FileId) -> Result<FileId, ApiError> {
    if saved_as == id {
        Ok(id)
    } else {
        Err(ApiError::Conflict("this upload is already saved as another file; upload it again"))
    }
}

fn upload_changed() -> ApiError {
    ApiError::Conflict("the upload changed while it was being saved; save it again")
}

#[cfg(test)]
mod tests;
