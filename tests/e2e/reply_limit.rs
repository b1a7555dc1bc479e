//! Lambda's limit on replies, 6 MB, as AWS's own runtime interface emulator enforces it, which the SAM CLI ships. The
//! local stack has no such limit.

use crate::{
    admin,
    collections::{created, schema},
    get_files_in_collection::{pages, path},
    stack::{Stack, env, eventually, text},
};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use uuid::Uuid;

/// The largest reply that Lambda takes.
const MAX_BYTES: usize = 6 * 1024 * 1024 + 100;

/// A function that runs in the runtime interface emulator.
struct Lambda {
    process: Child,
    address: String,
}

impl Lambda {
    async fn start(stack: &Stack, program: &Path, environment: Vec<(String, String)>) -> Self {
        let [address, runtime] =
            [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string());
        let mut command = Command::new(emulator());
        command
            .args(["--runtime-interface-emulator-address", &address, "--runtime-api-address", &runtime])
            .arg(program);
        let command = command.envs(environment).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let lambda = Self { process, address };
        eventually("it listens", async || stack.http.get(format!("http://{}", lambda.address)).send().await.is_ok())
            .await;
        lambda
    }

    /// What the function replies, or what is said in its place.
    async fn invoke(&self, stack: &Stack, event: String) -> String {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.address);
        stack.http.post(url).body(event).send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for Lambda {
    /// What it runs ends with it, as its runtime API is gone.
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A file of this repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

fn emulator() -> PathBuf {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let lib = fs::read_dir(file(".local/tools/lib")).unwrap().map(|python| python.unwrap().path());
    let rapid = lib.map(|python| python.join("site-packages/samcli/local/rapid"));
    rapid.map(|rapid| rapid.join(format!("aws-lambda-rie-{architecture}"))).find(|path| path.is_file()).unwrap()
}

#[tokio::test]
async fn lambda_takes_6_mb_of_a_reply_and_not_a_byte_more() {
    let stack = Stack::new();
    let lambda = Lambda::start(&stack, &file("tests/e2e/reply_limit.sh"), vec![]).await;
    assert_eq!(lambda.invoke(&stack, MAX_BYTES.to_string()).await.len(), MAX_BYTES);
    let refused: Value = serde_json::from_str(&lambda.invoke(&stack, (MAX_BYTES + 1).to_string()).await).unwrap();
    assert_eq!(refused["errorType"], "Function.ResponseSizeTooLarge", "{refused}");
}

#[tokio::test]
async fn a_page_of_files_is_as_large_as_lambda_takes_and_the_next_one_has_the_rest() {
    let stack = Stack::new();
    let (entity, schema) = (Uuid::new_v4().to_string(), schema());
    created(&stack, &schema, json!({ "name": "c" })).await;
    let mut ids = Vec::new();
    for _ in 0..13 {
        let relation = json!({ "entity_id": entity, "_schema": schema, "_tags": ["c"] });
        // In the reply that Lambda gets, a quote has four bytes.
        let quotes = "\"".repeat(125_000);
        let s3ref = stack.upload("a.txt", b"1").await;
        let file = stack.save(&json!({ "s3ref": s3ref, "relations": [relation], "quotes": quotes })).await;
        ids.insert(0, file["_id"].clone());
    }
    let first = {
        let mut environment = admin::environment_of(&stack, "GetFilesInCollectionFunction").await;
        environment.extend(
            ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name.into(), env(name))),
        );
        environment.push(("AWS_REGION".into(), env("REGION")));
        let lambda = Lambda::start(&stack, &file("build/get-files-in-collection/bootstrap"), environment).await;
        let event = fs::read_to_string(file("infra/events/get-files-in-collection.json")).unwrap();
        let mut event: Value = serde_json::from_str(&event).unwrap();
        event["headers"]["authorization"] = format!("Bearer {}", stack.token).into();
        event["pathParameters"] = json!({ "id": entity, "collectionSlug": "c" });
        lambda.invoke(&stack, event.to_string()).await
    };
    assert!((5_500_000..=MAX_BYTES).contains(&first.len()), "{} bytes: {first:.1000}", first.len());
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["statusCode"], 200, "{first}");

    let pages = pages(&stack, &path(&entity, "c", "")).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [12, 1]);
    assert_eq!(pages.concat().iter().map(|file| file["_id"].clone()).collect::<Vec<_>>(), ids);
    assert_eq!(serde_json::from_str::<Vec<Value>>(text(&first["body"])).unwrap(), pages[0]);
}
