//! From a Lambda event to a reply: the request's parts as types, JSON in and out, one log line per request.

mod event;

use crate::{
    error::{ApiError, Invalid},
    log,
    page::within_lambdas_limit,
    relation::SchemaSlug,
};
use futures_util::FutureExt;
use lambda_http::{
    Body, Error, LambdaEvent, Request, RequestExt, Response,
    http::{StatusCode, header},
    lambda_runtime,
    request::RequestContext,
    service_fn,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value, json, value::RawValue};
use std::{future::Future, ops::RangeInclusive, str::FromStr, sync::Arc, time::Instant};
use tracing::Instrument;

/// The largest request body, in bytes. Metadata is small; a larger body is a mistake or an attack.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Answers requests with `handler` until Lambda ends the process.
///
/// # Errors
/// If the Lambda Runtime API cannot be reached.
pub async fn run<S, F, Fut>(operation: &'static str, state: S, handler: F) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, Request) -> Fut,
    Fut: Future<Output = Result<Response<Body>, ApiError>> + Send,
{
    log::as_json();
    let (state, handler) = (Arc::new(state), &handler);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let span = log::invocation(operation, &event.context);
        let (state, started) = (Arc::clone(&state), Instant::now());
        async move {
            let reply = match event::request(&event.payload, event.context) {
                Ok(request) => handler(state, request).await,
                Err(refused) => Err(refused),
            };
            let response = reply.and_then(within_lambdas_limit).unwrap_or_else(|error| error_reply(&error));
            let duration_ms = started.elapsed().as_secs_f64() * 1_000.0;
            tracing::info!(status = response.status().as_u16(), duration_ms, "done");
            Ok::<_, Error>(event::reply(response))
        }
        .instrument(span)
        // With all that is around it, its type would be too deep for the compiler.
        .boxed_local()
    }))
    .await
}

/// A JSON reply. It may hold presigned URLs, so nobody on the way keeps it.
///
/// # Errors
/// 500 if `body` cannot be serialized.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Response<Body>, ApiError> {
    json_text(status, serde_json::to_string(body).map_err(ApiError::internal)?)
}

/// Like [`json`], of text that is JSON already.
pub(crate) fn json_text(status: StatusCode, body: String) -> Result<Response<Body>, ApiError> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, "no-store")
        .body(body.into())
        .map_err(ApiError::internal)
}

/// A reply without a body, which nobody on the way keeps.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// The request's JSON body, an object.
///
/// # Errors
/// 413 over 256 KiB, 400 if it is not a JSON object of this shape.
pub fn json_body<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    object(json_value(request)?)
}

/// The request's JSON body, whatever it is.
///
/// # Errors
/// 413 over 256 KiB, 400 if it is not JSON.
pub fn json_value(request: &Request) -> Result<Value, ApiError> {
    let bytes: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if bytes.is_empty() {
        return Err(ApiError::bad_request("a JSON body is required"));
    }
    if bytes.len() > MAX_BODY_BYTES {
        return Err(ApiError::PayloadTooLarge(format!(
            "the body may have at most {MAX_BODY_BYTES} bytes; the file itself goes to upload_url"
        )));
    }
    serde_json::from_slice(bytes).map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))
}

/// A JSON object as a `T`.
///
/// # Errors
/// 400 if it is no object, or not of this shape; the sentence names the field.
pub fn object<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    // serde would also take a list for a struct, field by field.
    if !value.is_object() {
        return Err(ApiError::bad_request("the body must be a JSON object"));
    }
    shaped(value)
}

/// A JSON list of these numbers of objects.
///
/// # Errors
/// 400 if it is no such list; the sentence names the field, such as `[3].id`.
pub fn list<T: DeserializeOwned>(value: Value, count: RangeInclusive<usize>) -> Result<Vec<T>, ApiError> {
    match &value {
        Value::Array(items) if count.contains(&items.len()) && items.iter().all(Value::is_object) => shaped(value),
        _ => Err(ApiError::bad_request(format!(
            "the body must be a JSON list of {} to {} objects",
            count.start(),
            count.end()
        ))),
    }
}

fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        Invalid::new(error.into_inner().to_string()).named(&field)
    })
}

/// Deserializes an optional field that must be an object, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// If it is anything else, or not a `T`.
pub fn object_field<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let object = Option::<Map<String, Value>>::deserialize(deserializer)?;
    object.map(|object| T::deserialize(Value::Object(object)).map_err(D::Error::custom)).transpose()
}

/// A query parameter that is true or false, or `default` if it is absent or empty.
///
/// # Errors
/// 400 if it is anything else.
pub fn flag_query(request: &Request, name: &str, default: bool) -> Result<bool, ApiError> {
    parsed_query(request, name, default, "true or false")
}

/// A query parameter that counts from 0, or 0 if it is absent or empty.
///
/// # Errors
/// 400 if it is anything else.
pub fn index_query(request: &Request, name: &str) -> Result<u32, ApiError> {
    parsed_query(request, name, 0, "a number from 0")
}

/// The query parameter `limit`, or the most that it may be if it is absent or empty.
///
/// # Errors
/// 400 if it is anything else than a number from 1 to `max`.
pub fn limit_query(request: &Request, max: usize) -> Result<usize, ApiError> {
    let limit = parsed_query(request, "limit", max, "a number").ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| ApiError::bad_request(format!("limit must be a number from 1 to {max}")))
}

/// The query parameter `cursor`, if there is one.
///
/// # Errors
/// 400 if it is none of ours.
pub fn cursor_query<T: FromStr<Err = Invalid>>(request: &Request) -> Result<Option<T>, ApiError> {
    let cursor = text_query(request, "cursor").map(str::parse).transpose();
    cursor.map_err(|invalid: Invalid| invalid.named("cursor"))
}

fn parsed_query<T: FromStr>(request: &Request, name: &str, default: T, kind: &str) -> Result<T, ApiError> {
    let Some(value) = text_query(request, name) else { return Ok(default) };
    value.parse().map_err(|_| ApiError::bad_request(format!("{name} must be {kind}")))
}

/// A query parameter as text, or `None` if it is absent or empty.
#[must_use]
pub fn text_query<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.query_string_parameters_ref().and_then(|query| query.first(name)).filter(|value| !value.is_empty())
}

/// A part of the path, or nothing if the route has no such part.
#[must_use]
pub fn path_text<'a>(request: &'a Request, name: &str) -> &'a str {
    request.path_parameters_ref().and_then(|path| path.first(name)).unwrap_or_default()
}

/// The slug of a schema in the path.
///
/// # Errors
/// 400 if it is not one.
pub fn path_schema(request: &Request, name: &str) -> Result<SchemaSlug, ApiError> {
    path_text(request, name).parse().map_err(|invalid: Invalid| invalid.named(name))
}

/// The id in the path.
///
/// # Errors
/// The 404 of an unknown file if it is not one: there is no file with such an id.
pub fn path_file_id(request: &Request) -> Result<crate::object_key::FileId, ApiError> {
    path_text(request, "id").parse().map_err(|_| ApiError::file_not_found())
}

/// The public link's id in the path.
///
/// # Errors
/// The 404 of an unknown link if it is not one.
pub fn path_link_id(request: &Request) -> Result<crate::public_link::LinkId, ApiError> {
    path_text(request, "id").parse().map_err(|_| ApiError::link_not_found())
}

/// Whether the client says by `If-None-Match` that it has what this `ETag` names (RFC 9110, 13.1.2).
#[must_use]
pub fn has_already(request: &Request, etag: &str) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether the request came by a v1 path. The route says so: behind a domain of its own, an API may have something
/// before it in the path. Only where no route names a path, the path itself does.
#[must_use]
pub fn is_v1(request: &Request) -> bool {
    let route = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.route_key.as_deref(),
        _ => None,
    };
    let path = route.and_then(|route| route.split_once(' ')).map_or(request.raw_http_path(), |(_, path)| path);
    path.starts_with("/v1/")
}

fn error_reply(error: &ApiError) -> Response<Body> {
    if let ApiError::Internal(cause) = error {
        let mut causes = vec![cause.to_string()];
        let mut next = cause.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        tracing::error!(cause = causes.join(": "), "internal error");
    }
    let status = error.status();
    let body = json!({ "status": status.as_u16(), "error": error.to_string() });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests;
