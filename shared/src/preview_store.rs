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
use std::fmt::Display;

/// How many versions' previews are looked for at a time.
const PARALLEL: usize = 16;

impl ObjectStore {
    /// An object's bytes as they come, if they are still those of `etag`; `None` if they are not, or there is no object.
    ///
    /// # Errors
    /// 500 if the bucket cannot be read.
    pub async fn read(&self, key: &impl Display, etag: Option<&str>) -> Result<Option<ByteStream>, ApiError> {
        Ok(self.get(key, etag).await?.map(|object| object.body))
    }

    /// A preview that was rendered before.
    ///
    /// # Errors
    /// 500 if the bucket cannot be read.
    pub async fn preview(&self, key: &PreviewKey) -> Result<Option<Image>, ApiError> {
        let Some(object) = self.get(key, None).await? else { return Ok(None) };
        Ok(Image::of(object.body.collect().await.map_err(ApiError::internal)?.to_vec()))
    }

    /// Keeps a preview. If that fails it is rendered again next time.
    pub async fn keep_preview(&self, key: &PreviewKey, image: &Image) {
        let put = self.client().put_object().bucket(&self.bucket).key(key.to_string());
        let put = put.content_type(image.mime_type()).body(ByteStream::from(image.bytes().to_vec()));
        if let Err(error) = put.send().await {
            tracing::warn!(?error, "a preview was not kept");
        }
    }

    /// Removes the previews of versions, and of the uploads that they were.
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
