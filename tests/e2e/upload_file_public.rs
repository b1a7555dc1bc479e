//! `uploadFilePublic`: anybody may upload, only an organisation may save.

use crate::stack::{Reply, Stack, text};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/v1/files/public/upload";

async fn upload(stack: &Stack, query: &str, org_header: Option<&str>) -> Value {
    let mut request = stack.request("", Method::POST, &format!("{PATH}{query}")).json(&json!({ "filename": "cv.pdf" }));
    if let Some(org) = org_header {
        request = request.header("x-epilot-org-id", org);
    }
    let reply = Reply::of(request).await.expect(201);
    let put = stack.http.put(text(&reply["upload_url"])).body("cv").send().await.unwrap();
    assert_eq!(put.status(), 200);
    reply
}

async fn save_as(stack: &Stack, token: &str, s3ref: &Value) -> Reply {
    Reply::of(stack.request(token, Method::POST, "/v1/files").json(&json!({ "s3ref": s3ref }))).await
}

#[tokio::test]
async fn an_upload_for_no_organisation_is_saved_by_the_first_and_unknown_to_the_second() {
    let stack = Stack::new();
    let reply = upload(&stack, "", None).await;
    assert!(text(&reply["s3ref"]["key"]).starts_with("temp/public/"));
    assert_eq!(reply.get("public_url"), None);
    assert_eq!(save_as(&stack, &stack.token, &reply["s3ref"]).await.expect(201)["_org"], "123");
    save_as(&stack, &stack.other_token, &reply["s3ref"]).await.error(404);
}

#[tokio::test]
async fn an_upload_for_an_organisation_can_be_saved_by_no_other() {
    let stack = Stack::new();
    for (query, header) in [("", Some("123")), ("?org_id=123", None), ("?org_id=456", Some("123"))] {
        let reply = upload(&stack, query, header).await;
        assert!(text(&reply["s3ref"]["key"]).starts_with("temp/public/123/"), "the header goes before the query");
        save_as(&stack, &stack.other_token, &reply["s3ref"]).await.error(404);
        save_as(&stack, &stack.token, &reply["s3ref"]).await.expect(201);
    }
}

#[tokio::test]
async fn an_invalid_organisation_is_refused() {
    let stack = Stack::new();
    for org in ["temp", "a/b", "..", "%C3%BC"] {
        let request =
            stack.request("", Method::POST, &format!("{PATH}?org_id={org}")).json(&json!({ "filename": "a" }));
        assert!(Reply::of(request).await.error(400).contains("org_id"));
    }
}

#[tokio::test]
async fn its_own_smaller_size_limit_holds_when_asked_for_when_posted_and_when_saved() {
    const LIMIT: usize = 26_214_400;
    let stack = Stack::new();
    let ask = |body: Value| Reply::of(stack.request("", Method::POST, PATH).json(&body));
    ask(json!({ "filename": "a", "size_bytes": LIMIT + 1 })).await.error(413);

    let reply = ask(json!({ "filename": "a" })).await.expect(201);
    let fields = reply["upload_post"]["fields"].as_object().unwrap().clone();
    let form = fields
        .iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name.clone(), text(value).to_owned()));
    let form = form.part("file", reqwest::multipart::Part::bytes(vec![0; LIMIT + 1]).file_name("a"));
    let posted = stack.http.post(text(&reply["upload_post"]["url"])).multipart(form).send().await.unwrap();
    assert_eq!(posted.status(), 400);

    let promised = ask(json!({ "filename": "a", "size_bytes": 1 })).await.expect(201);
    let put = stack.http.put(text(&promised["upload_url"])).body(vec![0; LIMIT + 1]).send().await.unwrap();
    assert_eq!(put.status(), 403);

    // A bare presigned PUT cannot hold a limit, so the save does, or its object has been removed by then.
    let put = stack.http.put(text(&reply["upload_url"])).body(vec![0; LIMIT + 1]).send().await.unwrap();
    assert_eq!(put.status(), 200);
    let refused = save_as(&stack, &stack.token, &reply["s3ref"]).await;
    assert!([404, 413].contains(&refused.status), "{}", refused.body);
    stack.assert_unsaved(text(&reply["s3ref"]["key"]).rsplit('/').nth(1).unwrap()).await;
}
