//! Files in the table: one partition a file, `FILE#{id}`, with `META` and one `V#{number}` per version.

use crate::{
    acl::Right,
    auth::Caller,
    aws,
    config::{self, ConfigError},
    error::ApiError,
    file::{File, Meta, Version},
    object_key::FileId,
    relation::{self, RelatedFile, Relation},
    upload_mark::UploadMark,
};
use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem, builders::PutBuilder},
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
pub(crate) const MAX_TRANSACTION_ACTIONS: usize = 100;

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

    /// The file, if it exists and `caller` has this right.
    ///
    /// # Errors
    /// One and the same 404 if there is no such file, it is deleted, or the caller has no such right.
    pub async fn load(&self, caller: &Caller, id: FileId, right: Right) -> Result<File, ApiError> {
        self.find(id).await?.filter(|file| file.meta.permits(caller, right)).ok_or_else(ApiError::file_not_found)
    }

    /// Like [`Self::load`], without the versions before the newest: one item, however many there are.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn load_meta(&self, caller: &Caller, id: FileId, right: Right) -> Result<Meta, ApiError> {
        self.find_meta(id).await?.filter(|meta| meta.permits(caller, right)).ok_or_else(ApiError::file_not_found)
    }

    /// The file without the versions before the newest, whoever it belongs to and deleted or not.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find_meta(&self, id: FileId) -> Result<Option<Meta>, ApiError> {
        let key = key(&format!("FILE#{id}"), "META");
        let get = self.client().get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await?.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// The file, whoever it belongs to and deleted or not.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find(&self, id: FileId) -> Result<Option<File>, ApiError> {
        let Partition { meta, versions } = self.partition(id).await?;
        // A file that is half removed has lost its versions before its META.
        Ok(meta.filter(|meta| meta.current.is_none() || !versions.is_empty()).map(|meta| File { meta, versions }))
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

    /// Stores a file as `after`, with these new versions and their uploads marked as saved, all or nothing: a new file
    /// if there is no `before`, else unless it was written since it was read as `before`.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn commit(
        &self,
        before: Option<&Meta>,
        after: &Meta,
        saved: &[(Version, UploadMark)],
    ) -> Result<Written, ApiError> {
        let pk = format!("FILE#{}", after.id);
        let meta = self.put(key(&pk, "META"), after)?;
        let meta = match before {
            None => meta.condition_expression("attribute_not_exists(pk)"),
            Some(before) => meta
                .condition_expression("revision = :revision")
                .expression_attribute_values(":revision", AttributeValue::N(before.revision.to_string())),
        };
        let mut actions = vec![write(meta)?];
        for (version, mark) in saved {
            let put = self.put(key(&pk, &version_key(version.number)), version)?;
            actions.push(write(put.condition_expression("attribute_not_exists(pk)"))?);
            actions.push(write(mark.saved_only_once(self.put(mark.key(), &mark.saved())?))?);
        }
        actions.extend(self.relation_changes(before, after)?);
        self.transact(actions).await
    }

    /// The relations that `after` has and `before` had not, or otherwise; and those that only `before` had.
    fn relation_changes(&self, before: Option<&Meta>, after: &Meta) -> Result<Vec<TransactWriteItem>, ApiError> {
        let were = before.map_or(&[][..], |before| &before.relations);
        let mut actions = Vec::new();
        for relation in after.relations.iter().filter(|relation| !were.contains(relation)) {
            let related = RelatedFile::new(after, relation);
            actions.push(write(self.put(relation::item_key(after, &relation.entity_id), &related)?)?);
        }
        let is_left = |gone: &&Relation| !after.relations.iter().any(|relation| relation.entity_id == gone.entity_id);
        for relation in were.iter().filter(is_left) {
            actions.push(self.delete(relation::item_key(after, &relation.entity_id))?);
        }
        Ok(actions)
    }

    /// Removes a file's items, `META` last, so that an interrupted removal can be found and finished. The marks of its
    /// uploads stay for a while: a save that is repeated late must not bring the file back.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn remove(&self, meta: &Meta, versions: &[Version]) -> Result<Written, ApiError> {
        let pk = format!("FILE#{}", meta.id);
        let mut actions = Vec::new();
        for relation in &meta.relations {
            actions.push(self.delete(relation::item_key(meta, &relation.entity_id))?);
        }
        for version in versions {
            let mark = UploadMark::of_removed(version.object_key.clone(), meta.id);
            actions.push(write(self.put(mark.key(), &mark)?)?);
            actions.push(self.delete(key(&pk, &version_key(version.number)))?);
        }
        actions.push(self.delete(key(&pk, "META"))?);
        for chunk in actions.chunks(MAX_TRANSACTION_ACTIONS) {
            // Without conditions only another transaction on the same items stands in the way, such as the same removal.
            if self.transact(chunk.to_vec()).await? == Written::LostRace {
                return Ok(Written::LostRace);
            }
        }
        Ok(Written::Stored)
    }

    pub(crate) fn put(&self, key: Key, item: &impl Serialize) -> Result<PutBuilder, ApiError> {
        let mut item: Key = serde_dynamo::to_item(item)?;
        item.extend(key);
        Ok(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    pub(crate) fn delete(&self, key: Key) -> Result<TransactWriteItem, ApiError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key)).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(ApiError::internal)?).build())
    }

    pub(crate) async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Written, ApiError> {
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
pub(crate) fn version_key(number: u32) -> String {
    format!("V#{number:08}")
}

/// An item's key.
pub(crate) type Key = HashMap<String, AttributeValue>;

pub(crate) fn key(pk: &str, sk: &str) -> Key {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}

pub(crate) fn write(put: PutBuilder) -> Result<TransactWriteItem, ApiError> {
    Ok(TransactWriteItem::builder().put(put.build().map_err(ApiError::internal)?).build())
}

#[cfg(test)]
mod tests;
