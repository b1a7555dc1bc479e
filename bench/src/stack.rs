//! The local stack that `make dev` started: its settings, and its API to prepare files with.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::http::send;
use crate::{Result, Variables};

/// Content of every file the bench uploads.
const CONTENT: &[u8] = b"a few bytes of text";
/// Its MD5.
pub const CONTENT_ETAG: &str = "ca1f64206c298e780f5190501dc8eab8";
pub const MIME_TYPE: &str = "text/plain";

pub struct Stack {
    settings: HashMap<String, String>,
    /// Each deployed function's name and variables.
    deployed: Vec<(String, Variables)>,
    lasting_file: OnceCell<String>,
    saved: RefCell<Vec<String>>,
}

impl Stack {
    /// Reads the settings file and asks the stack for the variables of its functions.
    pub fn load(settings: &Path) -> Result<Self> {
        let text = fs::read_to_string(settings)
            .map_err(|error| format!("{}: {error}. `make dev` writes it", settings.display()))?;
        let mut stack = Self {
            settings: text.lines().filter_map(assignment).collect(),
            deployed: Vec::new(),
            lasting_file: OnceCell::new(),
            saved: RefCell::default(),
        };
        stack.deployed = stack.deployed_functions()?;
        Ok(stack)
    }

    pub fn setting(&self, name: &str) -> Result<&str> {
        let value = self.settings.get(name).ok_or_else(|| format!("{name} is missing: run `make dev`"))?;
        Ok(value)
    }

    /// A function's variables as deployed, found by the resource it has in the template.
    pub fn variables(&self, function: &str) -> Result<Variables> {
        let resource = format!("{}Function", pascal_case(function));
        let found = self.deployed.iter().find(|(name, _)| name.contains(&resource));
        let (_, variables) = found.ok_or_else(|| format!("{resource} is not deployed: run `make dev`"))?;
        Ok(variables.clone())
    }

    pub fn access_key(&self) -> (&str, &str) {
        let or_default = |name| self.settings.get(name).map_or("test", String::as_str);
        (or_default("AWS_ACCESS_KEY_ID"), or_default("AWS_SECRET_ACCESS_KEY"))
    }

    fn deployed_functions(&self) -> Result<Vec<(String, Variables)>> {
        let url = format!("{}/2015-03-31/functions/?MaxItems=1000", self.setting("AWS_ENDPOINT_URL")?);
        // The emulator knows its administrator by the key alone; the signature is for form.
        let scope = format!("{}/20260101/{}/lambda/aws4_request", self.access_key().0, self.setting("REGION")?);
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let reply = send("GET", &url, &[("authorization", &signature)], b"")?;
        let listed: Value = serde_json::from_slice(&reply.body)?;
        let functions = listed["Functions"].as_array().ok_or_else(|| format!("no list of functions: {listed}"))?;
        let functions = functions.iter().map(|function| {
            let variables = function["Environment"]["Variables"].as_object().into_iter().flatten();
            let variables = variables.map(|(name, value)| (name.clone(), text(value).to_owned()));
            (text(&function["FunctionName"]).to_owned(), variables.collect())
        });
        Ok(functions.collect())
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

/// A line such as `export NAME='value'`.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let quote = value.chars().next().filter(|quote| ['\'', '"'].contains(quote));
    let value = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value);
    Some((name.to_owned(), value.to_owned()))
}

fn pascal_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

/// The string a JSON value is, or an empty one.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_shell_assignments() {
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(assignment("export TOKEN='a=b'"), pair("TOKEN", "a=b"));
        assert_eq!(assignment("BUCKET=b"), pair("BUCKET", "b"));
        assert_eq!(assignment("# a remark"), None);
    }

    #[test]
    fn resources_are_named_after_functions() {
        assert_eq!(pascal_case("upload-file-public"), "UploadFilePublic");
    }
}
