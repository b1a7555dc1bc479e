use super::*;
use crate::fixtures::{FILE_ID, logs};
use std::collections::HashMap;

#[derive(Debug, Deserialize)]
struct Item {
    name: Option<String>,
    #[serde(default, deserialize_with = "object_field")]
    part: Option<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    size: u32,
}

fn item(body: impl Into<Body>) -> Result<Item, ApiError> {
    json_body(&Request::new(body.into()))
}

fn with_query(name: &str, value: &str) -> Request {
    let query = HashMap::from([(name.to_owned(), value.to_owned())]);
    Request::new(Body::Empty).with_query_string_parameters(query)
}

#[test]
fn a_body_is_a_json_object_as_text_or_bytes() {
    let json = r#"{"name": "a", "part": {"size": 1}}"#;
    for body in [Body::from(json), Body::from(json.as_bytes())] {
        let item = item(body).unwrap();
        assert_eq!((item.name.as_deref(), item.part.unwrap().size), (Some("a"), 1));
    }
    assert!(item("{}").unwrap().part.is_none());
}

#[test]
fn a_body_that_is_no_json_object_gets_400() {
    for body in ["", " ", "[]", r#"["a"]"#, "1", "null", "true", "\"a\"", "{", r#"{"name": "a"} x"#, "name=a"] {
        assert_eq!(item(body).unwrap_err().status(), 400, "{body:?}");
    }
    assert_eq!(item(b"{\"name\": \"\xff\"}".as_slice()).unwrap_err().status(), 400);
}

#[test]
fn a_body_over_256_kib_gets_413() {
    let body = |bytes: usize| format!(r#"{{"name": "{}"}}"#, "a".repeat(bytes - r#"{"name": ""}"#.len()));
    assert!(item(body(256 * 1024)).is_ok());
    assert_eq!(item(body(256 * 1024 + 1)).unwrap_err().status(), 413);
    assert_eq!(item(body(257 * 1024)).unwrap_err().status(), 413);
}

#[test]
fn an_error_names_the_field() {
    for (body, field) in [
        (r#"{"name": 1}"#, "name: "),
        (r#"{"part": ["size"]}"#, "part: "),
        (r#"{"part": [1]}"#, "part: "),
        (r#"{"part": {"size": -1}}"#, "part: "),
    ] {
        let error = item(body).unwrap_err();
        assert_eq!(error.status(), 400);
        assert!(error.to_string().starts_with(&format!("Bad Request: {field}")), "{error}");
    }
}

#[test]
fn a_query_parameter_that_is_absent_or_empty_has_its_default() {
    assert!(flag_query(&Request::new(Body::Empty), "flag", true).unwrap());
    assert!(flag_query(&with_query("flag", ""), "flag", true).unwrap());
    assert!(!flag_query(&with_query("flag", "false"), "flag", true).unwrap());
    assert_eq!(index_query(&with_query("version", "7"), "version").unwrap(), 7);
    assert_eq!(text_query(&with_query("org_id", ""), "org_id"), None);
}

#[test]
fn a_query_parameter_that_does_not_parse_gets_400_in_plain_words() {
    let error = |value: &str| flag_query(&with_query("flag", value), "flag", true).unwrap_err().to_string();
    for value in ["yes", "1", "TRUE", " true"] {
        assert_eq!(error(value), "Bad Request: flag must be true or false");
    }
    for value in ["-1", "1.0", "4294967296", "x"] {
        let error = index_query(&with_query("version", value), "version").unwrap_err();
        assert_eq!(error.to_string(), "Bad Request: version must be a number from 0");
    }
}

#[test]
fn a_limit_is_a_number_from_1_to_the_most_which_it_is_by_default() {
    let limit = |value: &str| limit_query(&with_query("limit", value), 100).map_err(|error| error.to_string());
    assert_eq!((limit(""), limit("1"), limit("100")), (Ok(100), Ok(1), Ok(100)));
    for bad in ["0", "101", "-1", "1.5", "ten", "99999999999999999999999"] {
        assert_eq!(limit(bad).unwrap_err(), "Bad Request: limit must be a number from 1 to 100");
    }
}

#[test]
fn an_id_that_is_none_gets_the_404_of_an_unknown_file() {
    let with_id =
        |id: &str| Request::new(Body::Empty).with_path_parameters(HashMap::from([("id".to_owned(), id.to_owned())]));
    assert_eq!(path_file_id(&with_id(FILE_ID)).unwrap().to_string(), FILE_ID);
    for request in [Request::new(Body::Empty), with_id(""), with_id("x"), with_id("../META")] {
        assert_eq!(path_file_id(&request).unwrap_err().to_string(), ApiError::file_not_found().to_string());
    }
}

#[test]
fn the_route_says_whether_the_path_is_v1_whatever_a_domain_puts_before_it() {
    let event = include_str!("../../../infra/events/delete-file.json");
    let is_v1 = |route: &str, path: &str| {
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["rawPath"] = path.into();
        event["requestContext"]["routeKey"] = serde_json::from_str(route).unwrap();
        is_v1(&lambda_http::request::from_str(&event.to_string()).unwrap())
    };
    for path in ["/v1/files/x", "/mapped/v1/files/x", "/v2/v1/files/x"] {
        assert!(is_v1(r#""DELETE /v1/files/{id}""#, path), "{path}");
    }
    for path in ["/v2/files/x", "/mapped/v2/files/x", "/v1/v2/files/x"] {
        assert!(!is_v1(r#""DELETE /v2/files/{id}""#, path), "{path}");
    }
    // Where no route names a path, the path counts.
    for route in [r#""$default""#, "null"] {
        assert!(is_v1(route, "/v1/files/x") && !is_v1(route, "/v2/files/x"), "{route}");
    }
}

/// The only test that makes an internal error reply: the log sees it for certain.
#[test]
fn the_cause_of_an_internal_error_goes_to_the_log_and_never_to_the_client() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer cause")]
    struct Outer(#[source] std::io::Error);

    let (logs, _guard) = logs();
    let reply = error_reply(&ApiError::internal(Outer(std::io::Error::other("inner cause"))));
    assert_eq!(reply.status(), 500);
    let Body::Text(body) = reply.body() else { panic!("{reply:?}") };
    assert_eq!(body, r#"{"status":500,"error":"Internal Server Error"}"#);
    assert!(logs.text().contains("outer cause: inner cause"), "{}", logs.text());
}

#[test]
fn an_error_of_the_clients_is_told_to_the_client_and_not_logged() {
    let (logs, _guard) = logs();
    for (error, status) in [
        (ApiError::bad_request("secret \"words\""), 400),
        (ApiError::Unauthorized("secret words"), 401),
        (ApiError::NotFound("secret words"), 404),
        (ApiError::Conflict("secret words"), 409),
        (ApiError::PayloadTooLarge("secret words".into()), 413),
    ] {
        let reply = error_reply(&error);
        let Body::Text(body) = reply.body() else { panic!("{reply:?}") };
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body, json!({ "status": status, "error": error.to_string() }));
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(reply.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
    }
    assert_eq!(logs.text(), "");
}
