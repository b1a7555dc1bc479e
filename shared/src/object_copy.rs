//! Copying an upload, or the bytes of a version, to another permanent key, inside S3.

use crate::{
    error::ApiError,
    file::Version,
    file_type::MimeType,
    filename::{Filename, UNRESERVED},
    metadata::SOURCE_ETAG,
    object_key::SavedKey,
    object_store::{INDEX_TAG, ObjectStore, StoredObject},
    presign::PATH,
};
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    types::{CompletedMultipartUpload, CompletedPart, MetadataDirective, TaggingDirective},
};
use percent_encoding::utf8_percent_encode;
use std::{collections::HashMap, fmt::Display};
use tokio::task::JoinSet;

/// Above this an object is copied in parts, side by side. In bytes.
const MIN_PART_BYTES: u64 = 64 * 1024 * 1024;
/// How many parts at most, all at a time.
const MAX_PARTS: u64 = 16;

/// For `If-None-Match`: no object may be there.
pub(crate) const ANY: &str = "*";

/// S3 stores 2 KB of system metadata; a longer disposition is left to the download URL, which has room for it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
const MAX_DISPOSITION_BYTES: usize = 1_024;

/// What became of a copy.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Copied {
    /// The bytes are there, copied now or by an earlier attempt.
    Done,
    /// There are other bytes, which an earlier attempt copied before they were uploaded anew: their `ETag`.
    Occupied(String),
    /// The source was replaced or removed since it was looked at.
    SourceChanged,
}

impl ObjectStore {
    /// Copies an object to where `version` keeps it, private, unless there is an object already, or only in the place of
    /// the one with the `ETag` `replaced`. The bytes are those that [`Self::head`] saw, or none.
    ///
    /// # Errors
    /// 500 if the copy fails.
    pub async fn copy(
        &self,
        from: &impl Display,
        source: &StoredObject,
        version: &Version,
        replaced: Option<&str>,
    ) -> Result<Copied, ApiError> {
        let copy = Copy {
            // Bucket and key, encoded for the `x-amz-copy-source` header.
            source: format!("{}/{}", self.bucket, utf8_percent_encode(&from.to_string(), &PATH)),
            source_etag: &source.etag,
            size_bytes: source.size_bytes,
            version,
            replaced,
            metadata: metadata(source),
            disposition: content_disposition(&version.filename, &version.mime_type),
        };
        let copied = if copy.size_bytes > MIN_PART_BYTES {
            // To learn it only at the end would cost all of the parts.
            if let (None, Copied::Done) = (replaced, self.look_at_copy(&copy).await?) {
                return Ok(Copied::Done);
            }
            self.copy_in_parts(&copy).await
        } else {
            self.copy_at_once(&copy).await
        };
        match copied {
            Ok(()) => Ok(Copied::Done),
            Err(CopyError::Precondition) => self.look_at_copy(&copy).await,
            Err(CopyError::Failed(error)) => Err(error),
        }
    }

    /// S3 says in the same way that the source changed and that there is an object already. One of the same bytes is as
    /// good as a new copy, also if its name and type are those of another attempt: nothing is written that a save which
    /// was quicker may have committed.
    async fn look_at_copy(&self, copy: &Copy<'_>) -> Result<Copied, ApiError> {
        let Some(object) = self.head(&copy.version.object_key).await? else { return Ok(Copied::SourceChanged) };
        let is_copy = object.metadata.source_etag() == copy.metadata.get(SOURCE_ETAG).map(String::as_str);
        let has_same_bytes = is_copy && object.size_bytes == copy.size_bytes;
        Ok(if has_same_bytes { Copied::Done } else { Copied::Occupied(object.etag) })
    }

    async fn copy_at_once(&self, copy: &Copy<'_>) -> Result<(), CopyError> {
        self.client()
            .copy_object()
            .bucket(&self.bucket)
            .key(copy.version.object_key.to_string())
            .set_if_none_match(copy.absent())
            .set_if_match(copy.replaced.map(str::to_owned))
            .copy_source(&copy.source)
            .copy_source_if_match(copy.source_etag)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(copy.metadata.clone()))
            .content_type(copy.version.mime_type.as_str())
            .content_disposition(&copy.disposition)
            .tagging_directive(TaggingDirective::Replace)
            .set_tagging(private_tags(copy.version))
            .send()
            .await?;
        Ok(())
    }

    async fn copy_in_parts(&self, copy: &Copy<'_>) -> Result<(), CopyError> {
        let started = self
            .client()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(copy.version.object_key.to_string())
            .set_metadata(Some(copy.metadata.clone()))
            .content_type(copy.version.mime_type.as_str())
            .content_disposition(&copy.disposition)
            .set_tagging(private_tags(copy.version))
            .send()
            .await?;
        let upload_id = started.upload_id().unwrap_or_default();
        let copied = self.copy_parts(copy, upload_id).await;
        if copied.is_err() {
            self.abort(&copy.version.object_key, upload_id).await;
        }
        copied
    }

    async fn copy_parts(&self, copy: &Copy<'_>, upload_id: &str) -> Result<(), CopyError> {
        let key = copy.version.object_key.to_string();
        let mut copies = JoinSet::new();
        for (number, (first, last)) in (1..).zip(byte_ranges(copy.size_bytes)) {
            let part = self
                .client()
                .upload_part_copy()
                .bucket(&self.bucket)
                .key(&key)
                .upload_id(upload_id)
                .part_number(number)
                .copy_source(&copy.source)
                .copy_source_if_match(copy.source_etag)
                .copy_source_range(format!("bytes={first}-{last}"));
            copies.spawn(async move {
                part.send().await.map(|part| {
                    let etag = part.copy_part_result.and_then(|result| result.e_tag);
                    CompletedPart::builder().part_number(number).set_e_tag(etag).build()
                })
            });
        }
        let mut parts = Vec::new();
        while let Some(copy) = copies.join_next().await {
            parts.push(copy.map_err(ApiError::internal)??);
        }
        parts.sort_by_key(CompletedPart::part_number);
        let complete = self.client().complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload_id);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = complete.set_if_none_match(copy.absent()).set_if_match(copy.replaced.map(str::to_owned));
        complete.multipart_upload(parts).send().await?;
        Ok(())
    }

    /// Abandons a multipart upload. The lifecycle rule would do this too, a day later.
    pub(crate) async fn abort(&self, key: &SavedKey, upload_id: &str) {
        let abort = self.client().abort_multipart_upload().bucket(&self.bucket).key(key.to_string());
        if let Err(error) = abort.upload_id(upload_id).send().await {
            tracing::warn!(%error, "an abandoned multipart upload is left to the lifecycle rule");
        }
    }
}

/// The first and last byte of each part: as many parts as there may be, but none that is not worth its request.
fn byte_ranges(size_bytes: u64) -> impl Iterator<Item = (u64, u64)> {
    let part_bytes = size_bytes.div_ceil(MAX_PARTS).max(MIN_PART_BYTES);
    (0..size_bytes.div_ceil(part_bytes)).map(move |part| {
        let first = part * part_bytes;
        (first, (first + part_bytes).min(size_bytes) - 1)
    })
}

/// The source's metadata, and its `ETag`: a copy that an earlier attempt made can be told from one of other bytes.
fn metadata(source: &StoredObject) -> HashMap<String, String> {
    let kept = source.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let etag = (SOURCE_ETAG.to_owned(), source.etag.trim_matches('"').to_owned());
    kept.filter(|(name, _)| name != SOURCE_ETAG).chain([etag]).collect()
}

/// What the plain URL of a public file answers with. A browser must not run what it shows: all files have one origin.
pub(crate) fn content_disposition(filename: &Filename, mime_type: &MimeType) -> String {
    let is_active = mime_type.is_active();
    let disposition = filename.content_disposition(is_active);
    match disposition.len() {
        0..=MAX_DISPOSITION_BYTES => disposition,
        _ if is_active => "attachment".to_owned(),
        _ => "inline".to_owned(),
    }
}

/// The tags of a private object, as the `x-amz-tagging` header has them: a query string.
fn private_tags(version: &Version) -> Option<String> {
    let tag = version.index_tag.as_ref()?;
    Some(format!("{INDEX_TAG}={}", utf8_percent_encode(tag.as_str(), &UNRESERVED)))
}

/// One copy, as S3 is asked for it.
struct Copy<'a> {
    source: String,
    source_etag: &'a str,
    size_bytes: u64,
    version: &'a Version,
    replaced: Option<&'a str>,
    metadata: HashMap<String, String>,
    disposition: String,
}

impl Copy<'_> {
    /// That no object may be there, unless one is to be replaced.
    fn absent(&self) -> Option<String> {
        self.replaced.is_none().then(|| ANY.to_owned())
    }
}

enum CopyError {
    Precondition,
    Failed(ApiError),
}

impl From<ApiError> for CopyError {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl<E> From<SdkError<E>> for CopyError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        match error.code() {
            // A multipart upload is gone once it is completed, of which the reply may have been lost.
            Some("PreconditionFailed" | "NoSuchKey" | "ConditionalRequestConflict" | "NoSuchUpload") => {
                Self::Precondition
            }
            _ => Self::Failed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
