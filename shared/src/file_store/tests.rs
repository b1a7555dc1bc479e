use super::*;
use crate::fixtures::{caller, dynamodb, file, file_id, items, version};
use aws_sdk_dynamodb::{
    operation::{query::QueryOutput, transact_write_items::TransactWriteItemsOutput},
    types::{
        CancellationReason,
        error::{InternalServerError, TransactionCanceledException},
    },
};
use aws_smithy_mocks::{Rule, mock};
use std::sync::{Arc, Mutex};

type Item = HashMap<String, AttributeValue>;
type Actions = Arc<Mutex<Vec<Vec<TransactWriteItem>>>>;

fn store(rule: &Rule) -> FileStore {
    FileStore::with_client(dynamodb(&[rule]), "files")
}

/// A partition that hands out one item a page, in the order asked for.
fn pages(items: Vec<Item>) -> Rule {
    mock!(Client::query).then_compute_output(move |query| {
        assert_eq!(query.consistent_read(), Some(true));
        let mut items = items.clone();
        items.sort_by_key(sort_key);
        if query.scan_index_forward() == Some(false) {
            items.reverse();
        }
        let next = query
            .exclusive_start_key()
            .map_or(0, |last| 1 + items.iter().position(|item| sort_key(item) == sort_key(last)).unwrap());
        let last = items.get(next).filter(|_| next + 1 < items.len()).cloned();
        QueryOutput::builder()
            .set_items(Some(items.get(next).cloned().into_iter().collect()))
            .set_last_evaluated_key(last)
            .build()
    })
}

fn sort_key(item: &Item) -> String {
    item["sk"].as_s().unwrap().clone()
}

fn cancelled(codes: &[&str]) -> Rule {
    let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
    mock!(Client::transact_write_items).then_error(move || {
        let cancelled = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.clone()));
        TransactWriteItemsError::TransactionCanceledException(cancelled.build())
    })
}

/// A table that takes every transaction, and what it took.
fn taken() -> (Rule, Actions) {
    let actions = Actions::default();
    let record = Arc::clone(&actions);
    let rule = mock!(Client::transact_write_items).then_compute_output(move |transaction| {
        record.lock().unwrap().push(transaction.transact_items().to_vec());
        TransactWriteItemsOutput::builder().build()
    });
    (rule, actions)
}

fn mark() -> UploadMark {
    UploadMark::pending(version(1).object_key, file_id())
}

#[tokio::test]
async fn a_transaction_cancelled_by_a_condition_or_a_conflict_is_a_lost_race() {
    for codes in [["None", "ConditionalCheckFailed", "None"], ["TransactionConflict", "None", "None"]] {
        let written = store(&cancelled(&codes)).create(&file().meta, &version(1), &mark()).await.unwrap();
        assert_eq!(written, Written::LostRace, "{codes:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_fails_otherwise_is_an_error() {
    let broken = mock!(Client::transact_write_items).then_error(|| {
        TransactWriteItemsError::InternalServerError(InternalServerError::builder().message("down").build())
    });
    for rule in [cancelled(&["ThrottlingError"]), cancelled(&["ValidationError", "None"]), cancelled(&[]), broken] {
        let error = store(&rule).update(&file().meta, 1).await.unwrap_err();
        assert_eq!(error.status(), 500);
    }
}

#[tokio::test]
async fn every_write_of_a_file_is_conditional_on_what_was_read() {
    let (rule, actions) = taken();
    let (store, file) = (store(&rule), file());
    assert_eq!(store.create(&file.meta, &version(1), &mark()).await.unwrap(), Written::Stored);
    assert_eq!(store.add_version(&file.meta, 41, &version(2), &mark()).await.unwrap(), Written::Stored);
    assert_eq!(store.update(&file.meta, 42).await.unwrap(), Written::Stored);

    let seen: Vec<Vec<_>> = actions
        .lock()
        .unwrap()
        .iter()
        .map(|transaction| {
            transaction
                .iter()
                .map(|action| {
                    let put = action.put().unwrap();
                    let values = put.expression_attribute_values();
                    let revision = values.and_then(|values| Some(values.get(":revision")?.as_n().unwrap().clone()));
                    (sort_key(put.item()), put.condition_expression().unwrap().to_owned(), revision)
                })
                .collect()
        })
        .collect();
    let row = |sk: &str, condition: &str, revision: Option<&str>| {
        (sk.to_owned(), condition.to_owned(), revision.map(str::to_owned))
    };
    let marked = "attribute_not_exists(pk) OR (#state = :pending AND org = :org)";
    let expected = [
        vec![
            row("META", "attribute_not_exists(pk)", None),
            row("V#00000001", "attribute_not_exists(pk)", None),
            row("UPLOAD", marked, None),
        ],
        vec![
            row("META", "revision = :revision", Some("41")),
            row("V#00000002", "attribute_not_exists(pk)", None),
            row("UPLOAD", marked, None),
        ],
        vec![row("META", "revision = :revision", Some("42"))],
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_commit_marks_the_upload_as_saved() {
    let (rule, actions) = taken();
    assert_eq!(store(&rule).create(&file().meta, &version(1), &mark()).await.unwrap(), Written::Stored);
    let mark = actions.lock().unwrap()[0][2].put().unwrap().item().clone();
    assert_eq!(mark["state"].as_s().unwrap(), "saved");
}

#[tokio::test]
async fn all_pages_of_a_partition_are_read_with_the_newest_version_first_and_meta_apart() {
    let mut file = file();
    file.versions = [1, 2, 9, 10, 100].map(version).to_vec();
    let rule = pages(items(&file));
    let Partition { meta, versions } = store(&rule).partition(file_id()).await.unwrap();
    assert_eq!(meta, Some(file.meta));
    assert_eq!(versions, [100, 10, 9, 2, 1].map(version));
    assert_eq!(rule.num_calls(), 6);
}

#[tokio::test]
async fn a_file_that_is_unknown_deleted_or_anothers_gives_the_same_404() {
    let mut deleted = file();
    deleted.meta.deleted_at = Some("2026-01-02T00:00:00Z".into());
    let mut without_versions = file();
    without_versions.versions.clear();
    for (why, items, org) in [
        ("unknown", vec![], "123"),
        ("deleted", items(&deleted), "123"),
        ("of another organisation", items(&file()), "456"),
        ("half removed", items(&without_versions), "123"),
        ("half removed", vec![items(&file())[0].clone()], "123"),
    ] {
        let error = store(&pages(items)).load(&caller(org), file_id()).await.unwrap_err();
        let expected = ApiError::file_not_found();
        assert_eq!((error.status(), error.to_string()), (expected.status(), expected.to_string()), "{why}");
    }
    assert_eq!(store(&pages(items(&file()))).load(&caller("123"), file_id()).await.unwrap(), file());
}

#[tokio::test]
async fn a_removal_goes_in_chunks_of_100_and_takes_meta_last() {
    let (rule, actions) = taken();
    let versions: Vec<_> = (1..=250).rev().map(version).collect();
    assert_eq!(store(&rule).remove(file_id(), &versions).await.unwrap(), Written::Stored);

    let actions = actions.lock().unwrap();
    assert_eq!(actions.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 51]);
    let keys: Vec<_> = actions.iter().flatten().map(|action| sort_key(action.delete().unwrap().key())).collect();
    let expected: Vec<_> = (1..=250).rev().map(version_key).chain(["META".to_owned()]).collect();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_removal_that_loses_a_race_leaves_meta_for_the_next_one() {
    let rule = cancelled(&["TransactionConflict"]);
    let versions: Vec<_> = (1..=100).map(version).collect();
    assert_eq!(store(&rule).remove(file_id(), &versions).await.unwrap(), Written::LostRace);
    assert_eq!(rule.num_calls(), 1);
}
