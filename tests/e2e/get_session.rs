//! `getSession`: the token in a cookie, and what the cookie is good for.

use crate::{
    stack::{Reply, Stack, text},
    tokens,
};
use reqwest::{Method, Response};
use serde_json::json;

const PATH: &str = "/v1/files/session";

/// The reply's one cookie, and its attributes.
pub fn set_cookie(response: &Response) -> Vec<&str> {
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    cookies[0].to_str().unwrap().split("; ").collect()
}

#[tokio::test]
async fn the_cookie_holds_the_token_lives_as_long_and_no_script_reads_it() {
    let stack = Stack::new();
    let now = || time::OffsetDateTime::now_utc().unix_timestamp();
    let before = now();
    let expires_at = before + 500;
    let token = tokens::with(&json!({ "exp": expires_at }));
    let response = stack.request(&token, Method::GET, PATH).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    let cookie = set_cookie(&response);
    assert_eq!(cookie[0], format!("token={token}"));
    let seconds: i64 = cookie[2].strip_prefix("Max-Age=").unwrap().parse().unwrap();
    assert!((before..=now()).contains(&(expires_at - seconds)), "{seconds}");
    assert_eq!([cookie[1], cookie[3], cookie[4], cookie[5]], ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"]);
    assert_eq!(cookie.len(), 6);
    assert!(response.text().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_session_reads_and_downloads_files_and_starts_again() {
    let stack = Stack::new();
    let started = stack.request(&stack.token, Method::GET, PATH).send().await.unwrap();
    let token = set_cookie(&started)[0].strip_prefix("token=").unwrap().to_owned();
    let saved = stack.saved("a.txt", b"bytes").await;
    let get = |path: String| Reply::of(stack.request_in_session(&token, Method::GET, &path));
    let id = text(&saved["_id"]);
    assert_eq!(get(format!("/v2/files/{id}")).await.expect(200), saved);
    let download = get(format!("/v1/files/{id}/download")).await.expect(200);
    let response = stack.http.get(text(&download["download_url"])).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "bytes");
    let again = stack.request_in_session(&token, Method::GET, PATH).send().await.unwrap();
    assert_eq!(set_cookie(&again)[0], format!("token={token}"));
}

#[tokio::test]
async fn a_session_changes_nothing() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let file = format!("/v2/files/{}", text(&saved["_id"]));
    for (method, path) in [
        (Method::POST, "/v2/files"),
        (Method::POST, "/v1/files/upload"),
        (Method::POST, "/v1/files:downloadFiles"),
        (Method::DELETE, &file),
        (Method::DELETE, &file.replace("v2", "v1")),
    ] {
        let request = stack.request_in_session(&stack.token, method, path);
        Reply::of(request.json(&json!({ "_id": saved["_id"], "filename": "b.txt" }))).await.error(401);
    }
    assert_eq!(stack.get(&file).await.expect(200), saved);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_a_header_wins_over_it() {
    let stack = Stack::new();
    let saved = stack.saved("a.txt", b"1").await;
    let path = format!("/v2/files/{}", text(&saved["_id"]));
    let expired = tokens::with(&json!({ "exp": time::OffsetDateTime::now_utc().unix_timestamp() - 60 }));
    for bad in [expired.as_str(), "", "x", &format!("\"{}\"", stack.token)] {
        Reply::of(stack.request_in_session(bad, Method::GET, &path)).await.error(401);
        Reply::of(stack.request_in_session(bad, Method::GET, PATH)).await.error(401);
    }
    Reply::of(stack.request_in_session(&stack.token, Method::GET, &path).bearer_auth("x")).await.error(401);
    Reply::of(stack.request_in_session("x", Method::GET, &path).bearer_auth(&stack.token)).await.expect(200);
    Reply::of(stack.request_in_session(&stack.other_token, Method::GET, &path)).await.error(404);
}
