use super::*;
use crate::{
    file::Meta,
    file_store::Change,
    fixtures::{dynamodb, file, item},
};
use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_write_item::BatchWriteItemOutput, put_item::PutItemOutput, transact_write_items::TransactWriteItemsOutput,
    },
    types::{
        CancellationReason,
        error::{ConditionalCheckFailedException, InternalServerError, TransactionConflictException},
    },
};
use aws_smithy_mocks::{Rule, mock};

fn store(rules: &[&Rule]) -> FileStore {
    FileStore::with_client(dynamodb(rules), "files")
}

/// One put, and two: by itself, and in a transaction.
async fn written(rule: &Rule, actions: usize) -> Result<Written, ApiError> {
    let store = store(&[rule]);
    let put = |sk: &str| action(store.put(crate::file_store::key("pk", sk), &file().meta).unwrap()).unwrap();
    store.write(["a", "b"].map(put)[..actions].to_vec()).await
}

fn cancelled(codes: &[&str]) -> TransactWriteItemsError {
    let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
    let cancelled = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons));
    TransactWriteItemsError::TransactionCanceledException(cancelled.build())
}

#[tokio::test]
async fn a_transaction_cancelled_by_a_condition_or_a_conflict_is_a_lost_race() {
    for codes in [["None", "ConditionalCheckFailed"], ["TransactionConflict", "ThrottlingError"]] {
        let rule = mock!(Client::transact_write_items).then_error(move || cancelled(&codes));
        assert_eq!(written(&rule, 2).await.unwrap(), Written::LostRace, "{codes:?}");
    }
}

#[tokio::test]
async fn a_throttled_transaction_is_tried_again() {
    for code in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
        let rule = mock!(Client::transact_write_items)
            .sequence()
            .error(move || cancelled(&["None", code]))
            .times(2)
            .output(|| TransactWriteItemsOutput::builder().build())
            .build();
        assert_eq!(written(&rule, 2).await.unwrap(), Written::Stored, "{code}");
        assert_eq!(rule.num_calls(), 3);
    }
}

#[tokio::test]
async fn a_transaction_that_fails_otherwise_is_an_error() {
    let broken = || TransactWriteItemsError::InternalServerError(InternalServerError::builder().build());
    for rule in [
        mock!(Client::transact_write_items).then_error(|| cancelled(&["ValidationError", "None"])),
        mock!(Client::transact_write_items).then_error(|| cancelled(&[])),
        mock!(Client::transact_write_items).then_error(broken),
    ] {
        assert_eq!(written(&rule, 2).await.unwrap_err().status(), 500);
        assert_eq!(rule.num_calls(), 1);
    }
}

#[tokio::test]
async fn one_put_is_no_transaction_and_loses_to_others() {
    let stored = mock!(Client::put_item).then_output(|| PutItemOutput::builder().build());
    assert_eq!(written(&stored, 1).await.unwrap(), Written::Stored);
    let conflict = || PutItemError::TransactionConflictException(TransactionConflictException::builder().build());
    let others = Meta { revision: 7, ..file().meta };
    let other_item = move || {
        let failed = ConditionalCheckFailedException::builder().set_item(Some(item(&others)));
        PutItemError::ConditionalCheckFailedException(failed.build())
    };
    for rule in [mock!(Client::put_item).then_error(conflict), mock!(Client::put_item).then_error(other_item)] {
        assert_eq!(written(&rule, 1).await.unwrap(), Written::LostRace);
    }
}

#[tokio::test]
async fn an_item_in_the_way_that_is_our_own_was_stored_by_a_request_whose_reply_was_lost() {
    let stored_before = mock!(Client::put_item).then_error(|| {
        let mut own = item(&file().meta);
        own.extend(crate::file_store::key("pk", "a"));
        let failed = ConditionalCheckFailedException::builder().set_item(Some(own));
        PutItemError::ConditionalCheckFailedException(failed.build())
    });
    assert_eq!(written(&stored_before, 1).await.unwrap(), Written::Stored);
}

#[tokio::test]
async fn what_a_batch_leaves_unprocessed_is_written_again() {
    let rule = mock!(Client::batch_write_item).then_compute_output(|batch| {
        let writes = batch.request_items().unwrap()["files"].clone();
        assert!(writes.len() <= 25);
        let left = (writes.len() > 20).then(|| writes[..2].to_vec());
        BatchWriteItemOutput::builder()
            .set_unprocessed_items(left.map(|left| [("files".to_owned(), left)].into()))
            .build()
    });
    let writes = (0..60).map(|n| batch_delete(crate::file_store::key("pk", &n.to_string())).unwrap()).collect();
    store(&[&rule]).write_all(writes).await.unwrap();
    assert_eq!(rule.num_calls(), 5, "25, 25 and 10, and twice the 2 that were left");
    store(&[]).write_all(Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_throttled_commit_of_a_file_is_stored_in_the_end() {
    let rule = mock!(Client::transact_write_items)
        .sequence()
        .error(|| cancelled(&["ThrottlingError"]))
        .output(|| TransactWriteItemsOutput::builder().build())
        .build();
    let relation = serde_json::from_value(serde_json::json!({ "entity_id": "order-7" })).unwrap();
    let after = Meta { relations: vec![relation], ..file().meta };
    let change = Change { before: Some(&file().meta), after: &after, saved: &[], request: None };
    assert_eq!(store(&[&rule]).commit(change).await.unwrap(), Written::Stored);
}
