//! Just enough HTTP/1.1 to be a Runtime API, a proxy and a client on loopback.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Result;

/// How the end of a message is found.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Its length is named, or it has no body.
    Request,
    /// Its length may be the connection's end.
    Response,
    /// The reply to a HEAD: it names the length of a body that does not follow.
    HeadResponse,
}

/// A request or a response, read whole.
pub struct Message {
    /// The first line.
    pub start: String,
    /// Names in lower case, if they were read.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Message {
    /// Reads the next message; none when the peer closed the connection.
    ///
    /// # Errors
    /// If it is not HTTP, or ends too early.
    pub fn read(reader: &mut impl BufRead, kind: Kind) -> io::Result<Option<Self>> {
        let Some(start) = line(reader)? else {
            return Ok(None);
        };
        let mut message = Self { start, headers: Vec::new(), body: Vec::new() };
        while let Some(text) = line(reader)?.filter(|text| !text.is_empty()) {
            let (name, value) = text.split_once(':').ok_or_else(|| broken("a header without a colon"))?;
            message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if kind == Kind::Response && message.status() == 100 {
            return Self::read(reader, kind);
        }
        message.read_body(reader, kind)?;
        Ok(Some(message))
    }

    fn read_body(&mut self, reader: &mut impl BufRead, kind: Kind) -> io::Result<()> {
        let chunked = self.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let length = self.header("content-length").map(|value| value.parse::<u64>().map_err(|_| broken("length")));
        let no_body = kind == Kind::HeadResponse || (kind == Kind::Response && [204, 304].contains(&self.status()));
        if no_body {
            return Ok(());
        }
        if chunked {
            while self.read_chunk(reader)? {}
            // Passed on whole, under its length.
            self.headers.retain(|(name, _)| name != "transfer-encoding" && name != "trailer");
            self.headers.push(("content-length".to_owned(), self.body.len().to_string()));
        } else if let Some(length) = length {
            let length = length?;
            reader.take(length).read_to_end(&mut self.body)?;
        } else if kind == Kind::Response {
            reader.read_to_end(&mut self.body)?;
            self.headers.push(("content-length".to_owned(), self.body.len().to_string()));
        }
        Ok(())
    }

    /// Reads one chunk; false after the last.
    fn read_chunk(&mut self, reader: &mut impl BufRead) -> io::Result<bool> {
        let size = line(reader)?.ok_or_else(|| broken("a body cut short"))?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| broken("a chunk without a size"))?;
        if size == 0 {
            while line(reader)?.is_some_and(|trailer| !trailer.is_empty()) {}
            return Ok(false);
        }
        reader.by_ref().take(size).read_to_end(&mut self.body)?;
        line(reader)?;
        Ok(true)
    }

    /// Writes the message in one piece, so that it leaves in one packet.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        for (name, value) in &self.headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        writer.write_all(&bytes)
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Of a request.
    #[must_use]
    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// Of a request: path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Of a response.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }
}

/// Sends one request to an `http://` URL and reads the reply.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Message> {
    let (authority, path) = split_url(url)?;
    let mut request = Message {
        start: format!("{method} {path} HTTP/1.1"),
        headers: vec![
            ("host".to_owned(), authority.to_owned()),
            ("connection".to_owned(), "close".to_owned()),
            ("content-length".to_owned(), body.len().to_string()),
        ],
        body: body.to_vec(),
    };
    request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let failed = |error: io::Error| format!("{method} {url}: {error}. Is the stack up? `make dev` starts it");
    let mut stream = connect(authority).map_err(failed)?;
    request.write(&mut stream).map_err(failed)?;
    let reply = Message::read(&mut BufReader::new(stream), Kind::Response).map_err(failed)?;
    reply.ok_or_else(|| format!("{method} {url}: closed without a reply").into())
}

/// The authority and the path of an `http://` URL.
pub fn split_url(url: &str) -> Result<(&str, String)> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("not an http:// URL: {url}"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((authority, format!("/{path}")))
}

/// A connection that neither delays small packets nor waits for ever.
pub fn connect(authority: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    if reader.read_line(&mut text)? == 0 {
        return Ok(None);
    }
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_passed_on_whole() -> io::Result<()> {
        let mut sent: &[u8] =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nnext";
        let message = Message::read(&mut sent, Kind::Response)?.ok_or_else(|| broken("nothing"))?;
        let mut passed_on = Vec::new();
        message.write(&mut passed_on)?;
        assert_eq!(passed_on, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde");
        assert_eq!(sent, b"next");
        Ok(())
    }

    #[test]
    fn the_reply_to_a_head_request_ends_with_its_headers() -> io::Result<()> {
        let mut sent: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnext";
        let message = Message::read(&mut sent, Kind::HeadResponse)?.ok_or_else(|| broken("nothing"))?;
        assert_eq!(message.header("content-length"), Some("7"));
        assert_eq!(sent, b"next");
        Ok(())
    }
}
