//! Pictures to have previews of, and what a preview is.

use crate::stack::{Reply, Stack, text};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// A picture of this size that is one colour all over.
pub fn svg(width: u32, height: u32, colour: &str) -> Vec<u8> {
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg""#;
    format!(r#"{svg} width="{width}" height="{height}"><rect width="100%" height="100%" fill="{colour}"/></svg>"#)
        .into()
}

/// A PNG that says it is 50,000 × 50,000 pixels and has the bytes of a few.
pub fn png_bomb() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x02\0\0\0".to_vec();
    png.extend(0x25cc_0763_u32.to_be_bytes());
    png.extend(b"\0\0\0\x0bIDAT\x78\x9c\x63\0\x01\0\0\x05\0\x01\x0d\x0a");
    png
}

/// A preview: its type, width and height.
pub type Seen = (&'static str, u32, u32);

/// What an image file says that it is.
#[track_caller]
pub fn seen(bytes: &[u8]) -> Seen {
    let number =
        |at: usize, length: usize| bytes[at..at + length].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    if bytes.starts_with(b"\x89PNG") {
        return ("image/png", number(16, 4), number(20, 4));
    }
    assert!(
        bytes.starts_with(b"\xff\xd8"),
        "{:?} is no image",
        String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
    );
    let mut at = 2;
    // From segment to segment to the one that starts the frame.
    while !matches!(bytes[at + 1], 0xc0..=0xc2) {
        at += 2 + number(at + 2, 2) as usize;
    }
    ("image/jpeg", number(at + 7, 2), number(at + 5, 2))
}

/// A reply that must be a preview.
pub async fn preview(request: RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    let seen = seen(&bytes);
    assert_eq!(
        (headers["content-type"].to_str().unwrap(), &headers["x-content-type-options"]),
        (seen.0, &"nosniff".parse().unwrap())
    );
    seen
}

#[track_caller]
pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

impl Stack {
    /// A request for the preview of a file.
    pub fn preview(&self, token: &str, file: &Value, query: &str) -> RequestBuilder {
        self.request(token, Method::GET, &format!("/v1/files/{}/preview?{query}", text(&file["_id"])))
    }

    /// A request for the preview of a public file.
    pub fn public_preview(&self, file: &Value, query: &str) -> RequestBuilder {
        self.request("", Method::GET, &format!("/v1/files/public/{}/preview?{query}", text(&file["_id"])))
    }

    /// A request for the preview of an `s3ref`.
    pub fn s3_preview(&self, token: &str, s3ref: &Value, query: &str) -> RequestBuilder {
        self.request(token, Method::POST, &format!("/v1/files:previewS3?{query}")).json(s3ref)
    }

    /// A request for the preview of an `s3ref`, as an `<img>` makes it.
    pub fn s3_preview_get(&self, token: &str, s3ref: &Value, query: &str) -> RequestBuilder {
        let s3ref = [("bucket", text(&s3ref["bucket"])), ("key", text(&s3ref["key"]))];
        self.request(token, Method::GET, &format!("/v1/files:previewS3?{query}")).query(&s3ref)
    }

    /// Saves a new picture, public.
    pub async fn public_picture(&self) -> Value {
        let s3ref = self.upload("a.svg", &svg(400, 200, "teal")).await;
        self.save(&json!({ "s3ref": s3ref, "access_control": "public-read" })).await
    }

    /// Puts another image where a preview is kept, to be known again.
    pub async fn mark_preview(&self, file: &Value) {
        let keys = self.kept_previews(file).await;
        assert_eq!(keys.len(), 1, "{keys:?}");
        let marked = self.s3.put_object().bucket(&self.bucket).key(&keys[0]).body(MARK.to_vec().into());
        marked.send().await.unwrap();
    }

    /// The keys of the previews that are kept of a file's first version.
    pub async fn kept_previews(&self, file: &Value) -> Vec<String> {
        let key = text(&file["s3ref"]["key"]);
        let (folder, _name) = key.rsplit_once('/').unwrap();
        self.keys(&format!("previews/{folder}/")).await
    }
}

/// The head of a PNG of 7 × 9 pixels.
const MARK: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x07\0\0\0\x09\x08\x02\0\0\0";
/// As it is seen.
pub const MARKED: Seen = ("image/png", 7, 9);

/// The sentence of a refusal.
pub async fn refused(request: RequestBuilder, status: u16) -> String {
    Reply::of(request).await.error(status)
}
