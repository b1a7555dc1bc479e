//! A file that a server has begun to send.

use super::{filename::filename, not_fetched, target::Target};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use lambda_http::http::header;
use shared::{ApiError, file_type::MimeType, filename::Filename, object_stream::Chunks};
use tokio::time::{Instant, timeout_at};

/// The file's name and type as the server has them, and its bytes as they come.
pub struct Fetched {
    /// The name in `Content-Disposition`, else the last part of the URL that answered, if that is one.
    pub filename: Option<Filename>,
    /// The type, if it says anything.
    pub mime_type: Option<MimeType>,
    body: ByteStream,
    max_bytes: u64,
    read_bytes: u64,
    pub(super) deadline: Instant,
}

impl Fetched {
    /// # Errors
    /// 400 if the body is encoded, 413 if it says that it is too large.
    pub(super) fn new(
        target: &Target,
        response: HttpResponse,
        max_bytes: u64,
        deadline: Instant,
    ) -> Result<Self, ApiError> {
        let headers = response.headers();
        let is_plain = |encoding: &[u8]| encoding.trim_ascii().eq_ignore_ascii_case(b"identity");
        if !headers.get_all_bytes(header::CONTENT_ENCODING).all(is_plain) {
            return Err(ApiError::bad_request(
                "source_url: the server sends the file encoded; it must send it as it is",
            ));
        }
        if response.body().content_length().is_some_and(|bytes| bytes > max_bytes) {
            return Err(too_large(max_bytes));
        }
        let mime_type = headers.get(header::CONTENT_TYPE).and_then(|mime| MimeType::try_from(mime.to_owned()).ok());
        Ok(Self {
            filename: filename(headers.get(header::CONTENT_DISPOSITION), target.url()),
            mime_type: mime_type.filter(|mime| !mime.is_unknown()),
            body: ByteStream::new(response.into_body()),
            max_bytes,
            read_bytes: 0,
            deadline,
        })
    }
}

impl Chunks for Fetched {
    /// A body that ends before its `Content-Length`, or in the middle of a chunk, is an error; one that has neither
    /// ends where the connection does.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        // A server that always has the next bytes ready would never be seen to be late.
        if Instant::now() >= self.deadline {
            return Err(too_slow());
        }
        let chunk = timeout_at(self.deadline, self.body.next()).await.map_err(|_| too_slow())?;
        let chunk = chunk.transpose().map_err(|error| not_fetched(&error))?;
        self.read_bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if self.read_bytes > self.max_bytes {
            return Err(too_large(self.max_bytes));
        }
        Ok(chunk)
    }
}

fn too_large(max_bytes: u64) -> ApiError {
    ApiError::PayloadTooLarge(format!("source_url: a file may have at most {max_bytes} bytes; upload it instead"))
}

fn too_slow() -> ApiError {
    ApiError::bad_request("source_url: the server took too long to send the file; upload it instead")
}
