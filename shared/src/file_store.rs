//! Files in the table: one partition a file, `FILE#{id}`, with `META` and one `HISTORY#{number}` per superseded
//! version.
//!
//! `META` has the current version, so that most operations need nothing else. A file's version numbers have no gaps.

use crate::{
    acl::Right,
    auth::Caller,
    aws,
    config::{self, ConfigError},
    error::ApiError,
    file::{ENTITY_VERSIONS, File, Meta, Version},
    idempotency::Idempotency,
    object_key::FileId,
    relation::{self, RelatedFile, Relation},
    table::{Written, action, batch_delete, batch_put},
    upload_mark::{Pending, Record, UploadMark},
};
use aws_sdk_dynamodb::{
    Client,
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, TransactWriteItem},
};
use std::{collections::HashMap, ops::RangeInclusive, sync::OnceLock};

/// The table.
pub struct FileStore {
    pub(crate) table: String,
    client: OnceLock<Client>,
}

/// A file as it is to be stored.
pub struct Change<'a> {
    /// The file as it was read, unless it is new.
    pub before: Option<&'a Meta>,
    /// The file as it is to be.
    pub after: &'a Meta,
    /// Its new versions, oldest first, and the marks of their uploads.
    pub saved: &'a [(Version, Pending)],
    /// The request that asks for it, if it has a key.
    pub request: Option<&'a Idempotency>,
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

    /// Like [`Self::load`], without superseded versions.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn load_meta(&self, caller: &Caller, id: FileId, right: Right) -> Result<Meta, ApiError> {
        self.find_meta(id).await?.filter(|meta| meta.permits(caller, right)).ok_or_else(ApiError::file_not_found)
    }

    /// The file without superseded versions, whoever it belongs to and deleted or not.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find_meta(&self, id: FileId) -> Result<Option<Meta>, ApiError> {
        Ok(self.record(id).await?.and_then(Record::file))
    }

    /// The file, whoever it belongs to and deleted or not.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find(&self, id: FileId) -> Result<Option<File>, ApiError> {
        let query = self.query_file(id, "pk = :pk").limit(i32::try_from(ENTITY_VERSIONS).unwrap_or(i32::MAX));
        let mut items = query.send().await?.items.unwrap_or_default().into_iter();
        // `META` sorts after `HISTORY#…`, so it comes first, and then the newest versions.
        let Some(first) = items.next() else { return Ok(None) };
        if first.get("sk").and_then(|sk| sk.as_s().ok()).is_none_or(|sk| sk != META) {
            return Ok(None);
        }
        let record: Record = serde_dynamo::from_item(first)?;
        let Some(meta) = record.file() else { return Ok(None) };
        let mut versions: Vec<Version> = meta.current.iter().cloned().collect();
        for item in items {
            versions.push(serde_dynamo::from_item(item)?);
        }
        Ok(Some(File { meta, versions }))
    }

    /// The file's version with this number.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn version(&self, meta: &Meta, number: u32) -> Result<Option<Version>, ApiError> {
        if let Some(current) = &meta.current
            && current.number == number
        {
            return Ok(Some(current.clone()));
        }
        let key = history_key(meta.id, number);
        let get = self.client().get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await?.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// The file's version at this index, 0 being the latest.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn version_at(&self, meta: &Meta, index: u32) -> Result<Option<Version>, ApiError> {
        match meta.number_at(index) {
            Some(number) => self.version(meta, number).await,
            None => Ok(None),
        }
    }

    /// The file's versions with these numbers, newest first. At most some hundred, which one reply can hold.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn versions_between(&self, meta: &Meta, numbers: RangeInclusive<u32>) -> Result<Vec<Version>, ApiError> {
        let current = meta.current.iter().filter(|current| numbers.contains(&current.number)).cloned();
        let mut versions: Vec<_> = current.collect();
        let superseded = *numbers.start()..=(*numbers.end()).min(meta.current_number().saturating_sub(1));
        if superseded.is_empty() {
            return Ok(versions);
        }
        let query = self
            .query_file(meta.id, "pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":first", AttributeValue::S(history_sk(*superseded.start())))
            .expression_attribute_values(":last", AttributeValue::S(history_sk(*superseded.end())));
        let mut pages = query.into_paginator().items().send();
        while let Some(item) = pages.next().await {
            versions.push(serde_dynamo::from_item(item?)?);
        }
        Ok(versions)
    }

    /// All versions of the file, newest first.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn all_versions(&self, meta: &Meta) -> Result<Vec<Version>, ApiError> {
        self.versions_between(meta, 1..=meta.current_number()).await
    }

    fn query_file(&self, id: FileId, condition: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", AttributeValue::S(partition(id)))
            .scan_index_forward(false)
            .consistent_read(true)
    }

    /// Stores a file, all or nothing: a new one if there is no `before`, else unless it was written since it was read.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn commit(&self, change: Change<'_>) -> Result<Written, ApiError> {
        let Change { before, after, saved, request } = change;
        let meta = self.put(file_key(after.id), after)?;
        let meta = match (before, saved) {
            (Some(before), _) => meta
                .condition_expression("revision = :revision")
                .expression_attribute_values(":revision", AttributeValue::N(before.revision.to_string())),
            (None, [(_, pending)]) => pending.still_holds(meta),
            (None, _) => meta.condition_expression("attribute_not_exists(pk)"),
        };
        let mut actions = vec![action(meta)?];
        if let Some(before) = before {
            actions.extend(self.new_versions(before, saved)?);
        }
        actions.extend(self.relation_changes(before, after)?);
        if let Some(request) = request {
            actions.push(self.finish(request, &after.id.to_string())?);
        }
        self.write(actions).await
    }

    /// The versions that are superseded, and a pointer to each new one in place of its upload's mark.
    fn new_versions(&self, before: &Meta, saved: &[(Version, Pending)]) -> Result<Vec<TransactWriteItem>, ApiError> {
        let mut actions = Vec::new();
        let Some((_, older)) = saved.split_last() else { return Ok(actions) };
        for version in before.current.iter().chain(older.iter().map(|(version, _)| version)) {
            actions.push(action(self.put(history_key(before.id, version.number), version)?)?);
        }
        for (version, pending) in saved {
            let (org, file_id, number) = (pending.org.clone(), before.id, version.number);
            let pointer = self.put(pending.key(), &UploadMark::Version { org, file_id, number })?;
            actions.push(action(pending.still_holds(pointer))?);
        }
        Ok(actions)
    }

    /// Puts for new or changed relations, deletes for removed ones.
    fn relation_changes(&self, before: Option<&Meta>, after: &Meta) -> Result<Vec<TransactWriteItem>, ApiError> {
        let were = before.map_or(&[][..], |before| &before.relations);
        let mut actions = Vec::new();
        for relation in after.relations.iter().filter(|relation| !were.contains(relation)) {
            let related = RelatedFile::new(after, relation);
            let key = relation::item_key(after, &relation.entity_id);
            actions.push(action(self.put(key, &related)?)?);
        }
        let is_left = |gone: &&Relation| !after.relations.iter().any(|relation| relation.entity_id == gone.entity_id);
        for relation in were.iter().filter(is_left) {
            actions.push(self.delete(relation::item_key(after, &relation.entity_id))?);
        }
        Ok(actions)
    }

    /// Removes a deleted file's items, `META` last, so that an interrupted removal can be found and finished. A mark
    /// stays for each upload: a save that is repeated late must not bring it back.
    ///
    /// # Errors
    /// 500 if some may be left.
    pub async fn remove(&self, meta: &Meta, versions: &[Version]) -> Result<(), ApiError> {
        let mut writes = Vec::new();
        for relation in &meta.relations {
            writes.push(batch_delete(relation::item_key(meta, &relation.entity_id))?);
        }
        let mut last = batch_delete(file_key(meta.id))?;
        for version in versions {
            let upload = version.object_key.upload.file_id();
            let mark = batch_put(file_key(upload), &UploadMark::removed(version.object_key.clone()))?;
            if upload == meta.id {
                last = mark;
            } else {
                writes.push(mark);
            }
            if version.number < meta.current_number() {
                writes.push(batch_delete(history_key(meta.id, version.number))?);
            }
        }
        self.write_all(writes).await?;
        self.write_all(vec![last]).await
    }
}

const META: &str = "META";

fn partition(id: FileId) -> String {
    format!("FILE#{id}")
}

/// The item of a file, or of the upload with the same id.
pub(crate) fn file_key(id: FileId) -> Key {
    key(&partition(id), META)
}

pub(crate) fn history_key(id: FileId, number: u32) -> Key {
    key(&partition(id), &history_sk(number))
}

/// Eight digits, so that the text order is the number order.
fn history_sk(number: u32) -> String {
    format!("HISTORY#{number:08}")
}

/// An item's key.
pub(crate) type Key = HashMap<String, AttributeValue>;

pub(crate) fn key(pk: &str, sk: &str) -> Key {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}

#[cfg(test)]
mod tests;
