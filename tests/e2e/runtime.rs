//! A function in the hands of Lambda: whatever the event, the process answers it and lives on.

use crate::stack::{env, text};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

/// A function that was built, with a Lambda Runtime API of our own that gives it these events.
struct Running {
    function: Child,
    /// The path that it posts to, which says whether it is a reply or an error, and what it posts.
    posts: Receiver<(String, Value)>,
}

impl Running {
    fn start(function: &str, variables: &[(&str, &str)], events: &[Value]) -> Self {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = api.local_addr().unwrap().to_string();
        let events: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(events.iter().map(Value::to_string).collect()));
        let (sender, posts) = channel();
        thread::spawn(move || {
            for stream in api.incoming() {
                let (events, sender) = (Arc::clone(&events), sender.clone());
                // A function that is ended breaks its connections.
                thread::spawn(move || drop(serve(&stream.unwrap(), &events, &sender)));
            }
        });
        let binary = format!("{}/../build/{function}/bootstrap", env!("CARGO_MANIFEST_DIR"));
        let function = Command::new(&binary)
            .env_clear()
            .envs([("AWS_LAMBDA_RUNTIME_API", address.as_str()), ("AWS_LAMBDA_FUNCTION_NAME", function)])
            .envs([("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")])
            .envs(variables.iter().copied())
            .spawn()
            .unwrap_or_else(|error| panic!("{binary}: {error}; run `make stack`"));
        Self { function, posts }
    }

    fn next_post(&self) -> (String, Value) {
        self.posts.recv_timeout(Duration::from_secs(30)).expect("the function answers")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.function.kill();
        let _ = self.function.wait();
    }
}

fn serve(stream: &TcpStream, events: &Mutex<VecDeque<String>>, posts: &Sender<(String, Value)>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut start, mut length) = (String::new(), 0);
        reader.read_line(&mut start)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim().to_ascii_lowercase().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().map_err(io::Error::other)?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let path = start.split(' ').nth(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        let (status, answer) = if path.ends_with("/next") {
            let Some(event) = events.lock().unwrap().pop_front() else { return park(reader) };
            ("200 OK", event)
        } else {
            let body = serde_json::from_slice(&body).unwrap_or_default();
            posts.send((path.to_owned(), body)).map_err(io::Error::other)?;
            ("202 Accepted", "{}".to_owned())
        };
        let headers = "lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:000000000000:function:test";
        write!(&mut &*stream, "HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())?;
    }
}

/// Gives no event any more.
fn park(mut reader: impl Read) -> io::Result<()> {
    reader.read_to_end(&mut Vec::new()).map(drop)
}

fn event(pointer: &str, value: Value) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../infra/events/upload-file-public.json")).unwrap();
    match pointer.strip_prefix("headers ") {
        Some(name) => event["headers"][name] = value,
        None => event[pointer] = value,
    }
    event
}

#[test]
fn an_event_that_is_no_request_of_https_is_a_400_and_the_function_lives_on() {
    let good = event("rawQueryString", json!("org_id=123"));
    let bad = [
        event("rawQueryString", json!("org_id=\"<>")),
        event("rawQueryString", json!("org_id=1 2")),
        event("rawQueryString", json!("org_id=1\n2")),
        event("headers x-epilot-org-id", json!("1\n2")),
        event("headers x-epilot-org-id", json!("1\u{0}")),
        event("headers a b", json!("1")),
        event("cookies", json!(["a=\u{1}"])),
        event("requestContext", json!({})),
        json!({}),
        json!([]),
        json!("text"),
    ];
    let odd = [
        // What only an address would be made of is not looked at.
        event("headers host", json!("a b<c>")),
        event("headers x-forwarded-proto", json!(":")),
        event("rawPath", json!("no path \"<>\u{1}")),
        event("headers x-name", json!("Größe")),
    ];
    let variables = [
        ("BUCKET", "bucket"),
        ("BUCKET_DOMAIN", "bucket.test"),
        ("AWS_REGION", &env("REGION")),
        ("MAX_PUBLIC_UPLOAD_BYTES", "100"),
    ];
    let events = [&bad[..], &odd[..], &[good]].concat();
    let function = Running::start("upload-file-public", &variables, &events);
    for (event, status) in events.iter().zip([vec![400; bad.len()], vec![201; odd.len() + 1]].concat()) {
        let (path, reply) = function.next_post();
        assert!(path.ends_with("/response"), "{event}: {path} {reply}");
        assert_eq!(reply["statusCode"], status, "{event}: {reply}");
        if status == 400 {
            assert!(text(&reply["body"]).contains("Bad Request: "), "{reply}");
        }
    }
}
