//! Upload check: removes an upload that is over its limit as soon as it has arrived.
//!
//! A presigned PUT holds no limit unless its sender promised a size. So the bucket tells this function of every upload.
//! The size in an event belongs to the bytes with its `ETag`, and only those are removed: bytes that replaced them have
//! an event of their own. Every record can be handled twice.

use aws_lambda_events::event::s3::{S3Entity, S3Event};
use aws_sdk_s3::{Client, error::ProvideErrorMetadata};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use percent_encoding::percent_decode_str;
use shared::{
    aws,
    config::{self, ConfigError},
    log,
};
use std::sync::OnceLock;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::as_json();
    let app = CheckUpload::from_env()?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<S3Event>| {
        let invocation = log::invocation("checkUpload", &event.context);
        handle(&app, event).instrument(invocation)
    }))
    .await
}

struct CheckUpload {
    max_bytes: i64,
    max_public_bytes: i64,
    client: OnceLock<Client>,
}

async fn handle(app: &CheckUpload, event: LambdaEvent<S3Event>) -> Result<(), Error> {
    let mut result = Ok(());
    for record in event.payload.records {
        if let Err(error) = app.check(record.s3).await {
            tracing::error!(?error, "an upload could not be checked");
            // Lambda sends the event again.
            result = Err(error);
        }
    }
    result
}

impl CheckUpload {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            max_bytes: config::parsed("MAX_UPLOAD_BYTES")?,
            max_public_bytes: config::parsed("MAX_PUBLIC_UPLOAD_BYTES")?,
            client: OnceLock::new(),
        })
    }

    async fn check(&self, upload: S3Entity) -> Result<(), Error> {
        let object = upload.object;
        let (Some(bucket), Some(key), Some(size), Some(etag)) =
            (upload.bucket.name, object.key, object.size, object.e_tag)
        else {
            return Err("the record lacks its bucket, key, size or ETag".into());
        };
        // A key in an event is encoded as a form field is.
        let key = percent_decode_str(&key.replace('+', " ")).decode_utf8()?.into_owned();
        let max_bytes = if key.starts_with("temp/public/") { self.max_public_bytes } else { self.max_bytes };
        if size <= max_bytes {
            return Ok(());
        }
        tracing::info!(size, max_bytes, "an upload is over its limit and is removed");
        let client = self.client.get_or_init(aws::s3);
        match client.delete_object().bucket(bucket).key(key).if_match(format!("\"{etag}\"")).send().await {
            // Removed or replaced meanwhile.
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "PreconditionFailed")) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
