//! Writing to the table: one item by itself, several in a transaction, many without order.

use crate::{
    error::ApiError,
    file_store::{FileStore, Key},
};
use aws_sdk_dynamodb::{
    operation::{
        put_item::{PutItemError, builders::PutItemFluentBuilder},
        transact_write_items::TransactWriteItemsError,
    },
    types::{
        Delete, DeleteRequest, Put, PutRequest, ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
        builders::PutBuilder, error::TransactionCanceledException,
    },
};
use futures_util::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// How often a write that loses a race, or is throttled, is tried again.
pub const MAX_ATTEMPTS: u64 = 30;

/// DynamoDB's limit on the items of one `BatchWriteItem`.
const MAX_BATCH_WRITES: usize = 25;
/// How many batches are written at a time.
const PARALLEL: usize = 8;

/// Waits a random while that grows with the attempts, so that those who race for an item do not meet again.
pub async fn back_off(attempt: u64) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=20 * (attempt + 1)))).await;
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It is stored.
    Stored,
    /// Somebody else wrote first: nothing is stored. Read again and decide again.
    LostRace,
}

enum Cancelled {
    LostRace,
    Throttled,
    Failed,
}

impl FileStore {
    pub(crate) fn put(&self, key: Key, item: &impl Serialize) -> Result<PutBuilder, ApiError> {
        let mut item: Key = serde_dynamo::to_item(item)?;
        item.extend(key);
        Ok(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    pub(crate) fn delete(&self, key: Key) -> Result<TransactWriteItem, ApiError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key)).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(ApiError::internal)?).build())
    }

    /// Carries out these actions, all or nothing. A single put needs no transaction, which would cost twice as much.
    pub(crate) async fn write(&self, actions: Vec<TransactWriteItem>) -> Result<Written, ApiError> {
        match actions.as_slice() {
            [TransactWriteItem { put: Some(put), .. }] => self.put_alone(put).await,
            _ => self.transact(actions).await,
        }
    }

    async fn put_alone(&self, put: &Put) -> Result<Written, ApiError> {
        let Err(error) = self.put_request(put).send().await else { return Ok(Written::Stored) };
        match error.as_service_error() {
            // The SDK repeats a request whose reply was lost: then the item in the way is our own.
            Some(PutItemError::ConditionalCheckFailedException(failed)) if failed.item() == Some(&put.item) => {
                Ok(Written::Stored)
            }
            Some(PutItemError::ConditionalCheckFailedException(_) | PutItemError::TransactionConflictException(_)) => {
                Ok(Written::LostRace)
            }
            _ => Err(error.into()),
        }
    }

    /// Stores an item if its condition holds, or returns the one in the way.
    pub(crate) async fn put_or_find<T: DeserializeOwned>(&self, put: PutBuilder) -> Result<Option<T>, ApiError> {
        let request = self.put_request(&put.build().map_err(ApiError::internal)?);
        for attempt in 0..MAX_ATTEMPTS {
            let Err(error) = request.clone().send().await else { return Ok(None) };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    return Ok(Some(serde_dynamo::from_item(failed.item().cloned().unwrap_or_default())?));
                }
                // A transaction holds the item right now; the SDK does not try this again by itself.
                Some(PutItemError::TransactionConflictException(_)) => back_off(attempt).await,
                _ => return Err(error.into()),
            }
        }
        Err(ApiError::too_busy())
    }

    fn put_request(&self, put: &Put) -> PutItemFluentBuilder {
        self.client()
            .put_item()
            .table_name(&self.table)
            .set_item(Some(put.item.clone()))
            .set_condition_expression(put.condition_expression.clone())
            .set_expression_attribute_names(put.expression_attribute_names.clone())
            .set_expression_attribute_values(put.expression_attribute_values.clone())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// The SDK repeats a transaction whose reply was lost with the same token, which DynamoDB takes for the same one.
    async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Written, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let request = self.client().transact_write_items().set_transact_items(Some(actions.clone()));
            let Err(error) = request.send().await else { return Ok(Written::Stored) };
            match error.as_service_error().map(why_cancelled) {
                Some(Cancelled::LostRace) => return Ok(Written::LostRace),
                Some(Cancelled::Throttled) => back_off(attempt).await,
                _ => return Err(error.into()),
            }
        }
        Err(ApiError::internal("DynamoDB throttled a transaction every time"))
    }

    /// Carries out puts and deletes in no order, each of which may be repeated.
    pub(crate) async fn write_all(&self, writes: Vec<WriteRequest>) -> Result<(), ApiError> {
        let batches: Vec<_> = writes.chunks(MAX_BATCH_WRITES).collect();
        for some in batches.chunks(PARALLEL) {
            try_join_all(some.iter().map(|batch| self.write_batch(batch.to_vec()))).await?;
        }
        Ok(())
    }

    async fn write_batch(&self, mut batch: Vec<WriteRequest>) -> Result<(), ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let reply = self.client().batch_write_item().request_items(&self.table, batch).send().await?;
            match reply.unprocessed_items.unwrap_or_default().remove(&self.table) {
                Some(left) if !left.is_empty() => batch = left,
                _ => return Ok(()),
            }
            back_off(attempt).await;
        }
        Err(ApiError::internal("DynamoDB left items of a batch unprocessed every time"))
    }
}

/// A put of a transaction, or the only one.
pub(crate) fn action(put: PutBuilder) -> Result<TransactWriteItem, ApiError> {
    Ok(TransactWriteItem::builder().put(put.build().map_err(ApiError::internal)?).build())
}

/// A put of a batch.
pub(crate) fn batch_put(key: Key, item: &impl Serialize) -> Result<WriteRequest, ApiError> {
    let mut item: Key = serde_dynamo::to_item(item)?;
    item.extend(key);
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(ApiError::internal)?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// A deletion of a batch.
pub(crate) fn batch_delete(key: Key) -> Result<WriteRequest, ApiError> {
    let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(ApiError::internal)?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}

fn why_cancelled(error: &TransactWriteItemsError) -> Cancelled {
    match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) if has_reason(cancelled, &LOST_RACE) => {
            Cancelled::LostRace
        }
        TransactWriteItemsError::TransactionCanceledException(cancelled) if has_reason(cancelled, &THROTTLED) => {
            Cancelled::Throttled
        }
        _ => Cancelled::Failed,
    }
}

/// Somebody else wrote before, or at the same time.
const LOST_RACE: [&str; 2] = ["ConditionalCheckFailed", "TransactionConflict"];
/// The SDK does not try these again, because they hide within the reasons.
const THROTTLED: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];

fn has_reason(cancelled: &TransactionCanceledException, codes: &[&str]) -> bool {
    cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).any(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests;
