//! Collections in the table: `COLLECTIONS#{org}#USER#{user}` or `COLLECTIONS#{org}#GLOBAL`, with `{schema}#` for the
//! revision of a set and `{schema}#{key}` for each collection.

use crate::{
    collection::{Collection, CollectionAttributes, CollectionSet, Owner},
    error::ApiError,
    file_store::{FileStore, Key, key},
    relation::SchemaSlug,
    table::{MAX_ATTEMPTS, Written, action, back_off},
};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Revision {
    revision: u64,
}

impl FileStore {
    /// An owner's collections for a schema.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn collections(&self, owner: &Owner, schema: &SchemaSlug) -> Result<CollectionSet, ApiError> {
        let (mut revision, mut collections) = (0, Vec::new());
        for item in self.collection_items(owner, &format!("{schema}#")).await? {
            if item.contains_key("revision") {
                revision = serde_dynamo::from_item::<_, Revision>(item)?.revision;
            } else {
                collections.push(serde_dynamo::from_item(item)?);
            }
        }
        collections.sort_by_key(|collection: &Collection| collection.order);
        Ok(CollectionSet { owner: owner.clone(), schema: schema.clone(), revision, collections })
    }

    /// An owner's collections for all schemas.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn all_collections(&self, owner: &Owner) -> Result<Vec<Collection>, ApiError> {
        let items = self.collection_items(owner, "").await?;
        let collections = items.into_iter().filter(|item| !item.contains_key("revision"));
        collections.map(|item| Ok(serde_dynamo::from_item(item)?)).collect()
    }

    /// Stores a new collection.
    ///
    /// # Errors
    /// As [`CollectionSet::created`].
    pub async fn create_collection(
        &self,
        owner: &Owner,
        schema: &SchemaSlug,
        attributes: &CollectionAttributes,
    ) -> Result<(CollectionSet, Collection), ApiError> {
        self.write_collection(owner, schema, |set| set.created(attributes)).await
    }

    /// Changes a collection.
    ///
    /// # Errors
    /// 404 if there is no such collection, else as [`CollectionSet::changed`].
    pub async fn update_collection(
        &self,
        owner: &Owner,
        schema: &SchemaSlug,
        slug: &str,
        attributes: &CollectionAttributes,
    ) -> Result<(CollectionSet, Collection), ApiError> {
        self.write_collection(owner, schema, |set| set.changed(set.find(slug)?, attributes)).await
    }

    /// Deletes a collection. What was nested in it stays, and so do the files.
    ///
    /// # Errors
    /// 404 if there is no such collection.
    pub async fn delete_collection(&self, owner: &Owner, schema: &SchemaSlug, slug: &str) -> Result<(), ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let set = self.collections(owner, schema).await?;
            let collection = set.find(slug)?;
            let mut actions = vec![self.delete(item_key(owner, schema, &collection.key))?];
            for child in set.detached_children(&collection.key) {
                actions.push(self.put_collection(owner, &child)?);
            }
            if self.write_set(&set, actions).await? == Written::Stored {
                return Ok(());
            }
            back_off(attempt).await;
        }
        Err(too_busy())
    }

    /// Stores what `change` makes of the set, or of what the set has become by then.
    async fn write_collection(
        &self,
        owner: &Owner,
        schema: &SchemaSlug,
        change: impl Fn(&CollectionSet) -> Result<Collection, ApiError>,
    ) -> Result<(CollectionSet, Collection), ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let set = self.collections(owner, schema).await?;
            let collection = change(&set)?;
            let actions = vec![self.put_collection(owner, &collection)?];
            if self.write_set(&set, actions).await? == Written::Stored {
                return Ok((set, collection));
            }
            back_off(attempt).await;
        }
        Err(too_busy())
    }

    fn put_collection(&self, owner: &Owner, collection: &Collection) -> Result<TransactWriteItem, ApiError> {
        action(self.put(item_key(owner, &collection.schema, &collection.key), collection)?)
    }

    /// Writes to a set, unless it was written since it was read: only so can nothing close a cycle from two sides.
    async fn write_set(&self, set: &CollectionSet, actions: Vec<TransactWriteItem>) -> Result<Written, ApiError> {
        let revision = Revision { revision: set.revision + 1 };
        let put = self.put(item_key(&set.owner, &set.schema, ""), &revision)?;
        let put = match set.revision {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            read => put
                .condition_expression("revision = :revision")
                .expression_attribute_values(":revision", AttributeValue::N(read.to_string())),
        };
        let mut all = vec![action(put)?];
        all.extend(actions);
        self.write(all).await
    }

    async fn collection_items(&self, owner: &Owner, sk_prefix: &str) -> Result<Vec<Key>, ApiError> {
        let mut query = self
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition_key(owner)))
            .consistent_read(true);
        if !sk_prefix.is_empty() {
            query = query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", AttributeValue::S(sk_prefix.to_owned()));
        }
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item?);
        }
        Ok(items)
    }
}

/// The user, who may have any character in the name, comes last.
fn partition_key(owner: &Owner) -> String {
    match owner {
        Owner::User(org, user) => format!("COLLECTIONS#{org}#USER#{user}"),
        Owner::Organisation(org) => format!("COLLECTIONS#{org}#GLOBAL"),
    }
}

fn item_key(owner: &Owner, schema: &SchemaSlug, collection: &str) -> Key {
    key(&partition_key(owner), &format!("{schema}#{collection}"))
}

fn too_busy() -> ApiError {
    ApiError::Conflict("the collections are being changed by others; try again")
}
