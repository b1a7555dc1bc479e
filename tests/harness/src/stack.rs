//! The local stack that `make dev` started: its settings, and how its functions are deployed.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::http::send;
use crate::{Result, Variables};

/// The local stack.
pub struct LocalStack {
    settings: HashMap<String, String>,
    /// Each deployed function's name and variables.
    deployed: Vec<(String, Variables)>,
}

impl LocalStack {
    /// Reads the settings file and asks the stack for the variables of its functions.
    ///
    /// # Errors
    /// If there is no such file, or no stack.
    pub fn load(settings: &Path) -> Result<Self> {
        let text = fs::read_to_string(settings)
            .map_err(|error| format!("{}: {error}. `make dev` writes it", settings.display()))?;
        let mut stack = Self { settings: text.lines().filter_map(assignment).collect(), deployed: Vec::new() };
        stack.deployed = stack.deployed_functions()?;
        Ok(stack)
    }

    /// A setting of the stack's.
    ///
    /// # Errors
    /// If it is missing.
    pub fn setting(&self, name: &str) -> Result<&str> {
        let value = self.settings.get(name).ok_or_else(|| format!("{name} is missing: run `make dev`"))?;
        Ok(value)
    }

    /// A function's variables as deployed, found by the resource it has in the template, with AWS at `endpoint` and the
    /// emulator's administrator as the role.
    ///
    /// # Errors
    /// If it is not deployed.
    pub fn variables(&self, function: &str, endpoint: &str) -> Result<Variables> {
        let (key, secret) = self.access_key();
        let region = self.setting("REGION")?;
        let mut variables = self.deployed(function)?.1.clone();
        let of_aws = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", region),
            ("AWS_DEFAULT_REGION", region),
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ];
        variables.extend(of_aws.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(variables)
    }

    /// The patterns of the stream records that a function is started for.
    ///
    /// # Errors
    /// If the stack does not tell.
    pub fn stream_filters(&self, function: &str) -> Result<Vec<Value>> {
        let name = &self.deployed(function)?.0;
        let listed = self.ask(&format!("/2015-03-31/event-source-mappings/?FunctionName={name}"))?;
        let filters = listed["EventSourceMappings"][0]["FilterCriteria"]["Filters"].as_array();
        let filters = filters.ok_or_else(|| format!("no filters of {name}: {listed}"))?;
        filters.iter().map(|filter| Ok(serde_json::from_str(text(&filter["Pattern"]))?)).collect()
    }

    /// The header that makes a request the administrator's, whom the emulator knows by the key alone.
    ///
    /// # Errors
    /// If a setting is missing.
    pub fn administrator(&self, service: &str) -> Result<String> {
        let scope = format!("{}/20260101/{}/{service}/aws4_request", self.access_key().0, self.setting("REGION")?);
        Ok(format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
    }

    fn access_key(&self) -> (&str, &str) {
        let or_default = |name| self.settings.get(name).map_or("test", String::as_str);
        (or_default("AWS_ACCESS_KEY_ID"), or_default("AWS_SECRET_ACCESS_KEY"))
    }

    fn deployed(&self, function: &str) -> Result<&(String, Variables)> {
        let resource = format!("{}Function", pascal_case(function));
        let found = self.deployed.iter().find(|(name, _)| name.contains(&resource));
        found.ok_or_else(|| format!("{resource} is not deployed: run `make dev`").into())
    }

    fn deployed_functions(&self) -> Result<Vec<(String, Variables)>> {
        let listed = self.ask("/2015-03-31/functions/?MaxItems=1000")?;
        let functions = listed["Functions"].as_array().ok_or_else(|| format!("no list of functions: {listed}"))?;
        let functions = functions.iter().map(|function| {
            let variables = function["Environment"]["Variables"].as_object().into_iter().flatten();
            let variables = variables.map(|(name, value)| (name.clone(), text(value).to_owned()));
            (text(&function["FunctionName"]).to_owned(), variables.collect())
        });
        Ok(functions.collect())
    }

    fn ask(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.setting("AWS_ENDPOINT_URL")?);
        let reply = send("GET", &url, &[("authorization", &self.administrator("lambda")?)], b"")?;
        Ok(serde_json::from_slice(&reply.body)?)
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
#[must_use]
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
