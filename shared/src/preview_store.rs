//! Previews in the bucket: rendered once, kept below `previews/` until the file goes or the lifecycle rule takes them.

use crate::{
    error::ApiError,
    object_key::SavedKey,
    object_store::ObjectStore,
    preview::{PreviewKey, prefix},
    renderer::Image,
};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_smithy_types::byte_stream::ByteStream;
use futures_util::future::try_join_all;
use std::{collections::HashMap, fmt::Display};

/// How many versions' previews are looked for at a time.
const PARALLEL: usize = 16;
/// Where the preview of an upload has the `ETag` of the bytes that it was rendered from.
const SOURCE_ETAG: &str = "source-etag";

impl ObjectStore {
    /// An object's bytes as they come, if they are still those of `etag`; `None` if they are not, or there is no
    /// object.
    ///
    /// # Errors
    /// 500 if the bucket cannot be read.
    pub async fn read(&self, key: &impl Display, etag: Option<&str>) -> Result<Option<ByteStream>, ApiError> {
        Ok(self.get(key, etag).await?.map(|object| object.body))
    }

    /// A preview that was rendered before, of the bytes that an upload has now.
    ///
    /// # Errors
    /// 500 if the bucket cannot be read.
    pub async fn preview(&self, key: &PreviewKey) -> Result<Option<Image>, ApiError> {
        let Some(object) = self.get(key, None).await? else { return Ok(None) };
        if object.metadata.as_ref().and_then(|metadata| metadata.get(SOURCE_ETAG)) != key.source_etag.as_ref() {
            return Ok(None);
        }
        Ok(Image::of(object.body.collect().await.map_err(ApiError::internal)?.to_vec()))
    }

    /// Keeps a preview. If that fails it is rendered again next time.
    pub async fn keep_preview(&self, key: &PreviewKey, image: &Image) {
        let put = self.client().put_object().bucket(&self.bucket).key(key.to_string());
        let put = put.content_type(image.mime_type()).body(ByteStream::from(image.bytes().to_vec()));
        let metadata = key.source_etag.clone().map(|etag| HashMap::from([(SOURCE_ETAG.to_owned(), etag)]));
        let put = put.set_metadata(metadata);
        if let Err(error) = put.send().await {
            tracing::warn!(?error, "a preview was not kept");
        }
    }

    /// Removes a preview that was just kept. If that fails the lifecycle rule does it.
    pub async fn forget_preview(&self, key: &PreviewKey) {
        if let Err(error) = self.client().delete_object().bucket(&self.bucket).key(key.to_string()).send().await {
            tracing::error!(?error, "a preview of a file that may be gone is left to the lifecycle rule");
        }
    }

    /// Removes the previews of versions, and of the uploads that they were: for each a listing, and a removal if there
    /// are any. There is a second page only if the renderer was revised in the last 30 days, after which they
    /// expire.
    ///
    /// # Errors
    /// 500 if one of them may still be there.
    pub async fn delete_previews(&self, versions: &[SavedKey]) -> Result<(), ApiError> {
        for some in versions.chunks(PARALLEL) {
            let removals: Vec<_> = some.iter().map(|key| self.delete_below(prefix(&key.org, key.upload))).collect();
            try_join_all(removals).await?;
        }
        Ok(())
    }

    async fn delete_below(&self, prefix: String) -> Result<(), ApiError> {
        let list = self.client().list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        while let Some(page) = pages.next().await {
            let keys: Vec<_> = page?.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect();
            self.delete(&keys).await?;
        }
        Ok(())
    }

    async fn get(&self, key: &impl Display, etag: Option<&str>) -> Result<Option<GetObjectOutput>, ApiError> {
        let get = self.client().get_object().bucket(&self.bucket).key(key.to_string());
        match get.set_if_match(etag.map(str::to_owned)).send().await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 412) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
