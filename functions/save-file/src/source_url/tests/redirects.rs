//! Following redirects, and what is sent on the way.

use super::{
    server::{Answer, file, redirect},
    *,
};

fn no_dns() -> Dns {
    Dns::new(&[])
}

#[tokio::test]
async fn redirects_of_every_kind_are_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |path| match path {
            "/a/start" => redirect(status, "next?q=1"),
            "/a/next?q=1" => redirect(status, "/b/next#part"),
            "/b/next" => redirect(status, "../c.txt"),
            "/c.txt" => file("", "bytes"),
            other => panic!("{other}"),
        })
        .await;
        let mut fetched = urls(&[&server], &no_dns()).fetch(&server.url("/a/start")).await.unwrap();
        assert_eq!(fetched.next_chunk().await.unwrap().unwrap(), "bytes");
        assert_eq!(fetched.filename.unwrap().as_str(), "c.txt", "the name is the final URL's");
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn the_fourth_redirect_and_a_loop_are_not_followed() {
    for further in ["", "further/"] {
        let server = Server::start(move |path| redirect(302, &format!("{path}{further}"))).await;
        let sentence = "source_url: redirects more than 3 times; send the URL that it leads to";
        assert_eq!(error(&urls(&[&server], &no_dns()), &server.url("/")).await, bad_request(sentence));
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn without_redirects_allowed_the_first_is_not_followed() {
    let server = Server::start(|_| redirect(302, "/")).await;
    let mut urls = urls(&[&server], &no_dns());
    urls.max_redirects = 0;
    assert!(error(&urls, &server.url("/")).await.1.contains("0 times"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_an_answer_without_a_file() {
    for head in ["302 Found\r\n", "300 Choices\r\nlocation: /b\r\n", "304 Not Modified\r\nlocation: /b\r\n"] {
        let server = Server::start(move |_| Answer::new(format!("HTTP/1.1 {head}\r\n"))).await;
        let sentence = format!("source_url: the server answered {}", &head[..3]);
        assert_eq!(error(&urls(&[&server], &no_dns()), &server.url("/a")).await, bad_request(&sentence));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_request_says_what_is_asked_for_and_nothing_of_who_asks() {
    let server = Server::start(|path| match path {
        "/a" => Answer::new(
            "HTTP/1.1 302 Found\r\nset-cookie: session=1; Path=/\r\nwww-authenticate: Basic\r\nlocation: /b?q=1#c\r\n\r\n",
        ),
        _ => file("", "bytes"),
    })
    .await;
    fetch(&urls(&[&server], &no_dns()), &server.url("/a#secret")).await.unwrap();
    let head = |path: &str| {
        let version = env!("CARGO_PKG_VERSION");
        let headers = format!("user-agent: file-api/{version}\r\naccept: */*\r\naccept-encoding: identity\r\n");
        format!("GET {path} HTTP/1.1\r\n{headers}host: {}\r\n\r\n", server.address)
    };
    assert_eq!(server.requests(), [head("/a"), head("/b?q=1")]);
}
