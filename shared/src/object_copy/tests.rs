use super::*;
use crate::{
    fixtures::{LastPartFirst, filename, s3_answer, store, temp_key, version},
    metadata::Metadata,
};
use aws_sdk_s3::{
    Client,
    operation::{
        abort_multipart_upload::AbortMultipartUploadOutput, complete_multipart_upload::CompleteMultipartUploadOutput,
        copy_object::CopyObjectOutput, create_multipart_upload::CreateMultipartUploadOutput,
        head_object::HeadObjectOutput, upload_part_copy::UploadPartCopyOutput,
    },
};
use aws_smithy_mocks::{MockResponse, Rule, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::sync::{Arc, Mutex};

const MIB_64: u64 = 67_108_864;

type Recorded<T> = Arc<Mutex<Vec<T>>>;

fn upload(size_bytes: u64) -> StoredObject {
    let metadata = Metadata::of_object([("color".to_owned(), "blue".to_owned())]);
    let etag = "\"e\"".into();
    StoredObject { size_bytes, mime_type: None, metadata, stored_at: 0, etag }
}

/// The object that is where the copy is to go.
fn there(source_etag: &'static str, size_bytes: i64) -> Rule {
    mock!(Client::head_object).then_output(move || {
        HeadObjectOutput::builder()
            .e_tag("\"there\"")
            .content_length(size_bytes)
            .metadata(SOURCE_ETAG, source_etag)
            .build()
    })
}

fn nothing_there() -> Rule {
    mock!(Client::head_object).then_http_response(|| s3_answer(404, None))
}

/// A multipart copy whose parts are answered by `part`: the rules, and the parts that it was completed with.
struct MultipartCopy {
    ranges: Recorded<(i32, String)>,
    completed: Recorded<(i32, String)>,
    rules: [Rule; 5],
}

impl MultipartCopy {
    fn new(fails: impl Fn(i32) -> Option<HttpResponse> + Send + Sync + 'static) -> Self {
        let (ranges, completed) = (Recorded::default(), Recorded::default());
        let (seen, parts) = (Arc::clone(&ranges), Arc::clone(&completed));
        let rules = [
            mock!(Client::create_multipart_upload)
                .then_output(|| CreateMultipartUploadOutput::builder().upload_id("u").build()),
            mock!(Client::upload_part_copy).then_compute_response(move |part| {
                assert_eq!((part.upload_id(), part.copy_source_if_match()), (Some("u"), Some("\"e\"")));
                let (number, range) = (part.part_number().unwrap(), part.copy_source_range().unwrap().to_owned());
                seen.lock().unwrap().push((number, range));
                fails(number).map_or_else(
                    || {
                        let etag = format!("etag {number}");
                        let result = aws_sdk_s3::types::CopyPartResult::builder().e_tag(etag).build();
                        MockResponse::Output(UploadPartCopyOutput::builder().copy_part_result(result).build())
                    },
                    MockResponse::Http,
                )
            }),
            mock!(Client::complete_multipart_upload).then_compute_output(move |complete| {
                assert_eq!(complete.if_none_match(), Some("*"));
                let done = complete.multipart_upload().unwrap().parts().iter();
                let done = done.map(|part| (part.part_number().unwrap(), part.e_tag().unwrap().to_owned()));
                parts.lock().unwrap().extend(done);
                CompleteMultipartUploadOutput::builder().build()
            }),
            mock!(Client::abort_multipart_upload).then_output(|| AbortMultipartUploadOutput::builder().build()),
            nothing_there(),
        ];
        Self { ranges, completed, rules }
    }

    async fn run(&self, size_bytes: u64) -> Result<Copied, ApiError> {
        store(&self.rules.each_ref()).copy(&temp_key(), &upload(size_bytes), &version(1), None).await
    }

    /// How often it was completed, and aborted.
    fn ended(&self) -> (usize, usize) {
        (self.rules[2].num_calls(), self.rules[3].num_calls())
    }
}

#[tokio::test]
async fn a_copy_is_of_the_bytes_that_were_looked_at_and_starts_private_and_replaces_nothing() {
    let key = temp_key();
    let source = format!("bucket/{}", key.to_string().replace('%', "%25"));
    let rule = mock!(Client::copy_object).then_compute_output(move |copy| {
        assert_eq!(copy.copy_source(), Some(source.as_str()));
        assert_eq!(copy.copy_source_if_match(), Some("\"e\""));
        assert_eq!(copy.if_none_match(), Some("*"));
        assert_eq!(copy.tagging_directive(), Some(&TaggingDirective::Replace));
        assert_eq!(copy.tagging(), Some("index_tag=blue%20sky"));
        assert_eq!(copy.metadata_directive(), Some(&MetadataDirective::Replace));
        assert_eq!(copy.metadata().unwrap()["color"], "blue");
        assert_eq!(copy.metadata().unwrap()[SOURCE_ETAG], "e");
        CopyObjectOutput::builder().build()
    });
    assert_eq!(store(&[&rule]).copy(&key, &upload(3), &version(1), None).await.unwrap(), Copied::Done);
}

#[tokio::test]
async fn a_copy_whose_source_changed_or_vanished_says_so() {
    for (status, code) in [(412, "PreconditionFailed"), (404, "NoSuchKey"), (200, "PreconditionFailed")] {
        let rule = mock!(Client::copy_object).then_http_response(move || s3_answer(status, Some(code)));
        let copied = store(&[&rule, &nothing_there()]).copy(&temp_key(), &upload(3), &version(1), None).await.unwrap();
        assert_eq!(copied, Copied::SourceChanged, "{status} {code}");
    }
}

#[tokio::test]
async fn a_copy_that_an_earlier_attempt_made_of_the_same_bytes_is_used() {
    let other_bytes = || Copied::Occupied("\"there\"".into());
    for (source_etag, size_bytes, expected) in
        [("e", 3, Copied::Done), ("f", 3, other_bytes()), ("e", 4, other_bytes())]
    {
        let rule = mock!(Client::copy_object).then_http_response(|| s3_answer(412, Some("PreconditionFailed")));
        let rules = [&rule, &there(source_etag, size_bytes)];
        let copied = store(&rules).copy(&temp_key(), &upload(3), &version(1), None).await.unwrap();
        assert_eq!(copied, expected, "{source_etag} {size_bytes}");
    }
}

#[tokio::test]
async fn other_bytes_are_replaced_only_while_they_are_there() {
    let rule = mock!(Client::copy_object)
        .match_requests(|copy| (copy.if_match(), copy.if_none_match()) == (Some("\"there\""), None))
        .then_output(|| CopyObjectOutput::builder().build());
    let copied = store(&[&rule]).copy(&temp_key(), &upload(3), &version(1), Some("\"there\"")).await.unwrap();
    assert_eq!((copied, rule.num_calls()), (Copied::Done, 1));
}

#[tokio::test]
async fn a_large_copy_that_is_there_is_not_made_again() {
    let size_bytes = i64::try_from(MIB_64).unwrap() + 1;
    let copied = store(&[&there("e", size_bytes)]).copy(&temp_key(), &upload(MIB_64 + 1), &version(1), None).await;
    assert_eq!(copied.unwrap(), Copied::Done);
}

#[tokio::test]
async fn a_large_copy_whose_reply_was_lost_is_looked_at() {
    let mut copy = MultipartCopy::new(|_| None);
    copy.rules[2] =
        mock!(Client::complete_multipart_upload).then_http_response(|| s3_answer(404, Some("NoSuchUpload")));
    let looks = mock!(Client::head_object).sequence().http_response(|| s3_answer(404, None));
    copy.rules[4] = looks
        .output(|| {
            let size_bytes = i64::try_from(MIB_64).unwrap() + 1;
            HeadObjectOutput::builder().content_length(size_bytes).metadata(SOURCE_ETAG, "e").build()
        })
        .build();
    assert_eq!(copy.run(MIB_64 + 1).await.unwrap(), Copied::Done);
}

#[tokio::test]
async fn a_copy_that_fails_is_an_error_even_under_status_200() {
    for (status, code) in [(403, "AccessDenied"), (404, "NoSuchBucket"), (200, "InternalError")] {
        let rule = mock!(Client::copy_object).then_http_response(move || s3_answer(status, Some(code)));
        let error = store(&[&rule]).copy(&temp_key(), &upload(3), &version(1), None).await.unwrap_err();
        assert_eq!(error.status(), 500, "{status} {code}");
    }
}

#[tokio::test]
async fn up_to_64_mib_a_copy_is_one_request() {
    for size_bytes in [0, 1, MIB_64] {
        let rule = mock!(Client::copy_object).then_output(|| CopyObjectOutput::builder().build());
        let copied = store(&[&rule]).copy(&temp_key(), &upload(size_bytes), &version(1), None).await.unwrap();
        assert_eq!((copied, rule.num_calls()), (Copied::Done, 1));
    }
}

#[tokio::test]
async fn above_64_mib_every_byte_is_copied_once_and_in_order() {
    for (size_bytes, expected) in [
        (MIB_64 + 1, vec!["bytes=0-67108863", "bytes=67108864-67108864"]),
        (MIB_64 * 2, vec!["bytes=0-67108863", "bytes=67108864-134217727"]),
        (MIB_64 * 2 + 5, vec!["bytes=0-67108863", "bytes=67108864-134217727", "bytes=134217728-134217732"]),
    ] {
        let copy = MultipartCopy::new(|_| None);
        assert_eq!(copy.run(size_bytes).await.unwrap(), Copied::Done);
        assert_eq!(copy.ended(), (1, 0));
        let mut ranges = copy.ranges.lock().unwrap().clone();
        ranges.sort();
        assert_eq!(ranges, (1..).zip(expected.iter().map(|range| (*range).to_owned())).collect::<Vec<_>>());
        let parts: Vec<_> = (1..).take(expected.len()).map(|number| (number, format!("etag {number}"))).collect();
        assert_eq!(*copy.completed.lock().unwrap(), parts);
    }
}

#[tokio::test]
async fn a_multipart_copy_is_aborted_when_a_part_fails() {
    let failed = MultipartCopy::new(|number| (number == 2).then(|| s3_answer(403, Some("AccessDenied"))));
    assert_eq!(failed.run(MIB_64 * 3).await.unwrap_err().status(), 500);
    assert_eq!(failed.ended(), (0, 1));
    let changed = MultipartCopy::new(|number| (number == 3).then(|| s3_answer(412, Some("PreconditionFailed"))));
    assert_eq!(changed.run(MIB_64 * 3).await.unwrap(), Copied::SourceChanged);
    assert_eq!(changed.ended(), (0, 1));
}

#[tokio::test]
async fn a_multipart_copy_that_cannot_be_completed_is_aborted() {
    let mut copy = MultipartCopy::new(|_| None);
    copy.rules[2] =
        mock!(Client::complete_multipart_upload).then_http_response(|| s3_answer(200, Some("InternalError")));
    assert_eq!(copy.run(MIB_64 + 1).await.unwrap_err().status(), 500);
    assert_eq!(copy.ended(), (1, 1));
}

#[tokio::test]
async fn parts_are_put_together_by_number_whichever_is_copied_first() {
    let (objects, s3) = LastPartFirst::store();
    assert_eq!(objects.copy(&temp_key(), &upload(MIB_64 * 16), &version(1), None).await.unwrap(), Copied::Done);
    assert!(s3.completed_in_order(16));
}

#[test]
fn at_most_16_parts_cover_the_largest_file() {
    let ranges: Vec<_> = byte_ranges(5 * 1024 * 1024 * 1024).collect();
    assert_eq!(ranges.len(), 16);
    assert_eq!((ranges[0].0, ranges[15].1), (0, 5 * 1024 * 1024 * 1024 - 1));
    assert!(ranges.windows(2).all(|pair| pair[1].0 == pair[0].1 + 1));
}

#[test]
fn a_disposition_too_long_for_s3_to_store_is_left_out() {
    let disposition =
        |name: &str, mime: &str| content_disposition(&filename(name), &MimeType::try_from(mime.to_owned()).unwrap());
    assert!(disposition("Größe.pdf", "application/pdf").contains("filename*="));
    assert_eq!(disposition(&"🦀".repeat(255), "application/pdf"), "inline");
    assert_eq!(disposition(&"🦀".repeat(255), "text/html"), "attachment");
}

#[test]
fn what_a_browser_would_run_is_always_an_attachment() {
    for active in ["text/html", "Text/HTML; charset=utf-8", "image/svg+xml", "application/xhtml+xml", "text/xml"] {
        let mime = MimeType::try_from(active.to_owned()).unwrap();
        assert!(content_disposition(&filename("a"), &mime).starts_with("attachment; "), "{active}");
    }
    for passive in ["application/pdf", "image/png", "text/plain", "video/mp4"] {
        let mime = MimeType::try_from(passive.to_owned()).unwrap();
        assert!(content_disposition(&filename("a"), &mime).starts_with("inline; "), "{passive}");
    }
}
