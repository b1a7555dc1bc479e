//! URLs that download files.

use crate::{
    config::ConfigError,
    error::ApiError,
    file::{Meta, Version},
    presign::Presigner,
    url_signature::UrlSigner,
};

/// Where files are downloaded from, and how their URLs are signed.
pub struct Downloads {
    bucket: Presigner,
    custom_urls: UrlSigner,
}

impl Downloads {
    /// For the bucket in `BUCKET`, and for files that are kept elsewhere the secret that `URL_SIGNING_SECRET` names.
    ///
    /// # Errors
    /// If a variable is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::new(Presigner::from_env()?, UrlSigner::from_env()?))
    }

    /// From this bucket, and elsewhere with signatures of this signer's.
    #[must_use]
    pub fn new(bucket: Presigner, custom_urls: UrlSigner) -> Self {
        Self { bucket, custom_urls }
    }

    /// A URL for a file as it is now: for 15 minutes, under the file's own name and type. If the file is kept elsewhere
    /// it is its custom URL, signed for the organisation that it belongs to, whoever downloads it.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub async fn latest(&self, meta: &Meta, attachment: bool) -> Result<String, ApiError> {
        match (&meta.custom_download_url, &meta.current) {
            (Some(url), _) => self.custom_urls.sign(&meta.org, url).await,
            (None, Some(version)) => self.bucket.get(&version.object_key, &meta.filename, &meta.mime_type, attachment),
            (None, None) => Err(ApiError::internal("a file without a version or a custom URL")),
        }
    }

    /// The same for a HEAD.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub async fn latest_head(&self, meta: &Meta, attachment: bool) -> Result<String, ApiError> {
        match (&meta.custom_download_url, &meta.current) {
            (None, Some(version)) => self.bucket.head(&version.object_key, &meta.filename, &meta.mime_type, attachment),
            _ => self.latest(meta, attachment).await,
        }
    }

    /// A URL for a version before the latest: for 15 minutes, under its own name and type.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub fn older(&self, version: &Version, attachment: bool) -> Result<String, ApiError> {
        self.bucket.get(&version.object_key, &version.filename, &version.mime_type, attachment)
    }
}

/// The 404 of a version that a file has not.
#[must_use]
pub fn no_such_version() -> ApiError {
    ApiError::NotFound("the file has no such version; 0 is the latest")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        custom_url::CustomUrl,
        fixtures::{file, filename, org, saved_key, secretsmanager, version},
    };
    use aws_credential_types::Credentials;
    use aws_sdk_secretsmanager::{Client, operation::get_secret_value::GetSecretValueOutput};
    use aws_smithy_mocks::mock;

    const KEY_ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";

    fn downloads() -> Downloads {
        let secret = mock!(Client::get_secret_value).then_output(|| {
            let value = GetSecretValueOutput::builder().version_id(KEY_ID).secret_string("secret");
            value.version_stages("AWSCURRENT").build()
        });
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let bucket = Presigner::new("bucket".into(), "eu-central-1".into(), "https://bucket.test/".into(), credentials);
        Downloads::new(bucket, UrlSigner::with_client(secretsmanager(&[&secret]), "secret"))
    }

    /// Renamed since its second version.
    fn renamed() -> Meta {
        Meta { current: Some(version(2)), filename: filename("new.pdf"), ..file().meta }
    }

    #[tokio::test]
    async fn the_latest_version_goes_by_the_files_name_and_older_ones_by_their_own() {
        let downloads = downloads();
        let latest = downloads.latest(&renamed(), true).await.unwrap();
        assert!(latest.contains(&saved_key(2).to_string()) && latest.contains("new.pdf"), "{latest}");
        let older = downloads.older(&version(1), true).unwrap();
        assert!(older.contains(&saved_key(1).to_string()) && !older.contains("new.pdf"), "{older}");
    }

    #[tokio::test]
    async fn a_file_kept_elsewhere_is_downloaded_there() {
        let (downloads, meta) = (downloads(), renamed());
        let url = CustomUrl::try_from("https://files.example/7".to_owned()).unwrap();
        let with_version = Meta { custom_download_url: Some(url), ..meta };
        let never_here = Meta { current: None, ..with_version.clone() };
        for meta in [with_version, never_here] {
            let latest = downloads.latest(&meta, true).await.unwrap();
            assert!(latest.starts_with("https://files.example/7?expires_at="), "{latest}");
            assert!(downloads.custom_urls.verify(&org("123"), &latest).await.unwrap(), "{latest}");
        }
    }
}
