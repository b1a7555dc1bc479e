//! A proxy in front of the local AWS.

use std::io::{self, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::Result;
use crate::http::{self, Kind, Message};

/// Where functions send their calls.
pub struct Proxy {
    /// Its address.
    pub url: String,
}

impl Proxy {
    /// Starts a proxy to `endpoint`. `handle` answers every request, with the help of AWS or without; without an answer
    /// the connection is cut.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start(
        endpoint: &str,
        handle: impl Fn(&Message, &mut Upstream) -> io::Result<Option<Message>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let authority = http::split_url(endpoint)?.0.to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let handle = Arc::new(handle);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handle, authority) = (Arc::clone(&handle), authority.clone());
                thread::spawn(move || {
                    if let Err(error) = serve(&stream, &mut Upstream::new(&authority), &*handle) {
                        // A function that is stopped breaks its connection: only the rest is worth a word.
                        if ![io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe].contains(&error.kind()) {
                            eprintln!("proxy to {authority}: {error}");
                        }
                    }
                    stream.shutdown(Shutdown::Both).ok();
                });
            }
        });
        Ok(Self { url })
    }
}

fn serve(
    client: &TcpStream,
    upstream: &mut Upstream,
    handle: &impl Fn(&Message, &mut Upstream) -> io::Result<Option<Message>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut requests = BufReader::new(client);
    while let Some(request) = Message::read(&mut requests, Kind::Request)? {
        let Some(response) = handle(&request, upstream)? else { return Ok(()) };
        response.write(&mut &*client)?;
    }
    Ok(())
}

/// A connection to AWS that is kept alive.
pub struct Upstream {
    authority: String,
    kept: Option<BufReader<TcpStream>>,
}

impl Upstream {
    /// Connects with the first request.
    #[must_use]
    pub fn new(authority: &str) -> Self {
        Self { authority: authority.to_owned(), kept: None }
    }

    /// Passes a request on with its headers untouched, since the signature covers `Host`.
    ///
    /// # Errors
    /// If there is no connection, or no answer.
    pub fn exchange(&mut self, request: &Message) -> io::Result<Message> {
        let kind = if request.method() == "HEAD" { Kind::HeadResponse } else { Kind::Response };
        // A connection kept alive may have been closed meanwhile: then once more on a new one.
        let kept = self.kept.take().and_then(|kept| exchange(kept, request, kind).ok());
        let (response, connection) = match kept {
            Some(exchanged) => exchanged,
            None => exchange(BufReader::new(http::connect(&self.authority)?), request, kind)?,
        };
        let closes = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.kept = Some(connection).filter(|_| !closes);
        Ok(response)
    }
}

fn exchange(
    mut upstream: BufReader<TcpStream>,
    request: &Message,
    kind: Kind,
) -> io::Result<(Message, BufReader<TcpStream>)> {
    request.write(upstream.get_mut())?;
    let response = Message::read(&mut upstream, kind)?;
    Ok((response.ok_or(io::ErrorKind::UnexpectedEof)?, upstream))
}
