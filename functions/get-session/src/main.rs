//! `getSession`: puts the caller's token into a cookie, so that a browser can show and download files by plain URLs.
//!
//! The cookie lives as long as the token, and counts for safe methods only (`shared::auth`).

use lambda_http::{
    Body, Error, Request, Response,
    http::{StatusCode, header::SET_COOKIE},
};
use shared::{
    ApiError,
    auth::{self, Auth},
    config::ConfigError,
    http,
    session::SessionCookie,
};
use std::sync::Arc;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("getSession", GetSession::from_env()?, handle).await
}

struct GetSession {
    auth: Auth,
    cookie: SessionCookie,
}

async fn handle(app: Arc<GetSession>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let token = auth::token(&request).unwrap_or_default();
    let seconds = caller.expires_at - OffsetDateTime::now_utc().unix_timestamp();
    let mut reply = http::empty(StatusCode::OK);
    reply.headers_mut().insert(SET_COOKIE, app.cookie.starts(token, seconds.max(0))?);
    Ok(reply)
}

impl GetSession {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, cookie: SessionCookie::from_env()? })
    }
}
