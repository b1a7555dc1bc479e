//! `deleteSession`: has the browser forget the session cookie.
//!
//! Needs no token: a session that has expired must be endable too. The token itself stays valid until it expires.

use lambda_http::{
    Body, Error, Request, Response,
    http::{StatusCode, header::SET_COOKIE},
};
use shared::{ApiError, config::ConfigError, http, session::SessionCookie};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("deleteSession", DeleteSession::from_env()?, handle).await
}

struct DeleteSession {
    cookie: SessionCookie,
}

async fn handle(app: Arc<DeleteSession>, _: Request) -> Result<Response<Body>, ApiError> {
    let mut reply = http::empty(StatusCode::OK);
    reply.headers_mut().insert(SET_COOKIE, app.cookie.ends()?);
    Ok(reply)
}

impl DeleteSession {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { cookie: SessionCookie::from_env()? })
    }
}
