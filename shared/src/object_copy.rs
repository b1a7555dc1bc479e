//! Copying an upload to its permanent key, inside S3.

use crate::{
    error::ApiError,
    file::Version,
    filename::{Filename, UNRESERVED},
    object_key::{SavedKey, TempKey},
    object_store::{INDEX_TAG, ObjectStore, UploadedObject},
    presign::PATH,
};
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    types::{CompletedMultipartUpload, CompletedPart, MetadataDirective, TaggingDirective},
};
use percent_encoding::utf8_percent_encode;
use std::collections::HashMap;
use tokio::task::JoinSet;

/// Above this an object is copied in parts, side by side. In bytes.
const MIN_PART_BYTES: u64 = 64 * 1024 * 1024;
/// How many parts at most, all at a time.
const MAX_PARTS: u64 = 16;

/// S3 stores 2 KB of system metadata; a longer disposition is left to the download URL, which has room for it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
const MAX_DISPOSITION_BYTES: usize = 1_024;

/// What became of a copy.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Copied {
    /// The copy is there.
    Done,
    /// The upload was replaced or removed since it was looked at.
    SourceChanged,
}

impl ObjectStore {
    /// Copies an upload to where `version` keeps it, private. The bytes are those that [`Self::head`] saw, or none.
    ///
    /// # Errors
    /// 500 if the copy fails.
    pub async fn copy(&self, from: &TempKey, upload: &UploadedObject, version: &Version) -> Result<Copied, ApiError> {
        let copied = if upload.size_bytes > MIN_PART_BYTES {
            self.copy_in_parts(from, upload, version).await
        } else {
            self.copy_at_once(from, upload, version).await
        };
        match copied {
            Ok(()) => Ok(Copied::Done),
            Err(CopyError::SourceChanged) => Ok(Copied::SourceChanged),
            Err(CopyError::Failed(error)) => Err(error),
        }
    }

    async fn copy_at_once(&self, from: &TempKey, upload: &UploadedObject, version: &Version) -> Result<(), CopyError> {
        self.client()
            .copy_object()
            .bucket(&self.bucket)
            .key(version.object_key.to_string())
            .copy_source(self.copy_source(from))
            .copy_source_if_match(&upload.etag)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(metadata(upload)))
            .content_type(version.mime_type.as_str())
            .content_disposition(content_disposition(&version.filename))
            .tagging_directive(TaggingDirective::Replace)
            .set_tagging(private_tags(version))
            .send()
            .await?;
        Ok(())
    }

    async fn copy_in_parts(&self, from: &TempKey, upload: &UploadedObject, version: &Version) -> Result<(), CopyError> {
        let key = version.object_key.to_string();
        let started = self
            .client()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(&key)
            .set_metadata(Some(metadata(upload)))
            .content_type(version.mime_type.as_str())
            .content_disposition(content_disposition(&version.filename))
            .set_tagging(private_tags(version))
            .send()
            .await?;
        let upload_id = started.upload_id().unwrap_or_default();
        let copied = self.copy_parts(from, upload, &key, upload_id).await;
        if copied.is_err() {
            self.abort(&version.object_key, upload_id).await;
        }
        copied
    }

    async fn copy_parts(
        &self,
        from: &TempKey,
        upload: &UploadedObject,
        key: &str,
        upload_id: &str,
    ) -> Result<(), CopyError> {
        let mut copies = JoinSet::new();
        for (number, (first, last)) in (1..).zip(byte_ranges(upload.size_bytes)) {
            let copy = self
                .client()
                .upload_part_copy()
                .bucket(&self.bucket)
                .key(key)
                .upload_id(upload_id)
                .part_number(number)
                .copy_source(self.copy_source(from))
                .copy_source_if_match(&upload.etag)
                .copy_source_range(format!("bytes={first}-{last}"));
            copies.spawn(async move {
                copy.send().await.map(|part| {
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

    /// Bucket and key, encoded for the `x-amz-copy-source` header.
    fn copy_source(&self, from: &TempKey) -> String {
        format!("{}/{}", self.bucket, utf8_percent_encode(&from.to_string(), &PATH))
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

fn metadata(upload: &UploadedObject) -> HashMap<String, String> {
    upload.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What the plain URL of a public file answers with.
pub(crate) fn content_disposition(filename: &Filename) -> String {
    let disposition = filename.content_disposition(false);
    if disposition.len() <= MAX_DISPOSITION_BYTES { disposition } else { "inline".to_owned() }
}

/// The tags of a private object, as the `x-amz-tagging` header has them: a query string.
fn private_tags(version: &Version) -> Option<String> {
    let tag = version.index_tag.as_ref()?;
    Some(format!("{INDEX_TAG}={}", utf8_percent_encode(tag.as_str(), &UNRESERVED)))
}

enum CopyError {
    SourceChanged,
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
            Some("PreconditionFailed" | "NoSuchKey") => Self::SourceChanged,
            _ => Self::Failed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
