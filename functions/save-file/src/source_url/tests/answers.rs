//! What a server may answer, and what is made of it.

use super::{
    server::{Answer, file},
    *,
};
use shared::file_type::MimeType;

/// A server with one answer, and what is made of it.
async fn answered(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Result<Fetched, ApiError> {
    let server = Server::start(move |_| answer()).await;
    urls(&[&server], &Dns::new(&[])).fetch(&server.url("/a%20b.txt")).await
}

async fn refusal(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (u16, String) {
    let server = Server::start(move |_| answer()).await;
    error(&urls(&[&server], &Dns::new(&[])), &server.url("/a.txt")).await
}

#[tokio::test]
async fn name_and_type_are_those_that_the_server_says() {
    for (headers, name, mime_type) in [
        ("", "a b.txt", None),
        ("content-type: Text/CSV; charset=UTF-8\r\n", "a b.txt", Some("Text/CSV; charset=UTF-8")),
        ("content-type: application/octet-stream\r\n", "a b.txt", None),
        ("content-type: nonsense\r\n", "a b.txt", None),
        ("content-disposition: attachment; filename=\"c.pdf\"\r\n", "c.pdf", None),
        ("content-disposition: attachment; filename=\"../c.pdf\"\r\n", "c.pdf", None),
        ("content-disposition: attachment; filename=\"\"\r\n", "a b.txt", None),
    ] {
        let fetched = answered(move || file(headers, "1")).await.unwrap();
        assert_eq!(fetched.filename.unwrap().as_str(), name, "{headers}");
        assert_eq!(fetched.mime_type.as_ref().map(MimeType::as_str), mime_type, "{headers}");
    }
    let latin =
        || Answer::new(b"HTTP/1.1 200 OK\r\ncontent-disposition: inline; filename=\"\xfc.pdf\"\r\n\r\n".to_vec());
    assert_eq!(answered(latin).await.unwrap().filename.unwrap().as_str(), "a b.txt");
}

#[tokio::test]
async fn an_answer_other_than_200_is_no_file() {
    for status in [201, 202, 204, 206, 400, 401, 403, 404, 410, 429, 500, 503] {
        let answer = move || Answer::new(format!("HTTP/1.1 {status} x\r\ncontent-length: 6\r\n\r\nsecret"));
        assert_eq!(refusal(answer).await, bad_request(&format!("source_url: the server answered {status}")));
    }
}

#[tokio::test]
async fn an_encoded_file_is_refused() {
    for encoding in ["gzip", "br", "deflate", "identity, gzip", "identity\r\ncontent-encoding: gzip", "x"] {
        let (status, sentence) = refusal(move || file(&format!("content-encoding: {encoding}\r\n"), "1")).await;
        assert!(status == 400 && sentence.contains("encoded"), "{encoding}: {sentence}");
    }
    assert!(answered(|| file("content-encoding: Identity\r\n", "1")).await.is_ok());
}

#[tokio::test]
async fn what_is_no_http_is_told_from_nothing_else() {
    let many_headers = "x: y\r\n".repeat(1_000);
    let garbage = [
        String::new(),
        "\r\n\r\n".into(),
        "SSH-2.0-OpenSSH_9.9\r\n".into(),
        "HTTP/9.9 200 OK\r\n\r\n".into(),
        "HTTP/1.1 20 OK\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n".into(),
        format!("HTTP/1.1 200 OK\r\n{many_headers}\r\n"),
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1024 * 1024)),
    ];
    for bytes in garbage {
        let start: String = bytes.chars().take(80).collect();
        assert_eq!(refusal(move || Answer::new(bytes.clone())).await, bad_request(REFUSED), "{start}");
    }
}

#[tokio::test]
async fn headers_without_an_end_are_not_read_for_ever() {
    for name in ["x: y\r\n", "x"] {
        let endless = move || Answer::new("HTTP/1.1 200 OK\r\n").then_repeats(name.repeat(10_000), Duration::ZERO);
        assert_eq!(refusal(endless).await, bad_request(REFUSED));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_has_no_tls_is_told_from_nothing_else() {
    let server = Server::start(|_| file("", "bytes")).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut urls = urls(&[&server], &Dns::new(&[("empty.test", &[])]));
    urls.exempt.push(closed);
    for url in [
        format!("http://{closed}/"),
        server.url("/").replace("http", "https"),
        server.named("unknown.test", "/"),
        server.named("empty.test", "/"),
    ] {
        assert_eq!(error(&urls, &url).await, bad_request(REFUSED), "{url}");
    }
}

#[tokio::test]
async fn what_does_not_answer_in_time_is_told_from_nothing_else() {
    let trickle = Duration::from_millis(5);
    let server = Server::start(move |path| match path {
        "/silent" => Answer::new("").then_waits(),
        "/half" => Answer::new("HTTP/1.1 200 OK\r\ncontent-le").then_waits(),
        "/trickle" => Answer::new("HTTP/1.1 200 OK\r\n").then_repeats("x", trickle),
        "/continue" => Answer::new("").then_repeats("HTTP/1.1 100 Continue\r\n\r\n", trickle),
        _ => Answer::new("HTTP/1.1 302 Found\r\nlocation: /silent\r\n\r\n"),
    })
    .await;
    let mut urls = urls(&[&server], &Dns::new(&[]));
    urls.timeout = Duration::from_millis(300);
    for path in ["/silent", "/half", "/trickle", "/continue", "/redirect"] {
        assert_eq!(error(&urls, &server.url(path)).await, bad_request(REFUSED), "{path}");
    }
    urls.dns = SharedDnsResolver::new(SilentDns);
    assert_eq!(error(&urls, &server.named("a.test", "/")).await, bad_request(REFUSED));
}

#[derive(Debug)]
struct SilentDns;

impl ResolveDns for SilentDns {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(std::future::pending())
    }
}
