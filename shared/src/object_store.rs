//! Objects in the bucket: uploads that wait to be saved, and the bytes of versions.

use crate::{
    aws,
    config::{self, ConfigError},
    error::ApiError,
    file::{AccessControl, Version},
    file_type::MimeType,
    metadata::{IndexTag, Metadata},
    object_key::TempKey,
};
use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    operation::head_object::HeadObjectError,
    types::{Delete, ObjectIdentifier, Tag, Tagging},
};
use std::{
    fmt::Display,
    sync::{Arc, OnceLock},
};
use time::OffsetDateTime;
use tokio::{sync::Semaphore, task::JoinSet};

/// How many objects are tagged at a time.
const PARALLEL: usize = 32;
/// S3's limit on the keys of one `DeleteObjects`.
const MAX_DELETES: usize = 1_000;

/// The tag that the bucket policy looks at; an object without it is private.
const ACCESS_TAG: &str = "access";
const PUBLIC_READ: &str = "public-read";
pub(crate) const INDEX_TAG: &str = "index_tag";

/// The bucket.
pub struct ObjectStore {
    pub(crate) bucket: String,
    client: OnceLock<Client>,
}

/// An upload, or the bytes of a version, as S3 has it.
pub struct StoredObject {
    /// Its size.
    pub size_bytes: u64,
    /// The type that it was sent with, if that says anything.
    pub mime_type: Option<MimeType>,
    /// Its metadata.
    pub metadata: Metadata,
    /// When it was stored, in seconds since 1970.
    pub stored_at: i64,
    pub(crate) etag: String,
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

    pub(crate) fn client(&self) -> &Client {
        self.client.get_or_init(aws::s3)
    }

    /// Looks at an object; `None` if there is none.
    ///
    /// # Errors
    /// 500 if the bucket cannot be read.
    pub async fn head(&self, key: &impl Display) -> Result<Option<StoredObject>, ApiError> {
        let head = match self.client().head_object().bucket(&self.bucket).key(key.to_string()).send().await {
            Ok(head) => head,
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mime_type = head.content_type().and_then(|mime| MimeType::try_from(mime.to_owned()).ok());
        Ok(Some(StoredObject {
            size_bytes: head.content_length().and_then(|size| size.try_into().ok()).unwrap_or_default(),
            mime_type: mime_type.filter(|mime| !mime.is_unknown()),
            stored_at: head
                .last_modified()
                .map_or_else(|| OffsetDateTime::now_utc().unix_timestamp(), aws_smithy_types::DateTime::secs),
            etag: head.e_tag().unwrap_or_default().to_owned(),
            metadata: Metadata::of_object(head.metadata.unwrap_or_default()),
        }))
    }

    /// Makes the versions' objects public or private. Every request has ended when this returns.
    ///
    /// # Errors
    /// 500 if one of them cannot be tagged; the others are.
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
        let mut all = Ok(());
        while let Some(tagged) = tasks.join_next().await {
            match tagged.map_err(ApiError::internal)? {
                // An object that a deletion has removed meanwhile needs no tag.
                Err(error) if error.code() != Some("NoSuchKey") => all = Err(error.into()),
                _ => {}
            }
        }
        all
    }

    /// Removes objects.
    ///
    /// # Errors
    /// 500 if one of them may still be there.
    pub async fn delete(&self, keys: &[impl Display]) -> Result<(), ApiError> {
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

#[cfg(test)]
mod tests;
