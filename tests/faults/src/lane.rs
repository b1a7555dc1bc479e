//! A lane: processes of the functions with a bucket and a table of their own, so that cases can run side by side.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use harness::Result;
use harness::event::{http_event, reply_body};
use harness::function::{Function, Process};
use harness::proxy::Proxy;
use harness::runtime_api::RuntimeApi;
use harness::stack::{LocalStack, text};
use serde_json::{Map, Value, json};

use crate::aws::Aws;
use crate::fault::{Call, Fault};
use crate::wire::Wire;

/// What all lanes share.
pub struct Setting {
    pub stack: LocalStack,
    pub binaries: PathBuf,
    /// Where a file can be fetched from.
    pub server: String,
    /// What the worker is started for.
    pub filters: Vec<Value>,
}

pub struct Lane {
    pub setting: Arc<Setting>,
    pub aws: Aws,
    pub wire: Arc<Wire>,
    pub bucket: String,
    table: String,
    proxy: Proxy,
    processes: HashMap<&'static str, (RuntimeApi, Process)>,
    /// The ids that the case knows, in the order in which it came to know them.
    pub known: Vec<String>,
    /// The bytes of each upload, by its id.
    pub contents: HashMap<String, String>,
}

/// A request to a function.
#[derive(Clone)]
pub struct Request {
    pub function: &'static str,
    pub event: Value,
    /// The setting that is its sender's token; empty for none.
    token: &'static str,
}

/// A function's reply; no status if it died.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: Option<u64>,
    pub body: Value,
    /// As the Runtime API got it, or why it got none.
    pub raw: Value,
}

/// One invocation: its reply, its calls, and whether the fault came to pass.
pub struct Outcome {
    pub reply: Reply,
    pub calls: Vec<Call>,
    pub has_failed: bool,
}

impl Reply {
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..400).contains(&status))
    }
}

impl Lane {
    pub fn new(setting: &Arc<Setting>, number: usize) -> Result<Self> {
        let name = format!("faults-{}-{number}", std::process::id());
        let stack = &setting.stack;
        let wire = Arc::new(Wire::new(Aws::connect(stack)?, &name));
        let for_proxy = Arc::clone(&wire);
        let proxy = Proxy::start(stack.setting("AWS_ENDPOINT_URL")?, move |request, upstream| {
            for_proxy.answer(request, upstream)
        })?;
        let mut aws = Aws::connect(stack)?;
        let keys = [("pk", "HASH"), ("sk", "RANGE")];
        let types = keys.map(|(name, _)| json!({ "AttributeName": name, "AttributeType": "S" }));
        let keys = keys.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
        let table = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": types, "KeySchema": keys,
        });
        aws.dynamodb("CreateTable", &table)?;
        let region = stack.setting("REGION")?;
        let place = format!("<LocationConstraint>{region}</LocationConstraint>");
        let place = format!("<CreateBucketConfiguration>{place}</CreateBucketConfiguration>");
        let made = aws.s3("PUT", &format!("/{name}"), &[], place.as_bytes())?;
        if made.status() != 200 {
            return Err(format!("{name}: {} {}", made.status(), String::from_utf8_lossy(&made.body)).into());
        }
        Ok(Self {
            setting: Arc::clone(setting),
            aws,
            wire,
            bucket: name.clone(),
            table: name,
            proxy,
            processes: HashMap::new(),
            known: Vec::new(),
            contents: HashMap::new(),
        })
    }

    /// Leaves nothing of a case.
    pub fn clear(&mut self) -> Result<()> {
        self.wire.clear()?;
        for key in self.aws.keys(&self.bucket)? {
            self.aws.delete_object(&self.bucket, &key)?;
        }
        self.known.clear();
        self.contents.clear();
        Ok(())
    }

    /// Where its functions find AWS.
    pub fn address(&self) -> &str {
        &self.proxy.url
    }

    /// Removes the lane's bucket and table.
    pub fn remove(mut self) -> Result<()> {
        self.clear()?;
        self.aws.s3("DELETE", &format!("/{}", self.bucket), &[], b"")?;
        self.aws.dynamodb("DeleteTable", &json!({ "TableName": self.table }))?;
        Ok(())
    }

    /// Sends a request that must succeed.
    pub fn must(&mut self, request: &Request) -> Result<Value> {
        let reply = self.invoke(request, None)?.reply;
        if !reply.is_success() {
            return Err(format!("{}: {}", request.function, reply.raw).into());
        }
        Ok(reply.body)
    }

    pub fn invoke(&mut self, request: &Request, fault: Option<&Fault>) -> Result<Outcome> {
        let (runtime, mut process) = match self.processes.remove(request.function) {
            Some(running) => running,
            None => self.start(request.function)?,
        };
        self.wire.watch(process.id(), fault);
        let mut event = request.event.clone();
        if !request.token.is_empty() {
            event["headers"]["authorization"] = format!("Bearer {}", self.setting.stack.setting(request.token)?).into();
        }
        let reply = match process.invoke(&event) {
            Ok(invocation) => {
                let reply = Reply {
                    status: status(&invocation.reply),
                    body: reply_body(&invocation.reply),
                    raw: invocation.reply,
                };
                self.processes.insert(request.function, (runtime, process));
                reply
            }
            Err(error) => Reply { status: None, body: Value::Null, raw: error.to_string().into() },
        };
        if let Some(id) = reply.body["_id"].as_str() {
            self.know(id);
        }
        let (calls, has_failed) = self.wire.seen();
        Ok(Outcome { reply, calls, has_failed })
    }

    fn start(&self, name: &'static str) -> Result<(RuntimeApi, Process)> {
        let path = self.setting.binaries.join(name).join("bootstrap");
        let binary = fs::canonicalize(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut variables = self.setting.stack.variables(name, &self.proxy.url)?;
        for (name, value) in &mut variables {
            match name.as_str() {
                "BUCKET" => value.clone_from(&self.bucket),
                "TABLE" => value.clone_from(&self.table),
                "SOURCE_URL_EXEMPT" => value.clone_from(&self.setting.server),
                _ => {}
            }
        }
        let log = std::env::temp_dir().join(format!("file-api-{}-{name}.log", self.table));
        let runtime = RuntimeApi::start()?;
        let process = Process::start(&Function { name: name.to_owned(), binary, variables, log }, &runtime)?;
        Ok((runtime, process))
    }

    pub fn know(&mut self, id: &str) {
        if !self.known.iter().any(|known| known == id) {
            self.known.push(id.to_owned());
        }
    }

    /// Uploads a small text through the API; its `s3ref`.
    pub fn upload(&mut self) -> Result<Value> {
        let wanted = json!({ "filename": "a.txt", "mime_type": "text/plain" });
        let upload = self.must(&Request::new("upload-file", "POST /v2/files/upload", &[], &wanted))?;
        let content = format!("bytes of upload {}", self.contents.len() + 1);
        let put = self.aws.follow("PUT", text(&upload["upload_url"]), Some("text/plain"), content.as_bytes())?;
        if put.status() != 200 {
            return Err(format!("PUT: {} {}", put.status(), String::from_utf8_lossy(&put.body)).into());
        }
        let id = text(&upload["s3ref"]["key"]).split('/').nth(2).unwrap_or_default().to_owned();
        self.know(&id);
        self.contents.insert(id, content);
        Ok(upload["s3ref"].clone())
    }

    /// What a browser gets at a URL that the functions signed.
    pub fn download(&mut self, url: &str) -> Result<Vec<u8>> {
        let reply = self.aws.follow("GET", url, None, b"")?;
        if reply.status() != 200 {
            return Err(format!("a download answers {}", reply.status()).into());
        }
        Ok(reply.body)
    }

    /// Uploads are gone after a day, by the bucket's lifecycle rule.
    pub fn expire_uploads(&mut self) -> Result<()> {
        for key in self.aws.keys(&self.bucket)?.iter().filter(|key| key.starts_with("temp/")) {
            self.aws.delete_object(&self.bucket, key)?;
        }
        Ok(())
    }
}

/// Of a reply to HTTP; of the worker's, 500 if it is to be called again.
fn status(reply: &Value) -> Option<u64> {
    let failures = reply["batchItemFailures"].as_array();
    reply["statusCode"].as_u64().or_else(|| failures.map(|failures| if failures.is_empty() { 200 } else { 500 }))
}

impl Request {
    /// A request of the default user; parts of the path by their names.
    pub fn new(function: &'static str, route: &str, path: &[(&str, &str)], body: &Value) -> Self {
        let mut filled = route.split(' ').next_back().unwrap_or_default().to_owned();
        let mut parameters = Map::new();
        for (name, value) in path {
            filled = filled.replace(&format!("{{{name}}}"), value);
            parameters.insert((*name).to_owned(), (*value).into());
        }
        let mut event = http_event(route, &filled, None, "", body);
        event["pathParameters"] = parameters.into();
        Self { function, event, token: "TOKEN" }
    }

    /// An event that no client sends.
    pub fn internal(function: &'static str, event: Value) -> Self {
        Self { function, event, token: "" }
    }

    /// Sent by an administrator of the organisation.
    pub fn by_admin(mut self) -> Self {
        self.token = "ADMIN_TOKEN";
        self
    }

    pub fn query(mut self, query: &str) -> Self {
        self.event["rawQueryString"] = query.into();
        self
    }

    /// With a key by which a repetition is known.
    pub fn with_key(mut self) -> Self {
        self.event["headers"]["idempotency-key"] = "5b3c2f0e-6f0a-4c8e-9a55-2f3d1c0b7a99".into();
        self
    }
}
