use super::*;
use crate::fixtures::{LastPartFirst, filename, s3_answer, saved_key, store};
use aws_sdk_s3::{
    Client,
    operation::{
        abort_multipart_upload::AbortMultipartUploadOutput, complete_multipart_upload::CompleteMultipartUploadOutput,
        create_multipart_upload::CreateMultipartUploadOutput, put_object::PutObjectOutput,
        upload_part::UploadPartOutput,
    },
};
use aws_smithy_mocks::{MockResponse, Rule, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::sync::{Arc, Mutex};

type Recorded<T> = Arc<Mutex<Vec<T>>>;

/// Stores these chunks, and then what comes instead of the end.
async fn put(objects: &ObjectStore, chunks: Vec<Vec<u8>>, end: Result<(), ApiError>) -> Result<u64, ApiError> {
    let mut given = Given { chunks: chunks.into_iter(), end: Some(end) };
    let mime_type = MimeType::try_from("application/pdf".to_owned()).unwrap();
    objects.put_stream(&saved_key(1), &filename("a.pdf"), &mime_type, &mut given).await
}

/// A bucket that keeps what it is sent, but for the parts that `fails` answers.
struct Bucket {
    objects: Recorded<Vec<u8>>,
    parts: Recorded<(i32, Vec<u8>)>,
    completed: Recorded<i32>,
    rules: [Rule; 5],
}

impl Bucket {
    fn new(fails: impl Fn(i32) -> Option<HttpResponse> + Send + Sync + 'static) -> Self {
        let (objects, parts, completed) = (Recorded::default(), Recorded::default(), Recorded::default());
        let (put, sent, done) = (Arc::clone(&objects), Arc::clone(&parts), Arc::clone(&completed));
        let rules = [
            mock!(Client::put_object).then_compute_output(move |object| {
                assert_eq!(object.content_type(), Some("application/pdf"));
                assert!(object.content_disposition().unwrap().starts_with("inline; filename=\"a.pdf\""));
                assert_eq!(object.tagging(), None, "private");
                put.lock().unwrap().push(object.body().bytes().unwrap().to_vec());
                PutObjectOutput::builder().build()
            }),
            mock!(Client::create_multipart_upload).then_compute_output(|upload| {
                assert_eq!(upload.content_type(), Some("application/pdf"));
                assert!(upload.content_disposition().unwrap().starts_with("inline; filename=\"a.pdf\""));
                assert_eq!(upload.tagging(), None, "private");
                CreateMultipartUploadOutput::builder().upload_id("u").build()
            }),
            mock!(Client::upload_part).then_compute_response(move |part| {
                assert_eq!(part.upload_id(), Some("u"));
                let number = part.part_number().unwrap();
                sent.lock().unwrap().push((number, part.body().bytes().unwrap().to_vec()));
                fails(number).map_or_else(
                    || MockResponse::Output(UploadPartOutput::builder().e_tag(format!("etag {number}")).build()),
                    MockResponse::Http,
                )
            }),
            mock!(Client::complete_multipart_upload).then_compute_output(move |complete| {
                for part in complete.multipart_upload().unwrap().parts() {
                    let number = part.part_number().unwrap();
                    assert_eq!(part.e_tag(), Some(format!("etag {number}").as_str()));
                    done.lock().unwrap().push(number);
                }
                CompleteMultipartUploadOutput::builder().build()
            }),
            mock!(Client::abort_multipart_upload).then_output(|| AbortMultipartUploadOutput::builder().build()),
        ];
        Self { objects, parts, completed, rules }
    }

    async fn put(&self, chunks: Vec<Vec<u8>>, end: Result<(), ApiError>) -> Result<u64, ApiError> {
        put(&store(&self.rules.each_ref()), chunks, end).await
    }

    /// How often an object was put at once, an upload in parts was started, completed, and aborted.
    fn calls(&self) -> [usize; 4] {
        [&self.rules[0], &self.rules[1], &self.rules[3], &self.rules[4]].map(Rule::num_calls)
    }
}

struct Given {
    chunks: std::vec::IntoIter<Vec<u8>>,
    end: Option<Result<(), ApiError>>,
}

impl Chunks for Given {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        match self.chunks.next() {
            Some(chunk) => Ok(Some(chunk.into())),
            None => self.end.take().unwrap().map(|()| None),
        }
    }
}

/// Bytes that are different everywhere, cut into chunks of this size.
fn chunks(size: usize, chunk: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let bytes: Vec<u8> = (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let chunks = bytes.chunks(chunk).map(<[u8]>::to_vec).collect();
    (bytes, chunks)
}

#[tokio::test]
async fn up_to_8_mib_an_object_is_one_request() {
    for (size, chunk) in [(0, 1), (1, 1), (100_000, 999), (PART_BYTES, 65_536), (PART_BYTES, PART_BYTES)] {
        let bucket = Bucket::new(|_| None);
        let (bytes, chunks) = chunks(size, chunk);
        assert_eq!(bucket.put(chunks, Ok(())).await.unwrap(), size as u64);
        assert_eq!(bucket.calls(), [1, 0, 0, 0]);
        assert!(*bucket.objects.lock().unwrap() == [bytes], "the same bytes");
    }
}

#[tokio::test]
async fn above_8_mib_every_byte_is_sent_once_and_in_order() {
    for (size, chunk, parts) in [
        (PART_BYTES + 1, 65_536, 2),
        (PART_BYTES * 2, 70_001, 2),
        (PART_BYTES * 5 + 7, 1_000_003, 6),
        (PART_BYTES * 3 + 7, usize::MAX, 4),
    ] {
        let bucket = Bucket::new(|_| None);
        let (bytes, chunks) = chunks(size, chunk);
        assert_eq!(bucket.put(chunks, Ok(())).await.unwrap(), size as u64);
        assert_eq!(bucket.calls(), [0, 1, 1, 0]);
        let mut sent = bucket.parts.lock().unwrap().clone();
        sent.sort();
        assert!(sent.iter().rev().skip(1).all(|(_, part)| part.len() == PART_BYTES), "all but the last are full");
        assert_eq!(*bucket.completed.lock().unwrap(), (1..=parts).collect::<Vec<_>>());
        assert!(sent.into_iter().map(|(_, part)| part).collect::<Vec<_>>().concat() == bytes, "the same bytes");
    }
}

#[tokio::test]
async fn parts_are_put_together_by_number_whichever_is_stored_first() {
    let (objects, s3) = LastPartFirst::store();
    put(&objects, chunks(PART_BYTES * 3 + 1, 65_536).1, Ok(())).await.unwrap();
    assert!(s3.completed_in_order(4));
}

#[tokio::test]
async fn bytes_that_end_with_an_error_are_not_stored() {
    for (size, calls) in [(0, [0; 4]), (PART_BYTES, [0; 4]), (PART_BYTES * 3, [0, 1, 0, 1])] {
        let bucket = Bucket::new(|_| None);
        let (_, chunks) = chunks(size, 65_536);
        let error = bucket.put(chunks, Err(ApiError::bad_request("ended early"))).await.unwrap_err();
        assert!(matches!(error, ApiError::BadRequest(sentence) if sentence == "ended early"));
        assert_eq!(bucket.calls(), calls);
    }
}

#[tokio::test]
async fn an_upload_is_aborted_when_a_part_or_its_completion_fails() {
    for failing in 1..=4 {
        let bucket = Bucket::new(move |number| (number == failing).then(|| s3_answer(403, Some("AccessDenied"))));
        let (_, chunks) = chunks(PART_BYTES * 4, 65_536);
        assert_eq!(bucket.put(chunks, Ok(())).await.unwrap_err().status(), 500);
        assert_eq!(bucket.calls(), [0, 1, 0, 1], "part {failing}");
    }
    let mut bucket = Bucket::new(|_| None);
    bucket.rules[3] =
        mock!(Client::complete_multipart_upload).then_http_response(|| s3_answer(200, Some("InternalError")));
    let (_, chunks) = chunks(PART_BYTES + 1, 65_536);
    assert_eq!(bucket.put(chunks, Ok(())).await.unwrap_err().status(), 500);
    assert_eq!(bucket.calls(), [0, 1, 1, 1]);
}
