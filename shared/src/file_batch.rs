//! Many files at once: their `META` items, and single versions of them, by as few calls as there can be.

use crate::{
    acl::Right,
    auth::Caller,
    error::ApiError,
    file::{File, Meta, Version},
    file_store::{FileStore, Key, file_key, history_key},
    object_key::FileId,
    table::{MAX_ATTEMPTS, back_off},
    upload_mark::Record,
};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::future::join_all;
use std::collections::{HashMap, HashSet};

/// How many partitions are read at a time.
const PARALLEL: usize = 16;
/// DynamoDB's limit on the items of one `BatchGetItem`.
const MAX_BATCH_ITEMS: usize = 100;

impl FileStore {
    /// The files with these ids, whoever they belong to and deleted or not; those that are unknown are missing.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn metas(&self, ids: &[FileId]) -> Result<HashMap<FileId, Meta>, ApiError> {
        let ids: HashSet<FileId> = ids.iter().copied().collect();
        let items = self.batch_get(ids.iter().copied().map(file_key).collect()).await?;
        let mut metas = HashMap::new();
        for item in items {
            // An id may be that of an upload which is no file, or not yet.
            let record: Record = serde_dynamo::from_item(item)?;
            metas.extend(record.file().map(|meta| (meta.id, meta)));
        }
        Ok(metas)
    }

    /// The files with these ids that exist and that `caller` has this right to, with their newest versions.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn load_many(&self, caller: &Caller, ids: &[FileId], right: Right) -> Result<Vec<File>, ApiError> {
        let metas = self.metas(ids).await?.into_values().filter(|meta| meta.permits(caller, right));
        let (single, several): (Vec<_>, Vec<_>) = metas.partition(|meta| meta.current_number() <= 1);
        let mut files: Vec<File> =
            single.into_iter().map(|meta| File { versions: meta.current.iter().cloned().collect(), meta }).collect();
        for chunk in several.chunks(PARALLEL) {
            for file in join_all(chunk.iter().map(|meta| self.find(meta.id))).await {
                // Somebody may have changed it in between.
                files.extend(file?.filter(|file| file.meta.permits(caller, right)));
            }
        }
        Ok(files)
    }

    /// These superseded versions, each by its file and its number; those that are unknown are missing.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn versions(&self, wanted: &HashSet<(FileId, u32)>) -> Result<HashMap<(FileId, u32), Version>, ApiError> {
        let keys = wanted.iter().map(|(id, number)| history_key(*id, *number)).collect();
        let mut versions = HashMap::new();
        for item in self.batch_get(keys).await? {
            let Some(id) = file_of(&item) else { continue };
            let version: Version = serde_dynamo::from_item(item)?;
            versions.insert((id, version.number), version);
        }
        Ok(versions)
    }

    /// The items that there are of these, each key being given once.
    async fn batch_get(&self, keys: Vec<Key>) -> Result<Vec<Key>, ApiError> {
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_BATCH_ITEMS) {
            items.extend(self.batch_get_chunk(chunk.to_vec()).await?);
        }
        Ok(items)
    }

    /// DynamoDB leaves out what is over 16 MB in one reply, and what it has no capacity for right now.
    async fn batch_get_chunk(&self, mut keys: Vec<Key>) -> Result<Vec<Key>, ApiError> {
        let mut items = Vec::with_capacity(keys.len());
        for attempt in 0..MAX_ATTEMPTS {
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let get = self.client().batch_get_item().request_items(&self.table, wanted.map_err(ApiError::internal)?);
            let reply = get.send().await?;
            items.extend(reply.responses.unwrap_or_default().remove(&self.table).unwrap_or_default());
            match reply.unprocessed_keys.unwrap_or_default().remove(&self.table) {
                Some(left) if !left.keys.is_empty() => keys = left.keys,
                _ => return Ok(items),
            }
            back_off(attempt).await;
        }
        Err(ApiError::internal("DynamoDB left keys of a batch unprocessed every time"))
    }
}

/// The file that an item belongs to, which a version's says in its key alone.
fn file_of(item: &Key) -> Option<FileId> {
    item.get("pk")?.as_s().ok()?.strip_prefix("FILE#")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dynamodb, file, item, version};
    use aws_sdk_dynamodb::{Client, operation::batch_get_item::BatchGetItemOutput};
    use aws_smithy_mocks::{Rule, mock};
    use std::sync::{Arc, Mutex};

    /// The id of the file with this number.
    fn id(number: usize) -> FileId {
        format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
    }

    /// A table that has every item asked for, and gives out `at_once` of them in one reply; and how many keys each call
    /// had.
    fn table(at_once: usize) -> (FileStore, Arc<Mutex<Vec<usize>>>) {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&calls);
        let rule: Rule = mock!(Client::batch_get_item).then_compute_output(move |get| {
            let wanted = &get.request_items().unwrap()["files"];
            assert_eq!(wanted.consistent_read(), Some(true));
            record.lock().unwrap().push(wanted.keys().len());
            let (now, later) = wanted.keys().split_at(at_once.min(wanted.keys().len()));
            let later = KeysAndAttributes::builder().set_keys(Some(later.to_vec())).build().unwrap();
            let replies = BatchGetItemOutput::builder().responses("files", now.iter().map(stored).collect());
            // DynamoDB names the table only if something of it is left.
            if later.keys().is_empty() { replies } else { replies.unprocessed_keys("files", later) }.build()
        });
        (FileStore::with_client(dynamodb(&[&rule]), "files"), calls)
    }

    fn stored(key: &Key) -> Key {
        let mut found = match key["sk"].as_s().unwrap().strip_prefix("HISTORY#") {
            Some(number) => item(&version(number.parse().unwrap())),
            None => item(&Meta { id: file_of(key).unwrap(), ..file().meta }),
        };
        found.extend(key.clone());
        found
    }

    #[tokio::test]
    async fn files_come_by_100_in_one_call_each_one_once() {
        let (files, calls) = table(100);
        let ids: Vec<_> = (0..250).map(|number| id(number / 2)).collect();
        let metas = files.metas(&ids).await.unwrap();
        assert_eq!(metas.len(), 125);
        assert!(metas.iter().all(|(id, meta)| *id == meta.id));
        assert_eq!(*calls.lock().unwrap(), [100, 25]);
    }

    #[tokio::test]
    async fn what_one_reply_leaves_out_is_asked_for_again() {
        let (files, calls) = table(2);
        assert_eq!(files.metas(&[id(1), id(2), id(3), id(4), id(5)]).await.unwrap().len(), 5);
        assert_eq!(*calls.lock().unwrap(), [5, 3, 1]);
    }

    #[tokio::test]
    async fn nothing_asked_for_is_no_call() {
        let (files, calls) = table(100);
        assert!(files.metas(&[]).await.unwrap().is_empty());
        assert!(files.versions(&HashSet::new()).await.unwrap().is_empty());
        assert!(calls.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn versions_are_told_apart_by_file_and_number() {
        let (files, calls) = table(100);
        let wanted = HashSet::from([(id(1), 1), (id(1), 2), (id(2), 1)]);
        let versions = files.versions(&wanted).await.unwrap();
        assert_eq!(versions.len(), 3);
        assert!(wanted.iter().all(|name| versions[name] == version(name.1)));
        assert_eq!(*calls.lock().unwrap(), [3]);
    }
}
