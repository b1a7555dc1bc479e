//! A server on this machine that answers as told.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What a server writes, and what it does then.
pub struct Answer {
    bytes: Vec<u8>,
    then: Then,
}

enum Then {
    Close,
    Wait,
    Repeat(Vec<u8>, Duration),
}

impl Answer {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: Then::Close }
    }

    /// With nothing more, but the connection stays open.
    pub fn then_waits(self) -> Self {
        Self { then: Then::Wait, ..self }
    }

    /// With these bytes over and over.
    pub fn then_repeats(self, bytes: impl Into<Vec<u8>>, every: Duration) -> Self {
        Self { then: Then::Repeat(bytes.into(), every), ..self }
    }
}

/// A whole file, with these further headers.
pub fn file(headers: &str, body: &str) -> Answer {
    Answer::new(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
}

pub fn redirect(status: u16, location: &str) -> Answer {
    Answer::new(format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
}

pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request by its path.
    pub async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::default());
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                // A client that has seen enough hangs up.
                tokio::spawn(async move { drop(serve(stream, &seen, &*answer).await) });
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same by a name.
    pub fn named(&self, name: &str, path: &str) -> String {
        format!("http://{name}:{}{path}", self.address.port())
    }

    /// The heads of the requests so far, or nothing for a connection without one.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Connections are accepted in order, so once this one is seen none before it is still to come.
    pub async fn saw_nothing(&self) -> bool {
        let mut probe = TcpStream::connect(self.address).await.unwrap();
        probe.write_all(b"GET /probe HTTP/1.1\r\n\r\n").await.unwrap();
        probe.read_to_end(&mut Vec::new()).await.unwrap();
        self.requests() == ["GET /probe HTTP/1.1\r\n\r\n"]
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    answer: &(impl Fn(&str) -> Answer + Sync),
) -> io::Result<()> {
    let mut head = Vec::new();
    // A TLS handshake, which starts with this byte, would never end like a request.
    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(&[0x16]) && stream.read_buf(&mut head).await? > 0 {}
    let head = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(head.clone());
    let Answer { bytes, then } = answer(head.split(' ').nth(1).unwrap_or_default());
    stream.write_all(&bytes).await?;
    match then {
        Then::Close => stream.shutdown().await,
        Then::Wait => stream.read_to_end(&mut head.into_bytes()).await.map(drop),
        Then::Repeat(bytes, every) => loop {
            stream.write_all(&bytes).await?;
            tokio::time::sleep(every).await;
        },
    }
}
