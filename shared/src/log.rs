//! Logs: one JSON object a line. Its fields are named as AWS Lambda Powertools names them, so that Lambda finds the
//! time and the level, and one query reads the logs of all functions.

use crate::file::timestamp;
use lambda_http::Context;
use serde_json::{Map, Value};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};
use tracing::{Event, Span, Subscriber, field::Empty};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::LookupSpan,
};

const SERVICE: &str = "file-api";
/// The span that an invocation is handled in.
const INVOCATION: &str = "invocation";

/// Logs so from now on.
pub fn as_json() {
    tracing_subscriber::fmt().json().event_format(Lines::from_env()).init();
}

/// The span of an invocation: every line logged in it says which it was.
#[must_use]
pub fn invocation(operation: &'static str, context: &Context) -> Span {
    static WARM: AtomicBool = AtomicBool::new(false);
    tracing::info_span!(
        INVOCATION,
        operation,
        cold_start = !WARM.swap(true, Ordering::Relaxed),
        function_request_id = context.request_id,
        xray_trace_id = context.xray_trace_id.as_deref().map(trace_id),
        org = Empty,
    )
}

/// The id in a header such as `Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0`.
fn trace_id(header: &str) -> &str {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root=")).unwrap_or(header)
}

/// How a line is written.
pub(crate) struct Lines {
    function_name: String,
}

impl Lines {
    pub(crate) fn from_env() -> Self {
        Self { function_name: std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default() }
    }
}

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        line.insert("timestamp".into(), timestamp().into());
        line.insert("level".into(), event.metadata().level().as_str().into());
        line.insert("service".into(), SERVICE.into());
        line.insert("function_name".into(), self.function_name.as_str().into());
        let mut spans = context.event_scope().into_iter().flatten();
        if let Some(span) = spans.find(|span| span.name() == INVOCATION)
            && let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>()
        {
            extend(&mut line, &fields.fields);
        }
        let mut fields = String::new();
        context.format_fields(Writer::new(&mut fields), event)?;
        extend(&mut line, &fields);
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Adds fields that are written as JSON already.
fn extend(line: &mut Map<String, Value>, json: &str) {
    if let Ok(fields) = serde_json::from_str::<Map<String, Value>>(json) {
        line.extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::logs;
    use serde_json::json;

    fn context() -> Context {
        let mut context = Context::default();
        context.request_id = "8476a536".into();
        context.xray_trace_id = Some("Root=1-5bef4de7-ad49;Parent=9a91;Sampled=0".into());
        context
    }

    fn lines(log: impl FnOnce()) -> Vec<Map<String, Value>> {
        let (logs, _guard) = logs();
        log();
        logs.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_powertools_names_side_by_side_with_its_own_fields() {
        let lines = lines(|| {
            let invocation = invocation("getFile", &context());
            let _guard = invocation.enter();
            invocation.record("org", "123");
            // As a library's span would lie in between.
            tracing::info_span!("query", table = "files").in_scope(|| tracing::warn!(status = 200, "done"));
        });
        let line = &lines[0];
        for (name, value) in [
            ("level", json!("WARN")),
            ("message", json!("done")),
            ("service", json!("file-api")),
            ("function_name", json!("")),
            ("function_request_id", json!("8476a536")),
            ("xray_trace_id", json!("1-5bef4de7-ad49")),
            ("operation", json!("getFile")),
            ("org", json!("123")),
            ("status", json!(200)),
        ] {
            assert_eq!(line[name], value, "{line:?}");
        }
        assert!(line["cold_start"].is_boolean(), "{line:?}");
        let time = line["timestamp"].as_str().unwrap();
        time::OffsetDateTime::parse(time, &time::format_description::well_known::Rfc3339).unwrap();
        assert_eq!(line.len(), 11, "{line:?}");
    }

    #[test]
    fn only_the_first_invocation_of_a_process_is_a_cold_start() {
        let lines = lines(|| {
            for _ in 0..2 {
                invocation("getFile", &context()).in_scope(|| tracing::info!("done"));
            }
        });
        // Another test of this process may have been the first.
        assert_eq!(lines[1]["cold_start"], false);
    }

    #[test]
    fn a_line_from_outside_of_an_invocation_and_one_with_odd_text_are_json_too() {
        let lines = lines(|| tracing::error!(cause = "\"quoted\"\n\u{7}", "no {}", "setting"));
        assert_eq!((&lines[0]["message"], &lines[0]["cause"]), (&json!("no setting"), &json!("\"quoted\"\n\u{7}")));
        assert!(!lines[0].contains_key("function_request_id"));
    }
}
