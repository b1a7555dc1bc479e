use super::*;
use crate::{
    file::{Closing, File},
    fixtures::{dynamodb, file, file_with_versions, item, items, s3, saved_key},
};
use aws_sdk_dynamodb::operation::{
    get_item::GetItemOutput,
    put_item::{PutItemError, PutItemOutput},
    query::QueryOutput,
};
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_s3::operation::put_object_tagging::PutObjectTaggingOutput;
use aws_smithy_mocks::mock;
use std::sync::{Arc, Mutex};

/// The calls that settling makes, while the table has one of `readings` after the other: the tag of each object as its
/// version and `public` or `private`, and each write of the file as its access and revision. The first `losing` writes
/// lose.
async fn settled(before: Option<&Meta>, meta: Meta, readings: Vec<Option<Meta>>, losing: usize) -> Vec<String> {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let count = meta.current_number().max(9);
    let readings = Mutex::new(readings.into_iter());
    let get = mock!(aws_sdk_dynamodb::Client::get_item).then_compute_output(move |_| {
        let meta = readings.lock().unwrap().next().expect("no more readings");
        GetItemOutput::builder().set_item(meta.map(|meta| item(&meta))).build()
    });
    let query = mock!(aws_sdk_dynamodb::Client::query).then_compute_output(move |query| {
        let bound = |name: &str| query.expression_attribute_values().unwrap()[name].as_s().unwrap().clone();
        let (first, last) = (bound(":first"), bound(":last"));
        let versions = items(&file_with_versions(count)).into_iter().skip(1);
        let found = versions.filter(|item| (&first..=&last).contains(&item["sk"].as_s().unwrap()));
        QueryOutput::builder().set_items(Some(found.collect())).build()
    });
    let (record, attempts) = (Arc::clone(&calls), Mutex::new(0));
    let put = mock!(aws_sdk_dynamodb::Client::put_item).then_compute_response(move |put| {
        let meta: Meta = serde_dynamo::from_item(put.item().unwrap().clone()).unwrap();
        let state = if meta.deleted_at.is_some() { "deleted".to_owned() } else { format!("{:?}", meta.access_control) };
        *attempts.lock().unwrap() += 1;
        if *attempts.lock().unwrap() > losing {
            record.lock().unwrap().push(format!("{state} {}", meta.revision));
            aws_smithy_mocks::MockResponse::Output(PutItemOutput::builder().build())
        } else {
            let failed = ConditionalCheckFailedException::builder().build();
            aws_smithy_mocks::MockResponse::Error(PutItemError::ConditionalCheckFailedException(failed))
        }
    });
    let record = Arc::clone(&calls);
    let tag = mock!(aws_sdk_s3::Client::put_object_tagging).then_compute_output(move |put| {
        let number = (1..=count).find(|number| put.key() == Some(&saved_key(*number).to_string())).unwrap();
        let public = put.tagging().unwrap().tag_set().iter().any(|tag| tag.key() == "access");
        record.lock().unwrap().push(format!("{number} {}", if public { "public" } else { "private" }));
        PutObjectTaggingOutput::builder().build()
    });
    let files = FileStore::with_client(dynamodb(&[&get, &query, &put]), "files");
    let objects = ObjectStore::with_client(s3(&[&tag]), "bucket");
    settle(&files, &objects, before, meta).await.unwrap();
    calls.lock().unwrap().clone()
}

/// Objects are tagged side by side, in no order.
fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort();
    tags
}

fn private() -> Meta {
    file().meta
}

fn public() -> Meta {
    Meta { access_control: AccessControl::PublicRead, ..file().meta }
}

fn with_versions(count: u32, meta: Meta) -> Meta {
    let File { meta: Meta { current, .. }, .. } = file_with_versions(count);
    Meta { current, ..meta }
}

fn closing(to: Closing) -> Meta {
    Meta { closing: Some(to), ..public() }
}

#[tokio::test]
async fn a_private_file_that_stays_private_costs_no_call() {
    assert!(settled(None, private(), vec![], 0).await.is_empty());
    assert!(settled(Some(&private()), with_versions(2, private()), vec![], 0).await.is_empty());
    let deleted = Meta { deleted_at: Some("2026-01-02T00:00:00Z".into()), ..private() };
    assert!(settled(Some(&private()), deleted, vec![], 0).await.is_empty());
}

#[tokio::test]
async fn a_file_that_turns_public_has_all_its_versions_tagged() {
    let now = with_versions(3, public());
    let tags = settled(Some(&with_versions(3, private())), now.clone(), vec![Some(now)], 0).await;
    assert_eq!(sorted(tags), ["1 public", "2 public", "3 public"]);
}

#[tokio::test]
async fn of_a_public_file_only_new_versions_are_tagged() {
    let now = with_versions(1_000, public());
    let tags = settled(Some(&with_versions(998, public())), now.clone(), vec![Some(now.clone())], 0).await;
    assert_eq!(sorted(tags), ["1000 public", "999 public"]);
    assert!(settled(Some(&now.clone()), now, vec![], 0).await.is_empty());
}

#[tokio::test]
async fn a_file_whose_public_access_ends_is_hidden_before_it_says_so() {
    assert_eq!(settled(Some(&public()), closing(Closing::Private), vec![], 0).await, ["1 private", "Private 2"]);
    let deleted = Closing::Deleted { deleted_at: "2026-01-02T00:00:00Z".into(), expires_at: 1 };
    assert_eq!(settled(Some(&public()), closing(deleted), vec![], 0).await, ["1 private", "deleted 2"]);
}

#[tokio::test]
async fn an_end_that_loses_a_race_is_reached_on_what_the_file_is_then() {
    let now = Meta { revision: 7, ..with_versions(2, closing(Closing::Private)) };
    let calls = settled(Some(&public()), closing(Closing::Private), vec![Some(now)], 1).await;
    assert_eq!((calls[0].as_str(), calls[3].as_str()), ("1 private", "Private 8"));
    assert_eq!(sorted(calls[1..3].to_vec()), ["1 private", "2 private"]);
}

#[tokio::test]
async fn an_interrupted_end_is_reached_by_whoever_settles_the_file_next() {
    let now = closing(Closing::Private);
    assert_eq!(settled(Some(&now.clone()), now, vec![], 0).await, ["1 private", "Private 2"]);
}

#[tokio::test]
async fn a_file_that_turned_private_while_it_was_tagged_ends_private() {
    let readings = vec![Some(private()), Some(private())];
    assert_eq!(settled(None, public(), readings, 0).await.last().unwrap(), "1 private");
}

#[tokio::test]
async fn a_version_that_was_added_meanwhile_is_tagged_too() {
    let now = with_versions(2, public());
    let tags = settled(None, public(), vec![Some(now.clone()), Some(now)], 0).await;
    assert_eq!(tags, ["1 public", "2 public"]);
}

#[tokio::test]
async fn a_file_that_was_removed_meanwhile_needs_no_more_tags() {
    assert_eq!(settled(None, public(), vec![None], 0).await, ["1 public"]);
}

#[tokio::test]
async fn a_file_that_turned_private_is_hidden_also_if_a_tag_failed_before() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&calls);
    let tag = mock!(aws_sdk_s3::Client::put_object_tagging).then_compute_response(move |put| {
        let public = put.tagging().unwrap().tag_set().iter().any(|tag| tag.key() == "access");
        record.lock().unwrap().push(public);
        if public {
            aws_smithy_mocks::MockResponse::Http(crate::fixtures::s3_answer(403, Some("AccessDenied")))
        } else {
            aws_smithy_mocks::MockResponse::Output(PutObjectTaggingOutput::builder().build())
        }
    });
    for (now, tags, is_error) in [(private(), vec![true, false], false), (public(), vec![true], true)] {
        calls.lock().unwrap().clear();
        let get = mock!(aws_sdk_dynamodb::Client::get_item)
            .then_output(move || GetItemOutput::builder().set_item(Some(item(&now))).build());
        let files = FileStore::with_client(dynamodb(&[&get]), "files");
        let settled = settle(&files, &ObjectStore::with_client(s3(&[&tag]), "bucket"), None, public()).await;
        assert_eq!((settled.is_err(), calls.lock().unwrap().clone()), (is_error, tags));
    }
}
