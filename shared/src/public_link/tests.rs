use super::*;
use crate::fixtures::{dynamodb, file, file_id, filename, link, takes_all};
use aws_sdk_dynamodb::{
    Client,
    operation::{
        query::QueryOutput,
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{
        CancellationReason,
        error::{
            ConditionalCheckFailedException, InternalServerError, TransactionCanceledException,
            TransactionConflictException,
        },
    },
};
use aws_smithy_mocks::{Rule, mock};
use std::sync::{Arc, Mutex};

type Transactions = Arc<Mutex<Vec<Vec<TransactWriteItem>>>>;

fn store(rules: &[&Rule]) -> FileStore {
    FileStore::with_client(dynamodb(rules), "files")
}

/// A table that takes every transaction, and what it took.
fn taken() -> (Rule, Transactions) {
    let transactions = Transactions::default();
    let record = Arc::clone(&transactions);
    let rule = mock!(Client::transact_write_items).then_compute_output(move |transaction| {
        record.lock().unwrap().push(transaction.transact_items().to_vec());
        TransactWriteItemsOutput::builder().build()
    });
    (rule, transactions)
}

fn conflict() -> TransactWriteItemsError {
    let reason = CancellationReason::builder().code("TransactionConflict").build();
    let cancelled = TransactionCanceledException::builder().cancellation_reasons(reason).build();
    TransactWriteItemsError::TransactionCanceledException(cancelled)
}

fn names(key: &Key) -> (String, String) {
    let part = |name: &str| key[name].as_s().unwrap().clone();
    (part("pk"), part("sk"))
}

fn both_keys(link: &PublicLink) -> [(String, String); 2] {
    [names(&link.key()), names(&link.key_in_list())]
}

#[test]
fn a_new_link_has_an_id_of_its_own_and_the_name_that_the_file_has() {
    let meta = file().meta;
    let [one, two] = [PublicLink::to(&meta), PublicLink::to(&meta)];
    assert_ne!(one.id, two.id);
    assert_eq!((one.file_id, &one.filename, one.last_accessed_at), (meta.id, &meta.filename, None));
}

#[test]
fn the_name_is_one_segment_of_the_url() {
    let url = |name: &str| PublicLink { filename: filename(name), ..link(7) }.url("https://a.example");
    let start = "https://a.example/v1/files/public/links/00000000-0000-4000-8000-000000000007/";
    for (name, segment) in [
        ("a b.pdf", "a%20b.pdf"),
        ("100% ü?#&.txt", "100%25%20%C3%BC%3F%23%26.txt"),
        ("🦀", "%F0%9F%A6%80"),
        ("\"><script>", "%22%3E%3Cscript%3E"),
    ] {
        assert_eq!(url(name), format!("{start}{segment}"));
    }
}

#[test]
fn a_cursor_is_only_what_a_link_made() {
    let ours = link(7).cursor();
    assert_eq!(ours.to_string().parse::<LinkCursor>().unwrap(), ours);
    let id = link(7).id;
    for bad in [
        "",
        "_",
        "x",
        &id.to_string(),
        &format!("2026-01-01T00:00:00Z_{id}"),
        &format!("2026-01-01T00:00:00.0000Z_{id}"),
        &format!("2026-13-01T00:00:00.000Z_{id}"),
        &format!("2026-01-01T00:00:00.000Z#{id}"),
        "2026-01-01T00:00:00.000Z_x",
        &format!("{}_{id}", "0".repeat(24)),
        &format!("2026-01-01T00:00:00.000Z_{id}_"),
    ] {
        assert!(bad.parse::<LinkCursor>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_link_is_stored_only_while_its_file_is_as_it_was_when_the_caller_could_share_it() {
    let (rule, transactions) = taken();
    let (mut meta, link) = (file().meta, link(1));
    meta.revision = 41;
    assert_eq!(store(&[&rule]).add_link(&link, &meta, None).await.unwrap(), Written::Stored);
    let transactions = transactions.lock().unwrap();
    let check = transactions[0][0].condition_check().unwrap();
    assert_eq!(names(check.key()), (format!("FILE#{}", meta.id), "META".into()));
    assert_eq!(check.condition_expression(), "revision = :revision");
    assert_eq!(check.expression_attribute_values().unwrap()[":revision"].as_n().unwrap(), "41");
    let stored: Vec<_> = transactions[0][1..].iter().map(|action| action.put().unwrap().item()).collect();
    assert_eq!(stored.iter().map(|item| names(item)).collect::<Vec<_>>(), both_keys(&link));
    for item in stored {
        assert_eq!(serde_dynamo::from_item::<_, PublicLink>(item.clone()).unwrap(), link);
    }
}

#[tokio::test]
async fn links_are_read_from_the_cursor_on_and_as_they_are_now() {
    let rule = mock!(Client::query)
        .match_requests(|query| {
            let values = query.expression_attribute_values().unwrap();
            query.key_condition_expression() == Some("pk = :pk AND sk > :after")
                && values[":pk"].as_s().unwrap() == &format!("LINKS#{}", file_id())
                && values[":after"].as_s().unwrap() == &link(1).cursor().to_string()
                && (query.limit(), query.consistent_read()) == (Some(3), Some(true))
        })
        .then_output(|| {
            let items = [2, 3].map(|number| serde_dynamo::to_item(link(number)).unwrap());
            QueryOutput::builder().set_items(Some(items.into())).build()
        });
    let found = store(&[&rule]).links(file_id(), Some(&link(1).cursor()), 3).await.unwrap();
    assert_eq!(found, [2, 3].map(link));
}

#[tokio::test]
async fn an_access_is_noted_on_a_link_that_is_there_and_never_moves_back() {
    let is_safe = |update: &UpdateItemInput| {
        names(update.key().unwrap()) == names(&link(1).key_in_list())
            && update.condition_expression()
                == Some("attribute_exists(pk) AND (attribute_not_exists(last_accessed_at) OR last_accessed_at < :now)")
    };
    let noted = mock!(Client::update_item).match_requests(is_safe).then_output(|| UpdateItemOutput::builder().build());
    let refused = mock!(Client::update_item).then_error(|| {
        let failed = ConditionalCheckFailedException::builder().build();
        UpdateItemError::ConditionalCheckFailedException(failed)
    });
    let being_revoked = mock!(Client::update_item)
        .then_error(|| UpdateItemError::TransactionConflictException(TransactionConflictException::builder().build()));
    for rule in [noted, refused, being_revoked] {
        store(&[&rule]).note_access(&link(1)).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }
    let broken = mock!(Client::update_item)
        .then_error(|| UpdateItemError::InternalServerError(InternalServerError::builder().build()));
    assert_eq!(store(&[&broken]).note_access(&link(1)).await.unwrap_err().status(), 500);
}

#[tokio::test]
async fn a_link_that_is_being_followed_can_be_revoked() {
    let rule = mock!(Client::transact_write_items)
        .sequence()
        .error(conflict)
        .output(|| TransactWriteItemsOutput::builder().build())
        .build();
    store(&[&rule]).remove_link(&link(1)).await.unwrap();
    assert_eq!(rule.num_calls(), 2);
}

#[tokio::test]
async fn a_files_links_are_removed_a_part_at_a_time_and_their_places_in_the_list_last() {
    let pages = mock!(Client::query)
        .sequence()
        .output(|| {
            let items = (0..120).map(|number| serde_dynamo::to_item(link(number)).unwrap()).collect();
            QueryOutput::builder().set_items(Some(items)).build()
        })
        .output(|| QueryOutput::builder().items(serde_dynamo::to_item(link(120)).unwrap()).build())
        .output(|| QueryOutput::builder().build())
        .build();
    let (rules, taken) = takes_all();
    store(&[&[&pages][..], &rules.each_ref()].concat()).remove_links(file_id()).await.unwrap();
    let removed: Vec<_> = taken.writes().concat().iter().map(|action| names(action.delete().unwrap().key())).collect();
    let keys = |numbers: std::ops::Range<u32>| -> Vec<_> {
        let (links, list): (Vec<_>, Vec<_>) = numbers.map(|number| <(_, _)>::from(both_keys(&link(number)))).unzip();
        [links, list].concat()
    };
    assert_eq!(removed, [keys(0..120), keys(120..121)].concat());
}
