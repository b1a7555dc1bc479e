//! `generatePublicLink`: a link of its own for each request, by whoever may edit the file.

use crate::stack::{Reply, Stack, eventually, link_id, text};
use reqwest::Method;
use serde_json::{Value, json};

fn generate(stack: &Stack, token: &str, id: &str) -> impl Future<Output = Reply> {
    Reply::of(stack.request(token, Method::POST, &format!("/v1/files/{id}/public/links")))
}

#[tokio::test]
async fn the_reply_is_the_url_with_the_links_id_and_the_name_as_one_segment() {
    let stack = Stack::new();
    let file = stack.saved("100% für #1?.pdf", b"1").await;
    let url = stack.public_link(&file).await;
    let id = link_id(&url);
    assert!(uuid::Uuid::try_parse(id).is_ok() && id != text(&file["_id"]), "{url}");
    let start = format!("{}/v1/files/public/links/{id}", stack.api);
    assert_eq!(url, format!("{start}/100%25%20f%C3%BCr%20%231%3F.pdf"));
}

#[tokio::test]
async fn many_at_once_make_a_link_each_also_while_the_file_changes() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let id = text(&file["_id"]);
    let renamed = json!({ "_id": id, "filename": "b.txt" });
    let one = || generate(&stack, &stack.token, id);
    let (a, b, saved, c, d) = tokio::join!(one(), one(), stack.post("/v2/files", &renamed), one(), one());
    saved.expect(200);
    let mut links: Vec<Value> = [a, b, c, d].map(|reply| reply.expect(201)).into();
    links.sort_by_key(Value::to_string);
    links.dedup();
    assert_eq!(links.len(), 4);
    assert_eq!(stack.items(&format!("LINKS#{id}")).await.len(), 4);
    for url in links {
        assert_eq!(stack.visit(text(&url)).await.status(), 302);
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_gets_no_link() {
    let stack = Stack::new();
    let mut ids = vec!["4ffdc191-f32c-404a-8520-c403b7408afa".to_owned(), "not-an-id".into()];
    for query in ["", "?purge=true"] {
        let file = stack.saved("a.txt", b"1").await;
        let id = text(&file["_id"]);
        stack.delete(&format!("/v2/files/{id}{query}")).await.expect(200);
        ids.push(id.to_owned());
    }
    for id in ids {
        generate(&stack, &stack.token, &id).await.error(404);
        assert!(stack.items(&format!("LINKS#{id}")).await.is_empty());
    }
}

#[tokio::test]
async fn only_the_files_own_organisation_may_share_it_because_links_outlive_a_grant() {
    let stack = Stack::new();
    let none = generate(&stack, &stack.other_token, "4ffdc191-f32c-404a-8520-c403b7408afa").await;
    for (list, status) in [("none", 404), ("view", 403), ("delete", 403), ("edit", 403)] {
        let s3ref = stack.upload("a.txt", b"1").await;
        let acl = if list == "none" { json!({}) } else { json!({ list: ["org:456"] }) };
        let file = stack.save(&json!({ "s3ref": s3ref, "_acl": acl })).await;
        let reply = generate(&stack, &stack.other_token, text(&file["_id"])).await;
        assert_eq!(reply.status, status, "{list}");
        assert!(status == 403 || reply.body == none.body);
        assert!(stack.items(&format!("LINKS#{}", text(&file["_id"]))).await.is_empty());
    }
}

#[tokio::test]
async fn a_link_that_is_made_while_its_file_is_deleted_does_not_outlive_it() {
    let stack = Stack::new();
    for _ in 0..5 {
        let file = stack.saved("a.txt", b"1").await;
        let id = text(&file["_id"]);
        let path = format!("/v1/files/{id}");
        let (deleted, made) = tokio::join!(stack.delete(&path), generate(&stack, &stack.token, id));
        deleted.expect(200);
        eventually("the list is gone", async || stack.items(&format!("LINKS#{id}")).await.is_empty()).await;
        if made.status == 201 {
            let url = text(&made.body);
            assert_eq!(stack.visit(url).await.status(), 404);
            assert!(stack.items(&format!("LINK#{}", link_id(url))).await.is_empty());
        } else {
            made.error(404);
        }
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_with_its_idempotency_key_gets_the_same_link() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let path = format!("/v1/files/{}/public/links", text(&file["_id"]));
    let key = uuid::Uuid::new_v4().to_string();
    let ask = |key: &str| Reply::of(stack.request(&stack.token, Method::POST, &path).header("idempotency-key", key));
    let first = ask(&key).await.expect(201);
    assert_eq!(ask(&key).await.expect(201), first);
    assert_ne!(ask(&uuid::Uuid::new_v4().to_string()).await.expect(201), first);
    assert_eq!(stack.items(&format!("LINKS#{}", text(&file["_id"]))).await.len(), 2);
    ask("").await.error(400);
}
