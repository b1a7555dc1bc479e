//! `saveFile` with a `source_url`: the file is fetched from a public address, and from nowhere else.

use crate::stack::{Stack, env, text};
use aws_sdk_dynamodb::types::AttributeValue;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::LazyLock,
    thread,
};
use uuid::Uuid;

const MIB: usize = 1024 * 1024;

/// A server on the address that infra/local/parameters.mjs exempts, one for all tests.
static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let address = SocketAddr::from(([127, 0, 0, 1], emulator_port() + 1));
    let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that has seen enough hangs up.
            thread::spawn(|| drop(stream.and_then(answer)));
        }
    });
    address
});

fn emulator_port() -> u16 {
    env("AWS_ENDPOINT_URL").rsplit(':').next().unwrap().parse().unwrap()
}

/// The URL of a path on it.
pub fn url(path: &str) -> String {
    format!("http://{}{path}", *SERVER)
}

fn redirect_to(url: &str) -> String {
    self::url(&format!("/to/{}", utf8_percent_encode(url, NON_ALPHANUMERIC)))
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    match path.strip_prefix("/to/").map(|url| percent_decode_str(url).decode_utf8_lossy()) {
        Some(url) => write!(stream, "HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"),
        None => file(&mut stream, path),
    }
}

fn file(stream: &mut TcpStream, path: &str) -> io::Result<()> {
    let pdf = "content-type: application/pdf\r\ncontent-disposition: attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf";
    let (headers, length, bytes) = match path {
        "/named" => (pdf, 5, b"named".to_vec()),
        "/big" => ("content-type: video/mp4", 20 * MIB + 1, big()),
        "/cut" => ("content-type: video/mp4", 20 * MIB + 1, big()[..10 * MIB].to_vec()),
        "/too-large" => ("content-type: video/mp4", 100 * MIB + 1, vec![]),
        "/missing" => return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\nsecret"),
        _ => ("content-type: text/plain; charset=utf-8", path.len(), path.into()),
    };
    write!(stream, "HTTP/1.1 200 OK\r\n{headers}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
    stream.write_all(&bytes)
}

/// Bytes that are different in every part.
fn big() -> Vec<u8> {
    (0..=20 * MIB as u64).map(|place| (place / 1_000 * 31 + place).to_le_bytes()[0]).collect()
}

/// What is left of saves under this name: items but marks that run out, objects, and objects of which only parts are
/// there.
async fn left_of(stack: &Stack, name: &str) -> Vec<String> {
    let items = stack.dynamodb.scan().table_name(&stack.table).into_paginator().items().send().try_collect().await;
    let items = items.unwrap();
    let is_mark = |item: &HashMap<String, AttributeValue>| {
        item.get("state").and_then(|state| state.as_s().ok()).is_some_and(|state| state == "pending")
    };
    let kept = items.iter().filter(|item| !(is_mark(item) && item.contains_key("expires_at")));
    let mut left: Vec<String> = kept.map(|item| format!("{item:?}")).collect();
    let list = || stack.s3.list_objects_v2().bucket(&stack.bucket).prefix("123/");
    for page in list().into_paginator().send().try_collect().await.unwrap() {
        left.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    let uploads = stack.s3.list_multipart_uploads().bucket(&stack.bucket).send().await.unwrap();
    left.extend(uploads.uploads().iter().filter_map(|upload| upload.key().map(str::to_owned)));
    left.retain(|left| left.contains(name));
    left
}

/// The sentence that a save of this URL is refused with; it must leave nothing behind.
async fn refused(stack: &Stack, url: &str, status: u16) -> String {
    let name = Uuid::new_v4().to_string();
    let body = json!({ "source_url": url, "filename": format!("{name}.txt") });
    let sentence = stack.post("/v2/files", &body).await.error(status);
    assert_eq!(left_of(stack, &name).await, [""; 0], "{url}");
    sentence
}

#[tokio::test]
async fn a_file_is_fetched_with_its_name_and_type_and_says_where_it_is_from() {
    let stack = Stack::new();
    for (path, name, mime_type, bytes) in [
        ("/a%20b.txt?q=1", "a b.txt", "text/plain; charset=utf-8", "/a%20b.txt?q=1"),
        ("/named", "Größe.pdf", "application/pdf", "named"),
    ] {
        let saved = stack.save(&json!({ "source_url": url(path) })).await;
        assert_eq!((&saved["filename"], &saved["mime_type"]), (&json!(name), &json!(mime_type)));
        assert_eq!((&saved["size_bytes"], &saved["source_url"]), (&json!(bytes.len()), &json!(url(path))));
        assert_eq!((&saved["access_control"], saved["versions"].as_array().unwrap().len()), (&json!("private"), 1));
        assert_eq!(stack.anonymous_status(&saved["public_url"]).await, 403);
        let download = stack.download(&saved["_id"], "").await;
        assert_eq!(download.headers()["content-type"], mime_type);
        assert_eq!(download.bytes().await.unwrap(), bytes);
        let read = stack.get(&format!("/v2/files/{}", text(&saved["_id"]))).await.expect(200);
        assert_eq!(read, saved);
    }
}

#[tokio::test]
async fn name_and_type_that_are_asked_for_come_first() {
    let stack = Stack::new();
    let body = json!({ "source_url": url("/named"), "filename": "b.csv", "mime_type": "text/csv", "type": "text" });
    let saved = stack.save(&body).await;
    for name in ["filename", "mime_type", "type"] {
        assert_eq!(saved[name], body[name]);
    }
}

#[tokio::test]
async fn a_redirect_to_a_file_is_followed() {
    let stack = Stack::new();
    let saved = stack.save(&json!({ "source_url": redirect_to("/c.txt") })).await;
    assert_eq!((&saved["filename"], &saved["size_bytes"]), (&json!("c.txt"), &json!(6)));
}

#[tokio::test]
async fn a_fetched_file_becomes_a_new_version() {
    let stack = Stack::new();
    let first = stack.saved("a.txt", b"first").await;
    let second = stack.save(&json!({ "_id": first["_id"], "source_url": url("/second.txt") })).await;
    assert_eq!((&second["_id"], &second["filename"]), (&first["_id"], &json!("second.txt")));
    assert_eq!(second["versions"].as_array().unwrap().len(), 2);
    assert_eq!(stack.download(&first["_id"], "").await.bytes().await.unwrap(), "/second.txt");
    assert_eq!(stack.download(&first["_id"], "version=1").await.bytes().await.unwrap(), "first");
}

#[tokio::test]
async fn a_public_file_can_be_fetched() {
    let stack = Stack::new();
    let saved = stack.save(&json!({ "source_url": url("/a.txt"), "access_control": "public-read" })).await;
    assert_eq!(stack.anonymous_status(&saved["public_url"]).await, 200);
}

#[tokio::test]
async fn a_file_of_many_parts_comes_back_as_it_is() {
    let stack = Stack::new();
    let saved = stack.save(&json!({ "source_url": url("/big") })).await;
    assert_eq!((&saved["size_bytes"], &saved["type"]), (&json!(20 * MIB + 1), &json!("video")));
    assert!(stack.download(&saved["_id"], "").await.bytes().await.unwrap() == big(), "the same bytes");
}

#[tokio::test]
async fn what_is_not_public_is_refused_in_the_same_words_also_behind_a_redirect() {
    let stack = Stack::new();
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let (trapped, emulator, exempt) = (trap.local_addr().unwrap().port(), emulator_port(), SERVER.port());
    let tricks = [
        format!("http://127.0.0.1:{trapped}/"),
        format!("http://localhost:{trapped}/"),
        format!("http://2130706433:{trapped}/"),
        format!("http://127.0.0.1:{emulator}/_ministack/health"),
        format!("http://localhost:{emulator}/_ministack/health"),
        format!("http://0.0.0.0:{exempt}/a.txt"),
        format!("http://[::1]:{exempt}/a.txt"),
        format!("http://[::ffff:127.0.0.1]:{exempt}/a.txt"),
        format!("http://user:secret@127.0.0.1:{exempt}/a.txt"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
        // RFC 6761: a name that never resolves.
        "http://nobody.invalid/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    let mut replies = HashSet::new();
    for trick in &tricks {
        for url in [trick.clone(), redirect_to(trick), redirect_to(&redirect_to(trick))] {
            let sentence = refused(&stack, &url, 400).await;
            assert!(sentence.starts_with("source_url: could not be fetched; it must be"), "{url}: {sentence}");
            replies.insert(sentence);
        }
    }
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert_eq!(trap.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody has connected");
}

#[tokio::test]
async fn what_gives_no_file_is_refused_and_leaves_nothing() {
    let stack = Stack::new();
    for (path, status, words) in [
        ("/missing", 400, "answered 404"),
        ("/cut", 400, "could not be fetched"),
        ("/too-large", 413, "104857600 bytes"),
    ] {
        let sentence = refused(&stack, &url(path), status).await;
        assert!(sentence.starts_with("source_url: ") && sentence.contains(words), "{path}: {sentence}");
        assert!(!sentence.contains("secret"), "{path}: {sentence}");
    }
    let round = redirect_to(&redirect_to(&redirect_to(&redirect_to("/a.txt"))));
    assert!(refused(&stack, &round, 400).await.contains("redirects more than 3 times"));
}

#[tokio::test]
async fn a_refused_source_url_leaves_the_file_as_it_was() {
    let stack = Stack::new();
    let file: Value = stack.saved("a.txt", b"first").await;
    for (path, status) in [("/cut", 400), ("/too-large", 413)] {
        stack.post("/v2/files", &json!({ "_id": file["_id"], "source_url": url(path) })).await.error(status);
    }
    assert_eq!(stack.get(&format!("/v2/files/{}", text(&file["_id"]))).await.expect(200), file);
}
