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
        let written = store(&cancelled(&codes)).commit(None, &file().meta, &[(version(1), mark())]).await.unwrap();
        assert_eq!(written, Written::LostRace, "{codes:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_fails_otherwise_is_an_error() {
    let broken = mock!(Client::transact_write_items).then_error(|| {
        TransactWriteItemsError::InternalServerError(InternalServerError::builder().message("down").build())
    });
    for rule in [cancelled(&["ThrottlingError"]), cancelled(&["ValidationError", "None"]), cancelled(&[]), broken] {
        let error = store(&rule).commit(Some(&file().meta), &file().meta, &[]).await.unwrap_err();
        assert_eq!(error.status(), 500);
    }
}

#[tokio::test]
async fn every_write_of_a_file_is_conditional_on_what_was_read() {
    let (rule, actions) = taken();
    let (store, file) = (store(&rule), file());
    let before = |revision: u64| Meta { revision, ..file.meta.clone() };
    assert_eq!(store.commit(None, &file.meta, &[(version(1), mark())]).await.unwrap(), Written::Stored);
    assert_eq!(store.commit(Some(&before(41)), &file.meta, &[(version(2), mark())]).await.unwrap(), Written::Stored);
    assert_eq!(store.commit(Some(&before(42)), &file.meta, &[]).await.unwrap(), Written::Stored);

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
    assert_eq!(store(&rule).commit(None, &file().meta, &[(version(1), mark())]).await.unwrap(), Written::Stored);
    let mark = actions.lock().unwrap()[0][2].put().unwrap().item().clone();
    assert_eq!(mark["state"].as_s().unwrap(), "saved");
    assert!(!mark.contains_key("expires_at"), "it finds the file of an s3ref as long as the file is there");
}

#[tokio::test]
async fn all_pages_of_a_partition_are_read_with_the_newest_version_first_and_meta_apart() {
    let mut file = file();
    file.versions = [1, 2, 9, 10, 100].map(version).to_vec();
    file.meta.current = Some(version(100));
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
        let error = store(&pages(items)).load(&caller(org), file_id(), Right::View).await.unwrap_err();
        let expected = ApiError::file_not_found();
        assert_eq!((error.status(), error.to_string()), (expected.status(), expected.to_string()), "{why}");
    }
    assert_eq!(store(&pages(items(&file()))).load(&caller("123"), file_id(), Right::View).await.unwrap(), file());
}

#[tokio::test]
async fn a_commit_writes_only_the_relations_that_changed() {
    let relation = |id: &str, tags: &[&str]| Relation {
        entity_id: id.parse().unwrap(),
        schema: None,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let with = |relations: &[Relation]| Meta { relations: relations.to_vec(), ..file().meta };
    let before = with(&[relation("same", &["a"]), relation("changed", &[]), relation("gone", &[])]);
    let after = with(&[relation("same", &["a"]), relation("changed", &["a"]), relation("new", &[])]);
    let (rule, actions) = taken();
    assert_eq!(store(&rule).commit(Some(&before), &after, &[]).await.unwrap(), Written::Stored);

    let partition = |key: &Item| key["pk"].as_s().unwrap().clone();
    let actions = actions.lock().unwrap();
    let puts: Vec<_> = actions[0].iter().filter_map(|action| Some(partition(action.put()?.item()))).collect();
    let deletes: Vec<_> = actions[0].iter().filter_map(|action| Some(partition(action.delete()?.key()))).collect();
    assert_eq!(puts[1..], ["ENTITY#123#changed", "ENTITY#123#new"]);
    assert_eq!(deletes, ["ENTITY#123#gone"]);
}

#[tokio::test]
async fn a_removal_goes_in_chunks_of_100_and_takes_meta_last() {
    let (rule, actions) = taken();
    let versions: Vec<_> = (1..=120).rev().map(version).collect();
    let relation = Relation { entity_id: "order-7".parse().unwrap(), schema: None, tags: Vec::new() };
    let meta = Meta { relations: vec![relation], ..file().meta };
    assert_eq!(store(&rule).remove(&meta, &versions).await.unwrap(), Written::Stored);

    let actions = actions.lock().unwrap();
    assert_eq!(actions.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 42]);
    let deletes = actions.iter().flatten().filter_map(|action| action.delete());
    let keys: Vec<_> = deletes.map(|delete| sort_key(delete.key())).collect();
    let versions = (1..=120).rev().map(version_key);
    assert_eq!(
        keys,
        [format!("FILE#{}", meta.id)].into_iter().chain(versions).chain(["META".into()]).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_removed_versions_mark_stays_for_a_while_so_that_a_late_save_cannot_bring_it_back() {
    let (rule, actions) = taken();
    assert_eq!(store(&rule).remove(&file().meta, &[version(1)]).await.unwrap(), Written::Stored);
    let actions = actions.lock().unwrap();
    let marks: Vec<_> = actions[0].iter().filter_map(|action| Some(action.put()?.item())).collect();
    assert_eq!(marks.len(), 1);
    assert_eq!((sort_key(marks[0]).as_str(), marks[0]["state"].as_s().unwrap().as_str()), ("UPLOAD", "saved"));
    assert!(marks[0].contains_key("expires_at"));
}

#[tokio::test]
async fn a_removal_that_loses_a_race_leaves_meta_for_the_next_one() {
    let rule = cancelled(&["TransactionConflict"]);
    let versions: Vec<_> = (1..=100).map(version).collect();
    assert_eq!(store(&rule).remove(&file().meta, &versions).await.unwrap(), Written::LostRace);
    assert_eq!(rule.num_calls(), 1);
}
