//! A call to AWS as it looks on the wire: its name, and which calls were under way together.

use std::time::{Duration, Instant};

use crate::http::Message;

/// One request to AWS.
pub struct Call {
    /// The service and the action.
    pub name: String,
    /// When it was seen.
    pub start: Instant,
    /// When it was answered.
    pub end: Instant,
}

/// The service and the action of a request, such as `S3 HeadObject`.
#[must_use]
pub fn name(request: &Message) -> String {
    if let Some((service, action)) = request.header("x-amz-target").and_then(|target| target.split_once('.')) {
        let service = match service {
            "secretsmanager" => "Secrets Manager",
            _ if action.contains("Stream") => "DynamoDB Streams",
            _ => "DynamoDB",
        };
        return format!("{service} {action}");
    }
    let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    // The SDKs name most S3 actions in the query; the others are told by their form.
    if let Some(action) = query.split('&').find_map(|pair| pair.strip_prefix("x-id=")) {
        return format!("S3 {action}");
    }
    let on_object = path.trim_matches('/').contains('/');
    let copies = request.header("x-amz-copy-source").is_some();
    let action = match request.method() {
        "HEAD" if on_object => "HeadObject",
        "HEAD" => "HeadBucket",
        "GET" if has("tagging") => "GetObjectTagging",
        "GET" if on_object => "GetObject",
        "GET" if has("versions") => "ListObjectVersions",
        "GET" => "ListObjects",
        "PUT" if has("tagging") => "PutObjectTagging",
        "PUT" if has("partNumber") && copies => "UploadPartCopy",
        "PUT" if has("partNumber") => "UploadPart",
        "PUT" if copies => "CopyObject",
        "PUT" => "PutObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "POST" if has("delete") => "DeleteObjects",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" if has("tagging") => "DeleteObjectTagging",
        "DELETE" => "DeleteObject",
        _ => return format!("{} {path}", request.method()),
    };
    format!("S3 {action}")
}

/// The calls in order of their start, grouped into steps: calls that overlap share a step.
#[must_use]
pub fn steps(calls: &[Call]) -> Vec<Vec<&Call>> {
    let mut ordered: Vec<&Call> = calls.iter().collect();
    ordered.sort_by_key(|call| call.start);
    let mut steps: Vec<Vec<&Call>> = Vec::new();
    for call in ordered {
        match steps.last_mut() {
            Some(step) if step.iter().any(|other| call.start < other.end) => step.push(call),
            _ => steps.push(vec![call]),
        }
    }
    steps
}

/// How long at least one call was under way.
#[must_use]
pub fn time_waiting(calls: &[Call]) -> Duration {
    let spans = steps(calls).into_iter().filter_map(|step| {
        let start = step.iter().map(|call| call.start).min()?;
        let end = step.iter().map(|call| call.end).max()?;
        Some(end - start)
    });
    spans.sum()
}

/// The steps as text: `A + B → C`, with `+` between calls under way together.
#[must_use]
pub fn sequence(calls: &[Call]) -> String {
    let steps = steps(calls).into_iter().map(|step| {
        let mut names: Vec<&str> = step.iter().map(|call| call.name.as_str()).collect();
        names.sort_unstable();
        names.join(" + ")
    });
    steps.collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, header: Option<(&str, &str)>) -> Message {
        let headers = header.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        Message { start: format!("{method} {target} HTTP/1.1"), headers, body: Vec::new() }
    }

    #[test]
    fn actions_are_told_from_the_request() {
        let target = Some(("x-amz-target", "DynamoDB_20120810.TransactWriteItems"));
        let copy = Some(("x-amz-copy-source", "b/k"));
        assert_eq!(name(&request("POST", "/", target)), "DynamoDB TransactWriteItems");
        let secret = Some(("x-amz-target", "secretsmanager.GetSecretValue"));
        assert_eq!(name(&request("POST", "/", secret)), "Secrets Manager GetSecretValue");
        assert_eq!(name(&request("HEAD", "/b/k", None)), "S3 HeadObject");
        assert_eq!(name(&request("PUT", "/b/k?x-id=CopyObject", copy)), "S3 CopyObject");
        assert_eq!(name(&request("PUT", "/b/k?partNumber=1&uploadId=u", copy)), "S3 UploadPartCopy");
        assert_eq!(name(&request("PUT", "/b/k?tagging", None)), "S3 PutObjectTagging");
        assert_eq!(name(&request("DELETE", "/b/k", None)), "S3 DeleteObject");
    }

    #[test]
    fn calls_that_overlap_share_a_step_and_count_once() {
        let zero = Instant::now();
        let call = |name: &str, start, end| Call {
            name: name.to_owned(),
            start: zero + Duration::from_millis(start),
            end: zero + Duration::from_millis(end),
        };
        let calls = [call("C", 9, 12), call("B", 1, 6), call("A", 0, 5)];
        assert_eq!(sequence(&calls), "A + B → C");
        assert_eq!(time_waiting(&calls), Duration::from_millis(9));
    }
}
