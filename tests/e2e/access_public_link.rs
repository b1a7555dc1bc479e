//! `accessPublicLink`: the file for anybody who has the link, for as long as there are both.

use crate::stack::{Stack, eventually, link_id, text};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Response;
use serde_json::{Value, json};

fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

/// The bytes that the link leads to.
async fn bytes(stack: &Stack, url: &str) -> Vec<u8> {
    let redirect = stack.visit(url).await;
    assert_eq!(redirect.status(), 302);
    let response = stack.http.get(location(&redirect)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().into()
}

/// Deletes an item as the table's TTL does, or somebody else.
async fn delete_item(stack: &Stack, pk: &str, sk: &AttributeValue) {
    let delete = stack.dynamodb.delete_item().table_name(&stack.table).key("pk", AttributeValue::S(pk.into()));
    delete.key("sk", sk.clone()).send().await.unwrap();
}

/// When the link was followed last, as the list says.
async fn last_accessed_at(stack: &Stack, file: &Value) -> Option<String> {
    let list = stack.get(&format!("/v1/files/{}/public/links", text(&file["_id"]))).await.expect(200);
    list["results"][0].get("last_accessed_at").map(|at| text(at).to_owned())
}

#[tokio::test]
async fn a_link_leads_to_the_latest_version_and_follows_the_file() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"first").await;
    let url = stack.public_link(&file).await;
    assert_eq!(bytes(&stack, &url).await, b"first");
    let s3ref = stack.upload("b.txt", b"second").await;
    stack.save(&json!({ "_id": file["_id"], "s3ref": s3ref })).await;
    assert_eq!(bytes(&stack, &url).await, b"second");
}

#[tokio::test]
async fn the_redirect_is_kept_by_nobody_and_tells_nobody_where_the_link_stood() {
    let stack = Stack::new();
    let redirect = stack.visit(&stack.public_link(&stack.saved("a.txt", b"1").await).await).await;
    assert_eq!(redirect.status(), 302);
    assert_eq!(redirect.headers()["cache-control"], "no-store");
    assert_eq!(redirect.headers()["referrer-policy"], "no-referrer");
    assert!(location(&redirect).contains("X-Amz-Expires=900"));
}

#[tokio::test]
async fn the_file_is_saved_under_its_true_name_whatever_that_is() {
    let stack = Stack::new();
    let long = "🦀".repeat(255);
    for name in ["plain.txt", "Übergröße ß.pdf", "100% real;=&#?.txt", "\"a\" 'b'.txt", "🦀.rs", "%2e%2e", "...", &long]
    {
        let url = stack.public_link(&stack.saved(name, b"1").await).await;
        let redirect = stack.visit(&url).await;
        assert_eq!(redirect.status(), 302, "{url}");
        let response = stack.http.get(location(&redirect)).send().await.unwrap();
        let disposition = response.headers()["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment; "));
        let (_, encoded) = disposition.split_once("filename*=UTF-8''").unwrap();
        assert_eq!(percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap(), name);
    }
}

#[tokio::test]
async fn the_name_and_the_hash_in_the_url_say_nothing() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"bytes").await;
    let url = stack.public_link(&file).await;
    stack.save(&json!({ "_id": file["_id"], "filename": "renamed.txt" })).await;
    let (start, _) = url.rsplit_once('/').unwrap();
    for end in
        ["a.txt", "renamed.txt", "x", "%F0%9F%A6%80", "100%25", "a%20b", "%22%3E", "a.txt?hash=abc123", "x?a=%00"]
    {
        assert_eq!(bytes(&stack, &format!("{start}/{end}")).await, b"bytes", "{end}");
    }
}

#[tokio::test]
async fn a_token_is_not_needed_not_looked_at_and_not_handed_on() {
    let stack = Stack::new();
    let url = stack.public_link(&stack.saved("a.txt", b"1").await).await;
    let path = url.strip_prefix(&stack.api).unwrap();
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for token in ["x.y.z", &stack.other_token] {
        let request = browser.get(format!("{}{path}?token={token}", stack.api)).bearer_auth(token);
        let redirect = request.header("cookie", format!("token={token}")).send().await.unwrap();
        assert_eq!(redirect.status(), 302);
        assert!(!location(&redirect).contains(token));
        assert!(!redirect.headers().contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn unknown_malformed_and_revoked_links_and_those_of_deleted_files_are_the_same_404() {
    let stack = Stack::new();
    let url = |id: &str| format!("{}/v1/files/public/links/{id}/a.txt", stack.api);
    let mut gone = vec![
        url("4ffdc191-f32c-404a-8520-c403b7408afa"),
        url("x"),
        url("%00"),
        url("4FFDC191F32C404A8520C403B7408AFA"),
        url("LINK"),
    ];
    let revoked = stack.public_link(&stack.saved("a.txt", b"1").await).await;
    stack.delete(&format!("/v1/files/public/links/{}", link_id(&revoked))).await.expect(204);
    gone.push(revoked);
    for query in ["", "?purge=true"] {
        let file = stack.saved("a.txt", b"1").await;
        let link = stack.public_link(&file).await;
        assert_eq!(stack.visit(&link).await.status(), 302);
        stack.delete(&format!("/v2/files/{}{query}", text(&file["_id"]))).await.expect(200);
        gone.push(link);
        // A file's id is no link's.
        gone.push(url(text(&file["_id"])));
    }
    let mut replies = Vec::new();
    for url in &gone {
        let reply = stack.visit(url).await;
        assert_eq!(reply.status(), 404, "{url}");
        assert_eq!(reply.headers()["cache-control"], "no-store");
        assert!(!reply.headers().contains_key("location"));
        replies.push(reply.text().await.unwrap());
    }
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
}

#[tokio::test]
async fn the_last_access_is_noted_and_moves_on() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let url = stack.public_link(&file).await;
    assert_eq!(last_accessed_at(&stack, &file).await, None);
    let before = time::OffsetDateTime::now_utc() - time::Duration::SECOND;
    let mut last = String::new();
    for _ in 0..2 {
        eventually("a later access is noted", async || {
            stack.visit(&url).await;
            last_accessed_at(&stack, &file).await.is_some_and(|at| at > last)
        })
        .await;
        last = last_accessed_at(&stack, &file).await.unwrap();
        let at = time::OffsetDateTime::parse(&last, &time::format_description::well_known::Rfc3339).unwrap();
        assert!(at >= before && at <= time::OffsetDateTime::now_utc());
    }
}

#[tokio::test]
async fn an_access_that_cannot_be_noted_is_answered_and_brings_nothing_back() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"bytes").await;
    let url = stack.public_link(&file).await;
    let list = format!("LINKS#{}", text(&file["_id"]));
    let item = stack.items(&list).await.pop().unwrap();
    delete_item(&stack, &list, &item["sk"]).await;
    assert_eq!(bytes(&stack, &url).await, b"bytes");
    assert!(stack.items(&list).await.is_empty());
}

#[tokio::test]
async fn the_links_of_a_file_are_removed_with_it() {
    let stack = Stack::new();
    for how in ["DELETE v1", "DELETE v2", "its retention time is over"] {
        let file = stack.saved("a.txt", b"1").await;
        let id = text(&file["_id"]);
        let urls = [stack.public_link(&file).await, stack.public_link(&file).await];
        stack.visit(&urls[0]).await;
        let partitions =
            [format!("LINKS#{id}"), format!("LINK#{}", link_id(&urls[0])), format!("LINK#{}", link_id(&urls[1]))];
        let items = async || {
            let mut count = 0;
            for partition in &partitions {
                count += stack.items(partition).await.len();
            }
            count
        };
        assert_eq!(items().await, 4);
        match how {
            "DELETE v1" => _ = stack.delete(&format!("/v1/files/{id}")).await.expect(200),
            "DELETE v2" => _ = stack.delete(&format!("/v2/files/{id}?purge=true")).await.expect(200),
            _ => {
                stack.delete(&format!("/v2/files/{id}")).await.expect(200);
                assert_eq!(items().await, 4, "hidden with the file, and kept as long");
                delete_item(&stack, &format!("FILE#{id}"), &AttributeValue::S("META".into())).await;
                eventually("the links are gone", async || items().await == 0).await;
            }
        }
        assert_eq!(items().await, 0, "{how}");
        for url in &urls {
            assert_eq!(stack.visit(url).await.status(), 404);
        }
    }
}

#[tokio::test]
async fn a_head_leads_to_a_url_that_takes_a_head() {
    let stack = Stack::new();
    let url = stack.public_link(&stack.saved("a.txt", b"bytes").await).await;
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let redirect = browser.head(&url).send().await.unwrap();
    assert_eq!(redirect.status(), 302);
    assert_eq!(redirect.headers()["cache-control"], "no-store");
    assert_eq!(redirect.headers()["referrer-policy"], "no-referrer");
    let object = browser.head(location(&redirect)).send().await.unwrap();
    assert_eq!(object.status(), 200);
    assert_eq!(object.headers()["content-length"], "5");
    assert!(object.headers()["content-disposition"].to_str().unwrap().contains("a.txt"));
    assert_eq!(browser.get(location(&redirect)).send().await.unwrap().status(), 403, "it was signed for a HEAD");
    let unknown = format!("{}/v1/files/public/links/x/a.txt", stack.api);
    assert_eq!(browser.head(unknown).send().await.unwrap().status(), 404);
}
