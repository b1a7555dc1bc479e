//! Storing bytes as they come, without ever having the whole object in memory.

use crate::{
    error::ApiError,
    file_type::MimeType,
    filename::Filename,
    object_copy::{ANY, content_disposition},
    object_key::SavedKey,
    object_store::ObjectStore,
};
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use std::{error::Error, mem};
use tokio::task::JoinSet;

/// Up to this an object is stored with one request; S3 wants parts of at least 5 MiB. In bytes.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// How many parts are sent at a time, while the next one is read.
const PARALLEL: usize = 2;

/// Bytes that come from elsewhere, a few at a time.
///
/// A trait because a closure's future cannot be said to be `Send`, which a handler's must be.
pub trait Chunks: Send {
    /// The next bytes, or `None` after the last.
    ///
    /// # Errors
    /// If they are not all there, or too many.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, ApiError>> + Send;
}

/// The same bytes in parts, and the chunk of them that is not used up.
struct Parts<'a, C> {
    chunks: &'a mut C,
    rest: Bytes,
}

struct Part {
    bytes: Vec<u8>,
    is_last: bool,
}

impl ObjectStore {
    /// Stores all chunks as one private object under a new key, and returns how many bytes they have.
    ///
    /// # Errors
    /// Those of the chunks, and then nothing is stored; 500 if S3 fails, which may have stored them all the
    /// same: the mark of the save removes them when it runs out.
    pub async fn put_stream(
        &self,
        key: &SavedKey,
        filename: &Filename,
        mime_type: &MimeType,
        chunks: &mut impl Chunks,
    ) -> Result<u64, ApiError> {
        let mut parts = Parts { chunks, rest: Bytes::new() };
        let first = parts.next().await?;
        if first.is_last {
            return self.put_at_once(key, filename, mime_type, first.bytes).await;
        }
        let started = self
            .client()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key.to_string())
            .content_type(mime_type.as_str())
            .content_disposition(content_disposition(filename, mime_type))
            .send()
            .await?;
        let upload_id = started.upload_id().unwrap_or_default();
        let stored = self.put_parts(key, upload_id, first, &mut parts).await;
        if stored.is_err() {
            self.abort(key, upload_id).await;
        }
        stored
    }

    async fn put_at_once(
        &self,
        key: &SavedKey,
        filename: &Filename,
        mime_type: &MimeType,
        bytes: Vec<u8>,
    ) -> Result<u64, ApiError> {
        let size_bytes = bytes.len() as u64;
        let stored = self
            .client()
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .if_none_match(ANY)
            .content_type(mime_type.as_str())
            .content_disposition(content_disposition(filename, mime_type))
            .body(bytes.into())
            .send()
            .await;
        self.stored(key, size_bytes, stored).await
    }

    async fn put_parts(
        &self,
        key: &SavedKey,
        upload_id: &str,
        first: Part,
        parts: &mut Parts<'_, impl Chunks>,
    ) -> Result<u64, ApiError> {
        let (mut uploads, mut completed) = (JoinSet::new(), Vec::new());
        let (mut part, mut size_bytes) = (first, 0);
        for number in 1.. {
            finish(&mut uploads, PARALLEL - 1, &mut completed).await?;
            size_bytes += part.bytes.len() as u64;
            let upload = self.client().upload_part().bucket(&self.bucket).key(key.to_string()).upload_id(upload_id);
            let upload = upload.part_number(number).body(part.bytes.into());
            uploads.spawn(async move {
                let part = upload.send().await?;
                Ok(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build())
            });
            if part.is_last {
                break;
            }
            part = parts.next().await?;
        }
        finish(&mut uploads, 0, &mut completed).await?;
        completed.sort_by_key(CompletedPart::part_number);
        let completed = CompletedMultipartUpload::builder().set_parts(Some(completed)).build();
        let complete = self.client().complete_multipart_upload().bucket(&self.bucket).key(key.to_string());
        let complete = complete.if_none_match(ANY).upload_id(upload_id).multipart_upload(completed);
        self.stored(key, size_bytes, complete.send().await).await
    }

    /// Nobody else knows the key, so an object in the way is our own: the SDK repeats a request whose reply was lost.
    async fn stored<T, E>(
        &self,
        key: &SavedKey,
        size_bytes: u64,
        reply: Result<T, SdkError<E>>,
    ) -> Result<u64, ApiError>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let Err(error) = reply else { return Ok(size_bytes) };
        match error.code() {
            Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchUpload") => {}
            _ => return Err(error.into()),
        }
        match self.head(key).await? {
            Some(object) if object.size_bytes == size_bytes => Ok(size_bytes),
            _ => Err(error.into()),
        }
    }
}

impl<C: Chunks> Parts<'_, C> {
    /// The next part; all but the last are full.
    async fn next(&mut self) -> Result<Part, ApiError> {
        let mut bytes = Vec::with_capacity(PART_BYTES);
        loop {
            let room = PART_BYTES - bytes.len();
            if self.rest.len() > room {
                bytes.extend_from_slice(&self.rest.split_to(room));
                return Ok(Part { bytes, is_last: false });
            }
            bytes.extend_from_slice(&mem::take(&mut self.rest));
            match self.chunks.next_chunk().await? {
                Some(chunk) => self.rest = chunk,
                None => return Ok(Part { bytes, is_last: true }),
            }
        }
    }
}

/// Waits until no more than `left` parts are on their way.
async fn finish(
    uploads: &mut JoinSet<Result<CompletedPart, ApiError>>,
    left: usize,
    completed: &mut Vec<CompletedPart>,
) -> Result<(), ApiError> {
    while uploads.len() > left
        && let Some(upload) = uploads.join_next().await
    {
        completed.push(upload.map_err(ApiError::internal)??);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
