//! What can go wrong with a call to AWS.

use std::fmt;

use harness::http::Message;
use serde_json::{Value, json};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// AWS answers 500 and has done nothing, however often the SDK tries.
    Fail,
    /// The same, but the SDK's second attempt succeeds.
    FailOnce,
    /// AWS does it and answers 500, every time.
    FailAfter,
    /// The same, but the SDK's second attempt succeeds.
    FailAfterOnce,
    /// AWS does it and its reply is lost, every time.
    Lost,
    /// The same, but the SDK's second attempt is answered.
    LostOnce,
    /// AWS is too busy, every time.
    Throttle,
    /// AWS is too busy once.
    ThrottleOnce,
    /// The function's process is killed before AWS does it.
    KillBefore,
    /// The function's process is killed after AWS did it.
    KillAfter,
}

pub const KINDS: [Kind; 10] = [
    Kind::Fail,
    Kind::FailOnce,
    Kind::FailAfter,
    Kind::FailAfterOnce,
    Kind::Lost,
    Kind::LostOnce,
    Kind::Throttle,
    Kind::ThrottleOnce,
    Kind::KillBefore,
    Kind::KillAfter,
];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::FailOnce => "fail-once",
            Self::FailAfter => "fail-after",
            Self::FailAfterOnce => "fail-after-once",
            Self::Lost => "lost",
            Self::LostOnce => "lost-once",
            Self::Throttle => "throttle",
            Self::ThrottleOnce => "throttle-once",
            Self::KillBefore => "kill-before",
            Self::KillAfter => "kill-after",
        }
    }

    /// Whether the next attempt of the same call succeeds, so that the client must notice nothing.
    pub fn is_once(self) -> bool {
        matches!(self, Self::FailOnce | Self::FailAfterOnce | Self::LostOnce | Self::ThrottleOnce)
    }

    /// Whether AWS does what it was asked for.
    pub fn takes_effect(self) -> bool {
        matches!(self, Self::FailAfter | Self::FailAfterOnce | Self::Lost | Self::LostOnce | Self::KillAfter)
    }

    pub fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter)
    }

    /// Whether this is another failure than the others for a call that only reads.
    pub fn matters_for(self, call: &Call) -> bool {
        !self.takes_effect() || call.writes()
    }

    /// AWS's answer; none if the connection is cut.
    pub fn answer(self, request: &Message, call: &str) -> Option<Message> {
        let throttled = match self {
            Self::Fail | Self::FailOnce | Self::FailAfter | Self::FailAfterOnce => false,
            Self::Throttle | Self::ThrottleOnce => true,
            Self::Lost | Self::LostOnce | Self::KillBefore | Self::KillAfter => return None,
        };
        Some(match (call.split_once(' ').unwrap_or_default(), throttled) {
            (("S3", _), false) => s3_error(request, "500 Internal Server Error", "InternalError"),
            (("S3", _), true) => s3_error(request, "503 Slow Down", "SlowDown"),
            ((_, _), false) => json_error("500 Internal Server Error", &error("InternalServerError")),
            ((_, "TransactWriteItems"), true) => json_error("400 Bad Request", &cancelled(request)),
            ((_, _), true) => json_error("400 Bad Request", &error("ProvisionedThroughputExceededException")),
        })
    }
}

/// One of the calls that a request makes: the n-th of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service and the action.
    pub name: String,
    pub nth: usize,
}

impl Call {
    pub fn writes(&self) -> bool {
        let action = self.name.split(' ').nth(1).unwrap_or_default();
        !["Get", "BatchGet", "Head", "List", "Query", "Scan"].iter().any(|reading| action.starts_with(reading))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name.split(' ').nth(1).unwrap_or_default(), self.nth)
    }
}

/// A fault of one call.
#[derive(Clone, Debug)]
pub struct Fault {
    pub call: Call,
    pub kind: Kind,
}

fn error(name: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "a fault" })
}

/// The whole transaction is cancelled, because of its first item.
fn cancelled(request: &Message) -> Value {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let count = body["TransactItems"].as_array().map_or(1, Vec::len);
    let reason = |index| if index == 0 { "ThrottlingError" } else { "None" };
    let reasons: Vec<_> = (0..count).map(|index| json!({ "Code": reason(index) })).collect();
    let mut error = error("TransactionCanceledException");
    error["CancellationReasons"] = json!(reasons);
    error
}

fn json_error(status: &str, body: &Value) -> Message {
    message(status, "application/x-amz-json-1.0", body.to_string().into_bytes())
}

fn s3_error(request: &Message, status: &str, code: &str) -> Message {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>a fault</Message></Error>");
    let body = if request.method() == "HEAD" { Vec::new() } else { body.into_bytes() };
    message(status, "application/xml", body)
}

fn message(status: &str, mime_type: &str, body: Vec<u8>) -> Message {
    let headers = [("content-type", mime_type.to_owned()), ("content-length", body.len().to_string())];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Message { start: format!("HTTP/1.1 {status}"), headers, body }
}
