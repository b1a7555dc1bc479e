//! `saveFile` with `custom_download_url`: a file whose bytes are kept elsewhere.

use crate::stack::{Stack, text};
use serde_json::json;

const URL: &str = "https://files.example/download?file_id=123";

#[tokio::test]
async fn a_custom_file_has_a_url_and_no_object() {
    let stack = Stack::new();
    let body = json!({ "custom_download_url": URL, "filename": "offer.pdf", "shared_with_end_customer": true });
    let file = stack.save(&body).await;
    assert_eq!((&file["custom_download_url"], &file["versions"]), (&json!(URL), &json!([])));
    assert_eq!((&file["type"], &file["mime_type"]), (&json!("document"), &json!("application/pdf")));
    assert_eq!(file["shared_with_end_customer"], true);
    for absent in ["s3ref", "size_bytes", "public_url", "source_url"] {
        assert_eq!(file.get(absent), None);
    }
    let path = format!("/v2/files/{}", text(&file["_id"]));
    assert_eq!(stack.get(&path).await.expect(200), file);
    assert_eq!(stack.get(&format!("{path}?source_url=true")).await.expect(200), file);
    assert_eq!(stack.delete(&format!("{path}?purge=true")).await.expect(200), file);
    stack.get(&path).await.error(404);
    assert!(stack.items(&format!("FILE#{}", text(&file["_id"]))).await.is_empty());
}

#[tokio::test]
async fn a_custom_file_can_be_changed_sent_back_and_get_versions() {
    let stack = Stack::new();
    let file = stack.save(&json!({ "custom_download_url": URL, "filename": "a.pdf" })).await;
    let moved = stack.save(&json!({ "_id": file["_id"], "custom_download_url": "https://other.example/a" })).await;
    assert_eq!(moved["custom_download_url"], "https://other.example/a");
    let sent_back = stack.save(&moved).await;
    assert_eq!(sent_back["custom_download_url"], moved["custom_download_url"]);
    let take_away = json!({ "_id": file["_id"], "custom_download_url": null });
    assert!(stack.post("/v2/files", &take_away).await.error(400).contains("save one first"));

    let s3ref = stack.upload("b.txt", b"here now").await;
    let both = stack.save(&json!({ "_id": file["_id"], "s3ref": s3ref })).await;
    assert_eq!((both["versions"].as_array().unwrap().len(), &both["filename"]), (1, &json!("b.txt")));
    assert_eq!(both["custom_download_url"], moved["custom_download_url"]);
    assert_eq!(stack.save(&take_away).await.get("custom_download_url"), None);
    assert_eq!(stack.download(&file["_id"], "").await.bytes().await.unwrap(), "here now");
}

#[tokio::test]
async fn a_url_that_nobody_could_sign_or_open_is_refused() {
    let stack = Stack::new();
    for bad in [
        "",
        "/a",
        "javascript:alert(1)",
        "ftp://a.example/",
        "https://u:p@a.example/",
        "https://a.example/?signature=x",
    ] {
        let error = stack.post("/v2/files", &json!({ "custom_download_url": bad, "filename": "a" })).await.error(400);
        assert!(error.starts_with("custom_download_url"), "{error}");
    }
    let nameless = json!({ "custom_download_url": "https://a.example/" });
    assert_eq!(stack.post("/v2/files", &nameless).await.error(400), "filename is required");
}
