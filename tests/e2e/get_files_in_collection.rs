//! `getFilesInCollection`: an entity's files by the tags of their relations.

use crate::{
    collections::{created, schema, send, token_of},
    stack::{Reply, Stack, text},
};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A file related to the entity with these tags.
async fn related(stack: &Stack, entity: &str, schema: &str, tags: &[&str]) -> Value {
    let s3ref = stack.upload("a.txt", b"1").await;
    let relation = json!({ "entity_id": entity, "_schema": schema, "_tags": tags });
    stack.save(&json!({ "s3ref": s3ref, "relations": [relation] })).await
}

/// The path of the pages of an entity's files in a collection.
pub fn path(entity: &str, slug: &str, query: &str) -> String {
    format!("/v1/entity/{entity}/collections/{slug}/files?{query}")
}

/// The pages of a list, from this path to the last that a `Link` leads to.
pub async fn pages(stack: &Stack, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = reqwest::Url::parse(&format!("{}{path}", stack.api)).ok();
    while let Some(url) = next {
        let reply = stack.http.get(url.clone()).bearer_auth(&stack.token).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{url}");
        let link = reply.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| {
            let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(r#">; rel="next""#));
            url.join(target.unwrap_or_else(|| panic!("{link}"))).unwrap()
        });
        pages.push(reply.json().await.unwrap());
    }
    pages
}

async fn files(stack: &Stack, token: &str, entity: &str, slug: &str) -> Reply {
    let path = format!("/v1/entity/{entity}/collections/{slug}/files");
    send(stack, token, Method::GET, &path, &json!({})).await
}

#[tokio::test]
async fn files_are_in_a_collection_by_a_tag_and_come_newest_first() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    let slug = text(&created(&stack, &schema, json!({ "name": "Contracts" })).await["slug"]).to_owned();
    let older = related(&stack, &entity, &schema, &["x", "contracts"]).await;
    let newer = related(&stack, &entity, &schema, &[&slug]).await;
    related(&stack, &entity, &schema, &["offers"]).await;
    related(&stack, &entity, &schema, &[]).await;
    related(&stack, &entity, "another-schema", &["contracts"]).await;
    related(&stack, &Uuid::new_v4().to_string(), &schema, &["contracts"]).await;
    for name in ["contracts", &slug] {
        assert_eq!(files(&stack, &stack.token, &entity, name).await.expect(200), json!([newer, older]), "{name}");
    }
}

#[tokio::test]
async fn a_file_of_several_versions_comes_with_all_of_them_and_a_deleted_one_not_at_all() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    created(&stack, &schema, json!({ "name": "c" })).await;
    let kept = related(&stack, &entity, &schema, &["c"]).await;
    let s3ref = stack.upload("b.txt", b"22").await;
    let kept = stack.save(&json!({ "_id": kept["_id"], "s3ref": s3ref })).await;
    for query in ["", "?purge=true"] {
        let gone = related(&stack, &entity, &schema, &["c"]).await;
        stack.delete(&format!("/v2/files/{}{query}", text(&gone["_id"]))).await.expect(200);
    }
    assert_eq!(files(&stack, &stack.token, &entity, "c").await.expect(200), json!([kept]));
    stack.save(&json!({ "_id": kept["_id"], "relations": [{ "entity_id": entity, "remove": true }] })).await;
    assert_eq!(files(&stack, &stack.token, &entity, "c").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_collection_that_the_caller_cannot_see_is_a_404() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    let name = format!("n{}", Uuid::new_v4().simple());
    created(&stack, &schema, json!({ "name": name })).await;
    related(&stack, &entity, &schema, &[&name]).await;
    for token in [&token_of("somebody-else"), &stack.other_token] {
        files(&stack, token, &entity, &name).await.error(404);
    }
    files(&stack, &stack.token, &entity, "unknown").await.error(404);
    stack.delete(&format!("/v1/{schema}/collections/{name}")).await;
    files(&stack, &stack.token, &entity, &name).await.error(404);
}

#[tokio::test]
async fn everybody_in_the_organisation_and_nobody_else_sees_the_files_of_a_shared_collection() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    let shared = format!("/v1/collections/{schema}");
    let made = send(&stack, &stack.admin_token, Method::POST, &shared, &json!({ "name": "Shared" })).await.expect(201);
    let file = related(&stack, &entity, &schema, &["shared"]).await;
    let machine = crate::tokens::with(&json!({ "sub": null }));
    for token in [&stack.token, &token_of("somebody-else"), &machine] {
        assert_eq!(files(&stack, token, &entity, text(&made["slug"])).await.expect(200), json!([file]));
    }
    let theirs = crate::tokens::with(&json!({ "org_id": "456", "file_admin": true }));
    send(&stack, &theirs, Method::POST, &shared, &json!({ "name": "Shared" })).await.expect(201);
    assert_eq!(files(&stack, &theirs, &entity, text(&made["slug"])).await.expect(200), json!([]));
}

#[tokio::test]
async fn an_entity_without_files_has_an_empty_list_and_one_that_cannot_be_is_not_found() {
    let stack = Stack::new();
    let schema = schema();
    created(&stack, &schema, json!({ "name": "empty" })).await;
    assert_eq!(files(&stack, &stack.token, &Uuid::new_v4().to_string(), "empty").await.expect(200), json!([]));
    for bad in ["a%23b", "%C3%BC", &"x".repeat(129)] {
        files(&stack, &stack.token, bad, "empty").await.error(404);
    }
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_and_only_the_last_has_no_link() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    created(&stack, &schema, json!({ "name": "c" })).await;
    let mut made = Vec::new();
    for number in 0..7 {
        let file = related(&stack, &entity, &schema, &[if number % 3 == 2 { "other" } else { "c" }]).await;
        if number % 3 != 2 {
            made.insert(0, file);
        }
    }
    // A deleted file takes no place on a page.
    let deleted = made.remove(2);
    stack.delete(&format!("/v2/files/{}", text(&deleted["_id"]))).await.expect(200);
    for (limit, counts) in [(1, &[1, 1, 1, 1][..]), (2, &[2, 2]), (3, &[3, 1]), (4, &[4]), (1_000, &[4])] {
        let pages = pages(&stack, &path(&entity, "c", &format!("limit={limit}"))).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), counts, "limit={limit}");
        assert_eq!(pages.concat(), made, "limit={limit}");
    }
    assert_eq!(pages(&stack, &path(&entity, "c", "limit=&cursor=")).await, [made]);
}

#[tokio::test]
async fn a_cursor_stays_good_when_its_file_goes_and_is_a_place_in_the_list_of_one_entity() {
    let stack = Stack::new();
    let (entity, other, schema) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string(), schema());
    created(&stack, &schema, json!({ "name": "c" })).await;
    let older = related(&stack, &entity, &schema, &["c"]).await;
    let theirs = related(&stack, &other, &schema, &["c"]).await;
    let newer = related(&stack, &entity, &schema, &["c"]).await;
    let cursor = format!("cursor={}_{}", text(&newer["_created_at"]), text(&newer["_id"]));
    stack.delete(&format!("/v2/files/{}?purge=true", text(&newer["_id"]))).await.expect(200);
    assert_eq!(pages(&stack, &path(&entity, "c", &cursor)).await, [[older]]);
    assert_eq!(pages(&stack, &path(&other, "c", &cursor)).await, [[theirs]]);
}

#[tokio::test]
async fn a_page_ends_after_1000_relations_whatever_collection_they_name() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    created(&stack, &schema, json!({ "name": "c" })).await;
    let older = related(&stack, &entity, &schema, &["c"]).await;
    // Relations of files that are in another collection, as the table has them.
    let now = time::OffsetDateTime::now_utc() + time::Duration::days(1);
    let now = now.format(&time::format_description::well_known::Rfc3339).unwrap();
    let put = |number: usize| {
        let (id, created_at) = (Uuid::new_v4().to_string(), format!("{}.{:03}Z", &now[..19], number % 1_000));
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = PutRequest::builder()
            .item("pk", text(&format!("ENTITY#123#{entity}")))
            .item("sk", text(&format!("FILE#{created_at}_{id}")))
            .item("file_id", text(&id))
            .item("created_at", text(&created_at))
            .item("entity_id", text(&entity))
            .item("_tags", AttributeValue::L(vec![text("other")]));
        WriteRequest::builder().put_request(item.build().unwrap()).build()
    };
    let puts: Vec<_> = (0..1_001).map(put).collect();
    for chunk in puts.chunks(25) {
        let write = stack.dynamodb.batch_write_item().request_items(&stack.table, chunk.to_vec());
        write.send().await.unwrap();
    }
    assert_eq!(pages(&stack, &path(&entity, "c", "")).await, [vec![], vec![older]]);
}

#[tokio::test]
async fn a_limit_or_cursor_that_cannot_be_is_a_400() {
    let stack = Stack::new();
    let schema = schema();
    created(&stack, &schema, json!({ "name": "c" })).await;
    for (name, bad) in [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("cursor", "x"),
        ("cursor", "4ffdc191-f32c-404a-8520-c403b7408afa"),
        ("cursor", "2026-02-03_4ffdc191-f32c-404a-8520-c403b7408afa"),
        ("cursor", "2026-02-03T08:02:11.040Z_x"),
        ("cursor", "%00"),
    ] {
        let error = stack.get(&path("1", "c", &format!("{name}={bad}"))).await.error(400);
        assert!(error.starts_with(name), "{error}");
    }
}
