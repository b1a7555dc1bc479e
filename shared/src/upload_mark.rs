//! Marks: what the item `FILE#{upload id}`/`META` says of an upload that is not, or no longer, a file of its own.
//!
//! That item belongs to the upload from the first save on: it is `pending` while the bytes are copied, and then becomes
//! either the file itself or, if the upload is a new version of another file, a pointer to that version. So one
//! condition on one item makes an upload become at most one version, and a repeated save finds what the first one made.

use crate::{
    error::ApiError,
    file::Meta,
    file_store::{FileStore, Key, file_key},
    object_key::{FileId, OrgId, SavedKey},
    table::{Written, action},
};
use aws_sdk_dynamodb::types::{AttributeValue, builders::PutBuilder};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// How long a mark lives that belongs to no file. An upload can be saved for 24 hours, so no save of it can begin, or
/// still be running, when its mark runs out: what its saves left can be removed then.
const LIFETIME: Duration = Duration::days(2);

/// An upload that is being saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Who saves it.
    pub org: OrgId,
    /// Where its bytes are copied to.
    pub object_key: SavedKey,
    /// Raised by a save before it replaces a copy of other bytes: saves that claimed before it cannot commit those.
    pub generation: u32,
    /// When the mark runs out, in seconds since 1970: the table's TTL.
    pub expires_at: i64,
}

/// What became of an upload that is no file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum UploadMark {
    /// It is being saved, or a save of it died.
    Pending(Pending),
    /// It is a version of another file.
    Version {
        /// Who saved it: the file may be another organisation's.
        org: OrgId,
        /// The file.
        file_id: FileId,
        /// The version's number.
        number: u32,
    },
    /// Its file was removed. The mark stays for a while: a late save must not bring the upload back.
    Removed {
        /// Where its bytes were.
        object_key: SavedKey,
        /// As [`Pending::expires_at`].
        expires_at: i64,
    },
}

/// The item `FILE#{id}`/`META`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Record {
    /// The mark of an upload, which has a `state`.
    Mark(UploadMark),
    /// A file.
    File(Box<Meta>),
}

/// Whether a save may go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    /// Yes; nobody has saved this upload.
    Pending(Pending),
    /// It is already a file, deleted or not, of the same organisation.
    File(Box<Meta>),
    /// It is already a version of this file of the same organisation.
    VersionOf(FileId),
    /// It is another organisation's by now, or its file was removed.
    Gone,
}

impl Pending {
    /// A mark for a save that begins now.
    #[must_use]
    pub fn new(object_key: SavedKey) -> Self {
        Self { org: object_key.org.clone(), object_key, generation: 0, expires_at: expiry() }
    }

    /// The condition of every write that ends a save: nobody else has ended it, and the copy is still the one counted
    /// on.
    pub(crate) fn still_holds(&self, put: PutBuilder) -> PutBuilder {
        put.condition_expression("#state = :pending AND org = :org AND generation = :generation")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", AttributeValue::S("pending".to_owned()))
            .expression_attribute_values(":org", AttributeValue::S(self.org.to_string()))
            .expression_attribute_values(":generation", AttributeValue::N(self.generation.to_string()))
    }

    pub(crate) fn key(&self) -> Key {
        file_key(self.object_key.upload.file_id())
    }
}

impl UploadMark {
    /// The mark that a removed version leaves.
    pub(crate) fn removed(object_key: SavedKey) -> Self {
        Self::Removed { object_key, expires_at: expiry() }
    }

    /// Where bytes may lie that belong to no file, once this mark is gone from the table.
    #[must_use]
    pub fn left_over(&self) -> Option<&SavedKey> {
        match self {
            Self::Pending(Pending { object_key, .. }) | Self::Removed { object_key, .. } => Some(object_key),
            Self::Version { .. } => None,
        }
    }
}

impl Record {
    /// The file, if it is one.
    #[must_use]
    pub fn file(self) -> Option<Meta> {
        match self {
            Self::File(meta) => Some(*meta),
            Self::Mark(_) => None,
        }
    }

    fn claimed_by(self, org: &OrgId) -> Claimed {
        match self {
            Self::File(meta) if meta.org == *org => Claimed::File(meta),
            Self::Mark(UploadMark::Pending(pending)) if pending.org == *org => Claimed::Pending(pending),
            Self::Mark(UploadMark::Version { org: owner, file_id, .. }) if owner == *org => Claimed::VersionOf(file_id),
            _ => Claimed::Gone,
        }
    }
}

fn expiry() -> i64 {
    (OffsetDateTime::now_utc() + LIFETIME).unix_timestamp()
}

impl FileStore {
    /// Marks an upload as being saved, unless it is marked already.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn claim(&self, object_key: &SavedKey) -> Result<Claimed, ApiError> {
        let pending = Pending::new(object_key.clone());
        let put = self.put(pending.key(), &UploadMark::Pending(pending.clone()))?;
        let found: Option<Record> = self.put_or_find(put.condition_expression("attribute_not_exists(pk)")).await?;
        Ok(found.map_or(Claimed::Pending(pending), |found| found.claimed_by(&object_key.org)))
    }

    /// Makes sure that no other save of this upload commits the copy that is there now, so that it can be replaced.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn fence(&self, pending: &mut Pending) -> Result<Written, ApiError> {
        let next = Pending { generation: pending.generation + 1, ..pending.clone() };
        let put = self.put(pending.key(), &UploadMark::Pending(next.clone()))?;
        let written = self.write(vec![action(pending.still_holds(put))?]).await?;
        if written == Written::Stored {
            *pending = next;
        }
        Ok(written)
    }

    /// What the table says of the file, or the upload, with this id.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn record(&self, id: FileId) -> Result<Option<Record>, ApiError> {
        let get = self.client().get_item().table_name(&self.table).set_key(Some(file_key(id))).consistent_read(true);
        Ok(get.send().await?.item.map(serde_dynamo::from_item).transpose()?)
    }
}

#[cfg(test)]
mod tests;
