//! `revokePublicLink`: one link ends, at once and for good; only by those who may edit its file.

use crate::stack::{Reply, Stack, link_id, text};
use reqwest::Method;
use serde_json::{Value, json};

fn revoke(stack: &Stack, token: &str, id: &str) -> impl Future<Output = Reply> {
    Reply::of(stack.request(token, Method::DELETE, &format!("/v1/files/public/links/{id}")))
}

#[tokio::test]
async fn from_the_reply_on_the_link_is_gone_and_the_files_other_links_are_not() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let (url, other) = (stack.public_link(&file).await, stack.public_link(&file).await);
    assert_eq!(stack.visit(&url).await.status(), 302);
    assert_eq!(revoke(&stack, &stack.token, link_id(&url)).await.expect(204), Value::String(String::new()));
    assert_eq!(stack.visit(&url).await.status(), 404);
    assert_eq!(stack.visit(&other).await.status(), 302);
    let list = stack.get(&format!("/v1/files/{}/public/links", text(&file["_id"]))).await.expect(200);
    let left: Vec<_> = list["results"].as_array().unwrap().iter().map(|link| text(&link["link"])).collect();
    assert_eq!(left, [&other]);
    assert!(stack.items(&format!("LINK#{}", link_id(&url))).await.is_empty());
}

#[tokio::test]
async fn links_that_are_not_there_are_the_same_404() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let (revoked, of_deleted) = (stack.public_link(&file).await, stack.public_link(&file).await);
    revoke(&stack, &stack.token, link_id(&revoked)).await.expect(204);
    stack.delete(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200);
    let mut replies = Vec::new();
    for id in [link_id(&revoked), link_id(&of_deleted), text(&file["_id"]), "4ffdc191-f32c-404a-8520-c403b7408afa", "x"]
    {
        replies.push(revoke(&stack, &stack.token, id).await.error(404));
    }
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
}

#[tokio::test]
async fn other_organisations_cannot_tell_a_files_link_from_none_whatever_they_may_do_with_the_file() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let url = stack.public_link(&file).await;
    let none = revoke(&stack, &stack.other_token, "4ffdc191-f32c-404a-8520-c403b7408afa").await;
    for list in ["none", "view", "delete", "edit"] {
        let acl = if list == "none" { json!({}) } else { json!({ list: ["org:456"] }) };
        stack.save(&json!({ "_id": file["_id"], "_acl": acl })).await;
        let reply = revoke(&stack, &stack.other_token, link_id(&url)).await;
        assert_eq!((reply.status, &reply.body), (404, &none.body), "{list}");
        assert_eq!(stack.visit(&url).await.status(), 302, "{list}");
    }
}

#[tokio::test]
async fn a_link_that_is_followed_while_it_is_revoked_does_not_come_back() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    for _ in 0..5 {
        let url = stack.public_link(&file).await;
        let (a, b, revoked, c) = tokio::join!(
            stack.visit(&url),
            stack.visit(&url),
            revoke(&stack, &stack.token, link_id(&url)),
            stack.visit(&url)
        );
        revoked.expect(204);
        for visit in [a, b, c] {
            assert!(matches!(visit.status().as_u16(), 302 | 404), "{visit:?}");
        }
        assert!(stack.items(&format!("LINKS#{}", text(&file["_id"]))).await.is_empty());
        assert_eq!(stack.visit(&url).await.status(), 404);
    }
}
