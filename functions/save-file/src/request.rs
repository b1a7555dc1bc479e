//! What a save asks for, checked.

use crate::changes::{Changes, LISTS, RelationChange, UrlChange};
use lambda_http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::{
    ApiError,
    acl::Acl,
    auth::Caller,
    error::Invalid,
    file::AccessControl,
    file_type::{FileType, MimeType, mime_field},
    filename::Filename,
    http,
    idempotency::Idempotency,
    object_key::{FileId, ObjectKey, SavedKey, TempKey},
    s3ref::S3Ref,
};

/// How many versions one request may save.
const MAX_VERSIONS: usize = 20;

/// Attributes of the entity that only we write; clients send them back, and they are ignored.
const READ_ONLY: [&str; 11] = [
    "_schema",
    "_org",
    "_owners",
    "_title",
    "_created_at",
    "_updated_at",
    "size_bytes",
    "readable_size",
    "public_url",
    "versions",
    "__additional",
];

/// A save request.
#[derive(Default)]
pub struct SaveRequest {
    /// The file to change; none for a new one.
    pub file_id: Option<FileId>,
    /// The bytes to save as versions, oldest first.
    pub versions: Vec<NewVersion>,
    /// The bytes that clients send back with an entity that they got: a version already, most likely.
    pub sent_back: Option<SavedKey>,
    /// What else is to change; nothing if only versions are to be added.
    pub changes: Changes,
    /// Whether the file keeps its own name, type and attributes when it gets a version.
    pub version_only: bool,
    /// Whether an upload is removed once it is saved.
    pub delete_temp_file: bool,
    /// Whether the reply has attributes of the caller's under `__additional`.
    pub strict: bool,
    /// Its `Idempotency-Key`, if it has one.
    pub idempotency: Option<Idempotency>,
}

/// A version that is asked for: its bytes, and the name and type to give them instead of their own.
#[derive(Debug)]
pub struct NewVersion {
    pub source: Source,
    pub filename: Option<Filename>,
    pub mime_type: Option<MimeType>,
}

/// Where the bytes of a version are.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// In an upload.
    Upload(TempKey),
    /// In a version of another file, to be copied.
    Saved(SavedKey),
    /// On another server, to be fetched.
    Url(String),
}

impl Source {
    /// The upload that is no longer needed once it is saved.
    pub fn upload(&self) -> Option<&TempKey> {
        match self {
            Self::Upload(key) => Some(key),
            Self::Saved(_) | Self::Url(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct SaveBody {
    #[serde(rename = "_id")]
    id: Option<String>,
    file_entity_id: Option<String>,
    #[serde(default, deserialize_with = "http::object_field")]
    s3ref: Option<S3Ref>,
    source_url: Option<String>,
    filename: Option<Filename>,
    #[serde(default, deserialize_with = "mime_field")]
    mime_type: Option<MimeType>,
    r#type: Option<FileType>,
    access_control: Option<AccessControl>,
    #[serde(rename = "_acl", default, deserialize_with = "http::object_field")]
    acl: Option<Acl>,
    relations: Option<Vec<RelationChange>>,
    #[serde(default)]
    custom_download_url: UrlChange,
    #[serde(flatten)]
    attributes: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchItem {
    #[serde(rename = "_id")]
    id: Option<String>,
    file_entity_id: Option<String>,
    #[serde(default, deserialize_with = "http::object_field")]
    s3ref: Option<S3Ref>,
    filename: Option<Filename>,
    #[serde(default, deserialize_with = "mime_field")]
    mime_type: Option<MimeType>,
    /// Checked and not used: a batch adds versions and leaves the file's attributes as they are.
    #[serde(rename = "access_control")]
    _access_control: Option<AccessControl>,
}

impl SaveRequest {
    pub fn parse(request: &Request, caller: &Caller, bucket: &str) -> Result<Self, ApiError> {
        let version_only = http::flag_query(request, "version_only", false)?;
        let delete_temp_file = http::flag_query(request, "delete_temp_file", true)?;
        let strict = http::flag_query(request, "strict", false)?;
        let save = match http::json_value(request)? {
            body @ Value::Array(_) if version_only => Self::batch(body, bucket)?,
            Value::Array(_) => {
                return Err(ApiError::bad_request("a list of versions needs the parameter version_only=true"));
            }
            body => Self::one(http::object(body)?, bucket, version_only)?,
        };
        let idempotency = Idempotency::of(request, caller)?;
        Ok(Self { delete_temp_file, strict, idempotency, ..save })
    }

    fn one(body: SaveBody, bucket: &str, version_only: bool) -> Result<Self, ApiError> {
        let file_id = file_id(body.id, body.file_entity_id)?;
        // An entity that is sent back has an s3ref, and where its bytes came from is no longer of interest.
        let (source, sent_back) = match (body.s3ref.map(|s3ref| object_key(&s3ref, bucket)).transpose()?, file_id) {
            (Some(ObjectKey::Temp(key)), _) => (Some(Source::Upload(key)), None),
            (Some(ObjectKey::Saved(key)), None) => (Some(Source::Saved(key)), None),
            (Some(ObjectKey::Saved(key)), Some(_)) => (None, Some(key)),
            (None, _) => (body.source_url.map(Source::Url), None),
        };
        let (filename, mime_type) = (body.filename.clone(), body.mime_type.clone());
        let versions: Vec<_> = source.map(|source| NewVersion { source, filename, mime_type }).into_iter().collect();
        let version_only = version_only && file_id.is_some();
        if version_only && versions.is_empty() && sent_back.is_none() {
            return Err(ApiError::bad_request("version_only needs the s3ref or source_url of a new version"));
        }
        check_lists(&body.attributes)?;
        let mut attributes = body.attributes;
        attributes.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        let changes = Changes {
            filename: body.filename,
            mime_type: body.mime_type,
            file_type: body.r#type,
            access_control: body.access_control,
            acl: body.acl,
            relations: body.relations.unwrap_or_default(),
            custom_download_url: body.custom_download_url,
            attributes,
        };
        let changes = if version_only { Changes::default() } else { changes };
        Ok(Self { file_id, versions, sent_back, changes, version_only, ..Self::default() })
    }

    fn batch(body: Value, bucket: &str) -> Result<Self, ApiError> {
        let items: Vec<BatchItem> = http::list(body, 1..=MAX_VERSIONS)?;
        let mut target = None;
        let mut versions: Vec<NewVersion> = Vec::new();
        for item in items {
            let id = file_id(item.id, item.file_entity_id)?
                .ok_or_else(|| ApiError::bad_request("_id is required in each item: the file to add versions to"))?;
            if *target.get_or_insert(id) != id {
                return Err(ApiError::bad_request("_id: all items must name the same file"));
            }
            let s3ref = item.s3ref.ok_or_else(|| ApiError::bad_request("s3ref is required in each item"))?;
            let ObjectKey::Temp(key) = object_key(&s3ref, bucket)? else {
                return Err(ApiError::bad_request("s3ref.key: must be that of an upload"));
            };
            let source = Source::Upload(key);
            if versions.iter().any(|version| version.source == source) {
                return Err(ApiError::bad_request("s3ref.key: an upload can be one version only"));
            }
            versions.push(NewVersion { source, filename: item.filename, mime_type: item.mime_type });
        }
        Ok(Self { file_id: target, versions, version_only: true, ..Self::default() })
    }
}

/// The contract has two names for it, and an empty id means none.
fn file_id(id: Option<String>, deprecated: Option<String>) -> Result<Option<FileId>, ApiError> {
    let parse = |name: &str, id: Option<String>| {
        let id = id.filter(|id| !id.is_empty());
        id.map(|id| id.parse().map_err(|invalid: Invalid| invalid.named(name))).transpose()
    };
    match (parse("_id", id)?, parse("file_entity_id", deprecated)?) {
        (Some(id), Some(other)) if id != other => {
            Err(ApiError::bad_request("_id and file_entity_id name different files"))
        }
        (id, other) => Ok(id.or(other)),
    }
}

fn object_key(s3ref: &S3Ref, bucket: &str) -> Result<ObjectKey, ApiError> {
    s3ref.object_key(bucket, ["s3ref.bucket", "s3ref.key"])
}

/// The contract's lists; every other attribute may be anything.
fn check_lists(attributes: &Map<String, Value>) -> Result<(), ApiError> {
    for name in LISTS {
        let (fits, items): (fn(&Value) -> bool, _) = match name {
            "_manifest" => (is_uuid, "UUIDs"),
            _ => (Value::is_string, "strings"),
        };
        let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(fits));
        if attributes.get(name).is_some_and(|value| !value.is_null() && !is_list(value)) {
            return Err(Invalid::new(format!("must be a list of {items}")).named(name));
        }
    }
    Ok(())
}

fn is_uuid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<FileId>().is_ok())
}

#[cfg(test)]
mod tests;
