//! Stream worker: finishes what was interrupted, and removes what has run out.
//!
//! | what the table's stream says | what is done |
//! | --- | --- |
//! | a file is deleted and due, or its hidden `META` has run out | its objects, links and items are removed |
//! | a file was changed that is or was public | its objects are tagged again as the file says now |
//! | the mark of a pending or removed upload has run out | what its saves may have left in the bucket is removed |
//!
//! Every record can be handled twice, and each is handled on its own. Those that fail are reported, and Lambda retries
//! from the first of them on.

use aws_lambda_events::event::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use futures_util::future::join_all;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_dynamo::{AttributeValue, Item};
use shared::{
    ApiError, access,
    config::ConfigError,
    file::Meta,
    file_store::FileStore,
    log,
    object_key::{FileId, SavedKey},
    object_store::ObjectStore,
    purge::purge,
    upload_mark::{Record, UploadMark},
};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::as_json();
    let app = PurgeFiles::from_env()?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        let invocation = log::invocation("purgeFiles", &event.context);
        handle(&app, event).instrument(invocation)
    }))
    .await
}

struct PurgeFiles {
    files: FileStore,
    objects: ObjectStore,
}

async fn handle(app: &PurgeFiles, event: LambdaEvent<Event>) -> Result<DynamoDbEventResponse, Error> {
    let handled = join_all(event.payload.records.into_iter().map(async |record| {
        let sequence_number = record.change.sequence_number.clone();
        let error = app.finish(record).await.err()?;
        tracing::error!(?error, "a record failed; it is retried");
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = sequence_number;
        Some(failure)
    }));
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = handled.await.into_iter().flatten().collect();
    Ok(response)
}

impl PurgeFiles {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { files: FileStore::from_env()?, objects: ObjectStore::from_env()? })
    }

    async fn finish(&self, record: EventRecord) -> Result<(), ApiError> {
        let change = record.change;
        let is_removal = record.event_name == "REMOVE";
        let is_meta = change.keys.get("sk").is_some_and(|sk| *sk == AttributeValue::S("META".to_owned()));
        if !is_meta {
            return Ok(());
        }
        let image = |image: Item| if image.is_empty() { Ok(None) } else { serde_dynamo::from_item(image).map(Some) };
        let old: Option<Record> = image(change.old_image)?;
        let new: Option<Record> = if is_removal { None } else { image(change.new_image)? };
        match (old, new) {
            (Some(Record::Mark(mark)), None) => match mark.left_over() {
                Some(object_key) => self.remove_left_over(object_key.clone()).await,
                None => Ok(()),
            },
            (Some(Record::File(old)), None) if old.deleted_at.is_some() => {
                purge(&self.files, &self.objects, &old).await
            }
            (_, Some(Record::File(new))) if new.is_due_for_purge() => purge(&self.files, &self.objects, &new).await,
            (old, Some(Record::File(new))) => self.settle(old.and_then(Record::file), new.id).await,
            _ => Ok(()),
        }
    }

    /// Tags objects as the file says now, which may be otherwise than the record said.
    async fn settle(&self, before: Option<Meta>, id: FileId) -> Result<(), ApiError> {
        match self.files.find_meta(id).await? {
            Some(now) => access::settle(&self.files, &self.objects, before.as_ref(), now).await.map(drop),
            None => Ok(()),
        }
    }

    /// Removes what belongs to no file any more: the copy of a save that died, or one that came after its file had been
    /// removed. The upload can no longer be saved, so it cannot become a file from here on.
    async fn remove_left_over(&self, object_key: SavedKey) -> Result<(), ApiError> {
        match self.files.record(object_key.upload.file_id()).await? {
            Some(Record::File(_) | Record::Mark(UploadMark::Version { .. })) => return Ok(()),
            // Its own mark does this when it runs out.
            Some(Record::Mark(UploadMark::Pending(pending))) if pending.object_key == object_key => return Ok(()),
            _ => {}
        }
        let keys = [object_key];
        tokio::try_join!(self.objects.delete(&keys), self.objects.delete_previews(&keys)).map(drop)
    }
}

#[cfg(test)]
mod tests;
