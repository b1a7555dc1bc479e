//! `getFile`: the entity, for its own organisation only.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;

#[tokio::test]
async fn both_paths_give_the_entity_that_save_returned() {
    let stack = Stack::new();
    let saved = stack.saved("a.pdf", b"1").await;
    for version in ["v1", "v2"] {
        assert_eq!(stack.get(&format!("/{version}/files/{}", text(&saved["_id"]))).await.expect(200), saved);
    }
}

#[tokio::test]
async fn another_organisations_file_is_indistinguishable_from_none() {
    let stack = Stack::new();
    let saved = stack.saved("a.pdf", b"1").await;
    let get = |id: &str| Reply::of(stack.request(&stack.other_token, Method::GET, &format!("/v2/files/{id}")));
    let theirs = get(text(&saved["_id"])).await;
    let none = get("4ffdc191-f32c-404a-8520-c403b7408afa").await;
    let no_id = get("not-an-id").await;
    assert_eq!((theirs.status, &theirs.body), (none.status, &none.body));
    assert_eq!((theirs.status, &theirs.body), (no_id.status, &no_id.body));
    theirs.error(404);
}
