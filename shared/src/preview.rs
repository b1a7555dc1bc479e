//! Previews of files: what is asked for, where it is kept, and the reply.
//!
//! Whoever may see a file may see its previews: the operations check that, and only then ask for one here. A preview is
//! looked for in the bucket, and rendered and kept if it is not there.

use crate::{
    auth::Caller,
    config::ConfigError,
    download::no_such_version,
    error::ApiError,
    file::{Meta, Version},
    file_store::FileStore,
    file_type::MimeType,
    http,
    object_key::{FileId, ObjectKey, OrgId, UploadId},
    object_store::ObjectStore,
    renderer::{Image, Renderer},
    s3ref::S3Ref,
};
use lambda_http::{
    Body, Request, Response,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    },
};
use std::fmt;

/// The largest width and height of a preview, in pixels.
const MAX_SIDE: u32 = 2_048;
/// The width and height if neither is asked for, in pixels.
const DEFAULT_SIDE: u32 = 200;
/// The widths and heights that previews are made for, in pixels; one that is asked for is reduced to the next of these.
/// So there are at most 18 × 18 + 2 × 18 = 360 boxes, and of a version and of the upload that it was at most 720
/// previews: fewer than a page of a listing and one `DeleteObjects` hold.
const SIDES: [u32; 18] = [1, 8, 16, 32, 64, 100, 128, 200, 256, 300, 400, 512, 640, 800, 1_024, 1_280, 1_600, MAX_SIDE];
/// Counts the changes of what is rendered: when it is raised, previews that were kept are rendered again.
const REVISION: u32 = 1;

/// The box that a preview is to fit in, in pixels. A side that is not given is what the other makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviewSize {
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
}

impl PreviewSize {
    /// From the parameters `w` and `h`, never larger; without either, 200 × 200.
    fn from_query(request: &Request) -> Result<Self, ApiError> {
        let side = |name: &str| match http::text_query(request, name).map(str::parse) {
            None => Ok(None),
            Some(Ok(side)) if (1..=MAX_SIDE).contains(&side) => {
                Ok(SIDES.into_iter().rev().find(|of_ours| *of_ours <= side))
            }
            Some(_) => Err(ApiError::bad_request(format!("{name} must be a number of pixels from 1 to {MAX_SIDE}"))),
        };
        Ok(match (side("w")?, side("h")?) {
            (None, None) => Self { width: Some(DEFAULT_SIDE), height: Some(DEFAULT_SIDE) },
            (width, height) => Self { width, height },
        })
    }
}

impl fmt::Display for PreviewSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: Option<u32>| side.map(|side| side.to_string()).unwrap_or_default();
        write!(f, "{}x{}", side(self.width), side(self.height))
    }
}

/// Where a preview is kept: `previews/{org}/{upload id}/{size}.{revision}` for a version, whose bytes never change, and
/// with `upload/` before the size for an upload. That one can be sent again: its preview has the `ETag` of the bytes.
pub struct PreviewKey {
    org: OrgId,
    upload: UploadId,
    /// Of an upload's bytes: letters, digits and hyphens.
    pub(crate) source_etag: Option<String>,
    size: PreviewSize,
}

/// What the keys of all previews of an upload's bytes, saved or not, begin with.
pub(crate) fn prefix(org: &OrgId, upload: UploadId) -> String {
    format!("previews/{org}/{upload}/")
}

impl PreviewKey {
    fn of_version(version: &Version, size: PreviewSize) -> Self {
        Self { org: version.object_key.org.clone(), upload: version.object_key.upload, source_etag: None, size }
    }

    fn of_upload(org: &OrgId, upload: UploadId, etag: &str, size: PreviewSize) -> Self {
        let etag = etag.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        Self { org: org.clone(), upload, source_etag: Some(etag), size }
    }

    /// The key's own part, which names the bytes, the size and the renderer: as good as a hash of the preview.
    fn etag(&self) -> String {
        let Self { upload, source_etag, size, .. } = self;
        format!("\"{upload}.{}.{size}.{REVISION}\"", source_etag.as_deref().unwrap_or_default())
    }
}

impl fmt::Display for PreviewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&prefix(&self.org, self.upload))?;
        if self.source_etag.is_some() {
            f.write_str("upload/")?;
        }
        write!(f, "{}.{REVISION}", self.size)
    }
}

/// Who a preview is for, and so who may keep it on the way.
#[derive(Clone, Copy, Debug)]
pub enum Audience {
    /// The caller. Their browser may keep it, and asks each time whether it may show it again: by then it may be
    /// somebody else's, which `Vary: Cookie` does not tell Chromium.
    Caller,
    /// Everybody, for five minutes, in which they do not hear that the file changed.
    Everybody,
}

impl Audience {
    const fn cache_control(self) -> &'static str {
        match self {
            Self::Caller => "private, no-cache",
            Self::Everybody => "public, max-age=300",
        }
    }
}

/// What a request asks of a preview, whatever it is of.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// For its `If-None-Match`.
    request: &'a Request,
    size: PreviewSize,
    audience: Audience,
}

impl<'a> Asked<'a> {
    /// By this request, for this audience.
    ///
    /// # Errors
    /// 400 if the size is not one.
    pub fn by(request: &'a Request, audience: Audience) -> Result<Self, ApiError> {
        Ok(Self { request, size: PreviewSize::from_query(request)?, audience })
    }
}

/// The bytes that a preview is of.
struct Source {
    object_key: String,
    size_bytes: u64,
    mime_type: Option<MimeType>,
    /// Of an upload, which can be sent again while its preview is rendered.
    etag: Option<String>,
    /// Of a version.
    file: Option<FileId>,
}

/// The bucket and the renderer.
pub struct Previews {
    objects: ObjectStore,
    renderer: Renderer,
}

impl Previews {
    /// For the bucket in `BUCKET`, with the limits in `PREVIEW_MAX_…`.
    ///
    /// # Errors
    /// If one of them is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { objects: ObjectStore::from_env()?, renderer: Renderer::from_env()? })
    }

    /// The preview of a file's version at this index, 0 being the latest.
    ///
    /// # Errors
    /// 404 if there is no such version, or it is kept elsewhere; those of the renderer.
    pub async fn of_file(
        &self,
        files: &FileStore,
        meta: &Meta,
        index: u32,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, ApiError> {
        if index == 0 && meta.custom_download_url.is_some() {
            return Err(ApiError::NotFound("the file is kept at its custom_download_url, so it has no preview here"));
        }
        let version = files.version_at(meta, index).await?.ok_or_else(no_such_version)?;
        self.of_version(files, meta.id, &version, asked).await
    }

    /// The preview of what an `s3ref` names: a version whose file the caller may view, or an upload of their
    /// organisation's.
    ///
    /// # Errors
    /// 400 if it is no `s3ref` of ours, 404 if it names nothing, or nothing of the caller's; those of the renderer.
    pub async fn of_s3ref(
        &self,
        files: &FileStore,
        caller: &Caller,
        s3ref: &S3Ref,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, ApiError> {
        match s3ref.object_key(&self.objects.bucket, ["bucket", "key"])? {
            ObjectKey::Saved(key) => {
                let (meta, version) = files.load_version(caller, &key).await?;
                self.of_version(files, meta.id, &version, asked).await
            }
            ObjectKey::Temp(key) => {
                let upload = self.objects.load_upload(caller, &key).await?;
                let preview = PreviewKey::of_upload(&caller.org, key.upload, &upload.etag, asked.size);
                let source = Source {
                    object_key: key.to_string(),
                    size_bytes: upload.size_bytes,
                    mime_type: upload.mime_type,
                    etag: Some(upload.etag),
                    file: None,
                };
                self.reply(files, &preview, source, asked).await
            }
        }
    }

    async fn of_version(
        &self,
        files: &FileStore,
        file: FileId,
        version: &Version,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, ApiError> {
        let source = Source {
            object_key: version.object_key.to_string(),
            size_bytes: version.size_bytes,
            mime_type: Some(version.mime_type.clone()),
            etag: None,
            file: Some(file),
        };
        self.reply(files, &PreviewKey::of_version(version, asked.size), source, asked).await
    }

    async fn reply(
        &self,
        files: &FileStore,
        key: &PreviewKey,
        source: Source,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, ApiError> {
        let etag = key.etag();
        let mut response = if http::has_already(asked.request, &etag) {
            http::empty(StatusCode::NOT_MODIFIED)
        } else {
            let image = match self.objects.preview(key).await? {
                Some(image) => image,
                None => self.render(files, key, &source, asked.size).await?,
            };
            let mime_type = HeaderValue::from_static(image.mime_type());
            let mut response = Response::new(Body::from(image.into_bytes()));
            response.headers_mut().insert(CONTENT_TYPE, mime_type);
            response
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, HeaderValue::try_from(etag).map_err(ApiError::internal)?);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(asked.audience.cache_control()));
        Ok(response)
    }

    async fn render(
        &self,
        files: &FileStore,
        key: &PreviewKey,
        source: &Source,
        size: PreviewSize,
    ) -> Result<Image, ApiError> {
        self.renderer.check_size(source.size_bytes)?;
        let bytes = self.objects.read(&source.object_key, source.etag.as_deref()).await?;
        let bytes = bytes.ok_or_else(ApiError::file_not_found)?;
        let charset = source.mime_type.as_ref().and_then(MimeType::charset);
        let image = self.renderer.render(bytes, charset.as_deref(), size).await?;
        self.objects.keep_preview(key, &image).await;
        // A deletion that marked the file before this look may have listed its previews before this one was kept; one
        // that marks it later lists this one too.
        if !self.may_have_previews(files, source).await {
            self.objects.forget_preview(key).await;
        }
        Ok(image)
    }

    /// Whether the bytes are still there for others. If that cannot be told they are not: a preview can be rendered
    /// again.
    async fn may_have_previews(&self, files: &FileStore, source: &Source) -> bool {
        let are_there = match source.file {
            Some(file) => files.find_meta(file).await.map(|meta| meta.is_some_and(|meta| !meta.is_deleted())),
            None => self.objects.head(&source.object_key).await.map(|upload| upload.is_some()),
        };
        are_there.unwrap_or_else(|error| {
            tracing::warn!(?error, "a preview is not kept, since its file cannot be looked at");
            false
        })
    }
}

#[cfg(test)]
mod tests;
