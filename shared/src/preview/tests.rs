use super::*;
use crate::{
    custom_url::CustomUrl,
    fixtures::{caller, dynamodb, file, s3_answer, store, temp_key, version},
    renderer::tests::script,
};
use aws_sdk_s3::{
    Client,
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput, put_object::PutObjectOutput},
    primitives::ByteStream,
};
use aws_smithy_mocks::{Rule, mock};
use lambda_http::{RequestExt, http::header::IF_NONE_MATCH};
use std::collections::HashMap;

/// Renders a "PNG" that is the magic number and the source.
const RENDER: &str = r"printf '\211PNG'; cat";
const VERSION: &str = "previews/123/00000000-0000-4000-8000-000000000001/200x200.1";
const ETAG: &str = "\"00000000-0000-4000-8000-000000000001..200x200.1\"";

fn previews(rules: &[&Rule], render: &str) -> Previews {
    Previews { objects: store(rules), renderer: script(render) }
}

fn with_query(query: &[(&str, &str)]) -> Request {
    let query: HashMap<_, _> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request::default().with_query_string_parameters(query)
}

fn size(query: &[(&str, &str)]) -> Result<String, u16> {
    PreviewSize::from_query(&with_query(query)).map(|size| size.to_string()).map_err(|error| error.status().as_u16())
}

/// An object with these bytes.
fn object(key: &'static str, bytes: &'static [u8]) -> Rule {
    let get = mock!(Client::get_object).match_requests(move |get| get.key() == Some(key));
    get.then_output(move || GetObjectOutput::builder().body(ByteStream::from_static(bytes)).build())
}

fn missing(key: &'static str) -> Rule {
    let get = mock!(Client::get_object).match_requests(move |get| get.key() == Some(key));
    get.then_http_response(|| s3_answer(404, Some("NoSuchKey")))
}

fn kept(key: &'static str) -> Rule {
    let put = mock!(Client::put_object).match_requests(move |put| {
        put.key() == Some(key) && put.content_type() == Some("image/png") && put.tagging().is_none()
    });
    put.then_output(|| PutObjectOutput::builder().build())
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A table in which every superseded version is the first one.
fn files() -> FileStore {
    let get = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| {
        let version = serde_dynamo::to_item(version(1)).unwrap();
        aws_sdk_dynamodb::operation::get_item::GetItemOutput::builder().set_item(Some(version)).build()
    });
    FileStore::with_client(dynamodb(&[&get]), "files")
}

async fn reply(previews: &Previews, file: &Meta, index: u32) -> Result<Response<Body>, ApiError> {
    let request = Request::default();
    previews.of_file(&files(), file, index, Asked::by(&request, Audience::Caller).unwrap()).await
}

#[test]
fn a_size_is_one_side_or_both_from_1_to_2048_and_200_by_200_without_either() {
    assert_eq!(size(&[]).unwrap(), "200x200");
    assert_eq!(size(&[("w", ""), ("h", "")]).unwrap(), "200x200");
    assert_eq!(size(&[("w", "1")]).unwrap(), "1x");
    assert_eq!(size(&[("h", "2048")]).unwrap(), "x2048");
    assert_eq!(size(&[("w", "3"), ("h", "4")]).unwrap(), "3x4");
    for bad in ["0", "2049", "-1", "1.5", "large", "4294967296", " 1"] {
        assert_eq!(size(&[("w", bad)]), Err(400), "{bad}");
        assert_eq!(size(&[("w", "200"), ("h", bad)]), Err(400), "{bad}");
    }
}

#[tokio::test]
async fn a_preview_that_was_kept_is_not_rendered_again() {
    let image = object(VERSION, b"\x89PNGkept");
    let response = reply(&previews(&[&image], "exit 3"), &file().meta, 0).await.unwrap();
    assert_eq!(response.body().as_ref(), b"\x89PNGkept");
    assert_eq!(header(&response, "content-type"), "image/png");
    assert_eq!(header(&response, "etag"), ETAG);
    assert_eq!(header(&response, "cache-control"), "private, no-cache");
}

#[tokio::test]
async fn a_preview_that_is_not_there_is_rendered_and_kept() {
    let source = object("123/00000000-0000-4000-8000-000000000001/a.pdf", b"source");
    let (missing, put) = (missing(VERSION), kept(VERSION));
    let response = reply(&previews(&[&missing, &source, &put], RENDER), &file().meta, 0).await.unwrap();
    assert_eq!(response.body().as_ref(), b"\x89PNGsource");
    assert_eq!(put.num_calls(), 1);
}

#[tokio::test]
async fn a_preview_that_cannot_be_kept_is_a_preview_all_the_same() {
    let source = object("123/00000000-0000-4000-8000-000000000001/a.pdf", b"source");
    let refused = mock!(Client::put_object).then_http_response(|| s3_answer(403, Some("AccessDenied")));
    let response = reply(&previews(&[&missing(VERSION), &source, &refused], RENDER), &file().meta, 0).await.unwrap();
    assert_eq!((response.status().as_u16(), refused.num_calls()), (200, 1));
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_read() {
    let mut file = file().meta;
    file.current = Some(Version { size_bytes: 11, ..version(1) });
    let missing = missing(VERSION);
    assert_eq!(reply(&previews(&[&missing], RENDER), &file, 0).await.unwrap_err().status(), 422);
    assert_eq!(missing.num_calls(), 1);
}

#[tokio::test]
async fn who_has_it_already_gets_304_without_a_call_to_aws() {
    for tag in [ETAG.to_owned(), format!("W/{ETAG}"), format!("\"other\", {ETAG}"), "*".to_owned()] {
        let mut request = Request::default();
        request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::try_from(&tag).unwrap());
        let asked = Asked::by(&request, Audience::Everybody).unwrap();
        let response = previews(&[], "exit 3").of_file(&files(), &file().meta, 0, asked).await.unwrap();
        assert_eq!(response.status(), 304, "{tag}");
        assert!(response.body().is_empty());
        assert_eq!(header(&response, "etag"), ETAG);
        assert_eq!(header(&response, "cache-control"), "public, max-age=300");
    }
    let mut request = Request::default();
    request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("\"00000000..200x200.1\""));
    let asked = Asked::by(&request, Audience::Caller).unwrap();
    let response =
        previews(&[&object(VERSION, b"\x89PNG")], "").of_file(&files(), &file().meta, 0, asked).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_file_that_is_kept_elsewhere_has_no_preview_and_its_older_versions_have() {
    let mut file = Meta { current: Some(version(2)), ..file().meta };
    file.custom_download_url = Some(CustomUrl::try_from("https://files.example/7".to_owned()).unwrap());
    let error = reply(&previews(&[], RENDER), &file, 0).await.unwrap_err();
    assert!(error.status() == 404 && error.to_string().contains("custom_download_url"), "{error}");
    assert_eq!(reply(&previews(&[&object(VERSION, b"\x89PNG")], ""), &file, 1).await.unwrap().status(), 200);
    assert_eq!(reply(&previews(&[], ""), &file, 2).await.unwrap_err().status(), 404);
}

#[tokio::test]
async fn an_upload_that_is_sent_again_has_another_preview() {
    let mut tags = Vec::new();
    for etag in ["\"1f\"", "\"2f-3\""] {
        let head = mock!(Client::head_object).then_output(move || HeadObjectOutput::builder().e_tag(etag).build());
        let none = mock!(Client::get_object)
            .match_requests(move |get| {
                let folder = format!("/{}/200x200.1", etag.trim_matches('"'));
                get.key().is_some_and(|key| key.starts_with("previews/123/") && key.ends_with(&folder))
            })
            .then_http_response(|| s3_answer(404, Some("NoSuchKey")));
        let source = mock!(Client::get_object)
            .match_requests(move |get| get.if_match() == Some(etag))
            .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(b"source")).build());
        let put = mock!(Client::put_object).then_output(|| PutObjectOutput::builder().build());
        let s3ref = S3Ref { bucket: "bucket".into(), key: temp_key().to_string() };
        let (previews, request) = (previews(&[&head, &none, &source, &put], RENDER), Request::default());
        let asked = Asked::by(&request, Audience::Caller).unwrap();
        let files = FileStore::with_client(dynamodb(&[]), "files");
        let response = previews.of_s3ref(&files, &caller("123"), &s3ref, asked).await.unwrap();
        assert_eq!((response.status().as_u16(), put.num_calls()), (200, 1));
        tags.push(header(&response, "etag").to_owned());
    }
    assert_ne!(tags[0], tags[1]);
}

#[tokio::test]
async fn another_organisations_upload_is_the_404_of_an_unknown_file() {
    let s3ref = S3Ref { bucket: "bucket".into(), key: temp_key().to_string() };
    let request = Request::default();
    let files = FileStore::with_client(dynamodb(&[]), "files");
    let asked = Asked::by(&request, Audience::Caller).unwrap();
    let error = previews(&[], RENDER).of_s3ref(&files, &caller("456"), &s3ref, asked).await.unwrap_err();
    assert_eq!(error.to_string(), ApiError::file_not_found().to_string());
}
