use super::*;
use crate::fixtures::{
    caller, dynamodb, file, file_id, file_with_versions, items, key_of, saved_key, takes_all, version,
};
use aws_sdk_dynamodb::operation::{get_item::GetItemOutput, query::QueryOutput};
use aws_smithy_mocks::{Rule, mock};

fn store(rules: &[&Rule]) -> FileStore {
    FileStore::with_client(dynamodb(rules), "files")
}

/// A partition with these items, which a query for the file finds in their order.
fn partition_of(items: Vec<Key>) -> Rule {
    mock!(Client::query).then_compute_output(move |query| {
        assert_eq!((query.consistent_read(), query.scan_index_forward()), (Some(true), Some(false)));
        let most = query.limit().map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
        let bound = |name: &str| Some(query.expression_attribute_values()?.get(name)?.as_s().unwrap().clone());
        let (first, last) = (bound(":first").unwrap_or_default(), bound(":last").unwrap_or("~".into()));
        let between = items.iter().filter(|item| (&first..=&last).contains(&item["sk"].as_s().unwrap()));
        QueryOutput::builder().set_items(Some(between.take(most).cloned().collect())).build()
    })
}

fn pending(upload: u32) -> Pending {
    Pending::new(saved_key(upload))
}

/// What a commit wrote: each action, its condition, and the revision that it replaces.
async fn committed(before: Option<&Meta>, saved: &[(Version, Pending)]) -> Vec<(String, String, String)> {
    let (rules, taken) = takes_all();
    let file = file();
    let change = Change { before, after: &file.meta, saved, request: None };
    assert_eq!(store(&rules.each_ref()).commit(change).await.unwrap(), Written::Stored);
    let [actions] = taken.writes().try_into().unwrap();
    let seen = actions.iter().map(|action| {
        let put = action.put().unwrap();
        let revision = put.expression_attribute_values().and_then(|values| values.get(":revision")?.as_n().ok());
        let condition = put.condition_expression().unwrap_or_default().to_owned();
        (key_of(put.item()), condition, revision.cloned().unwrap_or_default())
    });
    seen.collect()
}

fn row(key: &str, condition: &str, revision: &str) -> (String, String, String) {
    (key.to_owned(), condition.to_owned(), revision.to_owned())
}

const STILL_PENDING: &str = "#state = :pending AND org = :org AND generation = :generation";

#[tokio::test]
async fn a_new_file_is_one_conditional_write_in_place_of_its_uploads_mark() {
    let meta = format!("FILE#{} META", file_id());
    assert_eq!(committed(None, &[(version(1), pending(1))]).await, [row(&meta, STILL_PENDING, "")]);
    assert_eq!(committed(None, &[]).await, [row(&meta, "attribute_not_exists(pk)", "")]);
}

#[tokio::test]
async fn new_versions_supersede_those_before_and_leave_a_pointer_in_place_of_each_uploads_mark() {
    let before = Meta { revision: 41, ..file().meta };
    let saved = [(version(2), pending(2)), (version(3), pending(3))];
    let file = |sk: &str| format!("FILE#{} {sk}", file_id());
    let upload = |number: u32| format!("FILE#00000000-0000-4000-8000-{number:012} META");
    assert_eq!(
        committed(Some(&before), &saved).await,
        [
            row(&file("META"), "revision = :revision", "41"),
            row(&file("HISTORY#00000001"), "", ""),
            row(&file("HISTORY#00000002"), "", ""),
            row(&upload(2), STILL_PENDING, ""),
            row(&upload(3), STILL_PENDING, ""),
        ]
    );
}

#[tokio::test]
async fn new_attributes_are_one_write_conditional_on_the_revision_that_was_read() {
    let before = Meta { revision: 42, ..file().meta };
    let meta = format!("FILE#{} META", file_id());
    assert_eq!(committed(Some(&before), &[]).await, [row(&meta, "revision = :revision", "42")]);
}

#[tokio::test]
async fn a_file_comes_with_its_newest_100_versions_by_one_query() {
    for (count, found) in [(1, 1), (2, 2), (100, 100), (101, 100), (1_000, 100)] {
        let file = file_with_versions(count);
        let rule = partition_of(items(&file));
        let read = store(&[&rule]).find(file_id()).await.unwrap().unwrap();
        assert_eq!(read.meta, file.meta);
        assert_eq!(read.versions, file.versions[..found]);
        assert_eq!(rule.num_calls(), 1);
    }
}

#[tokio::test]
async fn versions_are_read_by_their_numbers_and_the_current_one_without_a_call() {
    let file = file_with_versions(150);
    let rule = partition_of(items(&file));
    let store = store(&[&rule]);
    let numbers = async |range| -> Vec<u32> {
        store.versions_between(&file.meta, range).await.unwrap().iter().map(|version| version.number).collect()
    };
    assert_eq!(numbers(150..=150).await, [150]);
    assert_eq!(rule.num_calls(), 0);
    assert_eq!(numbers(148..=150).await, [150, 149, 148]);
    assert_eq!(numbers(1..=2).await, [2, 1]);
    assert_eq!(store.all_versions(&file.meta).await.unwrap(), file.versions);
}

#[tokio::test]
async fn a_version_at_an_index_is_one_read_however_many_there_are() {
    let file = file_with_versions(1_000);
    let get = mock!(Client::get_item).then_compute_output(|get| {
        let number = key_of(get.key().unwrap()).rsplit_once("HISTORY#").unwrap().1.parse().unwrap();
        GetItemOutput::builder().set_item(Some(serde_dynamo::to_item(version(number)).unwrap())).build()
    });
    let store = store(&[&get]);
    for (index, number) in [(0, Some(1_000)), (1, Some(999)), (999, Some(1)), (1_000, None), (u32::MAX, None)] {
        assert_eq!(store.version_at(&file.meta, index).await.unwrap(), number.map(version), "{index}");
    }
    assert_eq!(get.num_calls(), 2);
}

#[tokio::test]
async fn a_file_that_is_unknown_deleted_or_anothers_gives_the_same_404() {
    let mut deleted = file();
    deleted.meta.deleted_at = Some("2026-01-02T00:00:00Z".into());
    let mut pending: Key = serde_dynamo::to_item(UploadMark::Pending(pending(1))).unwrap();
    pending.extend(file_key(file_id()));
    for (why, items, org) in [
        ("unknown", vec![], "123"),
        ("deleted", items(&deleted), "123"),
        ("being saved", vec![pending], "123"),
        ("of another organisation", items(&file()), "456"),
        ("half removed", vec![items(&file_with_versions(2))[1].clone()], "123"),
    ] {
        let error = store(&[&partition_of(items)]).load(&caller(org), file_id(), Right::View).await.unwrap_err();
        let expected = ApiError::file_not_found();
        assert_eq!((error.status(), error.to_string()), (expected.status(), expected.to_string()), "{why}");
    }
    let found = store(&[&partition_of(items(&file()))]).load(&caller("123"), file_id(), Right::View).await;
    assert_eq!(found.unwrap(), file());
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
    let (rules, taken) = takes_all();
    let change = Change { before: Some(&before), after: &after, saved: &[], request: None };
    assert_eq!(store(&rules.each_ref()).commit(change).await.unwrap(), Written::Stored);
    let related =
        |action: &str, entity: &str| format!("{action} ENTITY#123#{entity} FILE#2026-01-01T00:00:00Z_{}", file_id());
    let expected = [related("put", "changed"), related("put", "new"), related("delete", "gone")];
    assert_eq!(taken.keys()[0][1..], expected);
}

#[tokio::test]
async fn a_removal_takes_meta_last_and_leaves_a_mark_for_each_upload() {
    let (rules, taken) = takes_all();
    let mut file = file_with_versions(120);
    let relation = Relation { entity_id: "order-7".parse().unwrap(), schema: None, tags: Vec::new() };
    file.meta.relations = vec![relation];
    // The file has the id of its first upload.
    file.meta.id = saved_key(1).upload.file_id();
    store(&rules.each_ref()).remove(&file.meta, &file.versions).await.unwrap();

    let writes = taken.keys();
    let meta = format!("put {}", key_of(&file_key(file.meta.id)));
    assert_eq!(writes.last().unwrap(), std::slice::from_ref(&meta));
    let all: Vec<_> = writes.concat();
    assert_eq!(all.iter().filter(|key| **key == meta).count(), 1);
    assert_eq!(all.iter().filter(|key| key.starts_with("put FILE#") && key.ends_with(" META")).count(), 120);
    assert_eq!(all.iter().filter(|key| key.starts_with("delete FILE#") && key.contains(" HISTORY#")).count(), 119);
    assert!(all.iter().any(|key| key.starts_with("delete ENTITY#123#order-7")));
    let marks = taken.writes().concat().into_iter().filter_map(|action| action.put);
    assert!(marks.clone().all(|put| put.item()["state"].as_s().unwrap() == "removed"));
    assert!(marks.clone().all(|put| put.item().contains_key("expires_at")), "a mark is forgotten after a while");
}
