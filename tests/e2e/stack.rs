//! The deployed stack as a client and an administrator see it. `make e2e` sets the environment.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::{SdkConfig, region::Region};
use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// An API client's view of the stack, and the administrator's of what is behind it.
pub struct Stack {
    pub api: String,
    pub bucket: String,
    pub table: String,
    pub token: String,
    pub admin_token: String,
    pub other_token: String,
    pub url_signing_secret: String,
    pub http: Client,
    pub s3: aws_sdk_s3::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
}

/// A reply of the API.
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

pub fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run `make e2e`"))
}

impl Stack {
    pub fn new() -> Self {
        let credentials =
            Credentials::new(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), None, None, "stack.env");
        let config = sdk_config(credentials);
        Self {
            api: env("API_URL"),
            bucket: env("BUCKET"),
            table: env("TABLE"),
            token: env("TOKEN"),
            admin_token: env("ADMIN_TOKEN"),
            other_token: env("OTHER_TOKEN"),
            url_signing_secret: env("URL_SIGNING_SECRET"),
            http: Client::new(),
            s3: s3_client(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
        }
    }

    /// A request to the API with this token, or none if it is empty.
    pub fn request(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.api));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// A request as a browser makes it in a session: with this token in its cookie, among others.
    pub fn request_in_session(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.request("", method, path).header("cookie", format!("theme=dark; token={token}; lang=en"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(&self.token, Method::POST, path).json(body)).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(&self.token, Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(&self.token, Method::DELETE, path)).await
    }

    /// Uploads these bytes and returns their `s3ref`.
    pub async fn upload(&self, filename: &str, bytes: &[u8]) -> Value {
        let reply = self.post("/v2/files/upload", &json!({ "filename": filename })).await.expect(201);
        let put = self.http.put(text(&reply["upload_url"])).body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(put.status(), 200, "{}", put.text().await.unwrap());
        reply["s3ref"].clone()
    }

    /// Uploads and saves a new file, and returns its entity.
    pub async fn saved(&self, filename: &str, bytes: &[u8]) -> Value {
        let s3ref = self.upload(filename, bytes).await;
        self.save(&json!({ "s3ref": s3ref })).await
    }

    /// Saves, which must succeed, and returns the entity.
    pub async fn save(&self, body: &Value) -> Value {
        self.post("/v2/files", body).await.expect(200)
    }

    /// Has the file say that it is kept at this URL.
    pub async fn keep_elsewhere(&self, file: &Value, url: &str) {
        self.save(&json!({ "_id": file["_id"], "custom_download_url": url })).await;
    }

    /// Gets the bytes behind a download URL of the file.
    pub async fn download(&self, id: &Value, query: &str) -> Response {
        let reply = self.get(&format!("/v1/files/{}/download?{query}", text(id))).await.expect(200);
        self.http.get(text(&reply["download_url"])).send().await.unwrap()
    }

    /// The status that anybody gets at this plain URL.
    pub async fn anonymous_status(&self, url: &Value) -> u16 {
        self.http.get(text(url)).send().await.unwrap().status().as_u16()
    }

    /// Makes a public link to the file, and returns its URL.
    pub async fn public_link(&self, file: &Value) -> String {
        let path = format!("/v1/files/{}/public/links", text(&file["_id"]));
        let reply = Reply::of(self.request(&self.token, Method::POST, &path)).await.expect(201);
        text(&reply).to_owned()
    }

    /// What anybody is told at this URL, redirects included.
    pub async fn visit(&self, url: &str) -> Response {
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        browser.get(url).send().await.unwrap()
    }

    pub async fn object_exists(&self, key: &Value) -> bool {
        self.s3.head_object().bucket(&self.bucket).key(text(key)).send().await.is_ok()
    }

    /// The items under a partition key.
    pub async fn items(&self, pk: &str) -> Vec<HashMap<String, AttributeValue>> {
        let query = self.dynamodb.query().table_name(&self.table).key_condition_expression("pk = :pk");
        query
            .expression_attribute_values(":pk", AttributeValue::S(pk.into()))
            .send()
            .await
            .unwrap()
            .items
            .unwrap_or_default()
    }

    /// Nothing is left of saves of this upload but a mark that runs out.
    pub async fn assert_unsaved(&self, id: &str) {
        for item in self.items(&format!("FILE#{id}")).await {
            assert_eq!(item["state"].as_s().unwrap(), "pending");
            assert!(item.contains_key("expires_at"));
        }
    }

    /// Whether nothing is left of a file but the marks of its uploads, which run out.
    pub async fn is_removed(&self, id: &str) -> bool {
        let items = self.items(&format!("FILE#{id}")).await;
        let is_mark = |item: &HashMap<String, AttributeValue>| {
            item.contains_key("expires_at") && item.get("state").is_some_and(|state| state.as_s().unwrap() == "removed")
        };
        items.iter().all(is_mark)
    }

    /// The keys of all objects below a prefix.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).send().await.unwrap();
        list.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, body }
    }

    /// The body of a reply that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The sentence of an error that must have this status and the contract's form.
    #[track_caller]
    pub fn error(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["status"], status, "{}", self.body);
        let reason = match status {
            400 => "Bad Request: ",
            401 => "Unauthorized: ",
            403 => "Forbidden: ",
            404 => "Not Found: ",
            409 => "Conflict: ",
            413 => "Payload Too Large: ",
            415 => "Unsupported Media Type: ",
            422 => "Unprocessable Content: ",
            _ => panic!("{status} is not an error that a client can cause"),
        };
        let sentence = text(&self.body["error"]).strip_prefix(reason).expect("the reason goes first");
        assert!(!sentence.is_empty() && self.body.as_object().unwrap().len() == 2, "{}", self.body);
        sentence.to_owned()
    }
}

/// The id in a public link's URL.
#[track_caller]
pub fn link_id(url: &str) -> &str {
    let (start, _name) = url.rsplit_once('/').unwrap();
    start.rsplit_once("/v1/files/public/links/").unwrap().1
}

/// The text of a JSON string.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string"))
}

pub fn sdk_config(credentials: Credentials) -> SdkConfig {
    use aws_credential_types::provider::SharedCredentialsProvider;
    SdkConfig::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(env("REGION")))
        .endpoint_url(env("AWS_ENDPOINT_URL"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

pub fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build())
}

/// Waits until something that another process does has happened, and fails if it does not within half a minute.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
