//! A table and a bucket that answer as told and keep one list of what they are asked, for the functions' unit tests.

#![allow(dead_code, reason = "each function uses what its tests need")]

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    operation::{
        batch_write_item::BatchWriteItemOutput,
        get_item::GetItemOutput,
        put_item::{PutItemError, PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput},
    },
    types::{
        AttributeValue, CancellationReason,
        error::{ConditionalCheckFailedException, TransactionCanceledException},
    },
};
use aws_sdk_s3::operation::{
    delete_objects::DeleteObjectsOutput,
    list_objects_v2::ListObjectsV2Output,
    put_object_tagging::{PutObjectTaggingInput, PutObjectTaggingOutput},
};
use aws_smithy_mocks::{MockResponseInterceptor, Rule, create_mock_http_client, mock};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeSerializationInterceptorContextRef, dyn_dispatch_hint},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, retry::RetryConfig};
use serde_json::json;
use shared::{
    file::{File, Version},
    file_store::FileStore,
    object_store::ObjectStore,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

pub const FILE_ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";
pub const OBJECT_KEY: &str = "123/4ffdc191-f32c-404a-8520-c403b7408afa/a.pdf";

type Item = HashMap<String, AttributeValue>;

/// The operations that were asked for, in order, with the access that tags give. A write of a file is a `Commit` of its
/// new revision, and one of a pending mark a `Claim`.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    /// Those of these operations.
    pub fn of(&self, operations: &[&str]) -> Vec<String> {
        let mut calls = self.0.lock().unwrap().clone();
        calls.retain(|call| operations.iter().any(|operation| call.split(' ').next() == Some(operation)));
        calls
    }
}

#[dyn_dispatch_hint]
impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut call = config.load::<Metadata>().unwrap().name().to_owned();
        if let Some(put) = context.input().downcast_ref::<PutObjectTaggingInput>() {
            let public = put.tagging().unwrap().tag_set().iter().any(|tag| tag.key() == "access");
            call += if public { " public" } else { " private" };
        }
        if let Some(put) = context.input().downcast_ref::<PutItemInput>() {
            call = write(put.item().unwrap());
        }
        if let Some(transaction) = context.input().downcast_ref::<TransactWriteItemsInput>() {
            call = write(transaction.transact_items()[0].put().unwrap().item());
        }
        if context.input().downcast_ref::<QueryInput>().is_some_and(asks_for_links) {
            call += " links";
        }
        self.0.lock().unwrap().push(call);
        Ok(())
    }
}

fn write(item: &Item) -> String {
    match item.get("revision") {
        Some(revision) => format!("Commit {}", revision.as_n().unwrap()),
        None => "Claim".to_owned(),
    }
}

/// A configuration as `mock_client!` makes it, without the SDK feature that this would need.
macro_rules! config {
    ($sdk:ident, $rules:expr, $calls:expr) => {
        $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
            .region($sdk::config::Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
            .http_client(create_mock_http_client())
            .interceptor($calls.clone())
            .interceptor($rules.iter().fold(MockResponseInterceptor::new(), |all, rule| all.with_rule(rule)))
            .build()
    };
}

fn asks_for_links(query: &QueryInput) -> bool {
    query.expression_attribute_values().unwrap()[":pk"].as_s().unwrap().starts_with("LINKS#")
}

fn asks_for_history(query: &QueryInput) -> bool {
    query.expression_attribute_values().unwrap().contains_key(":first")
}

fn as_item(version: &Version) -> Item {
    serde_dynamo::to_item(version).unwrap()
}

/// A table and a bucket that answer by these rules, and take every other write that all functions make. No file has
/// public links or previews.
pub fn stores(rules: &[&Rule]) -> (FileStore, ObjectStore, Calls) {
    let taken = [
        &mock!(aws_sdk_dynamodb::Client::put_item).then_output(|| PutItemOutput::builder().build()),
        &mock!(aws_sdk_dynamodb::Client::transact_write_items)
            .then_output(|| TransactWriteItemsOutput::builder().build()),
        &mock!(aws_sdk_dynamodb::Client::batch_write_item).then_output(|| BatchWriteItemOutput::builder().build()),
        &mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(asks_for_links)
            .then_output(|| QueryOutput::builder().build()),
        &mock!(aws_sdk_s3::Client::put_object_tagging).then_output(|| PutObjectTaggingOutput::builder().build()),
        &mock!(aws_sdk_s3::Client::delete_objects).then_output(|| DeleteObjectsOutput::builder().build()),
        &mock!(aws_sdk_s3::Client::list_objects_v2).then_output(|| ListObjectsV2Output::builder().build()),
    ];
    let (rules, calls) = ([rules, &taken].concat(), Calls::default());
    let table = aws_sdk_dynamodb::Client::from_conf(config!(aws_sdk_dynamodb, rules, calls));
    let bucket = aws_sdk_s3::Client::from_conf(config!(aws_sdk_s3, rules, calls));
    (FileStore::with_client(table, "files"), ObjectStore::with_client(bucket, "bucket"), calls)
}

/// What the table says of a file, one reading after the other, by a query and by a get; the last is repeated.
pub fn readings(files: Vec<Option<File>>) -> [Rule; 3] {
    let latest = files.last().cloned().flatten();
    let readings = Arc::new(Mutex::new((0, files)));
    let next = move || {
        let (next, files) = &mut *readings.lock().unwrap();
        let file = files[*next].clone();
        *next = (*next + 1).min(files.len() - 1);
        file
    };
    let again = next.clone();
    // What a new version supersedes is read without `META`.
    let superseded: Vec<Item> = latest.iter().flat_map(|file| &file.versions).map(as_item).collect();
    let history = mock!(aws_sdk_dynamodb::Client::query).match_requests(asks_for_history);
    let history =
        history.then_compute_output(move |_| QueryOutput::builder().set_items(Some(superseded.clone())).build());
    let asks_for_the_file = |query: &QueryInput| !asks_for_links(query) && !asks_for_history(query);
    let query = mock!(aws_sdk_dynamodb::Client::query).match_requests(asks_for_the_file);
    let query = query.then_compute_output(move |_| {
        let Some(File { meta, versions }) = next() else { return QueryOutput::builder().build() };
        let superseded = versions.iter().skip(1).map(as_item);
        let mut meta: Item = serde_dynamo::to_item(meta).unwrap();
        meta.insert("sk".into(), AttributeValue::S("META".into()));
        QueryOutput::builder().set_items(Some([meta].into_iter().chain(superseded).collect())).build()
    });
    let get = mock!(aws_sdk_dynamodb::Client::get_item).then_compute_output(move |_| {
        let meta = again().map(|file| serde_dynamo::to_item(file.meta).unwrap());
        GetItemOutput::builder().set_item(meta).build()
    });
    [query, history, get]
}

/// The first write of a file by itself loses to somebody else's.
pub fn loses_alone_once() -> Rule {
    let lost = || PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build());
    let commits = |put: &PutItemInput| put.item().unwrap().contains_key("revision");
    mock!(aws_sdk_dynamodb::Client::put_item).match_requests(commits).sequence().error(lost).build()
}

/// What a transaction is told that came second.
pub fn lost_race() -> TransactWriteItemsError {
    let reason = CancellationReason::builder().code("ConditionalCheckFailed").build();
    let cancelled = TransactionCanceledException::builder().cancellation_reasons(reason).build();
    TransactWriteItemsError::TransactionCanceledException(cancelled)
}

/// Organisation 123's file with one version, as its first revision has it.
pub fn file(access_control: &str) -> File {
    let version = json!({
        "number": 1, "object_key": OBJECT_KEY, "filename": "a.pdf", "size_bytes": 3, "mime_type": "application/pdf",
    });
    let meta = json!({
        "id": FILE_ID, "org": "123", "revision": 1, "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "filename": "a.pdf", "mime_type": "application/pdf",
        "file_type": "document", "access_control": access_control, "acl": {}, "attributes": "{}",
        "current": version,
    });
    File { meta: serde_json::from_value(meta).unwrap(), versions: vec![serde_json::from_value(version).unwrap()] }
}
