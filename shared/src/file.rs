//! A file: what is stored of it, and the entity that clients see.

use crate::{
    acl::{Acl, Right},
    auth::Caller,
    custom_url::CustomUrl,
    file_type::{FileType, MimeType, readable_size},
    filename::Filename,
    metadata::IndexTag,
    object_key::{FileId, OrgId, SavedKey},
    presign::Presigner,
    relation::Relation,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, macros::format_description};

/// Who may read a file by its plain URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessControl {
    /// Nobody.
    #[default]
    Private,
    /// Everybody.
    PublicRead,
}

/// One version of a file; its bytes are an object of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// 1 for the first, and up.
    pub number: u32,
    /// Where its bytes are.
    pub object_key: SavedKey,
    /// The name that it was saved with.
    pub filename: Filename,
    /// Its size.
    pub size_bytes: u64,
    /// The type that it was saved with.
    pub mime_type: MimeType,
    /// The tag that finds its object in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_tag: Option<IndexTag>,
}

/// A file with all its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its own attributes.
    pub meta: Meta,
    /// Its versions, newest first; none if it is kept elsewhere and never was here.
    pub versions: Vec<Version>,
}

/// A file's own attributes: the `META` item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Its id.
    pub id: FileId,
    /// The organisation that it belongs to.
    pub org: OrgId,
    /// The user who saved it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Counts the writes; each write is conditional on it.
    pub revision: u64,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
    /// The name that it has now.
    pub filename: Filename,
    /// The type that it has now.
    pub mime_type: MimeType,
    /// The contract's `type`.
    pub file_type: FileType,
    /// Whether its plain URL answers.
    pub access_control: AccessControl,
    /// Its access control list.
    pub acl: Acl,
    /// The newest version, so that this item is enough to hand out the file. None if it was never kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Version>,
    /// Where the file is kept, if not here: downloads go there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_download_url: Option<CustomUrl>,
    /// Where the newest version was fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The entities that it is related to, each one once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// Further attributes of the caller's, as JSON text: kept as they are, whatever they are.
    pub attributes: String,
    /// When it was deleted (RFC 3339): no reader sees it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    /// From when on a deleted file is removed for good, in seconds since 1970: the table's TTL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// Attributes of the caller's that the contract names.
const NAMED: [&str; 3] = ["_tags", "_purpose", "_manifest"];

impl Meta {
    /// Whether `caller` has this right: the one place where a file's tenant is checked. The organisation that it belongs
    /// to has every right, whatever the list says.
    #[must_use]
    pub fn permits(&self, caller: &Caller, right: Right) -> bool {
        self.deleted_at.is_none() && (self.org == caller.org || self.acl.permits(caller, right))
    }

    /// Whether everybody may see the file.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.deleted_at.is_none() && self.access_control == AccessControl::PublicRead
    }

    /// Whether the file is deleted and its time is up: everything of it is to be removed.
    #[must_use]
    pub fn is_due_for_purge(&self) -> bool {
        self.deleted_at.is_some() && self.expires_at.is_some_and(|at| at <= OffsetDateTime::now_utc().unix_timestamp())
    }
}

impl File {
    /// Whether this is the version that the file's own name and type are those of.
    #[must_use]
    pub fn is_latest(&self, version: &Version) -> bool {
        self.versions.first() == Some(version)
    }

    /// The contract's `FileEntity`. Our fields win over attributes of the same name. If `strict`, attributes that the
    /// contract does not name are under `__additional`.
    #[must_use]
    pub fn entity(&self, bucket: &Presigner, strict: bool) -> Value {
        let meta = &self.meta;
        let mut entity: Map<String, Value> = serde_json::from_str(&meta.attributes).unwrap_or_default();
        if strict {
            let (named, additional) = entity.into_iter().partition(|(name, _)| NAMED.contains(&name.as_str()));
            entity = named;
            entity.insert("__additional".into(), Value::Object(additional));
        }
        let versions: Vec<Value> = self.versions.iter().map(|version| version_entity(version, bucket)).collect();
        let owner = match &meta.user {
            Some(user) => json!({ "org_id": meta.org, "user_id": user }),
            None => json!({ "org_id": meta.org }),
        };
        let own = json!({
            "_id": meta.id,
            "_schema": "file",
            "_org": meta.org,
            "_title": meta.filename,
            "_owners": [owner],
            "_acl": meta.acl,
            "_created_at": meta.created_at,
            "_updated_at": meta.updated_at,
            "filename": meta.filename,
            "type": meta.file_type,
            "mime_type": meta.mime_type,
            "access_control": meta.access_control,
            "versions": versions,
        });
        if let Value::Object(own) = own {
            entity.extend(own);
        }
        if !meta.relations.is_empty() {
            entity.insert("relations".into(), json!(meta.relations));
        }
        for (name, url) in [
            ("custom_download_url", meta.custom_download_url.clone().map(String::from)),
            ("source_url", meta.source_url.clone()),
        ] {
            if let Some(url) = url {
                entity.insert(name.into(), url.into());
            }
        }
        if let Some(latest) = self.versions.first() {
            entity.insert("size_bytes".into(), latest.size_bytes.into());
            entity.insert("readable_size".into(), readable_size(latest.size_bytes).into());
            entity.insert("s3ref".into(), json!({ "bucket": bucket.bucket(), "key": latest.object_key }));
            entity.insert("public_url".into(), bucket.object_url(&latest.object_key).into());
        }
        Value::Object(entity)
    }
}

fn version_entity(version: &Version, bucket: &Presigner) -> Value {
    json!({
        "s3ref": { "bucket": bucket.bucket(), "key": version.object_key },
        "filename": version.filename,
        "size_bytes": version.size_bytes,
        "readable_size": readable_size(version.size_bytes),
        "mime_type": version.mime_type,
    })
}

/// The time now, as RFC 3339 with milliseconds: always as long, so that the order of the texts is that of the times.
#[must_use]
pub fn timestamp() -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // Cannot fail: the format asks for nothing that a time has not.
    OffsetDateTime::now_utc().format(format).unwrap_or_default()
}
