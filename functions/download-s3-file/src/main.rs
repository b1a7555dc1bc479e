//! `downloadS3File`: a presigned URL for the bytes behind an `s3ref`, of a version that is saved or of an upload that
//! is not.
//!
//! A version can be downloaded by those who may view its file, an upload by the organisation that it is for. Whatever
//! else the key names gives the 404 of an unknown file.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde_json::json;
use shared::{
    ApiError,
    auth::{Auth, Caller},
    config::ConfigError,
    file_store::FileStore,
    file_type::MimeType,
    http,
    object_key::{ObjectKey, SavedKey, TempKey},
    object_store::ObjectStore,
    presign::Presigner,
    s3ref::S3Ref,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("downloadS3File", DownloadS3File::from_env()?, handle).await
}

struct DownloadS3File {
    auth: Auth,
    bucket: Presigner,
    files: FileStore,
    objects: ObjectStore,
}

async fn handle(app: Arc<DownloadS3File>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let key = s3ref(&request, app.bucket.bucket())?;
    let attachment = http::flag_query(&request, "attachment", true)?;
    let download_url = match key {
        ObjectKey::Saved(key) => app.version_url(&caller, &key, attachment).await?,
        ObjectKey::Temp(key) => app.upload_url(&caller, &key, attachment).await?,
    };
    http::json(StatusCode::OK, &json!({ "download_url": download_url }))
}

/// The key in the query, which must be one of ours in our bucket.
fn s3ref(request: &Request, bucket: &str) -> Result<ObjectKey, ApiError> {
    let names = ["s3_bucket", "s3_key"];
    S3Ref::from_query(request, names)?.object_key(bucket, names)
}

impl DownloadS3File {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            auth: Auth::from_env()?,
            bucket: Presigner::from_env()?,
            files: FileStore::from_env()?,
            objects: ObjectStore::from_env()?,
        })
    }

    /// The latest version goes by its file's name and type, any other by its own.
    async fn version_url(&self, caller: &Caller, key: &SavedKey, attachment: bool) -> Result<String, ApiError> {
        let (meta, version) = self.files.load_version(caller, key).await?;
        let (filename, mime_type) = if meta.current.as_ref() == Some(&version) {
            (&meta.filename, &meta.mime_type)
        } else {
            (&version.filename, &version.mime_type)
        };
        self.bucket.get(key, filename, mime_type, attachment)
    }

    /// The name and type are those that saving it would give it.
    async fn upload_url(&self, caller: &Caller, key: &TempKey, attachment: bool) -> Result<String, ApiError> {
        let upload = self.objects.load_upload(caller, key).await?;
        let filename = upload.metadata.filename().or_else(|| key.filename()).ok_or_else(ApiError::file_not_found)?;
        let mime_type = upload.mime_type.unwrap_or_else(|| MimeType::guess(&filename));
        self.bucket.get(key, &filename, &mime_type, attachment)
    }
}
