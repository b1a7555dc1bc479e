//! A server that a file can be fetched from.

use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::thread;

use harness::Result;
use harness::http::{Kind, Message};

/// Starts it; its address.
pub fn start() -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream).ok());
        }
    });
    Ok(address)
}

fn serve(stream: &TcpStream) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream);
    while Message::read(&mut requests, Kind::Request)?.is_some() {
        let body = b"bytes from elsewhere".to_vec();
        let headers = [("content-type", "text/plain".to_owned()), ("content-length", body.len().to_string())];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Message { start: "HTTP/1.1 200 OK".to_owned(), headers, body }.write(&mut &*stream)?;
    }
    Ok(())
}
