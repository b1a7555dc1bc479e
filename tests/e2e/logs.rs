//! Logs: one JSON line a request, and nothing secret in it.

use crate::{
    admin::function_logs,
    stack::{Reply, Stack, eventually, link_id, text},
};
use reqwest::Method;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[tokio::test]
async fn a_request_is_one_json_line_with_id_operation_organisation_status_and_duration() {
    let stack = Stack::new();
    let since = OffsetDateTime::now_utc().unix_timestamp();
    let file = stack.saved("secret name.txt", b"1").await;
    let path = format!("/v1/files/{}/download", text(&file["_id"]));
    let url = stack.get(&path).await.expect(200);

    let is_done =
        |line: &Value| line["message"] == "done" && line["operation"] == "downloadFile" && line["status"] == 200;
    let mut lines = Vec::new();
    eventually("the line is there", async || {
        lines = function_logs(&stack, since).await;
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).any(|line: Value| is_done(&line))
    })
    .await;
    let line = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).find(is_done).unwrap();
    for (name, value) in [("level", "INFO"), ("org", "123"), ("service", "file-api")] {
        assert_eq!(line[name], value, "{line}");
    }
    for name in ["function_request_id", "function_name"] {
        assert!(!text(&line[name]).is_empty(), "{line}");
    }
    assert!(line["duration_ms"].is_f64() && line["cold_start"].is_boolean(), "{line}");
    let time = OffsetDateTime::parse(text(&line["timestamp"]), &Rfc3339).unwrap();
    assert!((since..=OffsetDateTime::now_utc().unix_timestamp()).contains(&time.unix_timestamp()), "{line}");

    let signature = text(&url["download_url"]).split_once("X-Amz-Signature=").unwrap().1.split('&').next().unwrap();
    for secret in [stack.token.as_str(), stack.token.rsplit_once('.').unwrap().1, signature, "secret name"] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
}

#[tokio::test]
async fn why_a_token_is_refused_is_in_the_log_and_not_in_the_reply() {
    let stack = Stack::new();
    let since = OffsetDateTime::now_utc().unix_timestamp();
    let token = crate::tokens::with(&json!({ "org_id": ["logged"] }));
    let request = stack.request(&token, Method::GET, "/v1/files/session");
    assert_eq!(Reply::of(request).await.error(401), "the token is not valid or has expired");
    let mut lines = Vec::new();
    eventually("the reason is there", async || {
        lines = function_logs(&stack, since).await;
        lines.iter().any(|line| line.contains("token refused: it names no organisation"))
    })
    .await;
    assert!(!lines.iter().any(|line| token.split('.').any(|part| line.contains(part))));
}

#[tokio::test]
async fn the_id_of_a_public_link_is_not_logged() {
    let stack = Stack::new();
    let since = OffsetDateTime::now_utc().unix_timestamp();
    let url = stack.public_link(&stack.saved("a.txt", b"1").await).await;
    assert_eq!(stack.visit(&url).await.status(), 302);
    stack.delete(&format!("/v1/files/public/links/{}", link_id(&url))).await.expect(204);
    assert_eq!(stack.visit(&url).await.status(), 404);

    let mut lines = Vec::new();
    for operation in ["generatePublicLink", "accessPublicLink", "revokePublicLink"] {
        eventually(operation, async || {
            lines = function_logs(&stack, since).await;
            lines.iter().any(|line| line.contains(operation))
        })
        .await;
    }
    assert!(!lines.iter().any(|line| line.contains(link_id(&url))), "{lines:?}");
}
