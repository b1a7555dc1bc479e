//! The first step of the flow, with and without a token: presigned URLs for an upload.

use crate::{
    error::ApiError,
    file_type::{MimeType, mime_field},
    filename::Filename,
    metadata::{IndexTag, Metadata},
    object_key::TempKey,
    presign::Presigner,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The body of an upload request, as it comes.
#[derive(Deserialize)]
pub struct UploadBody {
    filename: Option<Filename>,
    #[serde(default, deserialize_with = "mime_field")]
    mime_type: Option<MimeType>,
    index_tag: Option<IndexTag>,
    metadata: Option<BTreeMap<String, String>>,
    size_bytes: Option<u64>,
    checksum_sha256: Option<String>,
}

/// What will be uploaded, checked.
pub struct Upload {
    /// Its name.
    pub filename: Filename,
    mime_type: Option<MimeType>,
    metadata: Metadata,
    size_bytes: Option<u64>,
    checksum_sha256: Option<String>,
}

impl UploadBody {
    /// The upload that the body describes.
    ///
    /// # Errors
    /// 400 for what cannot be, 413 for more than `max_bytes`.
    pub fn check(self, max_bytes: u64) -> Result<Upload, ApiError> {
        let filename = self.filename.ok_or_else(|| ApiError::bad_request("filename is required"))?;
        if let Some(checksum) = &self.checksum_sha256
            && BASE64_STANDARD.decode(checksum).map(|digest| digest.len()) != Ok(32)
        {
            return Err(ApiError::bad_request("checksum_sha256 must be a SHA-256 digest in Base64"));
        }
        if self.size_bytes.is_some_and(|size| size > max_bytes) {
            return Err(ApiError::PayloadTooLarge(format!("a file may have at most {max_bytes} bytes")));
        }
        let metadata = Metadata::new(self.metadata.unwrap_or_default(), self.index_tag.as_ref(), &filename)?;
        Ok(Upload {
            filename,
            mime_type: self.mime_type,
            metadata,
            size_bytes: self.size_bytes,
            checksum_sha256: self.checksum_sha256,
        })
    }
}

impl Upload {
    /// The reply: where to PUT or POST the bytes, and the `s3ref` to save them with.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub fn presign(&self, presigner: &Presigner, key: &TempKey, max_bytes: u64) -> Result<Value, ApiError> {
        let meta: Vec<_> = self.metadata.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value)).collect();
        let meta: Vec<_> = meta.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let size = self.size_bytes.map(|size| size.to_string());
        let headers: Vec<(&str, &str)> = [
            ("content-type", self.mime_type.as_ref().map(MimeType::as_str)),
            ("content-length", size.as_deref()),
            ("x-amz-checksum-sha256", self.checksum_sha256.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();

        let mime = self.mime_type.clone().unwrap_or_else(|| MimeType::guess(&self.filename));
        let mut fields = vec![("Content-Type", mime.as_str())];
        fields.extend(self.checksum_sha256.as_deref().map(|checksum| ("x-amz-checksum-sha256", checksum)));
        fields.extend_from_slice(&meta);
        // A promised type is kept; one that we guessed may be corrected.
        let free: &[&str] = if self.mime_type.is_some() { &[] } else { &["Content-Type"] };
        let size_range = self.size_bytes.map_or((0, max_bytes), |size| (size, size));

        let mut reply = json!({
            "s3ref": { "bucket": presigner.bucket(), "key": key.to_string() },
            "upload_url": presigner.put(key, &headers, &meta)?,
            "upload_post": presigner.post(key, &fields, free, size_range)?,
        });
        // Where it will be once saved; it answers only while the file is public-read.
        if let (Some(org), Some(reply)) = (&key.org, reply.as_object_mut()) {
            reply.insert("public_url".into(), presigner.object_url(&key.saved(org.clone())).into());
        }
        Ok(reply)
    }
}
