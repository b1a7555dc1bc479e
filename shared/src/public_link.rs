//! Public links: whoever knows a link's id gets the file, as it is then, until the link is revoked.
//!
//! A link is two items, written and removed together: `LINK#{link id}`/`LINK`, by which it is followed, and
//! `LINKS#{file id}`/`{created_at}_{link id}`, by which the links of a file are listed, oldest first.

use crate::{
    error::{ApiError, Invalid},
    file::{Meta, timestamp},
    file_store::{FileStore, Key, file_key, key},
    filename::Filename,
    idempotency::Idempotency,
    object_key::{FileId, parse_uuid},
    table::{MAX_ATTEMPTS, Written, action, back_off, batch_delete},
};
use aws_sdk_dynamodb::{
    operation::{query::builders::QueryFluentBuilder, update_item::UpdateItemError},
    types::{AttributeValue, ConditionCheck, TransactWriteItem},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// The id of a link. Whoever knows it gets the file, so it is random, and no log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(Uuid);

/// A public link to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicLink {
    /// Its id.
    pub id: LinkId,
    /// The file that it leads to.
    pub file_id: FileId,
    /// The name that the file had when the link was made. It is in the URL for people to read, and says nothing.
    pub filename: Filename,
    /// RFC 3339, with milliseconds.
    pub created_at: String,
    /// When it was followed last (RFC 3339): known where links are listed, and only once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_accessed_at: Option<String>,
}

/// A place in the list of a file's links: right after the link that it was made of, revoked since or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCursor(String);

/// How many links are removed at a time.
const REMOVED_AT_ONCE: usize = 200;

impl PublicLink {
    /// A new link to this file.
    #[must_use]
    pub fn to(file: &Meta) -> Self {
        let (id, filename) = (LinkId(Uuid::new_v4()), file.filename.clone());
        Self { id, file_id: file.id, filename, created_at: timestamp(), last_accessed_at: None }
    }

    /// Its URL, at an API with this address.
    #[must_use]
    pub fn url(&self, api: &str) -> String {
        format!("{api}/v1/files/public/links/{}/{}", self.id, self.filename.key_segment())
    }

    /// The place in the list after this link.
    #[must_use]
    pub fn cursor(&self) -> LinkCursor {
        LinkCursor(format!("{}_{}", self.created_at, self.id))
    }

    fn key(&self) -> Key {
        link_key(self.id)
    }

    fn key_in_list(&self) -> Key {
        key(&list_of(self.file_id), &self.cursor().0)
    }
}

impl FileStore {
    /// Stores a new link to a file, unless the file was written since it was read: it may be deleted by now, or no
    /// longer be the caller's to share.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn add_link(
        &self,
        link: &PublicLink,
        file: &Meta,
        request: Option<&Idempotency>,
    ) -> Result<Written, ApiError> {
        let unchanged = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(file_key(file.id)))
            .condition_expression("revision = :revision")
            .expression_attribute_values(":revision", AttributeValue::N(file.revision.to_string()))
            .build()
            .map_err(ApiError::internal)?;
        let mut actions = vec![
            TransactWriteItem::builder().condition_check(unchanged).build(),
            action(self.put(link.key(), link)?)?,
            action(self.put(link.key_in_list(), link)?)?,
        ];
        if let Some(request) = request {
            actions.push(self.finish(request, &link.id.to_string())?);
        }
        self.write(actions).await
    }

    /// The link, whosever file it leads to.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn find_link(&self, id: LinkId) -> Result<Option<PublicLink>, ApiError> {
        let get = self.client().get_item().table_name(&self.table).set_key(Some(link_key(id))).consistent_read(true);
        Ok(get.send().await?.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// At most this many links to a file, oldest first. Some hundred of them are well below what one reply can hold.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn links(
        &self,
        file: FileId,
        after: Option<&LinkCursor>,
        at_most: usize,
    ) -> Result<Vec<PublicLink>, ApiError> {
        let query = self.query_links(file, after).limit(i32::try_from(at_most).unwrap_or(i32::MAX));
        Ok(serde_dynamo::from_items(query.send().await?.items.unwrap_or_default())?)
    }

    /// Notes that a link is being followed, unless it is revoked or somebody has noted a later time.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn note_access(&self, link: &PublicLink) -> Result<(), ApiError> {
        let update = self
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(link.key_in_list()))
            .update_expression("SET last_accessed_at = :now")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_accessed_at) OR last_accessed_at < :now)",
            )
            .expression_attribute_values(":now", AttributeValue::S(timestamp()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_out_of_date) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Revokes a link.
    ///
    /// # Errors
    /// 500 if the table cannot be written.
    pub async fn remove_link(&self, link: &PublicLink) -> Result<(), ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            let actions = vec![self.delete(link.key())?, self.delete(link.key_in_list())?];
            if self.write(actions).await? == Written::Stored {
                return Ok(());
            }
            // Somebody who follows the link at this moment is in the way, for as long as it takes to note that.
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// Removes all links to a deleted file, to which none can be added any more.
    ///
    /// # Errors
    /// 500 if some may be left.
    pub async fn remove_links(&self, file: FileId) -> Result<(), ApiError> {
        loop {
            // A part at a time, so that an interrupted removal has got somewhere.
            let links = self.links(file, None, REMOVED_AT_ONCE).await?;
            if links.is_empty() {
                return Ok(());
            }
            let removals = |key: fn(&PublicLink) -> Key| {
                links.iter().map(|link| batch_delete(key(link))).collect::<Result<_, _>>()
            };
            // The list goes last: it is by the list that links are found.
            self.write_all(removals(PublicLink::key)?).await?;
            self.write_all(removals(PublicLink::key_in_list)?).await?;
        }
    }

    fn query_links(&self, file: FileId, after: Option<&LinkCursor>) -> QueryFluentBuilder {
        // Every one begins with the year.
        let after = after.map_or("0", |cursor| &cursor.0);
        self.client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":pk", AttributeValue::S(list_of(file)))
            .expression_attribute_values(":after", AttributeValue::S(after.to_owned()))
            .consistent_read(true)
    }
}

fn link_key(id: LinkId) -> Key {
    key(&format!("LINK#{id}"), "LINK")
}

fn list_of(file: FileId) -> String {
    format!("LINKS#{file}")
}

fn is_out_of_date(error: &UpdateItemError) -> bool {
    // Only a transaction that removes the link can hold it.
    error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
}

impl FromStr for LinkId {
    type Err = Invalid;

    fn from_str(id: &str) -> Result<Self, Invalid> {
        parse_uuid(id).map(Self)
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LinkCursor {
    type Err = Invalid;

    fn from_str(cursor: &str) -> Result<Self, Invalid> {
        let is_ours = |(time, id): (&str, &str)| {
            time.len() == "2026-01-01T00:00:00.000Z".len()
                && OffsetDateTime::parse(time, &Rfc3339).is_ok()
                && id.parse::<LinkId>().is_ok()
        };
        if cursor.split_once('_').is_some_and(is_ours) {
            Ok(Self(cursor.to_owned()))
        } else {
            Err(Invalid::new("must be the next_cursor of a reply"))
        }
    }
}

impl fmt::Display for LinkCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
