use super::*;
use crate::fixtures::{dynamodb, file, item, saved_key};
use aws_sdk_dynamodb::{
    Client,
    operation::put_item::{PutItemError, PutItemInput, PutItemOutput},
    types::{
        ReturnValuesOnConditionCheckFailure,
        error::{ConditionalCheckFailedException, InternalServerError, TransactionConflictException},
    },
};
use aws_smithy_mocks::{Rule, mock};
use serde::Serialize;

fn store(rule: &Rule) -> FileStore {
    FileStore::with_client(dynamodb(&[rule]), "files")
}

fn asks_for_the_item_in_the_way(put: &PutItemInput) -> bool {
    put.return_values_on_condition_check_failure() == Some(&ReturnValuesOnConditionCheckFailure::AllOld)
}

/// The condition of a put fails because of this item.
fn found(record: &impl Serialize) -> Rule {
    let found = item(record);
    mock!(Client::put_item).match_requests(asks_for_the_item_in_the_way).then_error(move || {
        let failed = ConditionalCheckFailedException::builder().set_item(Some(found.clone()));
        PutItemError::ConditionalCheckFailedException(failed.build())
    })
}

async fn claimed(rule: &Rule) -> Claimed {
    store(rule).claim(&saved_key(1)).await.unwrap()
}

#[tokio::test]
async fn the_first_claim_of_an_upload_is_a_pending_mark_that_runs_out() {
    let rule = mock!(Client::put_item)
        .match_requests(|put| {
            let item = put.item().unwrap();
            item["pk"].as_s().unwrap() == "FILE#00000000-0000-4000-8000-000000000001"
                && item["sk"].as_s().unwrap() == "META"
                && item["state"].as_s().unwrap() == "pending"
                && put.condition_expression() == Some("attribute_not_exists(pk)")
                && asks_for_the_item_in_the_way(put)
        })
        .then_output(|| PutItemOutput::builder().build());
    let Claimed::Pending(pending) = claimed(&rule).await else { panic!("not pending") };
    let a_day_and_a_bit = (OffsetDateTime::now_utc() + Duration::hours(25)).unix_timestamp();
    assert!(pending.expires_at > a_day_and_a_bit, "a mark outlives the time in which its upload can be saved");
}

#[tokio::test]
async fn a_later_claim_finds_what_the_first_save_made() {
    let pending = Pending { generation: 3, ..Pending::new(saved_key(1)) };
    let found_pending = found(&UploadMark::Pending(pending.clone()));
    assert_eq!(claimed(&found_pending).await, Claimed::Pending(pending), "with the time left of the first claim");
    let meta = file().meta;
    assert_eq!(claimed(&found(&meta)).await, Claimed::File(Box::new(meta.clone())));
    let version = UploadMark::Version { org: meta.org, file_id: meta.id, number: 2 };
    assert_eq!(claimed(&found(&version)).await, Claimed::VersionOf(meta.id));
}

#[tokio::test]
async fn an_upload_that_is_another_organisations_or_was_removed_is_gone() {
    let org: OrgId = "456".parse().unwrap();
    let pending = Pending { org: org.clone(), ..Pending::new(saved_key(1)) };
    let meta = Meta { org: org.clone(), ..file().meta };
    let marks = [
        UploadMark::Pending(pending),
        UploadMark::Version { org, file_id: meta.id, number: 1 },
        UploadMark::removed(saved_key(1)),
    ];
    for mark in marks {
        assert_eq!(claimed(&found(&mark)).await, Claimed::Gone, "{mark:?}");
    }
    assert_eq!(claimed(&found(&meta)).await, Claimed::Gone);
}

#[tokio::test]
async fn a_mark_that_another_saves_transaction_holds_is_waited_for() {
    let conflict = || PutItemError::TransactionConflictException(TransactionConflictException::builder().build());
    let rule = mock!(Client::put_item).sequence().error(conflict).output(|| PutItemOutput::builder().build()).build();
    assert!(matches!(claimed(&rule).await, Claimed::Pending(_)));
    assert_eq!(rule.num_calls(), 2);
}

#[tokio::test]
async fn a_mark_that_cannot_be_written_is_an_error() {
    let put = mock!(Client::put_item)
        .then_error(|| PutItemError::InternalServerError(InternalServerError::builder().build()));
    assert_eq!(store(&put).claim(&saved_key(1)).await.unwrap_err().status(), 500);
}

#[tokio::test]
async fn a_fence_raises_the_generation_of_a_mark_that_is_still_the_same() {
    let rule = mock!(Client::put_item)
        .match_requests(|put| {
            let values = put.expression_attribute_values().unwrap();
            put.condition_expression() == Some("#state = :pending AND org = :org AND generation = :generation")
                && values[":generation"].as_n().unwrap() == "0"
                && put.item().unwrap()["generation"].as_n().unwrap() == "1"
        })
        .then_output(|| PutItemOutput::builder().build());
    let mut pending = Pending::new(saved_key(1));
    assert_eq!(store(&rule).fence(&mut pending).await.unwrap(), Written::Stored);
    assert_eq!(pending.generation, 1);

    let committed = found(&file().meta);
    assert_eq!(store(&committed).fence(&mut pending).await.unwrap(), Written::LostRace);
    assert_eq!(pending.generation, 1);
}

#[test]
fn only_an_upload_that_is_pending_or_removed_may_have_left_bytes() {
    let key = saved_key(1);
    assert_eq!(UploadMark::Pending(Pending::new(key.clone())).left_over(), Some(&key));
    assert_eq!(UploadMark::removed(key.clone()).left_over(), Some(&key));
    let version = UploadMark::Version { org: key.org.clone(), file_id: file().meta.id, number: 2 };
    assert_eq!(version.left_over(), None);
}
