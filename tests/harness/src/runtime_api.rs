//! The Lambda Runtime API, as far as a function needs it, for one function at a time.

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Result;
use crate::http::{Kind, Message};

const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
const FUNCTION_ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function:local";
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the function did, with the moment it was seen on the connection itself.
pub enum Signal {
    /// It asks for an event, to be sent through the channel.
    Polled(Instant, Sender<Event>),
    /// The event is on its way.
    Delivered(Instant),
    /// It answered with this.
    Replied(Instant, Vec<u8>),
    /// It reported an error, of one event or of its start.
    Failed(Vec<u8>),
    /// It closed a connection: most likely it ended.
    Closed,
}

/// One invocation's payload.
pub struct Event {
    /// The id of the request.
    pub id: String,
    /// The event, as JSON.
    pub payload: Vec<u8>,
}

/// The listening end, where functions connect.
pub struct RuntimeApi {
    /// Its address.
    pub address: SocketAddr,
    /// Who hears of the function that connects next.
    listener: Arc<Mutex<Sender<Signal>>>,
}

impl RuntimeApi {
    /// Listens.
    ///
    /// # Errors
    /// If it cannot.
    pub fn start() -> Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0))?;
        let address = socket.local_addr()?;
        let listener = Arc::new(Mutex::new(channel().0));
        let current = Arc::clone(&listener);
        thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let signals = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A function that is stopped breaks its connection: nothing to report.
                thread::spawn(move || {
                    serve(&stream, &signals).ok();
                    signals.send(Signal::Closed).ok();
                });
            }
        });
        Ok(Self { address, listener })
    }

    /// What the next function does; what a stopped one still had on its way is heard no more.
    #[must_use]
    pub fn listen(&self) -> Receiver<Signal> {
        let (sender, signals) = channel();
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = sender;
        signals
    }
}

fn serve(stream: &TcpStream, signals: &Sender<Signal>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Message::read(&mut reader, Kind::Request)? {
        let at = Instant::now();
        if request.target() == format!("{INVOCATION}next") {
            let (answer, event) = channel();
            signals.send(Signal::Polled(at, answer)).map_err(io::Error::other)?;
            // The other end is dropped when nobody needs the function any more.
            let Ok(event) = event.recv() else {
                return Ok(());
            };
            let reply = next(event);
            signals.send(Signal::Delivered(Instant::now())).map_err(io::Error::other)?;
            reply.write(&mut &*stream)?;
        } else {
            let replied = request.target().starts_with(INVOCATION) && request.target().ends_with("/response");
            let signal = if replied { Signal::Replied(at, request.body) } else { Signal::Failed(request.body) };
            signals.send(signal).map_err(io::Error::other)?;
            reply("202 Accepted", Vec::new(), b"{}".to_vec()).write(&mut &*stream)?;
        }
    }
    Ok(())
}

fn next(event: Event) -> Message {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0";
    let headers = vec![
        ("Lambda-Runtime-Aws-Request-Id".to_owned(), event.id),
        ("Lambda-Runtime-Deadline-Ms".to_owned(), deadline.as_millis().to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn".to_owned(), FUNCTION_ARN.to_owned()),
        ("Lambda-Runtime-Trace-Id".to_owned(), trace.to_owned()),
    ];
    reply("200 OK", headers, event.payload)
}

fn reply(status: &str, mut headers: Vec<(String, String)>, body: Vec<u8>) -> Message {
    headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    headers.push(("Content-Length".to_owned(), body.len().to_string()));
    Message { start: format!("HTTP/1.1 {status}"), headers, body }
}
