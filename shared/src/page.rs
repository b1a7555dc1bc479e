//! Lists in pages that end by bytes: Lambda takes 6 MB of a reply and answers 500 for one that has more.

use crate::{error::ApiError, http};
use lambda_http::{
    Body, Response,
    http::{HeaderValue, StatusCode, header::LINK},
};
use serde_json::Value;

/// The most that a body may have as Lambda counts it. The whole reply may have 6,291,556 bytes, its headers among them.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_BODY_BYTES: usize = 6_200_000;

/// A page of a list: a JSON array that takes items for as long as the reply has room.
#[derive(Default)]
pub struct Page {
    items: String,
    count: usize,
    bytes: usize,
}

impl Page {
    /// How many items it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds an item and says so, or says that it has no room. The first always goes in: the reply is refused if it is
    /// too large on its own.
    pub fn add(&mut self, item: &Value) -> bool {
        let item = item.to_string();
        let bytes = escaped_bytes(&item) + 1;
        // The brackets are two more, and the last item has no comma.
        if self.count > 0 && self.bytes + bytes + 1 > MAX_BODY_BYTES {
            return false;
        }
        if self.count > 0 {
            self.items.push(',');
        }
        self.items.push_str(&item);
        self.count += 1;
        self.bytes += bytes;
        true
    }

    /// The reply. If there may be more, its header `Link` (RFC 8288) has the URL of the next page, which is that of the
    /// request with this query.
    ///
    /// # Errors
    /// 500 if the query can be in no header.
    pub fn reply(self, next: Option<&str>) -> Result<Response<Body>, ApiError> {
        let mut response = http::json_text(StatusCode::OK, format!("[{}]", self.items))?;
        if let Some(query) = next {
            let link = HeaderValue::try_from(format!("<?{query}>; rel=\"next\"")).map_err(ApiError::internal)?;
            response.headers_mut().insert(LINK, link);
        }
        Ok(response)
    }
}

/// The reply, if Lambda takes it.
///
/// # Errors
/// 500 if it does not. All that is stored has limits, so that this does not happen.
pub fn within_lambdas_limit(response: Response<Body>) -> Result<Response<Body>, ApiError> {
    let bytes = match response.body() {
        Body::Text(text) => escaped_bytes(text),
        // In base64.
        Body::Binary(bytes) => bytes.len().div_ceil(3) * 4,
        _ => 0,
    };
    if bytes > MAX_BODY_BYTES {
        return Err(ApiError::internal(format!("the reply has {bytes} bytes, and Lambda takes {MAX_BODY_BYTES}")));
    }
    Ok(response)
}

/// How long this text is inside a JSON string, as which it reaches Lambda.
#[must_use]
pub fn escaped_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        ..b' ' => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_counts_as_the_json_that_wraps_it() {
        for text in ["", "a", "ü🦀", r#"{"a":"\"\\"}"#, "\u{1}\u{1f}"] {
            assert_eq!(escaped_bytes(text), json!(text).to_string().len() - 2, "{text:?}");
        }
    }

    #[test]
    fn a_page_takes_as_much_as_a_reply_may_have_and_not_a_byte_more() {
        let quotes = |count: usize| json!("\"".repeat(count));
        let size = |item: &Value| escaped_bytes(&item.to_string()) + 1;
        let (first, rest) = (quotes(1_000_000), MAX_BODY_BYTES - size(&quotes(1_000_000)) - 1 - 5);
        let fill = |last: String| {
            let mut page = Page::default();
            assert!(page.add(&first));
            (page.add(&json!(last)), page)
        };
        assert!(!fill("x".repeat(rest + 1)).0);
        let (fits, page) = fill("x".repeat(rest));
        assert!(fits && page.count() == 2);
        let reply = within_lambdas_limit(page.reply(None).unwrap()).unwrap();
        let Body::Text(body) = reply.body() else { panic!("{reply:?}") };
        assert_eq!(escaped_bytes(body), MAX_BODY_BYTES);
        assert_eq!(serde_json::from_str::<Vec<String>>(body).unwrap().len(), 2);
    }

    #[test]
    fn a_link_leads_to_the_next_page() {
        let reply = Page::default().reply(Some("cursor=a:b&limit=2")).unwrap();
        assert_eq!(reply.headers()[LINK], r#"<?cursor=a:b&limit=2>; rel="next""#);
        assert_eq!(Page::default().reply(None).unwrap().headers().get(LINK), None);
    }

    #[test]
    fn a_reply_that_lambda_would_not_take_is_refused() {
        let status = |body: Body| within_lambdas_limit(Response::new(body)).map(|_| ()).map_err(|error| error.status());
        for (fits, does_not) in [
            (Body::from("x".repeat(MAX_BODY_BYTES)), Body::from("x".repeat(MAX_BODY_BYTES + 1))),
            (Body::from("\"".repeat(MAX_BODY_BYTES / 2)), Body::from("\"".repeat(MAX_BODY_BYTES / 2 + 1))),
            (Body::from(vec![0; MAX_BODY_BYTES / 4 * 3]), Body::from(vec![0; MAX_BODY_BYTES / 4 * 3 + 1])),
        ] {
            assert_eq!(status(fits), Ok(()));
            assert_eq!(status(does_not), Err(StatusCode::INTERNAL_SERVER_ERROR));
        }
    }
}
