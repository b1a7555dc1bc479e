use super::*;
use crate::{
    custom_url::CustomUrl,
    file::Meta,
    fixtures::{caller, dynamodb, file, item, s3_answer, store, temp_key, version},
    renderer::tests::script,
};
use aws_sdk_dynamodb::{
    Client as Table,
    operation::get_item::{GetItemError, GetItemOutput},
    types::error::InternalServerError,
};
use aws_sdk_s3::{
    Client,
    operation::{
        delete_object::DeleteObjectOutput, get_object::GetObjectOutput, head_object::HeadObjectOutput,
        put_object::PutObjectOutput,
    },
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

fn table(rules: &[&Rule]) -> FileStore {
    FileStore::with_client(dynamodb(rules), "files")
}

/// A table that has this of the file when it is looked at again.
fn meta(meta: Option<Meta>) -> Rule {
    let get = mock!(Table::get_item).match_requests(|get| get.consistent_read() == Some(true));
    get.then_output(move || GetItemOutput::builder().set_item(meta.as_ref().map(item)).build())
}

fn forgotten(key: &'static str) -> Rule {
    let delete = mock!(Client::delete_object).match_requests(move |delete| delete.key() == Some(key));
    delete.then_output(|| DeleteObjectOutput::builder().build())
}

async fn reply(previews: &Previews, file: &Meta, index: u32) -> Result<Response<Body>, ApiError> {
    reply_with(&table(&[&meta(Some(file.clone()))]), previews, file, index).await
}

async fn reply_with(
    files: &FileStore,
    previews: &Previews,
    file: &Meta,
    index: u32,
) -> Result<Response<Body>, ApiError> {
    let request = Request::default();
    previews.of_file(files, file, index, Asked::by(&request, Audience::Caller).unwrap()).await
}

#[test]
fn a_size_is_one_side_or_both_from_1_to_2048_and_200_by_200_without_either() {
    assert_eq!(size(&[]).unwrap(), "200x200");
    assert_eq!(size(&[("w", ""), ("h", "")]).unwrap(), "200x200");
    assert_eq!(size(&[("w", "1")]).unwrap(), "1x");
    assert_eq!(size(&[("h", "2048")]).unwrap(), "x2048");
    assert_eq!(size(&[("w", "16"), ("h", "300")]).unwrap(), "16x300");
    for bad in ["0", "2049", "-1", "1.5", "large", "4294967296", " 1"] {
        assert_eq!(size(&[("w", bad)]), Err(400), "{bad}");
        assert_eq!(size(&[("w", "200"), ("h", bad)]), Err(400), "{bad}");
    }
}

#[test]
fn a_side_is_the_next_of_18_that_is_no_larger_than_asked() {
    let (mut sides, mut before) = (Vec::new(), 0);
    for asked in 1..=2_048 {
        let size = PreviewSize::from_query(&with_query(&[("w", &asked.to_string()), ("h", "2048")])).unwrap();
        let width = size.width.unwrap();
        assert!(width <= asked && width >= before && size.height == Some(2_048), "{asked}: {size}");
        // The steps are no wider than a half, but for the smallest.
        assert!(asked < 16 || width * 2 > asked, "{asked}: {size}");
        sides.extend((width != before).then_some(width));
        before = width;
    }
    assert_eq!(sides, SIDES);
    assert!(SIDES.contains(&DEFAULT_SIDE));
    // Of a version and of its upload: one page of a listing, and one removal.
    assert!(2 * (sides.len() * sides.len() + 2 * sides.len()) < 1_000);
}

#[tokio::test]
async fn sizes_that_are_reduced_to_the_same_share_a_preview_and_its_tag() {
    for query in [[("w", "200"), ("h", "200")], [("w", "255"), ("h", "201")]] {
        let request = with_query(&query);
        let asked = Asked::by(&request, Audience::Caller).unwrap();
        let response = previews(&[&object(VERSION, b"\x89PNG")], "").of_file(&table(&[]), &file().meta, 0, asked).await;
        assert_eq!(header(&response.unwrap(), "etag"), ETAG);
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
async fn a_preview_that_was_kept_while_its_file_went_is_removed_again() {
    let mut deleted = file().meta;
    deleted.deleted_at = Some("2026-01-01T00:00:00Z".into());
    let broken =
        mock!(Table::get_item).then_error(|| GetItemError::InternalServerError(InternalServerError::builder().build()));
    for (why, table_says, removed) in [
        ("it is there", meta(Some(file().meta)), 0),
        ("it is being deleted", meta(Some(deleted)), 1),
        ("it is gone", meta(None), 1),
        ("nobody knows", broken, 1),
    ] {
        let source = object("123/00000000-0000-4000-8000-000000000001/a.pdf", b"source");
        let (missing, put, forgotten) = (missing(VERSION), kept(VERSION), forgotten(VERSION));
        let previews = previews(&[&missing, &source, &put, &forgotten], RENDER);
        let (request, files) = (Request::default(), table(&[&table_says]));
        let asked = Asked::by(&request, Audience::Caller).unwrap();
        assert_eq!(previews.of_file(&files, &file().meta, 0, asked).await.unwrap().status(), 200, "{why}");
        assert_eq!((table_says.num_calls(), put.num_calls(), forgotten.num_calls()), (1, 1, removed), "{why}");
    }
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
        let response = previews(&[], "exit 3").of_file(&table(&[]), &file().meta, 0, asked).await.unwrap();
        assert_eq!(response.status(), 304, "{tag}");
        assert!(response.body().is_empty());
        assert_eq!(header(&response, "etag"), ETAG);
        assert_eq!(header(&response, "cache-control"), "public, max-age=300");
    }
    let mut request = Request::default();
    request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("\"00000000..200x200.1\""));
    let asked = Asked::by(&request, Audience::Caller).unwrap();
    let previews = previews(&[&object(VERSION, b"\x89PNG")], "");
    assert_eq!(previews.of_file(&table(&[]), &file().meta, 0, asked).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_file_that_is_kept_elsewhere_has_no_preview_and_its_older_versions_have() {
    let mut file = Meta { current: Some(version(2)), ..file().meta };
    file.custom_download_url = Some(CustomUrl::try_from("https://files.example/7".to_owned()).unwrap());
    let error = reply(&previews(&[], RENDER), &file, 0).await.unwrap_err();
    assert!(error.status() == 404 && error.to_string().contains("custom_download_url"), "{error}");
    let first =
        mock!(Table::get_item).then_output(|| GetItemOutput::builder().set_item(Some(item(&version(1)))).build());
    let previews_of_older = previews(&[&object(VERSION, b"\x89PNG")], "");
    assert_eq!(reply_with(&table(&[&first]), &previews_of_older, &file, 1).await.unwrap().status(), 200);
    assert_eq!(reply(&previews(&[], ""), &file, 2).await.unwrap_err().status(), 404);
}

/// An upload with this tag when it is looked at, and then gone or not.
fn upload(etag: &'static str, then: Option<&'static str>) -> Rule {
    let looks = mock!(Client::head_object).sequence();
    let looks = looks.output(move || HeadObjectOutput::builder().e_tag(etag).build());
    match then {
        Some(etag) => looks.output(move || HeadObjectOutput::builder().e_tag(etag).build()).build(),
        None => looks.http_response(|| s3_answer(404, None)).build(),
    }
}

/// The preview of an upload, which is kept as one of the bytes with the tag `kept`; and whether it was rendered again,
/// and removed again.
async fn of_upload(head: Rule, etag: &'static str, kept: Option<&'static str>) -> (String, usize, usize) {
    let is_preview = |key: Option<&str>| key.is_some_and(|key| key.ends_with("/upload/200x200.1"));
    let before = mock!(Client::get_object).match_requests(move |get| is_preview(get.key())).then_output(move || {
        let preview = GetObjectOutput::builder().body(ByteStream::from_static(b"\x89PNGkept"));
        preview.set_metadata(kept.map(|etag| HashMap::from([("source-etag".to_owned(), etag.to_owned())]))).build()
    });
    let source = mock!(Client::get_object)
        .match_requests(move |get| get.if_match() == Some(etag))
        .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(b"source")).build());
    let put = mock!(Client::put_object)
        .match_requests(move |put| {
            let tag = put.metadata().and_then(|metadata| metadata.get("source-etag"));
            is_preview(put.key()) && tag.is_some_and(|tag| tag == etag.trim_matches('"'))
        })
        .then_output(|| PutObjectOutput::builder().build());
    let forgotten = mock!(Client::delete_object)
        .match_requests(move |delete| is_preview(delete.key()))
        .then_output(|| DeleteObjectOutput::builder().build());
    let s3ref = S3Ref { bucket: "bucket".into(), key: temp_key().to_string() };
    let (previews, request) = (previews(&[&head, &before, &source, &put, &forgotten], RENDER), Request::default());
    let asked = Asked::by(&request, Audience::Caller).unwrap();
    let response = previews.of_s3ref(&table(&[]), &caller("123"), &s3ref, asked).await.unwrap();
    assert_eq!(response.status(), 200);
    (header(&response, "etag").to_owned(), put.num_calls(), forgotten.num_calls())
}

#[tokio::test]
async fn an_upload_that_is_sent_again_has_another_preview_in_the_place_of_the_first() {
    let (first, rendered, _) = of_upload(upload("\"1f\"", None), "\"1f\"", Some("1f")).await;
    assert_eq!(rendered, 0);
    let (second, rendered, removed) = of_upload(upload("\"2f-3\"", Some("\"2f-3\"")), "\"2f-3\"", Some("1f")).await;
    assert_eq!((rendered, removed), (1, 0));
    assert_ne!(first, second);
}

#[tokio::test]
async fn the_preview_of_an_upload_that_went_meanwhile_is_removed_again() {
    let (_, rendered, removed) = of_upload(upload("\"1f\"", None), "\"1f\"", None).await;
    assert_eq!((rendered, removed), (1, 1));
}

#[tokio::test]
async fn another_organisations_upload_is_the_404_of_an_unknown_file() {
    let s3ref = S3Ref { bucket: "bucket".into(), key: temp_key().to_string() };
    let request = Request::default();
    let asked = Asked::by(&request, Audience::Caller).unwrap();
    let error = previews(&[], RENDER).of_s3ref(&table(&[]), &caller("456"), &s3ref, asked).await.unwrap_err();
    assert_eq!(error.to_string(), ApiError::file_not_found().to_string());
}
