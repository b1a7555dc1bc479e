//! The mark on an upload that is being saved or has been: what makes a repeated save harmless, and an abandoned one
//! clean itself up.

use crate::{
    error::ApiError,
    file_store::{FileStore, Key, MAX_ATTEMPTS, back_off, key},
    object_key::{FileId, OrgId, SavedKey, UploadId},
};
use aws_sdk_dynamodb::{
    operation::{delete_item::DeleteItemError, put_item::PutItemError},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, builders::PutBuilder},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};

/// How long a mark lives that belongs to no file. An upload can be saved for 24 hours, so no save of it can begin, or still be running, when its
/// mark runs out: the copied object of a `pending` one can be removed without a look back.
const LIFETIME: Duration = Duration::days(2);

/// The item `UPLOAD#{upload id}`/`UPLOAD`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadMark {
    state: State,
    /// Who saves it.
    pub org: OrgId,
    /// The file that it becomes a version of.
    pub file_id: FileId,
    /// Where its bytes are copied to.
    pub object_key: SavedKey,
    /// When the mark runs out, in seconds since 1970: the table's TTL. That of a saved upload stays as long as its file:
    /// it finds the file of an `s3ref`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Pending,
    Saved,
}

/// Whether a save may go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// Yes; nobody has saved this upload.
    Pending,
    /// It is already saved, as a version of this file of the same organisation.
    SavedAs(FileId),
    /// Another organisation is saving, or has saved, this public upload.
    Taken,
}

impl UploadMark {
    const SORT_KEY: &str = "UPLOAD";

    /// A mark for a save that begins now.
    #[must_use]
    pub fn pending(object_key: SavedKey, file_id: FileId) -> Self {
        let expires_at = Some((OffsetDateTime::now_utc() + LIFETIME).unix_timestamp());
        Self { state: State::Pending, org: object_key.org.clone(), file_id, object_key, expires_at }
    }

    /// The mark that a removed version leaves.
    pub(crate) fn of_removed(object_key: SavedKey, file_id: FileId) -> Self {
        Self { state: State::Saved, ..Self::pending(object_key, file_id) }
    }

    /// Whether this mark ran out before its save was committed.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        let has_run_out = |at: i64| at <= OffsetDateTime::now_utc().unix_timestamp();
        self.state == State::Pending && self.expires_at.is_some_and(has_run_out)
    }

    pub(crate) fn saved(&self) -> Self {
        Self { state: State::Saved, expires_at: None, ..self.clone() }
    }

    pub(crate) fn key(&self) -> Key {
        mark_key(self.object_key.upload)
    }

    /// The condition that makes an upload become at most one version: there is no mark, or ours is pending.
    pub(crate) fn saved_only_once(&self, put: PutBuilder) -> PutBuilder {
        put.condition_expression(CONDITION)
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(self.condition_values()))
    }

    fn condition_values(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (":pending".to_owned(), AttributeValue::S("pending".to_owned())),
            (":org".to_owned(), AttributeValue::S(self.org.to_string())),
        ])
    }
}

fn is_anothers(error: &DeleteItemError) -> bool {
    error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
}

fn mark_key(upload: UploadId) -> Key {
    key(&format!("UPLOAD#{upload}"), UploadMark::SORT_KEY)
}

const CONDITION: &str = "attribute_not_exists(pk) OR (#state = :pending AND org = :org)";

impl FileStore {
    /// Marks an upload as being saved, unless it has been, or is another organisation's by now.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn begin_save(&self, mark: &UploadMark) -> Result<Begun, ApiError> {
        let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(mark)?;
        item.extend(mark.key());
        let put = self
            .client()
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(CONDITION)
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(mark.condition_values()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for attempt in 0..MAX_ATTEMPTS {
            let Err(error) = put.clone().send().await else { return Ok(Begun::Pending) };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let found: UploadMark = serde_dynamo::from_item(failed.item().cloned().unwrap_or_default())?;
                    return Ok(if found.org == mark.org { Begun::SavedAs(found.file_id) } else { Begun::Taken });
                }
                // Another save's transaction holds the mark right now; the SDK does not try this again by itself.
                Some(PutItemError::TransactionConflictException(_)) => back_off(attempt).await,
                _ => return Err(error.into()),
            }
        }
        Err(ApiError::too_busy())
    }

    /// The file that an upload was saved as a version of, deleted or not.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn saved_as(&self, upload: UploadId) -> Result<Option<FileId>, ApiError> {
        let get =
            self.client().get_item().table_name(&self.table).set_key(Some(mark_key(upload))).consistent_read(true);
        let mark: Option<UploadMark> = get.send().await?.item.map(serde_dynamo::from_item).transpose()?;
        Ok(mark.filter(|mark| mark.state == State::Saved).map(|mark| mark.file_id))
    }

    /// Takes back the mark of an upload that turned out not to exist.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn abandon_save(&self, mark: &UploadMark) -> Result<(), ApiError> {
        let delete = self
            .client()
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(mark.key()))
            .condition_expression(CONDITION)
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(mark.condition_values()));
        match delete.send().await {
            Ok(_) => Ok(()),
            // Somebody else has saved it, or is about to.
            Err(error) if error.as_service_error().is_some_and(is_anothers) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dynamodb, file_id, saved_key};
    use aws_sdk_dynamodb::{
        Client,
        operation::{delete_item::DeleteItemOutput, put_item::PutItemOutput},
        types::error::{ConditionalCheckFailedException, InternalServerError, TransactionConflictException},
    };
    use aws_smithy_mocks::{Rule, mock};

    fn mark() -> UploadMark {
        UploadMark::pending(saved_key(1), file_id())
    }

    fn store(rule: &Rule) -> FileStore {
        FileStore::with_client(dynamodb(&[rule]), "files")
    }

    /// The condition fails because of this mark.
    fn found(mark: UploadMark) -> Rule {
        mock!(Client::put_item).match_requests(asks_for_the_item_in_the_way).then_error(move || {
            let item = serde_dynamo::to_item(&mark).unwrap();
            PutItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder().set_item(Some(item)).build(),
            )
        })
    }

    fn asks_for_the_item_in_the_way(put: &aws_sdk_dynamodb::operation::put_item::PutItemInput) -> bool {
        put.condition_expression() == Some(CONDITION)
            && put.return_values_on_condition_check_failure() == Some(&ReturnValuesOnConditionCheckFailure::AllOld)
    }

    #[tokio::test]
    async fn a_save_of_an_upload_that_nobody_saved_begins_with_a_pending_mark() {
        let rule = mock!(Client::put_item)
            .match_requests(|put| {
                let item = put.item().unwrap();
                item["pk"].as_s().unwrap() == "UPLOAD#00000000-0000-4000-8000-000000000001"
                    && item["state"].as_s().unwrap() == "pending"
                    && asks_for_the_item_in_the_way(put)
            })
            .then_output(|| PutItemOutput::builder().build());
        assert_eq!(store(&rule).begin_save(&mark()).await.unwrap(), Begun::Pending);
    }

    #[tokio::test]
    async fn a_repeated_save_learns_which_file_the_upload_became() {
        let other = "00000000-0000-4000-8000-00000000000f".parse().unwrap();
        let rule = found(UploadMark { file_id: other, ..mark().saved() });
        assert_eq!(store(&rule).begin_save(&mark()).await.unwrap(), Begun::SavedAs(other));
    }

    #[tokio::test]
    async fn an_upload_that_another_organisation_saves_or_saved_is_taken() {
        let theirs = UploadMark { org: "456".parse().unwrap(), ..mark() };
        for theirs in [theirs.saved(), theirs] {
            assert_eq!(store(&found(theirs)).begin_save(&mark()).await.unwrap(), Begun::Taken);
        }
    }

    #[tokio::test]
    async fn a_mark_that_another_saves_transaction_holds_is_waited_for() {
        let conflict = || PutItemError::TransactionConflictException(TransactionConflictException::builder().build());
        let rule =
            mock!(Client::put_item).sequence().error(conflict).output(|| PutItemOutput::builder().build()).build();
        assert_eq!(store(&rule).begin_save(&mark()).await.unwrap(), Begun::Pending);
        assert_eq!(rule.num_calls(), 2);
    }

    #[tokio::test]
    async fn a_mark_that_cannot_be_written_is_an_error() {
        let put = mock!(Client::put_item)
            .then_error(|| PutItemError::InternalServerError(InternalServerError::builder().build()));
        assert_eq!(store(&put).begin_save(&mark()).await.unwrap_err().status(), 500);
        let delete = mock!(Client::delete_item)
            .then_error(|| DeleteItemError::InternalServerError(InternalServerError::builder().build()));
        assert_eq!(store(&delete).abandon_save(&mark()).await.unwrap_err().status(), 500);
    }

    #[tokio::test]
    async fn abandoning_a_save_takes_back_only_our_own_pending_mark() {
        let ours = |delete: &aws_sdk_dynamodb::operation::delete_item::DeleteItemInput| {
            delete.condition_expression() == Some(CONDITION)
                && delete.expression_attribute_values().unwrap()[":org"].as_s().unwrap() == "123"
        };
        let done = mock!(Client::delete_item).match_requests(ours).then_output(|| DeleteItemOutput::builder().build());
        let not_ours = mock!(Client::delete_item).match_requests(ours).then_error(|| {
            DeleteItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
        for rule in [done, not_ours] {
            store(&rule).abandon_save(&mark()).await.unwrap();
            assert_eq!(rule.num_calls(), 1);
        }
    }

    #[test]
    fn only_a_pending_mark_that_has_run_out_is_abandoned() {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let run_out = UploadMark { expires_at: Some(now), ..mark() };
        assert!(run_out.is_abandoned());
        assert!(!run_out.saved().is_abandoned());
        assert!(!UploadMark { expires_at: Some(now + 3_600), ..mark() }.is_abandoned());
    }

    #[test]
    fn a_mark_outlives_the_time_in_which_its_upload_can_be_saved() {
        assert!(mark().expires_at.unwrap() > (OffsetDateTime::now_utc() + Duration::hours(25)).unix_timestamp());
    }
}
