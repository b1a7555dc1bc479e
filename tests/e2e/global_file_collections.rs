//! `getGlobalFileCollections`, and the operations beside it that write: shared in the organisation, written by
//! administrators.

use crate::{
    collections::{created, schema, send, token_of},
    stack::Stack,
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn what_an_administrator_makes_everybody_in_the_organisation_sees() {
    let stack = Stack::new();
    let schema = schema();
    let path = format!("/v1/collections/{schema}");
    let admin = &stack.admin_token;
    let made = send(&stack, admin, Method::POST, &path, &json!({ "name": "Templates" })).await.expect(201);
    assert_eq!(made["slug"], format!("_system_files_collection_schema_{schema}:templates"));
    let one = format!("{path}/templates");
    let renamed = send(&stack, admin, Method::PUT, &one, &json!({ "name": "All templates" })).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["slug"]), (&json!("All templates"), &made["slug"]));
    for token in [&stack.token, &token_of("somebody-else"), admin] {
        assert_eq!(send(&stack, token, Method::GET, &path, &json!({})).await.expect(200), json!([renamed]));
    }
    assert_eq!(send(&stack, &stack.other_token, Method::GET, &path, &json!({})).await.expect(200), json!([]));
    assert_eq!(send(&stack, admin, Method::DELETE, &one, &json!({})).await.status, 200);
    assert_eq!(stack.get(&path).await.expect(200), json!([]));
    send(&stack, admin, Method::DELETE, &one, &json!({})).await.error(404);
    send(&stack, admin, Method::PUT, &one, &json!({})).await.error(404);
}

#[tokio::test]
async fn only_an_administrator_of_the_organisation_writes() {
    let stack = Stack::new();
    let schema = schema();
    let path = format!("/v1/collections/{schema}");
    let one = format!("{path}/templates");
    send(&stack, &stack.admin_token, Method::POST, &path, &json!({ "name": "Templates" })).await.expect(201);
    let says_so = crate::tokens::with(&json!({ "file_admin": "true" }));
    for token in [&stack.token, &says_so] {
        for (method, path) in [(Method::POST, &path), (Method::PUT, &one), (Method::DELETE, &one)] {
            send(&stack, token, method, path, &json!({ "name": "x" })).await.error(403);
        }
    }
    let theirs = crate::tokens::with(&json!({ "org_id": "456", "file_admin": true }));
    send(&stack, &theirs, Method::PUT, &one, &json!({ "name": "x" })).await.error(404);
    send(&stack, &theirs, Method::DELETE, &one, &json!({})).await.error(404);
    assert_eq!(stack.get(&path).await.expect(200)[0]["name"], "Templates");
}

#[tokio::test]
async fn a_users_collections_and_the_organisations_do_not_mix() {
    let stack = Stack::new();
    let schema = schema();
    created(&stack, &schema, json!({ "name": "Mine" })).await;
    let path = format!("/v1/collections/{schema}");
    assert_eq!(stack.get(&path).await.expect(200), json!([]));
    let nested = json!({ "name": "Ours", "parents": ["mine"] });
    send(&stack, &stack.admin_token, Method::POST, &path, &nested).await.error(400);
}
