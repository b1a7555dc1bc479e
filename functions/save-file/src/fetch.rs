//! The bytes behind a `source_url`, from another server straight to their permanent key.

use crate::{
    SaveFile,
    request::NewVersion,
    source::{Bytes, Fresh, Staged, Start},
};
use shared::{
    ApiError,
    auth::Caller,
    error::Invalid,
    file::Version,
    file_type::MimeType,
    filename::Filename,
    object_key::{FileId, SavedKey},
    upload_mark::{Begun, UploadMark},
};

impl SaveFile {
    /// Marks a new key as being saved to, so that what a fetch that dies leaves there goes. Nothing is fetched yet: the
    /// caller may have no right to the file.
    pub async fn start_fetch<'a>(
        &self,
        caller: &Caller,
        file_id: Option<FileId>,
        wanted: &'a NewVersion,
        url: &'a str,
    ) -> Result<Start<'a>, ApiError> {
        // The name in the key is for people who browse the bucket; the server may yet say another.
        let object_key = match &wanted.filename {
            Some(filename) => SavedKey::new(caller.org.clone(), filename),
            None => SavedKey::new(caller.org.clone(), &unnamed()?),
        };
        let mark = UploadMark::pending(object_key.clone(), file_id.unwrap_or(object_key.upload.file_id()));
        match self.files.begin_save(&mark).await? {
            Begun::Pending => Ok(Start::Fresh(Box::new(Fresh { mark, wanted, bytes: Bytes::Url(url) }))),
            Begun::SavedAs(_) | Begun::Taken => Err(ApiError::internal("somebody else has a new random id")),
        }
    }

    /// Fetches the file and stores it as it comes; its name and type are those asked for, else the server's.
    pub async fn fetch(&self, url: &str, wanted: &NewVersion, mark: UploadMark) -> Result<Staged, ApiError> {
        match self.fetch_version(url, wanted, &mark).await {
            Ok(version) => Ok(Staged { version, mark, source_url: Some(url.to_owned()), upload: None }),
            // S3 may have stored the object that it did not confirm: then the mark that runs out removes it.
            Err(error @ ApiError::Internal(_)) => Err(error),
            Err(error) => {
                self.files.abandon_save(&mark).await?;
                Err(error)
            }
        }
    }

    async fn fetch_version(&self, url: &str, wanted: &NewVersion, mark: &UploadMark) -> Result<Version, ApiError> {
        let mut fetched = self.source_urls.fetch(url).await?;
        let filename = wanted.filename.clone().or(fetched.filename.take());
        let filename = filename.ok_or_else(|| ApiError::bad_request("filename is required"))?;
        let mime_type = wanted.mime_type.clone().or(fetched.mime_type.take());
        let mime_type = mime_type.unwrap_or_else(|| MimeType::guess(&filename));
        let object_key = mark.object_key.clone();
        let size_bytes = self.objects.put_stream(&object_key, &filename, &mime_type, &mut fetched).await?;
        Ok(Version { number: 1, object_key, filename, size_bytes, mime_type, index_tag: None })
    }
}

fn unnamed() -> Result<Filename, ApiError> {
    Filename::try_from("fetched".to_owned()).map_err(|invalid: Invalid| ApiError::internal(invalid))
}
