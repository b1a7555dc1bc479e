//! Relations: the business entities that files belong to, such as a contact or an order.
//!
//! A file's `META` lists its relations, and each is an item of its own under the entity too, so that all files of an
//! entity are one query: `ENTITY#{org}#{entity id}`/`FILE#{file id}`.

use crate::{
    error::{ApiError, Invalid},
    file_store::{FileStore, key},
    object_key::{FileId, OrgId},
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt, str::FromStr};

/// How many entities a file may be related to. All of them may change in one transaction, twice over.
pub const MAX_RELATIONS: usize = 40;

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
    /// Its relation to the entity.
    #[serde(flatten)]
    pub relation: Relation,
}

impl FileStore {
    /// The files related to an entity of this organisation, deleted ones among them.
    ///
    /// # Errors
    /// 500 if the table cannot be read.
    pub async fn related_files(&self, org: &OrgId, entity: &EntityId) -> Result<Vec<RelatedFile>, ApiError> {
        let mut pages = self
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition_key(org, entity)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut related = Vec::new();
        while let Some(item) = pages.next().await {
            related.push(serde_dynamo::from_item(item?)?);
        }
        Ok(related)
    }
}

/// The item of a file's relation to an entity.
pub(crate) fn item_key(org: &OrgId, entity: &EntityId, file: FileId) -> HashMap<String, AttributeValue> {
    key(&partition_key(org, entity), &format!("FILE#{file}"))
}

/// Neither part can have the separator in it.
fn partition_key(org: &OrgId, entity: &EntityId) -> String {
    format!("ENTITY#{org}#{entity}")
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
}
