//! The upload's side of a save: may it be saved, its copy, and what is left to do once it is committed.

use crate::{SaveFile, request::SaveRequest};
use shared::{
    ApiError, access,
    acl::Right,
    auth::Caller,
    file::{AccessControl, File, Version},
    object_key::{FileId, TempKey},
    object_store::UploadedObject,
    upload_mark::{Begun, UploadMark},
};
use time::{Duration, OffsetDateTime};

/// How long an upload can be saved. S3's lifecycle rule runs once a day, so only we can make this exact.
const UPLOAD_LIFETIME: Duration = Duration::hours(24);

/// An upload at the start of its save.
pub enum Start {
    /// It is there to be saved.
    Fresh(UploadedObject),
    /// It is a version of this file already.
    SavedAs(FileId),
}

impl SaveFile {
    /// Marks the upload as being saved and looks at it, both at once.
    pub async fn start(&self, caller: &Caller, key: &TempKey, mark: &UploadMark) -> Result<Start, ApiError> {
        if key.org.as_ref().is_some_and(|org| *org != caller.org) {
            return Err(no_such_upload());
        }
        let (begun, upload) = tokio::join!(self.files.begin_save(mark), self.objects.head(key));
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
            if let Some(id) = self.saved_meanwhile(mark).await? {
                return Ok(Start::SavedAs(id));
            }
            self.files.abandon_save(mark).await?;
        }
        Ok(Start::Fresh(checked?))
    }

    /// After the commit: removes the upload, and makes a public file's objects public.
    pub async fn finish(&self, key: &TempKey, save: &SaveRequest, file: File) -> Result<File, ApiError> {
        if file.meta.access_control == AccessControl::PublicRead {
            access::enforce(&self.files, &self.objects, file.clone()).await?;
        }
        if save.delete_temp_file {
            self.objects.delete_upload(key).await;
        }
        Ok(file)
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
