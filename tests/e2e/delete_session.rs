//! `deleteSession`: the cookie is taken back, from whoever asks.

use crate::{get_session::set_cookie, stack::Stack, tokens};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn every_session_can_be_ended_also_one_that_has_expired_or_never_began() {
    let stack = Stack::new();
    let expired = tokens::with(&json!({ "exp": time::OffsetDateTime::now_utc().unix_timestamp() - 60 }));
    let delete = |token: &str| stack.request_in_session(token, Method::DELETE, "/v1/files/session");
    for request in [
        delete(&stack.token),
        delete(&expired),
        delete("x").bearer_auth("x"),
        stack.request("", Method::DELETE, "/v1/files/session"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let cookie = ["token=", "Path=/", "Max-Age=0", "HttpOnly", "Secure", "SameSite=Lax"];
        assert_eq!(set_cookie(&response), cookie);
        assert!(response.text().await.unwrap().is_empty());
    }
}
