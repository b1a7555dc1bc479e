//! The local stack that `make dev` started: its settings, and its API to prepare files with.

use std::cell::{OnceCell, RefCell};
use std::path::Path;

use harness::http::send;
use harness::stack::{LocalStack, text};
use harness::{Result, Variables};
use serde_json::{Value, json};

/// Content of every file the bench uploads.
const CONTENT: &[u8] = b"a few bytes of text";
/// Its MD5.
pub const CONTENT_ETAG: &str = "ca1f64206c298e780f5190501dc8eab8";
pub const MIME_TYPE: &str = "text/plain";

pub struct Stack {
    local: LocalStack,
    lasting_file: OnceCell<String>,
    saved: RefCell<Vec<String>>,
}

impl Stack {
    /// The stack with these settings.
    pub fn load(settings: &Path) -> Result<Self> {
        let local = LocalStack::load(settings)?;
        Ok(Self { local, lasting_file: OnceCell::new(), saved: RefCell::default() })
    }

    pub fn setting(&self, name: &str) -> Result<&str> {
        self.local.setting(name)
    }

    /// A function's variables as deployed, with AWS at this address.
    pub fn variables(&self, function: &str, endpoint: &str) -> Result<Variables> {
        self.local.variables(function, endpoint)
    }

    /// Uploads a small file through the API; the `s3ref` to save it by.
    pub fn upload(&self) -> Result<Value> {
        let wanted = json!({ "filename": "bench.txt", "mime_type": MIME_TYPE });
        let upload = self.api("POST", "/v1/files/upload", &wanted)?;
        let put = send("PUT", text(&upload["upload_url"]), &[("content-type", MIME_TYPE)], CONTENT)?;
        if put.status() != 200 {
            return Err(format!("PUT of an upload: {} {}", put.status(), String::from_utf8_lossy(&put.body)).into());
        }
        Ok(upload["s3ref"].clone())
    }

    /// Uploads and saves a file; its entity.
    pub fn save(&self) -> Result<Value> {
        self.save_upload(&self.upload()?)
    }

    pub fn save_upload(&self, s3ref: &Value) -> Result<Value> {
        let file = self.api("POST", "/v2/files", &json!({ "s3ref": s3ref }))?;
        self.note_saved(&file);
        Ok(file)
    }

    /// Uploads and saves a new version of a file.
    pub fn save_version(&self, id: &Value) -> Result<()> {
        self.api("POST", "/v2/files", &json!({ "_id": id, "s3ref": self.upload()? }))?;
        Ok(())
    }

    /// Lets everybody see a file.
    pub fn make_public(&self, id: &Value) -> Result<()> {
        self.api("POST", "/v2/files", &json!({ "_id": id, "access_control": "public-read" }))?;
        Ok(())
    }

    /// Relates a file to an entity.
    pub fn relate(&self, id: &Value, relation: &Value) -> Result<()> {
        self.api("POST", "/v2/files", &json!({ "_id": id, "relations": [relation] }))?;
        Ok(())
    }

    /// Creates the collection `bench` of this schema, of the default user or of the organisation.
    pub fn create_collection(&self, schema: &str, is_global: bool) -> Result<()> {
        let body = json!({ "name": "bench" });
        if is_global {
            self.api_as("ADMIN_TOKEN", "POST", &format!("/v1/collections/{schema}"), &body)?;
        } else {
            self.api("POST", &format!("/v1/{schema}/collections"), &body)?;
        }
        Ok(())
    }

    /// The id of one file that all who only read share.
    pub fn lasting_file(&self) -> Result<&str> {
        if let Some(id) = self.lasting_file.get() {
            return Ok(id);
        }
        let file = self.save()?;
        Ok(self.lasting_file.get_or_init(|| text(&file["_id"]).to_owned()))
    }

    /// Makes a public link to the lasting file; its id. It goes with the file.
    pub fn public_link(&self) -> Result<String> {
        let url = self.api("POST", &format!("/v1/files/{}/public/links", self.lasting_file()?), &Value::Null)?;
        let id = text(&url).rsplit('/').nth(1).ok_or_else(|| format!("no public link: {url}"))?;
        Ok(id.to_owned())
    }

    /// Remembers a file the bench, or a function under it, has saved.
    pub fn note_saved(&self, entity: &Value) {
        if let Some(id) = entity["_id"].as_str() {
            self.saved.borrow_mut().push(id.to_owned());
        }
    }

    /// Deletes every file the bench left; the ones its deletes took already are gone.
    pub fn clean_up(&self) -> Result<()> {
        let mut ids = self.saved.take();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let reply = self.call("TOKEN", "DELETE", &format!("/v1/files/{id}"), b"")?;
            if ![200, 404].contains(&reply.0) {
                return Err(format!("deleting the bench's file {id}: {} {}", reply.0, reply.1).into());
            }
        }
        Ok(())
    }

    fn api(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.api_as("TOKEN", method, path, body)
    }

    fn api_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Result<Value> {
        let (status, reply) = self.call(token, method, path, body.to_string().as_bytes())?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status} {reply}. Is the stack current? `make dev`").into());
        }
        Ok(reply)
    }

    fn call(&self, token: &str, method: &str, path: &str, body: &[u8]) -> Result<(u16, Value)> {
        let url = format!("{}{path}", self.setting("API_URL")?.trim_end_matches('/'));
        let token = format!("Bearer {}", self.setting(token)?);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let reply = send(method, &url, &headers, body)?;
        Ok((reply.status(), serde_json::from_slice(&reply.body).unwrap_or_default()))
    }
}
