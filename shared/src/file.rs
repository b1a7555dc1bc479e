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

/// How many versions an entity carries; `listVersions` has them all.
pub const ENTITY_VERSIONS: usize = 100;

/// A file with its newest versions.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its own attributes.
    pub meta: Meta,
    /// Its newest [`ENTITY_VERSIONS`] versions, newest first; none if it is kept elsewhere and never was here.
    pub versions: Vec<Version>,
}

/// A change that ends a file's public access. It is stored before the objects are hidden, and the file says so only
/// afterwards, so that an interruption can be found and finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "lowercase")]
pub enum Closing {
    /// The file turns private.
    Private,
    /// The file is deleted.
    Deleted {
        /// As [`Meta::deleted_at`].
        deleted_at: String,
        /// As [`Meta::expires_at`].
        expires_at: i64,
    },
}

/// A file's own attributes: the `META` item of a file that is saved.
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
    /// The end of its public access, if that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
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
    /// Whether `caller` has this right: the one place where a file's tenant is checked. The organisation that it
    /// belongs to has every right, whatever the list says.
    #[must_use]
    pub fn permits(&self, caller: &Caller, right: Right) -> bool {
        !self.is_deleted() && (self.org == caller.org || self.acl.permits(caller, right))
    }

    /// Whether it is deleted: no reader sees it. A public file that is being deleted is still there: it says that it is
    /// gone only after its objects are hidden.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Whether everybody may see the file.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.access_of_objects() == AccessControl::PublicRead
    }

    /// Who may read its objects. A file that is deleted, or about to turn private, is nobody's to read.
    #[must_use]
    pub fn access_of_objects(&self) -> AccessControl {
        let is_open = self.deleted_at.is_none() && self.closing.is_none();
        if is_open { self.access_control } else { AccessControl::Private }
    }

    /// Whether the file is deleted and its time is up: everything of it is to be removed.
    #[must_use]
    pub fn is_due_for_purge(&self) -> bool {
        self.deleted_at.is_some() && self.expires_at.is_some_and(|at| at <= OffsetDateTime::now_utc().unix_timestamp())
    }

    /// The number of its current version, which is how many versions it has had; 0 if it was never kept here.
    #[must_use]
    pub fn current_number(&self) -> u32 {
        self.current.as_ref().map_or(0, |current| current.number)
    }

    /// The number of the version at this index, 0 being the latest.
    #[must_use]
    pub fn number_at(&self, index: u32) -> Option<u32> {
        self.current_number().checked_sub(index).filter(|number| *number > 0)
    }

    /// The file as deleted, to be removed for good at `expires_at` (seconds since 1970).
    #[must_use]
    pub fn deleted(&self, deleted_at: String, expires_at: i64) -> Self {
        let revision = self.revision + 1;
        let deleted = Self { revision, deleted_at: Some(deleted_at), expires_at: Some(expires_at), ..self.clone() };
        Self { closing: None, ..deleted }
    }

    /// The step to store before `after`: the same, but still public, if `after` ends public access; else `after`
    /// itself.
    #[must_use]
    pub fn step_towards(&self, after: Self) -> Self {
        if self.access_control == AccessControl::Private {
            return after;
        }
        let access_control = AccessControl::PublicRead;
        match (&after.deleted_at, after.expires_at, &after.closing) {
            (Some(deleted_at), Some(expires_at), _) => {
                let closing = Some(Closing::Deleted { deleted_at: deleted_at.clone(), expires_at });
                Self { access_control, closing, deleted_at: None, expires_at: None, ..after }
            }
            // A deletion that is under way goes on, whatever else changes.
            (.., Some(Closing::Deleted { .. })) => Self { access_control, ..after },
            _ if after.access_control == AccessControl::Private => {
                Self { access_control, closing: Some(Closing::Private), ..after }
            }
            _ => after,
        }
    }

    /// The file once its objects are hidden, if its public access is about to end.
    #[must_use]
    pub fn closed(&self) -> Option<Self> {
        Some(match self.closing.clone()? {
            Closing::Private => Self {
                revision: self.revision + 1,
                access_control: AccessControl::Private,
                closing: None,
                ..self.clone()
            },
            Closing::Deleted { deleted_at, expires_at } => self.deleted(deleted_at, expires_at),
        })
    }
}

impl File {
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

/// The contract's `FileVersion`.
#[must_use]
pub fn version_entity(version: &Version, bucket: &Presigner) -> Value {
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
