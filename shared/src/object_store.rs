//! Objects in the bucket: uploads that wait to be saved, and the bytes of versions.

use crate::{
    aws,
    config::{self, ConfigError},
    error::ApiError,
    file::{AccessControl, Version},
    file_type::MimeType,
    metadata::{IndexTag, Metadata},
    object_key::{SavedKey, TempKey},
};
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::head_object::HeadObjectError,
    types::{
        CompletedMultipartUpload, CompletedPart, Delete, MetadataDirective, ObjectIdentifier, Tag, Tagging,
        TaggingDirective,
    },
};
use percent_encoding::utf8_percent_encode;
use std::{
    fmt::Display,
    sync::{Arc, OnceLock},
};
use time::OffsetDateTime;
use tokio::{sync::Semaphore, task::JoinSet};

/// Above this an object is copied in parts, side by side. In bytes.
const PART_BYTES: u64 = 64 * 1024 * 1024;
/// How many parts are copied, or objects tagged, at a time.
const PARALLEL: usize = 16;
/// S3's limit on the keys of one `DeleteObjects`.
const MAX_DELETES: usize = 1_000;

/// The tag that the bucket policy looks at; an object without it is private.
const ACCESS_TAG: &str = "access";
const PUBLIC_READ: &str = "public-read";
const INDEX_TAG: &str = "index_tag";

/// The bucket.
pub struct ObjectStore {
    bucket: String,
    client: OnceLock<Client>,
}

/// An upload as S3 has it.
pub struct UploadedObject {
    /// Its size.
    pub size_bytes: u64,
    /// The type that it was sent with, if that says anything.
    pub mime_type: Option<MimeType>,
    /// Its metadata.
    pub metadata: Metadata,
    /// When it was uploaded, in seconds since 1970.
    pub uploaded_at: i64,
    etag: String,
}

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
    /// The bucket in `BUCKET`.
    ///
    /// # Errors
    /// If it is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { bucket: config::required("BUCKET")?, client: OnceLock::new() })
    }

    /// A bucket behind a client of the caller's, for tests.
    #[must_use]
    pub fn with_client(client: Client, bucket: &str) -> Self {
        Self { bucket: bucket.to_owned(), client: client.into() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(aws::s3)
    }

    /// Looks at an upload; `None` if there is none.
    ///
    /// # Errors
    /// 500 if the bucket cannot be read.
    pub async fn head(&self, key: &TempKey) -> Result<Option<UploadedObject>, ApiError> {
        let head = match self.client().head_object().bucket(&self.bucket).key(key.to_string()).send().await {
            Ok(head) => head,
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mime_type = head.content_type().and_then(|mime| MimeType::try_from(mime.to_owned()).ok());
        Ok(Some(UploadedObject {
            size_bytes: head.content_length().and_then(|size| size.try_into().ok()).unwrap_or_default(),
            mime_type: mime_type.filter(|mime| !mime.is_unknown()),
            uploaded_at: head
                .last_modified()
                .map_or_else(|| OffsetDateTime::now_utc().unix_timestamp(), aws_smithy_types::DateTime::secs),
            etag: head.e_tag().unwrap_or_default().to_owned(),
            metadata: Metadata::of_object(head.metadata.unwrap_or_default()),
        }))
    }

    /// Copies an upload to where `version` keeps it, private. The bytes are those that [`Self::head`] saw, or none.
    ///
    /// # Errors
    /// 500 if the copy fails.
    pub async fn copy(&self, from: &TempKey, upload: &UploadedObject, version: &Version) -> Result<Copied, ApiError> {
        let copied = if upload.size_bytes > PART_BYTES {
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
            .set_metadata(Some(
                upload.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ))
            .content_type(version.mime_type.as_str())
            .content_disposition(version.filename.content_disposition(false))
            .tagging_directive(TaggingDirective::Replace)
            .tagging(tag_header(version.index_tag.as_ref()))
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
            .set_metadata(Some(
                upload.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ))
            .content_type(version.mime_type.as_str())
            .content_disposition(version.filename.content_disposition(false))
            .tagging(tag_header(version.index_tag.as_ref()))
            .send()
            .await?;
        let upload_id = started.upload_id().unwrap_or_default();
        let copied = self.copy_parts(from, upload, &key, upload_id).await;
        if copied.is_err() {
            // The lifecycle rule would do this too, a day later.
            let abort = self.client().abort_multipart_upload().bucket(&self.bucket).key(&key).upload_id(upload_id);
            if let Err(error) = abort.send().await {
                tracing::warn!(%error, "an abandoned multipart copy is left to the lifecycle rule");
            }
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
        let places = Arc::new(Semaphore::new(PARALLEL));
        let mut copies = JoinSet::new();
        for (first, number) in
            (0..upload.size_bytes).step_by(usize::try_from(PART_BYTES).unwrap_or(usize::MAX)).zip(1..)
        {
            let last = (first + PART_BYTES).min(upload.size_bytes) - 1;
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
            let places = Arc::clone(&places);
            copies.spawn(async move {
                let _place = places.acquire().await;
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
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.client()
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload_id)
            .multipart_upload(parts)
            .send()
            .await?;
        Ok(())
    }

    /// Makes the versions' objects public or private.
    ///
    /// # Errors
    /// 500 if one of them cannot be tagged; some may be by then.
    pub async fn set_access(&self, versions: &[Version], access: AccessControl) -> Result<(), ApiError> {
        let places = Arc::new(Semaphore::new(PARALLEL));
        let mut tasks = JoinSet::new();
        for version in versions {
            let tags = tags(version.index_tag.as_ref(), access).map_err(ApiError::internal)?;
            let put = self
                .client()
                .put_object_tagging()
                .bucket(&self.bucket)
                .key(version.object_key.to_string())
                .tagging(tags);
            let places = Arc::clone(&places);
            tasks.spawn(async move {
                let _place = places.acquire().await;
                put.send().await
            });
        }
        while let Some(tagged) = tasks.join_next().await {
            match tagged.map_err(ApiError::internal)? {
                // An object that a deletion has removed meanwhile needs no tag.
                Err(error) if error.code() != Some("NoSuchKey") => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the bytes of versions.
    ///
    /// # Errors
    /// 500 if one of them may still be there.
    pub async fn delete(&self, keys: &[SavedKey]) -> Result<(), ApiError> {
        for chunk in keys.chunks(MAX_DELETES) {
            let ids = chunk
                .iter()
                .map(|key| ObjectIdentifier::builder().key(key.to_string()).build())
                .collect::<Result<_, _>>();
            let delete = Delete::builder().quiet(true).set_objects(Some(ids.map_err(ApiError::internal)?)).build();
            let reply = self
                .client()
                .delete_objects()
                .bucket(&self.bucket)
                .delete(delete.map_err(ApiError::internal)?)
                .send()
                .await?;
            if let Some(error) = reply.errors().first() {
                return Err(ApiError::internal(format!(
                    "S3 did not delete an object: {}",
                    error.code().unwrap_or("no code")
                )));
            }
        }
        Ok(())
    }

    /// Removes an upload that has been saved. If that fails the lifecycle rule does it.
    pub async fn delete_upload(&self, key: &TempKey) {
        if let Err(error) = self.client().delete_object().bucket(&self.bucket).key(key.to_string()).send().await {
            tracing::warn!(%error, "a saved upload is left to the lifecycle rule");
        }
    }

    /// Bucket and key, encoded for the `x-amz-copy-source` header.
    fn copy_source(&self, from: &TempKey) -> String {
        format!("{}/{}", self.bucket, utf8_percent_encode(&from.to_string(), &crate::presign::PATH))
    }
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

/// The tags of a private object, as the `x-amz-tagging` header has them: a query string.
fn tag_header(index_tag: Option<&IndexTag>) -> String {
    let encode =
        |tag: &IndexTag| format!("{INDEX_TAG}={}", utf8_percent_encode(tag.as_str(), &crate::filename::UNRESERVED));
    index_tag.map(encode).unwrap_or_default()
}

fn tags(index_tag: Option<&IndexTag>, access: AccessControl) -> Result<Tagging, aws_sdk_s3::error::BuildError> {
    let tag = |key: &str, value: &dyn Display| Tag::builder().key(key).value(value.to_string()).build();
    let mut tags = Vec::new();
    if let Some(index_tag) = index_tag {
        tags.push(tag(INDEX_TAG, &index_tag.as_str())?);
    }
    if access == AccessControl::PublicRead {
        tags.push(tag(ACCESS_TAG, &PUBLIC_READ)?);
    }
    Tagging::builder().set_tag_set(Some(tags)).build()
}
