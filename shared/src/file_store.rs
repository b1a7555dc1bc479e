//! Files in the table: one partition a file, `FILE#{id}`, with `META` and one `V#{number}` per version.

use crate::{
    auth::Caller,
    aws,
    config::{self, ConfigError},
    error::ApiError,
    file::{File, Meta, Version},
    object_key::FileId,
    upload_mark::UploadMark,
};
use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};
use serde::Serialize;
use std::{collections::HashMap, sync::OnceLock, time::Duration};

/// How often a write that loses a race is tried again.
pub const MAX_ATTEMPTS: u64 = 30;

/// Waits a random while that grows with the attempts, so that those who race for an item do not meet again.
pub async fn back_off(attempt: u64) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=20 * (attempt + 1)))).await;
}

/// DynamoDB's limit on the actions of one transaction.
const MAX_TRANSACTION_ACTIONS: usize = 100;

/// The table.
pub struct FileStore {
    pub(crate) table: String,
    client: OnceLock<Client>,
}

/// What became of a conditional write.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It is stored.
    Stored,
    /// Somebody else wrote first: nothing is stored. Read again and decide again.
    LostRace,
}

/// A file's partition as it is, half-deleted or not.
pub struct Partition {
    /// The `META` item.
    pub meta: Option<Meta>,
    /// The versions, newest first.
    pub versions: Vec<Version>,
}

impl FileStore {
    /// The table in `TABLE`.
    ///
    /// # Errors
    /// If it is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { table: config::required("TABLE")?, client: OnceLock::new() })
    }

    /// A table behind a client of the caller's, for tests.
    #[must_use]
    pub fn with_client(client: Client, table: &str) -> Self {
        Self { table: table.to_owned(), client: client.into() }
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.get_or_init(aws::dynamodb)
    }

    /// The file, if it exists and `caller` may see it.
    ///
    /// # Errors
    /// One and the same 404 if there is no such file, it is deleted, or it is another organisation's.
    pub async fn load(&self, caller: &Caller, id: FileId) -> Result<File, ApiError> {
        self.find(id).await?.filter(|file| file.is_visible_to(caller)).ok_or_else(ApiError::file_not_found)
    }

    /// The file, whoever it belongs to and deleted or not.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find(&self, id: FileId) -> Result<Option<File>, ApiError> {
        let Partition { meta, versions } = self.partition(id).await?;
        Ok(meta.filter(|_| !versions.is_empty()).map(|meta| File { meta, versions }))
    }

    /// Everything stored under a file's id.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn partition(&self, id: FileId) -> Result<Partition, ApiError> {
        let mut partition = Partition { meta: None, versions: Vec::new() };
        let mut pages = self
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(format!("FILE#{id}")))
            // Newest version first, and META last.
            .scan_index_forward(false)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let item = item?;
            match item.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str) {
                Some("META") => partition.meta = Some(serde_dynamo::from_item(item)?),
                _ => partition.versions.push(serde_dynamo::from_item(item)?),
            }
        }
        Ok(partition)
    }

    /// Stores a new file with its first version, and marks its upload as saved, all or nothing.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn create(&self, meta: &Meta, version: &Version, mark: &UploadMark) -> Result<Written, ApiError> {
        let meta =
            self.put(&format!("FILE#{}", meta.id), "META", meta)?.condition_expression("attribute_not_exists(pk)");
        self.transact(vec![put(meta)?, self.put_version(version, mark)?, self.put_saved_mark(mark)?]).await
    }

    /// Stores a file's new attributes, unless it was written since it was read as `revision`.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn update(&self, meta: &Meta, revision: u64) -> Result<Written, ApiError> {
        self.transact(vec![self.put_meta(meta, revision)?]).await
    }

    /// Like [`Self::update`], with a new version and its upload marked as saved, all or nothing.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn add_version(
        &self,
        meta: &Meta,
        revision: u64,
        version: &Version,
        mark: &UploadMark,
    ) -> Result<Written, ApiError> {
        self.transact(vec![
            self.put_meta(meta, revision)?,
            self.put_version(version, mark)?,
            self.put_saved_mark(mark)?,
        ])
        .await
    }

    /// Removes a file's items, `META` last, so that an interrupted removal can be found and finished.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn remove(&self, id: FileId, versions: &[Version]) -> Result<Written, ApiError> {
        let sort_keys = versions.iter().map(|version| version_key(version.number)).chain(["META".to_owned()]);
        let mut deletes = Vec::new();
        for sk in sort_keys {
            let delete =
                Delete::builder().table_name(&self.table).set_key(Some(key(&format!("FILE#{id}"), &sk))).build();
            deletes.push(TransactWriteItem::builder().delete(delete.map_err(ApiError::internal)?).build());
        }
        for chunk in deletes.chunks(MAX_TRANSACTION_ACTIONS) {
            // Without conditions only another transaction on the same items stands in the way, such as the same removal.
            if self.transact(chunk.to_vec()).await? == Written::LostRace {
                return Ok(Written::LostRace);
            }
        }
        Ok(Written::Stored)
    }

    fn put_meta(&self, meta: &Meta, revision: u64) -> Result<TransactWriteItem, ApiError> {
        put(self
            .put(&format!("FILE#{}", meta.id), "META", meta)?
            .condition_expression("revision = :revision")
            .expression_attribute_values(":revision", AttributeValue::N(revision.to_string())))
    }

    fn put_version(&self, version: &Version, mark: &UploadMark) -> Result<TransactWriteItem, ApiError> {
        let pk = format!("FILE#{}", mark.file_id);
        put(self.put(&pk, &version_key(version.number), version)?.condition_expression("attribute_not_exists(pk)"))
    }

    fn put_saved_mark(&self, mark: &UploadMark) -> Result<TransactWriteItem, ApiError> {
        put(mark.saved_only_once(self.put(&mark.partition_key(), UploadMark::SORT_KEY, &mark.saved())?))
    }

    fn put(
        &self,
        pk: &str,
        sk: &str,
        item: &impl Serialize,
    ) -> Result<aws_sdk_dynamodb::types::builders::PutBuilder, ApiError> {
        let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(item)?;
        item.extend(key(pk, sk));
        Ok(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Written, ApiError> {
        match self.client().transact_write_items().set_transact_items(Some(actions)).send().await {
            Ok(_) => Ok(Written::Stored),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) if is_lost_race(cancelled) => {
                    Ok(Written::LostRace)
                }
                _ => Err(error.into()),
            },
        }
    }
}

/// Whether a transaction was cancelled by somebody else's write, before it or at the same time.
fn is_lost_race(cancelled: &aws_sdk_dynamodb::types::error::TransactionCanceledException) -> bool {
    let mut codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

/// Eight digits, so that the text order is the number order.
fn version_key(number: u32) -> String {
    format!("V#{number:08}")
}

pub(crate) fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}

fn put(builder: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, ApiError> {
    Ok(TransactWriteItem::builder().put(builder.build().map_err(ApiError::internal)?).build())
}

#[cfg(test)]
mod tests;
