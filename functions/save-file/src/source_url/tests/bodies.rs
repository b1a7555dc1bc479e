//! Reading a file to its end, and not further.

use super::{
    server::{Answer, file},
    *,
};

const NOW: Duration = Duration::ZERO;

async fn body(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Result<Vec<u8>, (u16, String)> {
    let server = Server::start(move |_| answer()).await;
    let urls = urls(&[&server], &Dns::new(&[]));
    fetch(&urls, &server.url("/a.txt")).await.map_err(told)
}

fn ok(headers: &str, body: &str) -> Answer {
    Answer::new(format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}"))
}

fn too_large() -> Result<Vec<u8>, (u16, String)> {
    Err((413, TOO_LARGE.to_owned()))
}

#[tokio::test]
async fn a_file_of_the_limit_is_read_whole_however_it_is_framed() {
    let bytes = "x".repeat(1_000);
    let chunked = format!("1f4\r\n{half}\r\n1f4;a=b\r\n{half}\r\n0\r\n\r\n", half = &bytes[..500]);
    for (headers, sent) in [
        ("content-length: 1000\r\n", &bytes),
        ("transfer-encoding: chunked\r\n", &chunked),
        ("connection: close\r\n", &bytes),
    ] {
        let sent = sent.clone();
        assert_eq!(body(move || ok(headers, &sent)).await.unwrap(), bytes.as_bytes(), "{headers}");
    }
    assert_eq!(body(|| file("", "")).await.unwrap(), b"");
    // What follows the file is not part of it.
    assert_eq!(body(|| ok("content-length: 3\r\n", "abcHTTP/1.1 200 OK\r\n\r\n")).await.unwrap(), b"abc");
}

#[tokio::test]
async fn a_file_that_says_that_it_is_too_large_is_not_read() {
    for bytes in ["1001", "18446744073709551613"] {
        let answer = move || ok(&format!("content-length: {bytes}\r\n"), "").then_waits();
        assert_eq!(body(answer).await, too_large(), "{bytes}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_say_so_is_read_to_the_limit_and_no_further() {
    for (headers, repeated) in [
        ("transfer-encoding: chunked\r\n", format!("2710\r\n{}\r\n", "x".repeat(10_000))),
        ("transfer-encoding: chunked\r\n", "1\r\nx\r\n".repeat(1_000)),
        ("connection: close\r\n", "x".repeat(10_000)),
    ] {
        let endless = move || ok(headers, "").then_repeats(repeated.clone(), NOW);
        assert_eq!(body(endless).await, too_large(), "{headers}");
    }
    let one_too_many = || ok("transfer-encoding: chunked\r\n", &format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1_001)));
    assert_eq!(body(one_too_many).await, too_large());
}

#[tokio::test]
async fn a_file_that_ends_early_is_an_error_and_not_a_shorter_file() {
    for (headers, sent) in [
        ("content-length: 10\r\n", ""),
        ("content-length: 10\r\n", "123456789"),
        ("transfer-encoding: chunked\r\n", ""),
        ("transfer-encoding: chunked\r\n", "a\r\n12345"),
        ("transfer-encoding: chunked\r\n", "5\r\n12345\r\n"),
        ("transfer-encoding: chunked\r\n", "5\r\n12345\r\n0\r\n"),
        ("transfer-encoding: chunked\r\n", "5\r\n12345xx0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "no number\r\n"),
        ("transfer-encoding: chunked\r\n", "fffffffffffffffff\r\nx"),
    ] {
        assert_eq!(body(move || ok(headers, sent)).await, Err(bad_request(REFUSED)), "{headers}{sent}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_come_in_time_is_an_error() {
    let trickle = Duration::from_millis(50);
    let length = "content-length: 999\r\n";
    let slow = Server::start(move |path| match path {
        "/stops" => ok(length, "abc").then_waits(),
        "/trickles" => ok(length, "").then_repeats("x", trickle),
        "/trickles/chunks" => ok("transfer-encoding: chunked\r\n", "").then_repeats("1\r\nx\r\n", trickle),
        "/trickles/sizes" => ok("transfer-encoding: chunked\r\n", "").then_repeats("0", trickle),
        _ => ok("transfer-encoding: chunked\r\n", "1;").then_repeats("x", trickle),
    })
    .await;
    let urls = urls(&[&slow], &Dns::new(&[]));
    for path in ["/stops", "/trickles", "/trickles/chunks", "/trickles/sizes", "/trickles/extension"] {
        let mut fetched = urls.fetch(&slow.url(path)).await.unwrap();
        // Only from here on, so that a slow machine gets this far.
        fetched.deadline = Instant::now() + Duration::from_millis(300);
        let error = loop {
            match fetched.next_chunk().await {
                Ok(chunk) => assert!(chunk.is_some(), "{path} ended"),
                Err(error) => break error,
            }
        };
        assert_eq!(told(error), bad_request(TOO_SLOW), "{path}");
    }
}

#[tokio::test]
async fn bytes_that_are_ready_after_the_time_is_over_are_late_too() {
    let response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from("bytes"));
    let target = Target::parse("https://a.example/").unwrap();
    let mut fetched = Fetched::new(&target, response, 1_000, Instant::now()).unwrap();
    assert_eq!(told(fetched.next_chunk().await.unwrap_err()), bad_request(TOO_SLOW));
}
