//! `previewFile`: a thumbnail of what a file holds, for those who may view it.

use crate::{
    image::{MARKED, header, png_bomb, preview, refused, seen, svg},
    stack::{Reply, Stack, text},
};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_preview_fits_in_the_box_keeps_its_aspect_and_is_never_enlarged() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(400, 200, "teal")).await;
    for (query, width, height) in [
        ("", 200, 100),
        ("w=&h=", 200, 100),
        ("w=100", 100, 50),
        ("h=64", 128, 64),
        ("w=100&h=16", 32, 16),
        ("w=2048&h=2048", 400, 200),
    ] {
        let seen = preview(stack.preview(&stack.token, &file, query)).await;
        assert_eq!(seen, ("image/jpeg", width, height), "{query}");
    }
}

#[tokio::test]
async fn sizes_are_reduced_to_a_few_so_that_few_previews_are_kept() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(400, 200, "teal")).await;
    let first = stack.preview(&stack.token, &file, "w=64").send().await.unwrap();
    for (query, width, height) in [
        ("w=64", 64, 32),
        ("w=65", 64, 32),
        ("w=99", 64, 32),
        ("w=15", 8, 4),
        ("w=7", 1, 1),
        ("w=399", 300, 150),
        ("w=310", 300, 150),
    ] {
        let seen = preview(stack.preview(&stack.token, &file, query)).await;
        assert_eq!(seen, ("image/jpeg", width, height), "{query}");
    }
    assert_eq!(stack.kept_previews(&file).await.len(), 4);
    let again = stack.preview(&stack.token, &file, "w=99").header("if-none-match", header(&first, "etag"));
    assert_eq!(again.send().await.unwrap().status(), 304);
}

#[tokio::test]
async fn a_preview_that_is_rendered_while_its_file_is_removed_is_not_kept() {
    let stack = Stack::new();
    for _ in 0..3 {
        let file = stack.saved("a.svg", &svg(2_000, 2_000, "teal")).await;
        let previews = ["w=2048", "w=1600", "w=1280", "w=1024", "w=800", "w=640"]
            .map(|query| tokio::spawn(stack.preview(&stack.token, &file, query).send()));
        stack.delete(&format!("/v2/files/{}?purge=true", text(&file["_id"]))).await.expect(200);
        for preview in previews {
            let status = preview.await.unwrap().unwrap().status().as_u16();
            assert!([200, 404].contains(&status), "{status}");
        }
        assert_eq!(stack.kept_previews(&file).await, [""; 0]);
    }
}

#[tokio::test]
async fn what_is_transparent_is_a_png() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(40, 20, "transparent")).await;
    assert_eq!(preview(stack.preview(&stack.token, &file, "")).await, ("image/png", 40, 20));
}

#[tokio::test]
async fn the_bytes_decide_and_not_the_name_or_the_type() {
    let stack = Stack::new();
    let saved = async |name: &str, mime_type: &str, bytes: &[u8]| {
        let s3ref = stack.upload(name, bytes).await;
        stack.save(&json!({ "s3ref": s3ref, "mime_type": mime_type })).await
    };
    let picture = saved("a.txt", "application/zip", &svg(40, 20, "teal")).await;
    assert_eq!(preview(stack.preview(&stack.token, &picture, "")).await, ("image/jpeg", 40, 20));
    let page = saved("a.png", "image/png", b"Once upon a time").await;
    let (_, width, height) = preview(stack.preview(&stack.token, &page, "")).await;
    assert!(width < height && height == 200, "a page: {width} x {height}");
    let neither = saved("a.jpg", "image/jpeg", &[0, 1, 2, 3, 255, 254]).await;
    refused(stack.preview(&stack.token, &neither, ""), 415).await;
}

#[tokio::test]
async fn each_version_has_its_own_preview() {
    let stack = Stack::new();
    let first = stack.saved("a.svg", &svg(40, 20, "teal")).await;
    let s3ref = stack.upload("b.svg", &svg(20, 40, "teal")).await;
    stack.save(&json!({ "_id": first["_id"], "s3ref": s3ref })).await;
    for (query, width, height) in [("", 20, 40), ("version=0", 20, 40), ("version=1", 40, 20)] {
        let seen = preview(stack.preview(&stack.token, &first, query)).await;
        assert_eq!(seen, ("image/jpeg", width, height), "{query}");
    }
    refused(stack.preview(&stack.token, &first, "version=2"), 404).await;
}

#[tokio::test]
async fn a_preview_is_kept_and_every_operation_uses_it_until_the_file_goes() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    preview(stack.preview(&stack.token, &file, "")).await;
    stack.mark_preview(&file).await;
    for request in [
        stack.preview(&stack.token, &file, ""),
        stack.public_preview(&file, ""),
        stack.s3_preview(&stack.token, &file["s3ref"], ""),
        stack.s3_preview_get(&stack.token, &file["s3ref"], ""),
    ] {
        assert_eq!(preview(request).await, MARKED);
    }
    let other_size = preview(stack.preview(&stack.token, &file, "w=64")).await;
    assert_eq!(other_size, ("image/jpeg", 64, 32));
    assert_eq!(stack.kept_previews(&file).await.len(), 2);
    stack.delete(&format!("/v2/files/{}?purge=true", text(&file["_id"]))).await.expect(200);
    assert_eq!(stack.kept_previews(&file).await, [""; 0]);
}

#[tokio::test]
async fn a_kept_preview_is_no_way_around_the_files_rights() {
    let stack = Stack::new();
    let file = stack.public_picture().await;
    preview(stack.public_preview(&file, "")).await;
    let key = stack.kept_previews(&file).await.remove(0);
    let base = text(&file["public_url"]).split_once("/123/").unwrap().0;
    assert_eq!(stack.anonymous_status(&json!(format!("{base}/{key}"))).await, 403);
    let s3ref = json!({ "bucket": stack.bucket, "key": key });
    refused(stack.s3_preview(&stack.token, &s3ref, ""), 400).await;
}

#[tokio::test]
async fn who_has_the_preview_gets_304_and_the_file_that_changed_has_another_tag() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(40, 20, "teal")).await;
    let first = stack.preview(&stack.token, &file, "").send().await.unwrap();
    assert_eq!(header(&first, "cache-control"), "private, no-cache");
    let tag = header(&first, "etag");
    let again = async |tag: &str, query: &str| {
        let request = stack.preview(&stack.token, &file, query).header("if-none-match", tag);
        request.send().await.unwrap()
    };
    let same = again(tag, "").await;
    assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, tag));
    assert!(same.bytes().await.unwrap().is_empty());
    assert_eq!(again(tag, "w=20").await.status(), 200);
    let s3ref = stack.upload("b.svg", &svg(20, 40, "teal")).await;
    stack.save(&json!({ "_id": file["_id"], "s3ref": s3ref })).await;
    assert_eq!(again(tag, "").await.status(), 200);
    let refused = stack.preview(&stack.other_token, &file, "").header("if-none-match", "*");
    assert_eq!(Reply::of(refused).await.status, 404, "a tag is no right");
}

#[tokio::test]
async fn the_cookie_of_a_session_is_enough() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(40, 20, "teal")).await;
    let path = format!("/v1/files/{}/preview", text(&file["_id"]));
    let request = stack.request_in_session(&stack.token, Method::GET, &path);
    assert_eq!(preview(request).await, ("image/jpeg", 40, 20));
}

#[tokio::test]
async fn a_file_that_is_unknown_deleted_or_another_organisations_is_the_same_404() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(40, 20, "teal")).await;
    let deleted = stack.saved("b.svg", &svg(40, 20, "teal")).await;
    preview(stack.preview(&stack.token, &deleted, "")).await;
    stack.delete(&format!("/v2/files/{}", text(&deleted["_id"]))).await.expect(200);
    let unknown = json!({ "_id": "4ffdc191-f32c-404a-8520-c403b7408afa" });
    let expected = refused(stack.preview(&stack.token, &unknown, ""), 404).await;
    for (token, file) in
        [(&stack.other_token, &file), (&stack.token, &deleted), (&stack.token, &json!({ "_id": "not-an-id" }))]
    {
        assert_eq!(refused(stack.preview(token, file, ""), 404).await, expected);
    }
    stack.save(&json!({ "_id": file["_id"], "_acl": { "view": ["org:456"] } })).await;
    assert_eq!(preview(stack.preview(&stack.other_token, &file, "")).await.1, 40);
}

#[tokio::test]
async fn a_file_that_is_kept_elsewhere_has_no_preview_and_the_reply_says_so() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(40, 20, "teal")).await;
    stack.keep_elsewhere(&file, "https://files.example/a").await;
    let sentence = refused(stack.preview(&stack.token, &file, ""), 404).await;
    assert!(sentence.contains("custom_download_url"), "{sentence}");
}

#[tokio::test]
async fn what_cannot_be_rendered_is_a_422_and_the_function_lives_on() {
    let stack = Stack::new();
    let saved = async |bytes: &[u8]| stack.saved("a", bytes).await;
    let looping_pdf: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj trailer<</Root 1 0 R>>";
    for bytes in [
        &png_bomb()[..],
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        looping_pdf,
        b"<svg xmlns='http://www.w3.org/2000/svg'><g>",
        b"",
    ] {
        let file: Value = saved(bytes).await;
        let sentence = refused(stack.preview(&stack.token, &file, ""), 422).await;
        assert!(!sentence.contains("render"), "a crash, not an answer: {sentence}");
    }
    let file = saved(&svg(40, 20, "teal")).await;
    assert_eq!(preview(stack.preview(&stack.token, &file, "")).await, ("image/jpeg", 40, 20));
}

#[tokio::test]
async fn the_largest_preview_of_the_busiest_picture_fits_into_a_reply() {
    let stack = Stack::new();
    // Noise is what no encoder makes small: an uncompressed bitmap of it, 2,048 pixels a side, 3 bytes a pixel.
    let (side, mut state) = (2_048_u32, 1_u32);
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend([side.to_le_bytes(), side.to_le_bytes()].concat());
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 24]);
    bmp.extend((0..side * side * 3).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    }));
    let file = stack.saved("noise.bmp", &bmp).await;
    assert_eq!(preview(stack.preview(&stack.token, &file, "w=2048&h=2048")).await, ("image/jpeg", side, side));
}

#[tokio::test]
async fn a_wrong_size_or_version_is_named() {
    let stack = Stack::new();
    let file = stack.saved("a.svg", &svg(40, 20, "teal")).await;
    for name in ["w", "h", "version"] {
        for bad in ["-1", "x", "1.5", "99999999999", "0x10"] {
            let error = refused(stack.preview(&stack.token, &file, &format!("{name}={bad}")), 400).await;
            assert!(error.starts_with(&format!("{name} must be")), "{error}");
        }
    }
    for bad in ["w=0", "h=0", "w=2049", "w=10&h=2049"] {
        refused(stack.preview(&stack.token, &file, bad), 400).await;
    }
    let seen = seen(&stack.preview(&stack.token, &file, "unknown=1").send().await.unwrap().bytes().await.unwrap());
    assert_eq!(seen, ("image/jpeg", 40, 20));
}
