//! The one error type that reaches clients.

use aws_sdk_dynamodb::error::SdkError;
use lambda_http::http::StatusCode;
use std::fmt::Debug;

/// An error reply: a status and a sentence that tells the client what to do.
///
/// `Internal` carries the cause for the log; the client sees only its status.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the request cannot be understood as it is.
    #[error("Bad Request: {0}")]
    BadRequest(String),
    /// 401: no token, or one that does not pass.
    #[error("Unauthorized: {0}")]
    Unauthorized(&'static str),
    /// 403: the caller may see it, but this is not theirs to do.
    #[error("Forbidden: {0}")]
    Forbidden(&'static str),
    /// 404: it does not exist, or the caller may not know that it does.
    #[error("Not Found: {0}")]
    NotFound(&'static str),
    /// 409: it contradicts what is stored.
    #[error("Conflict: {0}")]
    Conflict(&'static str),
    /// 413: the body or the file is larger than the limit.
    #[error("Payload Too Large: {0}")]
    PayloadTooLarge(String),
    /// 415: a file of a type that this cannot be done with.
    #[error("Unsupported Media Type: {0}")]
    UnsupportedMediaType(&'static str),
    /// 422: the file is of a right type, and this cannot be done with it.
    #[error("Unprocessable Content: {0}")]
    Unprocessable(String),
    /// 500: ours to mend.
    #[error("Internal Server Error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// A 400 with `sentence`.
    pub fn bad_request(sentence: impl Into<String>) -> Self {
        Self::BadRequest(sentence.into())
    }

    /// A 500 whose `cause` is logged.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The 404 of every file that is unknown, deleted or not the caller's to see: one reply, so that they look the
    /// same.
    #[must_use]
    pub fn file_not_found() -> Self {
        Self::NotFound("there is no such file; check its id")
    }

    /// The 404 of every public link that is unknown, revoked, leads to no file, or is not the caller's to revoke.
    #[must_use]
    pub fn link_not_found() -> Self {
        Self::NotFound("there is no such public link; it may have been revoked")
    }

    /// The 409 of a write that lost every race.
    #[must_use]
    pub fn too_busy() -> Self {
        Self::Conflict("the file is being changed by others; try again")
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What is wrong with a value, as words that its name goes before: `must be a UUID`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// With these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// The 400 that says so of the value `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> ApiError {
        ApiError::bad_request(format!("{name}: {self}"))
    }
}

/// An AWS call that failed after its retries is a 500; what AWS said goes to the log.
impl<E, R> From<SdkError<E, R>> for ApiError
where
    E: std::error::Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::internal(error)
    }
}

impl From<serde_dynamo::Error> for ApiError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::internal(error)
    }
}
