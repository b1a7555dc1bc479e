use super::*;
use crate::fixtures::{caller, dynamodb, item};
use aws_sdk_dynamodb::{
    Client,
    operation::put_item::{PutItemError, PutItemOutput},
    types::error::{ConditionalCheckFailedException, TransactionConflictException},
};
use aws_smithy_mocks::{Rule, mock};
use lambda_http::{Body, aws_lambda_events::query_map::QueryMap, http::HeaderValue};

fn asked(key: &str, body: &str, org: &str) -> Result<Option<Idempotency>, ApiError> {
    let mut request = Request::new(Body::from(body)).with_raw_http_path("/v2/files");
    request.headers_mut().insert(HEADER, HeaderValue::from_bytes(key.as_bytes()).unwrap());
    Idempotency::of(&request, &caller(org))
}

fn request(body: &str) -> Idempotency {
    asked("key", body, "123").unwrap().unwrap()
}

fn store(rule: &Rule) -> FileStore {
    FileStore::with_client(dynamodb(&[rule]), "files")
}

/// An earlier request in the way.
fn earlier(request: &Idempotency, made: Option<&str>) -> Rule {
    let asked = Asked { made: made.map(str::to_owned), ..request.asked.clone() };
    mock!(Client::put_item).then_error(move || {
        let failed = ConditionalCheckFailedException::builder().set_item(Some(item(&asked)));
        PutItemError::ConditionalCheckFailedException(failed.build())
    })
}

#[test]
fn a_key_is_1_to_255_printable_characters_with_or_without_quotes() {
    assert!(Idempotency::of(&Request::default(), &caller("123")).unwrap().is_none());
    let (bare, quoted) = (request("{}"), asked("\"key\"", "{}", "123").unwrap().unwrap());
    assert_eq!(bare.id, quoted.id);
    for bad in ["", "\"\"", "a b", "ü", &"a".repeat(256)] {
        assert_eq!(asked(bad, "{}", "123").unwrap_err().status(), 400, "{bad:?}");
    }
    assert!(asked(&"a".repeat(255), "{}", "123").is_ok());
}

#[test]
fn keys_of_two_callers_never_meet() {
    let (ours, theirs) = (request("{}"), asked("key", "{}", "456").unwrap().unwrap());
    assert_ne!(ours.id, theirs.id);
    assert_eq!(ours.asked.fingerprint, theirs.asked.fingerprint);
}

#[tokio::test]
async fn the_first_request_is_remembered_for_24_hours() {
    let rule = mock!(Client::put_item)
        .match_requests(|put| {
            let expires_at: i64 = put.item().unwrap()["expires_at"].as_n().unwrap().parse().unwrap();
            let day = (OffsetDateTime::now_utc() + Duration::hours(24)).unix_timestamp();
            (day - 60..=day).contains(&expires_at)
                && put.condition_expression() == Some("attribute_not_exists(pk) OR expires_at <= :now")
        })
        .then_output(|| PutItemOutput::builder().build());
    assert_eq!(store(&rule).begin(&request("{}")).await.unwrap(), None);
}

#[tokio::test]
async fn a_repetition_learns_what_the_first_request_made() {
    let asked = request("{}");
    assert_eq!(store(&earlier(&asked, Some("id"))).begin(&asked).await.unwrap().as_deref(), Some("id"));
    assert_eq!(store(&earlier(&asked, None)).begin(&asked).await.unwrap(), None, "it died before it made anything");
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_422() {
    let rule = earlier(&request("{}"), Some("id"));
    assert_eq!(store(&rule).begin(&request("{ }")).await.unwrap_err().status(), 422);
}

#[test]
fn the_query_is_a_part_of_the_request_in_any_order() {
    let with = |query: &str| {
        let mut request = Request::new(Body::from("{}"));
        request.headers_mut().insert(HEADER, HeaderValue::from_static("key"));
        let request = request.with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        Idempotency::of(&request, &caller("123")).unwrap().unwrap().asked.fingerprint
    };
    assert_eq!(with("strict=true&a=1"), with("a=1&strict=true"));
    assert_ne!(with("strict=true"), with("strict=false"));
    assert_ne!(with("a=1"), with(""));
}

#[tokio::test]
async fn a_request_that_is_being_committed_is_waited_for() {
    let conflict = || PutItemError::TransactionConflictException(TransactionConflictException::builder().build());
    let rule = mock!(Client::put_item).sequence().error(conflict).output(|| PutItemOutput::builder().build()).build();
    assert_eq!(store(&rule).begin(&request("{}")).await.unwrap(), None);
}

#[test]
fn a_request_is_finished_once() {
    let files = FileStore::with_client(dynamodb(&[]), "files");
    let action = files.finish(&request("{}"), "id").unwrap();
    let put = action.put().unwrap();
    assert_eq!(put.condition_expression(), Some("attribute_not_exists(made)"));
    assert_eq!(put.item()["made"].as_s().unwrap(), "id");
}
