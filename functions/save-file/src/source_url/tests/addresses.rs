//! Where a request may go to.

use super::{
    server::{Answer, file, redirect},
    *,
};

/// URLs that must lead nowhere; many of them would lead to this server.
fn tricks(server: &Server) -> Vec<String> {
    let port = server.address.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "%31%32%37.1",
        "１２７.１",
        "0.0.0.0",
        "0",
        "127.9.9.9",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "10.0.0.1",
        "100.64.0.1",
        "192.168.0.1",
        "255.255.255.255",
        "loopback.test",
        "LOOPBACK.test",
        "metadata.test",
        "mapped.test",
        "mixed.test",
        "mixed6.test",
        "unknown.test",
        "nothing.test",
    ];
    let others = [
        "",
        " ",
        "/etc/passwd",
        "//a.example/",
        "file:///etc/passwd",
        "ftp://a.example/",
        "ws://a.example/",
        "gopher://a.example:7070/",
        "gopher://127.0.0.1/_GET",
        "data:,x",
        "javascript:1",
        "unix:/var/run/x.sock",
        "http:",
        "http://",
        "https://",
        "http://[::1",
        "http://[fe80::1%25lo]/",
        "http://a.example:99999/",
        "http://user@a.example/",
        "http://user:secret@a.example/",
        "http://:secret@a.example/",
        "http://127.0.0.1:1@a.example/",
        "http://a.example:22/",
        "https://a.example:25/",
        "http://a.example:0/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
    ];
    let urls = hosts.iter().flat_map(|host| ["http", "https"].map(|scheme| format!("{scheme}://{host}:{port}/")));
    urls.chain(others.map(str::to_owned)).collect()
}

fn dns() -> Dns {
    Dns::new(&[
        ("loopback.test", &["127.0.0.1"]),
        ("metadata.test", &["169.254.169.254"]),
        ("mapped.test", &["::ffff:127.0.0.1"]),
        ("mixed.test", &["93.184.215.14", "127.0.0.1"]),
        ("nothing.test", &[]),
        ("mixed6.test", &["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"]),
    ])
}

#[tokio::test]
async fn whatever_is_not_a_web_url_on_a_public_address_is_refused_in_the_same_words() {
    let trap = Server::start(|_| file("", "secret")).await;
    let urls = urls(&[], &dns());
    for url in tricks(&trap) {
        assert_eq!(error(&urls, &url).await, bad_request(REFUSED), "{url}");
    }
    assert!(trap.saw_nothing().await);
}

#[tokio::test]
async fn a_redirect_to_any_of_them_is_refused_in_the_same_words() {
    let trap = Server::start(|_| file("", "secret")).await;
    let tricks: Vec<_> = tricks(&trap).into_iter().filter(|url| url.contains(':') && url != "http:").collect();
    let locations = tricks.clone();
    let server = Server::start(move |path| {
        let place: usize = path.trim_start_matches('/').parse().unwrap();
        Answer::new([b"HTTP/1.1 302 Found\r\nlocation: ", locations[place].as_bytes(), b"\r\n\r\n"].concat())
    })
    .await;
    let urls = urls(&[&server], &dns());
    for (place, trick) in tricks.iter().enumerate() {
        assert_eq!(error(&urls, &server.url(&format!("/{place}"))).await, bad_request(REFUSED), "{trick}");
    }
    assert_eq!(server.requests().len(), tricks.len());
    assert!(trap.saw_nothing().await);
}

#[tokio::test]
async fn an_exemption_is_of_one_port() {
    let (server, trap) = (Server::start(|_| file("", "bytes")).await, Server::start(|_| file("", "secret")).await);
    let urls = urls(&[&server], &Dns::new(&[("a.test", &["127.0.0.1"])]));
    for url in [server.url("/"), server.named("a.test", "/")] {
        assert_eq!(fetch(&urls, &url).await.unwrap(), b"bytes");
    }
    for url in [trap.url("/"), trap.named("a.test", "/")] {
        assert_eq!(error(&urls, &url).await, bad_request(REFUSED));
    }
    assert!(trap.saw_nothing().await);
}

#[tokio::test]
async fn the_connection_is_to_the_address_that_was_checked_and_dns_is_not_asked_again() {
    let server = Server::start(|_| file("", "bytes")).await;
    // Rebinding: what comes after the check would be private.
    let dns = Dns::new(&[("a.test", &["127.0.0.1"]), ("a.test", &["169.254.169.254"])]);
    let urls = urls(&[&server], &dns);
    assert_eq!(fetch(&urls, &server.named("a.test", "/")).await.unwrap(), b"bytes");
    assert_eq!(dns.asked(), ["a.test"]);
    assert_eq!(error(&urls, &server.named("a.test", "/")).await, bad_request(REFUSED), "nothing is remembered");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_the_same_name_is_checked_again() {
    let server = Server::start(|_| redirect(302, "/again")).await;
    let dns = Dns::new(&[("a.test", &["127.0.0.1"]), ("a.test", &["127.0.0.1"]), ("a.test", &["10.0.0.1"])]);
    assert_eq!(error(&urls(&[&server], &dns), &server.named("a.test", "/")).await, bad_request(REFUSED));
    assert_eq!((dns.asked().len(), server.requests().len()), (3, 2));
}

#[tokio::test]
async fn a_redirect_from_one_name_to_another_asks_for_the_others_address() {
    let trap = Server::start(|_| file("", "secret")).await;
    let location = trap.named("loopback.test", "/");
    let server = Server::start(move |_| redirect(307, &location)).await;
    let dns = Dns::new(&[("a.test", &["127.0.0.1"]), ("loopback.test", &["127.0.0.1"])]);
    assert_eq!(error(&urls(&[&server], &dns), &server.named("a.test", "/")).await, bad_request(REFUSED));
    assert_eq!(dns.asked(), ["a.test", "loopback.test"]);
    assert!(trap.saw_nothing().await);
}

#[test]
fn the_ports_of_the_web_and_those_that_need_no_privilege_are_allowed() {
    for good in [
        "http://a.example",
        "https://a.example/",
        "http://a.example:443",
        "https://a.example:1024",
        "http://a.example:65535",
    ] {
        assert!(Target::parse(good).is_ok(), "{good}");
    }
    for bad in ["http://a.example:22", "http://a.example:25", "https://a.example:1023", "http://a.example:0"] {
        assert!(Target::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_url_may_have_2048_bytes() {
    let url = |bytes: usize| format!("{:x<bytes$}", "https://a.example/");
    assert!(Target::parse(&url(2_048)).is_ok());
    assert!(Target::parse(&url(2_049)).is_err());
}
