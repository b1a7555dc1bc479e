//! A proxy in front of the local AWS that notes every call and how long it took.

use std::io::{self, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use crate::Result;
use crate::aws_call::{self, Call};
use crate::http::{self, Kind, Message};

/// Where functions send their calls, and the calls seen.
pub struct Proxy {
    pub url: String,
    pub calls: Receiver<Call>,
}

impl Proxy {
    pub fn start(endpoint: &str) -> Result<Self> {
        let authority = http::split_url(endpoint)?.0.to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let (sender, calls) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, authority) = (sender.clone(), authority.clone());
                thread::spawn(move || {
                    if let Err(error) = forward(&stream, &authority, &sender) {
                        // A function that is stopped breaks its connection: only the rest is worth a word.
                        if error.kind() != io::ErrorKind::ConnectionReset {
                            eprintln!("proxy to {authority}: {error}");
                        }
                    }
                });
            }
        });
        Ok(Self { url, calls })
    }
}

/// Passes one connection's requests on with their headers untouched, since the signature covers `Host`.
fn forward(client: &TcpStream, authority: &str, calls: &Sender<Call>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut requests = BufReader::new(client);
    let mut upstream: Option<BufReader<TcpStream>> = None;
    while let Some(request) = Message::read(&mut requests, Kind::Request)? {
        let start = Instant::now();
        let kind = if request.method() == "HEAD" { Kind::HeadResponse } else { Kind::Response };
        // A connection kept alive may have been closed meanwhile: then once more on a new one.
        let kept = upstream.take().and_then(|kept| exchange(kept, &request, kind).ok());
        let (response, connection) = match kept {
            Some(exchanged) => exchanged,
            None => exchange(BufReader::new(http::connect(authority)?), &request, kind)?,
        };
        let closes = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        upstream = Some(connection).filter(|_| !closes);
        let call = Call { name: aws_call::name(&request), start, end: Instant::now() };
        // Noted before the function can see the reply, so that it belongs to this invocation.
        calls.send(call).map_err(io::Error::other)?;
        response.write(&mut &*client)?;
    }
    Ok(())
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
