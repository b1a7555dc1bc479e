//! Relations: the business entities that files belong to, such as a contact or an order.
//!
//! A file's `META` lists its relations, and each is an item of its own under the entity too, so that the files of an
//! entity are read in pages, newest first: `ENTITY#{org}#{entity id}`/`FILE#{created_at}_{file id}`.

use crate::{
    error::{ApiError, Invalid},
    file::Meta,
    file_store::{FileStore, Key, key},
    object_key::{FileId, OrgId},
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How many entities a file may be related to: one transaction may remove 40 relations and add 40.
pub const MAX_RELATIONS: usize = 40;
/// How many relations to an entity are read for one page of its files.
const MAX_READ: i32 = 1_000;

/// The words of our own paths, which a slug in a path would be taken for.
pub const RESERVED: [&str; 2] = ["files", "collections"];

/// The id of an entity elsewhere: 1 to 128 ASCII letters, digits and `- _ . : @`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityId(String);

/// The slug of an entity's schema, such as `order`: 1 to 64 ASCII letters, digits, `-` and `_`. The words that would be
/// taken for another path of ours are reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SchemaSlug(String);

/// A file's relation to an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// The entity.
    pub entity_id: EntityId,
    /// Its schema.
    #[serde(rename = "_schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaSlug>,
    /// What the file is to the entity: the collections that it is in, among others.
    #[serde(rename = "_tags", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A relation as it is found under its entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedFile {
    /// The file.
    pub file_id: FileId,
    /// When the file was created (RFC 3339), which never changes.
    pub created_at: String,
    /// Its relation to the entity.
    #[serde(flatten)]
    pub relation: Relation,
}

/// A part of the files related to an entity.
#[derive(Debug)]
pub struct RelatedFiles {
    /// Newest first, deleted ones among them.
    pub files: Vec<RelatedFile>,
    /// Where to read on, if there may be more.
    pub next: Option<FileCursor>,
}

/// A place in the list of an entity's files: right after the file that it was made of, related to it still or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCursor(String);

impl RelatedFile {
    /// A file's relation, as it is found under the entity.
    #[must_use]
    pub fn new(file: &Meta, relation: &Relation) -> Self {
        Self { file_id: file.id, created_at: file.created_at.clone(), relation: relation.clone() }
    }

    /// The place in the list after this file.
    #[must_use]
    pub fn cursor(&self) -> FileCursor {
        FileCursor(format!("{}_{}", self.created_at, self.file_id))
    }
}

impl FileStore {
    /// The next files related to an entity of this organisation: as many as DynamoDB reads at once (1 MB), and at most
    /// 1,000, however many there are.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn related_files(
        &self,
        org: &OrgId,
        entity: &EntityId,
        after: Option<&FileCursor>,
    ) -> Result<RelatedFiles, ApiError> {
        // Every one begins with the year.
        let after = after.map_or("~", |cursor| &cursor.0);
        let query = self
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :after")
            .expression_attribute_values(":pk", AttributeValue::S(partition_key(org, entity)))
            .expression_attribute_values(":after", AttributeValue::S(format!("FILE#{after}")))
            .scan_index_forward(false)
            .limit(MAX_READ)
            .consistent_read(true);
        let reply = query.send().await?;
        let files: Vec<RelatedFile> = serde_dynamo::from_items(reply.items.unwrap_or_default())?;
        let next = reply.last_evaluated_key.and_then(|_| files.last()).map(RelatedFile::cursor);
        Ok(RelatedFiles { files, next })
    }
}

/// The key of a file's relation to an entity.
pub(crate) fn item_key(file: &Meta, entity: &EntityId) -> Key {
    key(&partition_key(&file.org, entity), &format!("FILE#{}_{}", file.created_at, file.id))
}

/// Neither part can have the separator in it.
fn partition_key(org: &OrgId, entity: &EntityId) -> String {
    format!("ENTITY#{org}#{entity}")
}

impl FromStr for FileCursor {
    type Err = Invalid;

    fn from_str(cursor: &str) -> Result<Self, Invalid> {
        let is_ours = |(time, id): (&str, &str)| {
            time.len() == "2026-01-01T00:00:00.000Z".len()
                && OffsetDateTime::parse(time, &Rfc3339).is_ok()
                && id.parse::<FileId>().is_ok()
        };
        if cursor.split_once('_').is_some_and(is_ours) {
            Ok(Self(cursor.to_owned()))
        } else {
            Err(Invalid::new("must be that of the Link header of a reply"))
        }
    }
}

impl fmt::Display for FileCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntityId {
    type Err = Invalid;

    fn from_str(id: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:@".contains(c);
        if (1..=128).contains(&id.len()) && id.chars().all(allowed) {
            Ok(Self(id.to_owned()))
        } else {
            Err(Invalid::new("must be 1 to 128 letters, digits and - _ . : @"))
        }
    }
}

impl FromStr for SchemaSlug {
    type Err = Invalid;

    fn from_str(slug: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if (1..=64).contains(&slug.len()) && slug.chars().all(allowed) && !RESERVED.contains(&slug) {
            Ok(Self(slug.to_owned()))
        } else {
            Err(Invalid::new("must be 1 to 64 letters, digits, - and _, and not files or collections"))
        }
    }
}

/// What every text type of ours needs: from and to a `String`, and to be shown.
macro_rules! text {
    ($type:ident) => {
        impl $type {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(EntityId);
text!(SchemaSlug);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FILE_ID, file};

    #[test]
    fn an_entity_id_cannot_reach_into_another_partition() {
        for bad in ["", "a#b", "a/b", "a b", "ü", "a%23b", &"a".repeat(129)] {
            assert!(bad.parse::<EntityId>().is_err(), "{bad:?}");
        }
        for good in ["77a1e0cc-7b92-4d41-8cce-eefd317ec004", "10234", "crm:7@x.y_z"] {
            assert_eq!(good.parse::<EntityId>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_schema_slug_is_no_path_of_ours() {
        for bad in ["", "files", "collections", "a#b", "a/b", "a.b", &"a".repeat(65)] {
            assert!(bad.parse::<SchemaSlug>().is_err(), "{bad:?}");
        }
        for good in ["order", "meter_reading", "file", "Contact-2"] {
            assert_eq!(good.parse::<SchemaSlug>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_cursor_is_the_place_of_a_file_and_nothing_else() {
        let related: Relation = serde_json::from_value(serde_json::json!({ "entity_id": "1" })).unwrap();
        let meta = Meta { created_at: crate::file::timestamp(), ..file().meta };
        let cursor = RelatedFile::new(&meta, &related).cursor().to_string();
        assert_eq!(cursor.parse::<FileCursor>().unwrap().to_string(), cursor);
        let sk = item_key(&meta, &related.entity_id)["sk"].as_s().unwrap().clone();
        assert_eq!(sk, format!("FILE#{cursor}"));
        for bad in [
            "",
            "~",
            "x_y",
            FILE_ID,
            "2026-01-01T00:00:00Z_4ffdc191-f32c-404a-8520-c403b7408afa",
            &format!("{cursor}x"),
        ] {
            assert!(bad.parse::<FileCursor>().is_err(), "{bad:?}");
        }
    }
}
