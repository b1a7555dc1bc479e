//! What the tests need of AWS services beside S3 and DynamoDB, as the emulator's administrator, whose signature it does
//! not check: three more SDKs would cost minutes of compiling for a few calls.

use crate::stack::{Stack, env, sdk_config};
use aws_credential_types::Credentials;
use aws_types::SdkConfig;
use serde_json::{Value, json};

fn authorization(service: &str) -> String {
    let scope = format!("{}/20260101/{}/{service}/aws4_request", env("AWS_ACCESS_KEY_ID"), env("REGION"));
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none")
}

/// A call of a service with a query protocol; the reply is XML.
async fn query(stack: &Stack, service: &str, parameters: &[(&str, &str)]) -> String {
    let request = stack.http.post(env("AWS_ENDPOINT_URL")).header("authorization", authorization(service));
    let response = request.form(parameters).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{parameters:?}: {text}");
    text
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let start = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}")).1;
    start.split_once("</").unwrap().0
}

/// The physical name of a resource of the stack.
pub async fn resource(stack: &Stack, logical_id: &str) -> String {
    let parameters =
        [("Action", "DescribeStackResource"), ("StackName", "file-api"), ("LogicalResourceId", logical_id)];
    let xml = query(stack, "cloudformation", &[&parameters[..], &[("Version", "2010-05-15")]].concat()).await;
    element(&xml, "PhysicalResourceId").to_owned()
}

/// A configuration whose calls are made as the role of this function, such as `SaveFileFunction`.
pub async fn as_role_of(stack: &Stack, function: &str) -> SdkConfig {
    let name = resource(stack, &format!("{function}Role")).await;
    let role = query(stack, "iam", &[("Action", "GetRole"), ("RoleName", &name), ("Version", "2010-05-08")]).await;
    let parameters = [("Action", "AssumeRole"), ("RoleArn", element(&role, "Arn")), ("RoleSessionName", "test")];
    let xml = query(stack, "sts", &[&parameters[..], &[("Version", "2011-06-15")]].concat()).await;
    let part = |name: &str| element(&xml, name).to_owned();
    sdk_config(Credentials::new(part("AccessKeyId"), part("SecretAccessKey"), Some(part("SessionToken")), None, "sts"))
}

/// Calls a function with an event as an AWS service does, waits for it, and returns its reply.
pub async fn invoke(stack: &Stack, function: &str, event: &Value) -> Value {
    let name = resource(stack, function).await;
    let url = format!("{}/2015-03-31/functions/{name}/invocations", env("AWS_ENDPOINT_URL"));
    let request = stack.http.post(url).header("authorization", authorization("lambda"));
    let response = request.json(event).send().await.unwrap();
    let failed = response.headers().get("x-amz-function-error").is_some();
    let reply = response.text().await.unwrap();
    assert!(!failed, "{reply}");
    serde_json::from_str(&reply).unwrap()
}

/// How the stream of the table reaches a function.
pub async fn event_source_mapping(stack: &Stack, function: &str) -> Value {
    let name = resource(stack, function).await;
    let url = format!("{}/2015-03-31/event-source-mappings/?FunctionName={name}", env("AWS_ENDPOINT_URL"));
    let request = stack.http.get(url).header("authorization", authorization("lambda"));
    let mappings: Value = request.send().await.unwrap().json().await.unwrap();
    mappings["EventSourceMappings"][0].clone()
}

/// The metrics that the stack's alarms watch.
pub async fn alarm_metrics(stack: &Stack) -> Vec<String> {
    let xml = query(stack, "monitoring", &[("Action", "DescribeAlarms"), ("Version", "2010-08-01")]).await;
    xml.split("<MetricName>").skip(1).map(|rest| rest.split_once("</").unwrap().0.to_owned()).collect()
}

/// The environment variables that this function is deployed with.
pub async fn environment_of(stack: &Stack, function: &str) -> Vec<(String, String)> {
    let name = resource(stack, function).await;
    let url = format!("{}/2015-03-31/functions/{name}/configuration", env("AWS_ENDPOINT_URL"));
    let request = stack.http.get(url).header("authorization", authorization("lambda"));
    let reply: Value = request.send().await.unwrap().json().await.unwrap();
    let variables = reply["Environment"]["Variables"].as_object().unwrap_or_else(|| panic!("{reply}"));
    variables.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// What the functions logged since this time, in seconds since 1970.
pub async fn function_logs(stack: &Stack, since: i64) -> Vec<String> {
    let group = resource(stack, "FunctionLogs").await;
    let request = stack.http.post(env("AWS_ENDPOINT_URL")).header("authorization", authorization("logs"));
    let request = request
        .header("x-amz-target", "Logs_20140328.FilterLogEvents")
        .header("content-type", "application/x-amz-json-1.1");
    let body = json!({ "logGroupName": group, "startTime": since * 1_000, "limit": 10_000 });
    let reply: Value = request.body(body.to_string()).send().await.unwrap().json().await.unwrap();
    let events = reply["events"].as_array().unwrap_or_else(|| panic!("{reply}"));
    events.iter().map(|event| event["message"].as_str().unwrap().trim().to_owned()).collect()
}
