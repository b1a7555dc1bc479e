//! The bytes of a new version, from where they are to their permanent key: started, then staged, then ready to commit.

use crate::{
    SaveFile,
    request::{NewVersion, Source},
};
use shared::{
    ApiError, access,
    acl::Right,
    auth::Caller,
    file::{AccessControl, File, Version},
    file_type::MimeType,
    filename::Filename,
    object_copy::Copied,
    object_key::{FileId, SavedKey, TempKey},
    object_store::UploadedObject,
    upload_mark::{Begun, UploadMark},
};
use time::{Duration, OffsetDateTime};

/// How long an upload can be saved. S3's lifecycle rule runs once a day, so only we can make this exact.
const UPLOAD_LIFETIME: Duration = Duration::hours(24);

/// A version at the start of its save.
pub enum Start<'a> {
    /// Its bytes are there to be saved.
    Fresh(Box<Fresh<'a>>),
    /// It is an upload that is a version of this file already.
    SavedAs(FileId),
}

/// Bytes that are marked as being saved.
pub struct Fresh<'a> {
    /// The mark, with the file's id and the permanent key.
    pub mark: UploadMark,
    pub wanted: &'a NewVersion,
    pub bytes: Bytes<'a>,
}

/// Where they are now.
pub enum Bytes<'a> {
    Upload(&'a TempKey, UploadedObject),
    Saved(&'a SavedKey, UploadedObject, Filename),
    Url(&'a str),
}

/// What became of bytes that were to be staged.
pub enum Stage {
    /// They are at their permanent key.
    Done(Box<Staged>),
    /// They are an upload that a quicker save made a version of this file.
    SavedAs(FileId),
}

/// Bytes at their permanent key, to be committed as a version.
pub struct Staged {
    pub version: Version,
    pub mark: UploadMark,
    pub source_url: Option<String>,
    /// The upload that is no longer needed afterwards.
    pub upload: Option<TempKey>,
}

impl SaveFile {
    /// Marks the bytes as being saved, as a version of this file or of a new one, and looks at them.
    pub async fn start<'a>(
        &self,
        caller: &Caller,
        file_id: Option<FileId>,
        wanted: &'a NewVersion,
    ) -> Result<Start<'a>, ApiError> {
        match &wanted.source {
            Source::Upload(key) => self.start_upload(caller, file_id, wanted, key).await,
            Source::Saved(key) => self.start_copy(caller, wanted, key).await,
            Source::Url(url) => self.start_fetch(caller, file_id, wanted, url).await,
        }
    }

    async fn start_upload<'a>(
        &self,
        caller: &Caller,
        file_id: Option<FileId>,
        wanted: &'a NewVersion,
        key: &'a TempKey,
    ) -> Result<Start<'a>, ApiError> {
        if key.org.as_ref().is_some_and(|org| *org != caller.org) {
            return Err(no_such_upload());
        }
        let mark = UploadMark::pending(key.saved(caller.org.clone()), file_id.unwrap_or(key.upload.file_id()));
        let (begun, upload) = tokio::join!(self.files.begin_save(&mark), self.objects.head(key));
        match begun? {
            Begun::SavedAs(id) => return Ok(Start::SavedAs(id)),
            Begun::Taken => return Err(no_such_upload()),
            Begun::Pending => {}
        }
        let checked = upload?.ok_or_else(no_such_upload).and_then(|upload| {
            let max_bytes = if key.public { self.max_public_bytes } else { self.max_bytes };
            check(upload.size_bytes, upload.uploaded_at, max_bytes).map(|()| upload)
        });
        if checked.is_err() {
            // A save that was quicker may have removed the upload after we had marked it.
            if let Some(id) = self.saved_meanwhile(&mark).await? {
                return Ok(Start::SavedAs(id));
            }
            self.files.abandon_save(&mark).await?;
        }
        Ok(Start::Fresh(Box::new(Fresh { mark, wanted, bytes: Bytes::Upload(key, checked?) })))
    }

    /// Finds the version that has these bytes, which the caller must be able to see.
    async fn start_copy<'a>(
        &self,
        caller: &Caller,
        wanted: &'a NewVersion,
        key: &'a SavedKey,
    ) -> Result<Start<'a>, ApiError> {
        let (file, version) = self.files.load_version(caller, key).await.map_err(|error| match error {
            ApiError::NotFound(_) => no_such_object(),
            other => other,
        })?;
        let filename = if file.is_latest(&version) { file.meta.filename } else { version.filename };
        let object_key = key.for_copy(caller.org.clone());
        let mark = UploadMark::pending(object_key.clone(), object_key.upload.file_id());
        let (begun, object) = tokio::join!(self.files.begin_save(&mark), self.objects.head(key));
        // Nobody else can know the new key.
        let (Begun::Pending, Some(object)) = (begun?, object?) else { return Err(no_such_object()) };
        Ok(Start::Fresh(Box::new(Fresh { mark, wanted, bytes: Bytes::Saved(key, object, filename) })))
    }

    /// Brings the bytes to their permanent key, private.
    pub async fn stage(&self, fresh: Fresh<'_>) -> Result<Stage, ApiError> {
        let Fresh { mark, wanted, bytes } = fresh;
        let (copied, version, upload) = match bytes {
            Bytes::Upload(key, object) => {
                let version = wanted.version(&mark, &object, object.metadata.filename().or_else(|| key.filename()))?;
                (self.objects.copy(key, &object, &version).await?, version, Some(key.clone()))
            }
            Bytes::Saved(key, object, filename) => {
                let version = wanted.version(&mark, &object, Some(filename))?;
                (self.objects.copy(key, &object, &version).await?, version, None)
            }
            Bytes::Url(url) => return self.fetch(url, wanted, mark).await.map(|staged| Stage::Done(Box::new(staged))),
        };
        match (copied, &upload) {
            (Copied::Done, _) => Ok(Stage::Done(Box::new(Staged { version, mark, source_url: None, upload }))),
            (Copied::SourceChanged, Some(_)) => {
                self.saved_meanwhile(&mark).await?.map(Stage::SavedAs).ok_or_else(upload_changed)
            }
            (Copied::SourceChanged, None) => {
                self.files.abandon_save(&mark).await?;
                Err(no_such_object())
            }
        }
    }

    /// The file that the upload was saved as meanwhile, by somebody who was quicker, or `None` if it can still be saved.
    pub async fn saved_meanwhile(&self, mark: &UploadMark) -> Result<Option<FileId>, ApiError> {
        match self.files.begin_save(mark).await? {
            Begun::Pending => Ok(None),
            Begun::SavedAs(id) => Ok(Some(id)),
            Begun::Taken => Err(no_such_upload()),
        }
    }

    /// Returns the file that a concurrent save of the same upload made, and mends what our late copy did to its object.
    pub async fn yield_to(&self, caller: &Caller, id: FileId, copied: &Version) -> Result<File, ApiError> {
        let Some(file) = self.files.find(id).await? else {
            // It was removed before our copy came: nothing else knows of the copy.
            self.objects.delete(std::slice::from_ref(&copied.object_key)).await?;
            return Err(ApiError::file_not_found());
        };
        if !file.meta.permits(caller, Right::Edit) {
            return Err(ApiError::file_not_found());
        }
        if file.meta.access_control == AccessControl::PublicRead {
            access::enforce(&self.files, &self.objects, file.clone()).await?;
        }
        Ok(file)
    }
}

impl NewVersion {
    /// The version that an object becomes: its name and type are those asked for, else the object's own.
    fn version(&self, mark: &UploadMark, object: &UploadedObject, own: Option<Filename>) -> Result<Version, ApiError> {
        let filename = self.filename.clone().or(own);
        let filename = filename.ok_or_else(|| ApiError::bad_request("filename is required"))?;
        let mime_type = self.mime_type.clone().or_else(|| object.mime_type.clone());
        Ok(Version {
            number: 1,
            object_key: mark.object_key.clone(),
            size_bytes: object.size_bytes,
            mime_type: mime_type.unwrap_or_else(|| MimeType::guess(&filename)),
            index_tag: object.metadata.index_tag(),
            filename,
        })
    }
}

/// Whether an upload of this size, at this time (in seconds since 1970), may be saved.
fn check(size_bytes: u64, uploaded_at: i64, max_bytes: u64) -> Result<(), ApiError> {
    if OffsetDateTime::now_utc().unix_timestamp() - uploaded_at > UPLOAD_LIFETIME.whole_seconds() {
        return Err(no_such_upload());
    }
    if size_bytes > max_bytes {
        return Err(ApiError::PayloadTooLarge(format!("a file may have at most {max_bytes} bytes")));
    }
    Ok(())
}

/// One reply for an upload that is another organisation's, expired, or was never made: they look the same.
fn no_such_upload() -> ApiError {
    ApiError::NotFound(
        "there is no such upload, or it has expired: an upload can be saved for 24 hours; upload it again",
    )
}

/// One reply for bytes that were never saved, are gone, or that the caller may not see.
fn no_such_object() -> ApiError {
    ApiError::NotFound("there is no such s3ref; send one of a file that you can get")
}

fn upload_changed() -> ApiError {
    ApiError::Conflict("the upload changed while it was being saved; save it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_can_be_saved_for_24_hours_and_no_longer() {
        let day_old = OffsetDateTime::now_utc().unix_timestamp() - 24 * 60 * 60;
        assert!(check(1, day_old + 60, 1).is_ok());
        assert!(matches!(check(1, day_old - 1, 1), Err(ApiError::NotFound(why)) if why.contains("24 hours")));
    }

    #[test]
    fn an_upload_over_the_limit_cannot_be_saved() {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        assert!(check(5, now, 5).is_ok());
        assert!(matches!(check(6, now, 5), Err(ApiError::PayloadTooLarge(_))));
    }
}
