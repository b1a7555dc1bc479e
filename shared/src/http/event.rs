//! From the gateway's event to a request, and from a response to the gateway's reply.
//!
//! `lambda_http` does both, but ends the process at an event that is no request of HTTP's, such as one with a `<` in
//! its query. Here that is a 400.

use crate::error::ApiError;
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::{
    Body, Context, Request, RequestExt, Response,
    aws_lambda_events::{
        apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse},
        query_map::QueryMap,
    },
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{COOKIE, SET_COOKIE, X_CONTENT_TYPE_OPTIONS},
        uri::PathAndQuery,
    },
    request::RequestContext,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// What we need of an event of payload format 2.0.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    headers: Option<HashMap<String, String>>,
    cookies: Option<Vec<String>>,
    path_parameters: Option<HashMap<String, String>>,
    request_context: ApiGatewayV2httpRequestContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The request in an event.
///
/// # Errors
/// 400 if there is none.
pub(super) fn request(event: &RawValue, context: Context) -> Result<Request, ApiError> {
    let event: Event = serde_json::from_str(event.get()).map_err(|error| {
        // The error's own words may have a header in them.
        tracing::info!(column = error.column(), "the event is not one of an HTTP API");
        ApiError::bad_request("this is no HTTP request; send one through the API's address")
    })?;
    let query = event.raw_query_string.unwrap_or_default();
    if format!("/?{query}").parse::<PathAndQuery>().is_err() {
        return Err(ApiError::bad_request("the query has characters that must be percent-encoded, such as \" < or >"));
    }
    let headers = headers(event.headers.unwrap_or_default(), event.cookies.unwrap_or_default())?;
    let body = match (event.body, event.is_base64_encoded) {
        (None, _) => Body::Empty,
        (Some(text), Some(true)) => Body::Binary(BASE64_STANDARD.decode(text).map_err(ApiError::internal)?),
        (Some(text), _) => Body::Text(text),
    };

    let mut request = Request::new(body);
    *request.method_mut() = event.request_context.http.method.clone();
    *request.headers_mut() = headers;
    Ok(request
        .with_raw_http_path(event.raw_path.unwrap_or_default())
        .with_query_string_parameters(query.parse::<QueryMap>().unwrap_or_default())
        .with_path_parameters(event.path_parameters.unwrap_or_default())
        .with_request_context(RequestContext::ApiGatewayV2(event.request_context))
        .with_lambda_context(context))
}

fn headers(headers: HashMap<String, String>, cookies: Vec<String>) -> Result<HeaderMap, ApiError> {
    let mut map = HeaderMap::with_capacity(headers.len() + cookies.len());
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| ApiError::bad_request("a header has a name that is none"))?;
        map.insert(name.clone(), header_value(&name, &value)?);
    }
    if !cookies.is_empty() {
        // The gateway takes them out of the headers; where one has not, they are the same.
        map.remove(COOKIE);
    }
    for cookie in cookies {
        map.append(COOKIE, header_value(&COOKIE, &cookie)?);
    }
    Ok(map)
}

fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| ApiError::bad_request(format!("the header {name} has control characters; send it without")))
}

/// A response as the gateway takes it.
pub(super) fn reply(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let mut reply = ApiGatewayV2httpResponse::default();
    reply.cookies = cookies.map(str::to_owned).collect();
    parts.headers.remove(SET_COOKIE);
    // What we answer is what we say it is.
    parts.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply.status_code = parts.status.as_u16().into();
    reply.headers = parts.headers;
    reply.is_base64_encoded = matches!(body, Body::Binary(_));
    reply.body = Some(body).filter(|body| !matches!(body, Body::Empty));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const EVENT: &str = include_str!("../../../infra/events/save-file.json");

    fn changed(change: impl FnOnce(&mut Value)) -> Result<Request, ApiError> {
        let mut event = serde_json::from_str(EVENT).unwrap();
        change(&mut event);
        request(&RawValue::from_string(event.to_string()).unwrap(), Context::default())
    }

    #[test]
    fn a_request_is_what_the_event_says() {
        let request = changed(|event| {
            event["rawQueryString"] = json!("strict=true&x=a%20b+c&x=2");
            event["headers"]["x-name"] = json!("Größe");
            event["cookies"] = json!(["a=1", "token=x.y.z"]);
            event["body"] = json!("{}");
        })
        .unwrap();
        assert_eq!((request.method().as_str(), request.raw_http_path()), ("POST", "/v2/files"));
        let query = request.query_string_parameters_ref().unwrap();
        assert_eq!((query.first("strict"), query.all("x").unwrap()), (Some("true"), vec!["a b c", "2"]));
        assert_eq!(request.headers()["x-name"].as_bytes(), "Größe".as_bytes());
        assert_eq!(request.headers().get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1", "token=x.y.z"]);
        assert_eq!(request.body(), &Body::Text("{}".into()));
    }

    #[test]
    fn a_body_in_base64_is_decoded_and_null_is_none() {
        let binary = changed(|event| {
            event["body"] = json!("aGk=");
            event["isBase64Encoded"] = json!(true);
        });
        assert_eq!(binary.unwrap().body(), &Body::Binary(b"hi".to_vec()));
        let nulls = changed(|event| {
            for name in ["body", "cookies", "headers", "pathParameters", "rawQueryString", "isBase64Encoded"] {
                event[name] = Value::Null;
            }
        });
        assert_eq!(nulls.unwrap().body(), &Body::Empty);
    }

    #[test]
    fn what_http_does_not_allow_gets_a_400_that_names_it() {
        for (pointer, value, named) in [
            ("/rawQueryString", json!("a=\"b\""), "the query"),
            ("/rawQueryString", json!("a=<b>"), "the query"),
            ("/rawQueryString", json!("a=b c"), "the query"),
            ("/rawQueryString", json!("a=b\r\nc"), "the query"),
            ("/headers/x-a", json!("a\nb"), "the header x-a"),
            ("/headers/x-a", json!("a\u{0}b"), "the header x-a"),
            ("/headers/x-a", json!("a\u{7f}"), "the header x-a"),
            ("/headers/authorization", json!("Bearer \u{1}"), "the header authorization"),
            ("/headers/a b", json!("c"), "a header"),
            ("/cookies", json!(["a=\u{1}"]), "the header cookie"),
            ("/headers", json!([]), "no HTTP request"),
            ("/requestContext", Value::Null, "no HTTP request"),
            ("/requestContext/http/method", json!("A B"), "no HTTP request"),
        ] {
            let error = changed(|event| match pointer.strip_prefix("/headers/") {
                Some(name) => event["headers"][name] = value.clone(),
                None if pointer == "/requestContext/http/method" => {
                    event["requestContext"]["http"]["method"] = value.clone();
                }
                None => event[&pointer[1..]] = value.clone(),
            })
            .expect_err(pointer);
            assert_eq!(error.status(), 400, "{pointer} {value:.40}");
            assert!(error.to_string().contains(named), "{pointer}: {error}");
        }
    }

    #[test]
    fn a_reply_has_its_cookies_beside_the_headers_and_bytes_in_base64() {
        let response = Response::builder().header(SET_COOKIE, "a=1").header("etag", "x").body(Body::from(vec![0xff]));
        let reply = serde_json::to_value(reply(response.unwrap())).unwrap();
        let headers = json!({ "etag": "x", "x-content-type-options": "nosniff" });
        assert_eq!((&reply["cookies"], &reply["headers"]), (&json!(["a=1"]), &headers));
        assert_eq!((&reply["body"], &reply["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
        let empty = serde_json::to_value(super::reply(Response::new(Body::Empty))).unwrap();
        assert_eq!((&empty["statusCode"], empty.get("body")), (&json!(200), None));
    }
}
