//! Stream worker: finishes what was interrupted, and removes what has run out.
//!
//! | what the table's stream says | what is done |
//! | --- | --- |
//! | a file is deleted and due, or its hidden `META` has run out | its objects, links and items are removed |
//! | a file was changed that is or was public | its objects are tagged again as the file says |
//! | a `pending` mark of an upload has run out | the object that its save had copied is removed |
//!
//! Every record can be handled twice. A record that fails is reported, and Lambda retries from there.

use aws_lambda_events::event::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::{
    ApiError, access,
    config::ConfigError,
    file::Meta,
    file_store::{FileStore, Partition, Written},
    log,
    object_key::FileId,
    object_store::ObjectStore,
    purge::purge,
    upload_mark::UploadMark,
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
    let mut response = DynamoDbEventResponse::default();
    for record in event.payload.records {
        let sequence_number = record.change.sequence_number.clone();
        if let Err(error) = app.finish(record).await {
            tracing::error!(?error, "a record failed; it is retried");
            // Records are in order: Lambda retries from the first failure on.
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = sequence_number;
            response.batch_item_failures.push(failure);
            break;
        }
    }
    Ok(response)
}

impl PurgeFiles {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { files: FileStore::from_env()?, objects: ObjectStore::from_env()? })
    }

    async fn finish(&self, record: EventRecord) -> Result<(), ApiError> {
        let change = record.change;
        let sort_key: String =
            change.keys.get("sk").cloned().map(serde_dynamo::from_attribute_value).transpose()?.unwrap_or_default();
        match (sort_key.as_str(), record.event_name.as_str()) {
            ("META", "REMOVE") => {
                let old: Meta = serde_dynamo::from_item(change.old_image)?;
                if old.deleted_at.is_some() { self.purge(&old).await } else { Ok(()) }
            }
            ("META", "INSERT" | "MODIFY") => {
                let meta: Meta = serde_dynamo::from_item(change.new_image)?;
                if meta.is_due_for_purge() { self.purge(&meta).await } else { self.tag(meta.id).await }
            }
            ("UPLOAD", "REMOVE") => {
                let mark: UploadMark = serde_dynamo::from_item(change.old_image)?;
                if mark.is_abandoned() { self.objects.delete(&[mark.object_key]).await } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    async fn purge(&self, meta: &Meta) -> Result<(), ApiError> {
        let Partition { versions, .. } = self.files.partition(meta.id).await?;
        match purge(&self.files, &self.objects, meta, &versions).await? {
            Written::Stored => Ok(()),
            Written::LostRace => Err(ApiError::internal("the file is being removed by somebody else; look again")),
        }
    }

    async fn tag(&self, id: FileId) -> Result<(), ApiError> {
        match self.files.find(id).await? {
            Some(file) => access::enforce(&self.files, &self.objects, file).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
