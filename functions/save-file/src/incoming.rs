//! The bytes of a new version: looked at where they are, then brought to their permanent key.

use crate::{
    SaveFile,
    request::{NewVersion, Source},
    source_url::Fetched,
};
use shared::{
    ApiError,
    auth::Caller,
    file::Version,
    file_type::MimeType,
    filename::Filename,
    object_copy::Copied,
    object_key::{FileId, SavedKey, TempKey},
    object_store::StoredObject,
    table::{MAX_ATTEMPTS, Written, back_off},
    upload_mark::{Claimed, Pending, Record, UploadMark},
};
use std::fmt::Display;
use time::{Duration, OffsetDateTime};

/// How long an upload can be saved. S3's lifecycle rule runs once a day, so only we can make this exact.
const UPLOAD_LIFETIME: Duration = Duration::hours(24);

/// What became of bytes that were looked at.
pub enum Looked<'a> {
    /// They can be saved.
    New(Box<Incoming<'a>>),
    /// They are an upload that is a version of this file already.
    SavedAs(FileId),
}

/// Bytes that can be saved.
pub struct Incoming<'a> {
    /// The version that they become, as far as it is known: bytes of a `source_url` have no size yet.
    pub version: Version,
    /// The mark of their save.
    pending: Pending,
    origin: Origin<'a>,
}

/// Where they are.
enum Origin<'a> {
    Upload(&'a TempKey, StoredObject),
    Saved(&'a SavedKey, StoredObject),
    Url(&'a str, Box<Fetched>),
}

impl Incoming<'_> {
    /// The URL that they are fetched from.
    pub fn source_url(&self) -> Option<String> {
        match self.origin {
            Origin::Url(url, _) => Some(url.to_owned()),
            Origin::Upload(..) | Origin::Saved(..) => None,
        }
    }
}

impl SaveFile {
    /// Looks at the bytes and marks them as being saved. Of a `source_url` this is the begin of the fetch, so the
    /// caller's rights are to be checked before.
    pub async fn look<'a>(&self, caller: &Caller, wanted: &'a NewVersion) -> Result<Looked<'a>, ApiError> {
        match &wanted.source {
            Source::Upload(key) => self.look_at_upload(caller, wanted, key).await,
            Source::Saved(key) => self.look_at_saved(caller, wanted, key).await,
            Source::Url(url) => self.look_at_url(caller, wanted, url).await,
        }
    }

    async fn look_at_upload<'a>(
        &self,
        caller: &Caller,
        wanted: &'a NewVersion,
        key: &'a TempKey,
    ) -> Result<Looked<'a>, ApiError> {
        if key.org.as_ref().is_some_and(|org| *org != caller.org) {
            return Err(no_such_upload());
        }
        let object_key = key.saved(caller.org.clone());
        let (claimed, object) = tokio::join!(self.files.claim(&object_key), self.objects.head(key));
        let pending = match claimed? {
            Claimed::Pending(pending) => pending,
            Claimed::File(meta) => return Ok(Looked::SavedAs(meta.id)),
            Claimed::VersionOf(id) => return Ok(Looked::SavedAs(id)),
            Claimed::Gone => return Err(no_such_upload()),
        };
        let Some(object) = object? else {
            // A quicker save may have removed the upload after we had claimed it.
            return self.saved_as(&pending).await?.map(Looked::SavedAs).ok_or_else(no_such_upload);
        };
        let max_bytes = if key.public { self.max_public_bytes } else { self.max_bytes };
        check(object.size_bytes, object.stored_at, max_bytes)?;
        let own_name = object.metadata.filename().or_else(|| key.filename());
        let version = wanted.version(&pending, own_name, object.mime_type.clone())?;
        let version = Version { size_bytes: object.size_bytes, index_tag: object.metadata.index_tag(), ..version };
        Ok(Looked::New(Box::new(Incoming { version, pending, origin: Origin::Upload(key, object) })))
    }

    /// Finds the version that has these bytes, which the caller must be able to see.
    async fn look_at_saved<'a>(
        &self,
        caller: &Caller,
        wanted: &'a NewVersion,
        key: &'a SavedKey,
    ) -> Result<Looked<'a>, ApiError> {
        let (meta, saved) = self.files.load_version(caller, key).await.map_err(|error| match error {
            ApiError::NotFound(_) => no_such_object(),
            other => other,
        })?;
        let own_name = if meta.current.as_ref() == Some(&saved) { meta.filename } else { saved.filename };
        let claim = self.claim_new(key.for_copy(caller.org.clone()));
        let (pending, object) = tokio::try_join!(claim, self.objects.head(key))?;
        let object = object.ok_or_else(no_such_object)?;
        let version = wanted.version(&pending, Some(own_name), object.mime_type.clone())?;
        let version = Version { size_bytes: object.size_bytes, index_tag: object.metadata.index_tag(), ..version };
        Ok(Looked::New(Box::new(Incoming { version, pending, origin: Origin::Saved(key, object) })))
    }

    async fn look_at_url<'a>(
        &self,
        caller: &Caller,
        wanted: &'a NewVersion,
        url: &'a str,
    ) -> Result<Looked<'a>, ApiError> {
        let mut fetched = self.source_urls.fetch(url).await?;
        let name_in_key = wanted.filename.clone().or_else(|| fetched.filename.clone());
        let name_in_key = name_in_key.ok_or_else(filename_is_required)?;
        let pending = self.claim_new(SavedKey::new(caller.org.clone(), &name_in_key)).await?;
        let version = wanted.version(&pending, fetched.filename.take(), fetched.mime_type.take())?;
        Ok(Looked::New(Box::new(Incoming { version, pending, origin: Origin::Url(url, Box::new(fetched)) })))
    }

    /// Marks a key that nobody else can know.
    async fn claim_new(&self, object_key: SavedKey) -> Result<Pending, ApiError> {
        match self.files.claim(&object_key).await? {
            Claimed::Pending(pending) => Ok(pending),
            _ => Err(ApiError::internal("somebody else has a new random id")),
        }
    }

    /// Brings the bytes to their permanent key, private. `None` if something changed since they were looked at: look
    /// again.
    pub async fn bring(&self, incoming: Incoming<'_>) -> Result<Option<(Version, Pending)>, ApiError> {
        let Incoming { mut version, mut pending, origin } = incoming;
        let brought = match origin {
            Origin::Upload(key, object) => self.copy(key, &object, &version, &mut pending).await?,
            Origin::Saved(key, object) => self.copy(key, &object, &version, &mut pending).await?,
            Origin::Url(_, mut fetched) => {
                let Version { object_key, filename, mime_type, .. } = &version;
                version.size_bytes = self.objects.put_stream(object_key, filename, mime_type, fetched.as_mut()).await?;
                true
            }
        };
        Ok(brought.then_some((version, pending)))
    }

    /// Copies an object, also in the place of other bytes that an earlier attempt copied.
    async fn copy(
        &self,
        from: &impl Display,
        object: &StoredObject,
        version: &Version,
        pending: &mut Pending,
    ) -> Result<bool, ApiError> {
        let mut replaced = None;
        for attempt in 0..MAX_ATTEMPTS {
            match self.objects.copy(from, object, version, replaced.as_deref()).await? {
                Copied::Done => return Ok(true),
                Copied::SourceChanged => return Ok(false),
                Copied::Occupied(etag) => {
                    // From here on no save that counts on those bytes can commit.
                    if self.files.fence(pending).await? == Written::LostRace {
                        return Ok(false);
                    }
                    replaced = Some(etag);
                }
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// The file that the upload was saved as meanwhile, by somebody who was quicker, or `None` if it can still be
    /// saved.
    ///
    /// # Errors
    /// 409 if it cannot be saved as it was looked at.
    pub async fn saved_as(&self, pending: &Pending) -> Result<Option<FileId>, ApiError> {
        match self.files.record(pending.object_key.upload.file_id()).await? {
            Some(Record::File(meta)) => Ok(Some(meta.id)),
            Some(Record::Mark(UploadMark::Version { file_id, .. })) => Ok(Some(file_id)),
            Some(Record::Mark(UploadMark::Pending(now))) if now == *pending => Ok(None),
            _ => Err(upload_changed()),
        }
    }
}

impl NewVersion {
    /// The version that bytes become: its name and type are those asked for, else the bytes' own. Size and number are
    /// still to be set.
    fn version(
        &self,
        pending: &Pending,
        own_name: Option<Filename>,
        own_type: Option<MimeType>,
    ) -> Result<Version, ApiError> {
        let filename = self.filename.clone().or(own_name).ok_or_else(filename_is_required)?;
        let mime_type = self.mime_type.clone().or(own_type);
        Ok(Version {
            number: 1,
            object_key: pending.object_key.clone(),
            size_bytes: 0,
            mime_type: mime_type.unwrap_or_else(|| MimeType::guess(&filename)),
            index_tag: None,
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

fn filename_is_required() -> ApiError {
    ApiError::bad_request("filename is required")
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
