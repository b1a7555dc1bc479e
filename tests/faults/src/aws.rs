//! The emulator's S3 and DynamoDB as its administrator sees them.

use std::io;

use harness::Result;
use harness::http::{Message, split_url};
use harness::proxy::Upstream;
use harness::stack::LocalStack;
use serde_json::{Value, json};

/// A connection to the emulator.
pub struct Aws {
    upstream: Upstream,
    host: String,
    for_s3: String,
    for_dynamodb: String,
}

/// An object's bytes, type and whether everybody may read it.
pub struct Object {
    pub bytes: Vec<u8>,
    pub mime_type: String,
    pub is_public: bool,
}

impl Aws {
    pub fn connect(stack: &LocalStack) -> Result<Self> {
        let host = split_url(stack.setting("AWS_ENDPOINT_URL")?)?.0.to_owned();
        Ok(Self {
            upstream: Upstream::new(&host),
            host,
            for_s3: stack.administrator("s3")?,
            for_dynamodb: stack.administrator("dynamodb")?,
        })
    }

    pub fn dynamodb(&mut self, action: &str, body: &Value) -> Result<Value> {
        let headers = [
            ("host", self.host.clone()),
            ("authorization", self.for_dynamodb.clone()),
            ("x-amz-target", format!("DynamoDB_20120810.{action}")),
            ("content-type", "application/x-amz-json-1.0".to_owned()),
        ];
        let reply = self.send("POST", "/", &headers, body.to_string().as_bytes())?;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        if reply.status() != 200 {
            return Err(format!("{action}: {} {text}", reply.status()).into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// All items of a small table.
    pub fn items(&mut self, table: &str) -> Result<Vec<Value>> {
        let mut reply = self.dynamodb("Scan", &json!({ "TableName": table, "ConsistentRead": true }))?;
        match reply["Items"].take() {
            Value::Array(items) => Ok(items),
            _ => Err("a scan without items".into()),
        }
    }

    pub fn delete_item(&mut self, table: &str, item: &Value) -> Result<()> {
        self.dynamodb("DeleteItem", &json!({ "TableName": table, "Key": key_of(item) }))?;
        Ok(())
    }

    pub fn s3(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Message> {
        let mut all = vec![("host", self.host.clone()), ("authorization", self.for_s3.clone())];
        all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Ok(self.send(method, path, &all, body)?)
    }

    /// The keys of a small bucket.
    pub fn keys(&mut self, bucket: &str) -> Result<Vec<String>> {
        let reply = self.s3("GET", &format!("/{bucket}?list-type=2"), &[], b"")?;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        if reply.status() != 200 {
            return Err(format!("list of {bucket}: {} {text}", reply.status()).into());
        }
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        Ok(keys.map(|(key, _)| key.to_owned()).collect())
    }

    pub fn object(&mut self, bucket: &str, key: &str) -> Result<Option<Object>> {
        let object = self.s3("GET", &format!("/{bucket}/{}", in_path(key)), &[], b"")?;
        if object.status() == 404 {
            return Ok(None);
        }
        let mime_type = object.header("content-type").unwrap_or_default().to_owned();
        Ok(Some(Object { bytes: object.body, mime_type, is_public: self.is_public(bucket, key)? }))
    }

    pub fn is_public(&mut self, bucket: &str, key: &str) -> Result<bool> {
        let tags = self.s3("GET", &format!("/{bucket}/{}?tagging", in_path(key)), &[], b"")?;
        let tags = String::from_utf8_lossy(&tags.body).split_whitespace().collect::<String>();
        Ok(tags.contains("<Key>access</Key><Value>public-read</Value>"))
    }

    pub fn delete_object(&mut self, bucket: &str, key: &str) -> Result<()> {
        self.s3("DELETE", &format!("/{bucket}/{}", in_path(key)), &[], b"")?;
        Ok(())
    }

    /// What a client does with a presigned URL, which names the proxy.
    pub fn follow(&mut self, method: &str, url: &str, mime_type: Option<&str>, body: &[u8]) -> Result<Message> {
        let (host, path) = split_url(url)?;
        let mut headers = vec![("host", host.to_owned())];
        headers.extend(mime_type.map(|mime_type| ("content-type", mime_type.to_owned())));
        Ok(self.send(method, &path, &headers, body)?)
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> io::Result<Message> {
        let mut all = vec![("content-length".to_owned(), body.len().to_string())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.upstream.exchange(&Message {
            start: format!("{method} {path} HTTP/1.1"),
            headers: all,
            body: body.to_vec(),
        })
    }
}

/// The key of an item.
pub fn key_of(item: &Value) -> Value {
    json!({ "pk": item["pk"], "sk": item["sk"] })
}

/// The names in our keys are encoded once already.
fn in_path(key: &str) -> String {
    key.replace('%', "%25")
}
