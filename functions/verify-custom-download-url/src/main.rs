//! `verifyCustomDownloadUrl`: whether a custom download URL is one that this API signed, and has not expired.
//!
//! For whoever serves those files: they send the URL that they were asked for, with a token of the organisation that
//! the file belongs to. To any other organisation the URL is not valid.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde::Deserialize;
use serde_json::json;
use shared::{ApiError, auth::Auth, config::ConfigError, http, url_signature::UrlSigner};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("verifyCustomDownloadUrl", VerifyCustomDownloadUrl::from_env()?, handle).await
}

struct VerifyCustomDownloadUrl {
    auth: Auth,
    custom_urls: UrlSigner,
}

#[derive(Deserialize)]
struct VerifyBody {
    custom_download_url: Option<String>,
}

async fn handle(app: Arc<VerifyCustomDownloadUrl>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let url = http::json_body::<VerifyBody>(&request)?.custom_download_url.filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| ApiError::bad_request("custom_download_url is required"))?;
    http::json(StatusCode::OK, &json!({ "valid": app.custom_urls.verify(&caller.org, &url).await? }))
}

impl VerifyCustomDownloadUrl {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, custom_urls: UrlSigner::from_env()? })
    }
}
