//! `getUserSchemaFileCollections`: a user's own collections, and nobody else's.

use crate::{
    collections::{created, names, schema, send, token_of},
    stack::Stack,
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_users_collections_are_listed_in_the_order_in_which_they_were_made() {
    let stack = Stack::new();
    let schema = schema();
    assert!(names(&stack, &schema).await.is_empty());
    for name in ["Zebra", "Apple", "Mango"] {
        created(&stack, &schema, json!({ "name": name })).await;
    }
    assert_eq!(names(&stack, &schema).await, ["Zebra", "Apple", "Mango"]);
}

#[tokio::test]
async fn collections_are_private_to_their_user() {
    let stack = Stack::new();
    let schema = schema();
    let path = format!("/v1/{schema}/collections");
    created(&stack, &schema, json!({ "name": "Mine" })).await;
    for token in [token_of("somebody-else"), stack.other_token.clone(), stack.admin_token.clone()] {
        assert_eq!(send(&stack, &token, Method::GET, &path, &json!({})).await.expect(200), json!([]));
        let one = format!("{path}/mine");
        send(&stack, &token, Method::PUT, &one, &json!({ "name": "Theirs" })).await.error(404);
        send(&stack, &token, Method::DELETE, &one, &json!({})).await.error(404);
    }
    assert_eq!(names(&stack, &schema).await, ["Mine"]);
}

#[tokio::test]
async fn schemas_do_not_mix_even_if_one_begins_like_the_other() {
    let stack = Stack::new();
    let (one, longer) = {
        let one = schema();
        (one.clone(), format!("{one}s"))
    };
    created(&stack, &one, json!({ "name": "One" })).await;
    created(&stack, &longer, json!({ "name": "Longer" })).await;
    assert_eq!((names(&stack, &one).await, names(&stack, &longer).await), (vec!["One".into()], vec!["Longer".into()]));
}

#[tokio::test]
async fn a_schema_that_is_none_is_refused_and_a_token_without_a_user_too() {
    let stack = Stack::new();
    for bad in ["a.b", "%C3%BC", "a%20b", &"x".repeat(65)] {
        let path = format!("/v1/{bad}/collections");
        assert!(stack.get(&path).await.error(400).starts_with("slug: "), "{bad}");
        assert!(stack.post(&path, &json!({ "name": "a" })).await.error(400).starts_with("slug: "), "{bad}");
    }
    let machine = crate::tokens::with(&json!({ "sub": null }));
    send(&stack, &machine, Method::GET, "/v1/order/collections", &json!({})).await.error(401);
}

#[tokio::test]
async fn a_file_is_still_found_where_paths_look_alike() {
    let stack = Stack::new();
    let file = stack.saved("a.txt", b"1").await;
    let path = format!("/v1/files/{}", crate::stack::text(&file["_id"]));
    assert_eq!(stack.get(&path).await.expect(200), file);
}
