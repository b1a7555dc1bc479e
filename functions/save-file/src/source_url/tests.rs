//! Every trick that a caller or a server could try, against servers that really listen.

mod addresses;
mod answers;
mod bodies;
mod redirects;
mod server;

use super::*;
use server::Server;
use shared::object_stream::Chunks;
use std::sync::{Arc, Mutex};

const REFUSED: &str =
    "source_url: could not be fetched; it must be an http or https URL on a public address that answers with the file";
const TOO_SLOW: &str = "source_url: the server took too long to send the file; upload it instead";
const TOO_LARGE: &str = "source_url: a file may have at most 1000 bytes; upload it instead";

type DnsAnswer = (&'static str, Vec<IpAddr>);

/// A DNS that gives these answers, each once; a name's last is repeated. It keeps what it is asked.
#[derive(Clone, Debug)]
struct Dns {
    answers: Arc<Mutex<Vec<DnsAnswer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Dns {
    fn new(answers: &[(&'static str, &[&str])]) -> Self {
        let parsed = |addresses: &[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.iter().map(|(name, addresses)| (*name, parsed(addresses))).collect();
        Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl ResolveDns for Dns {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let mut places = (0..answers.len()).filter(|place| answers[*place].0 == name);
        let (place, is_last) = (places.next(), places.next().is_none());
        DnsFuture::ready(match place {
            None => Err(ResolveDnsError::new("no such name")),
            Some(place) if is_last => Ok(answers[place].1.clone()),
            Some(place) => Ok(answers.remove(place).1),
        })
    }
}

/// May fetch 1,000 bytes from these servers, and follow three redirects.
fn urls(servers: &[&Server], dns: &Dns) -> SourceUrls {
    let exempt = servers.iter().map(|server| server.address).collect();
    let mut urls = SourceUrls::new(1_000, Duration::from_secs(20), 3, exempt);
    urls.dns = SharedDnsResolver::new(dns.clone());
    urls
}

/// The file's bytes, to the end.
async fn fetch(urls: &SourceUrls, url: &str) -> Result<Vec<u8>, ApiError> {
    let mut fetched = urls.fetch(url).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = fetched.next_chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What the caller is told.
fn told(error: ApiError) -> (u16, String) {
    match error {
        ApiError::BadRequest(sentence) => (400, sentence),
        ApiError::PayloadTooLarge(sentence) => (413, sentence),
        other => panic!("{other:?}"),
    }
}

/// What the caller is told of a URL that must not be fetched.
async fn error(urls: &SourceUrls, url: &str) -> (u16, String) {
    told(fetch(urls, url).await.expect_err(url))
}

fn bad_request(sentence: &str) -> (u16, String) {
    (400, sentence.to_owned())
}
