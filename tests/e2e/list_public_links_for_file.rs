//! `listPublicLinksForFile`: every link that is not revoked, in order, to those who may edit the file.

use crate::stack::{Reply, Stack, link_id, text};
use reqwest::Method;
use serde_json::{Value, json};

fn path(id: &str, query: &str) -> String {
    format!("/v1/files/{id}/public/links?{query}")
}

/// A file with this many links, and their URLs in the order that they were made in.
async fn file_with_links(stack: &Stack, count: usize) -> (String, Vec<String>) {
    let file = stack.saved("a b.txt", b"1").await;
    let mut urls = Vec::new();
    for _ in 0..count {
        urls.push(stack.public_link(&file).await);
    }
    (text(&file["_id"]).to_owned(), urls)
}

fn urls(reply: &Value) -> Vec<&str> {
    reply["results"].as_array().unwrap().iter().map(|link| text(&link["link"])).collect()
}

#[tokio::test]
async fn links_come_oldest_first_as_they_were_made() {
    let stack = Stack::new();
    let (id, made) = file_with_links(&stack, 3).await;
    let reply = stack.get(&path(&id, "")).await.expect(200);
    let links: Vec<Value> = made.iter().map(|url| json!({ "id": link_id(url), "link": url })).collect();
    assert_eq!(reply, json!({ "results": links }));
}

#[tokio::test]
async fn a_file_without_links_has_an_empty_list() {
    let stack = Stack::new();
    let (id, _) = file_with_links(&stack, 0).await;
    assert_eq!(stack.get(&path(&id, "")).await.expect(200), json!({ "results": [] }));
}

#[tokio::test]
async fn pages_follow_each_other_and_only_the_last_has_no_cursor() {
    let stack = Stack::new();
    let (id, made) = file_with_links(&stack, 4).await;
    for limit in 1..=5 {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stack.get(&path(&id, &format!("limit={limit}&cursor={cursor}"))).await.expect(200);
            seen.extend(urls(&page).into_iter().map(str::to_owned));
            let Some(next) = page.get("next_cursor") else { break };
            assert_eq!((urls(&page).len(), seen.len() < made.len()), (limit, true), "limit={limit}");
            text(next).clone_into(&mut cursor);
        }
        assert_eq!(seen, made, "limit={limit}");
    }
}

#[tokio::test]
async fn a_page_has_at_most_100_links() {
    let stack = Stack::new();
    let (id, made) = file_with_links(&stack, 101).await;
    for query in ["", "limit=", "limit=100", "cursor="] {
        let page = stack.get(&path(&id, query)).await.expect(200);
        assert_eq!(urls(&page), made[..100], "{query}");
        let rest = stack.get(&path(&id, &format!("cursor={}", text(&page["next_cursor"])))).await.expect(200);
        assert_eq!((urls(&rest), rest.get("next_cursor")), (vec![made[100].as_str()], None));
    }
}

#[tokio::test]
async fn a_cursor_stays_good_when_its_link_is_revoked() {
    let stack = Stack::new();
    let (id, made) = file_with_links(&stack, 3).await;
    let page = stack.get(&path(&id, "limit=2")).await.expect(200);
    stack.delete(&format!("/v1/files/public/links/{}", link_id(&made[1]))).await.expect(204);
    let rest = stack.get(&path(&id, &format!("cursor={}", text(&page["next_cursor"])))).await.expect(200);
    assert_eq!(urls(&rest), [&made[2]]);
}

#[tokio::test]
async fn a_limit_or_cursor_that_cannot_be_is_a_400() {
    let stack = Stack::new();
    let (id, _) = file_with_links(&stack, 0).await;
    for (name, bad) in [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "ten"),
        ("limit", "99999999999999999999999"),
        ("cursor", "x"),
        ("cursor", "0"),
        ("cursor", "4ffdc191-f32c-404a-8520-c403b7408afa"),
        ("cursor", "2026-02-03T08:02:11.040Z_"),
        ("cursor", "2026-02-03T08:02:11.040Z_x"),
        ("cursor", "2026-02-03_4ffdc191-f32c-404a-8520-c403b7408afa"),
        ("cursor", "%00"),
    ] {
        let error = stack.get(&path(&id, &format!("{name}={bad}"))).await.error(400);
        assert!(error.starts_with(name), "{error}");
    }
}

#[tokio::test]
async fn only_the_files_own_organisation_sees_its_links() {
    let stack = Stack::new();
    let list = |id: &str| Reply::of(stack.request(&stack.other_token, Method::GET, &path(id, "")));
    let none = list("4ffdc191-f32c-404a-8520-c403b7408afa").await;
    let (id, made) = file_with_links(&stack, 1).await;
    for acl in [json!({ "view": ["org:456"] }), json!({ "delete": ["org:456"] }), json!({ "edit": ["org:456"] })] {
        stack.save(&json!({ "_id": id, "_acl": acl })).await;
        list(&id).await.error(403);
    }
    stack.save(&json!({ "_id": id, "_acl": {} })).await;
    let reply = list(&id).await;
    assert_eq!((reply.status, &reply.body), (404, &none.body));
    assert_eq!(urls(&stack.get(&path(&id, "")).await.expect(200)), [&made[0]]);
}

#[tokio::test]
async fn a_deleted_file_and_an_id_that_is_none_are_404() {
    let stack = Stack::new();
    let (id, _) = file_with_links(&stack, 1).await;
    stack.delete(&format!("/v2/files/{id}")).await.expect(200);
    for id in [id.as_str(), "x"] {
        stack.get(&path(id, "")).await.error(404);
    }
}
