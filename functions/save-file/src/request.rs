//! What a save asks for, checked, and what it makes of a file.

use lambda_http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::{
    ApiError,
    acl::Acl,
    auth::Caller,
    error::Invalid,
    file::{AccessControl, Meta, Version, timestamp},
    file_type::{FileType, MimeType},
    filename::Filename,
    http,
    object_key::{FileId, ObjectKey, SavedKey, TempKey},
    object_store::UploadedObject,
};

/// The most that a file's further attributes may have, in bytes of JSON: an item holds 400 KB.
const MAX_ATTRIBUTE_BYTES: usize = 300 * 1024;

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

/// Attributes that the contract has as lists, and nothing else.
const LISTS: [&str; 3] = ["_tags", "_purpose", "_manifest"];

#[derive(Deserialize)]
struct SaveBody {
    #[serde(rename = "_id")]
    id: Option<String>,
    file_entity_id: Option<String>,
    #[serde(default, deserialize_with = "http::object_field")]
    s3ref: Option<S3Ref>,
    filename: Option<Filename>,
    mime_type: Option<MimeType>,
    r#type: Option<FileType>,
    access_control: Option<AccessControl>,
    #[serde(rename = "_acl", default, deserialize_with = "http::object_field")]
    acl: Option<Acl>,
    #[serde(flatten)]
    further: Map<String, Value>,
}

#[derive(Deserialize)]
struct S3Ref {
    bucket: String,
    key: String,
}

/// A save request.
pub struct SaveRequest {
    /// The file to change; none for a new one.
    pub file_id: Option<FileId>,
    /// The bytes to save.
    pub s3ref: Option<ObjectKey>,
    /// Whether the upload is removed once it is saved.
    pub delete_temp_file: bool,
    filename: Option<Filename>,
    mime_type: Option<MimeType>,
    file_type: Option<FileType>,
    access_control: Option<AccessControl>,
    acl: Option<Acl>,
    further: Map<String, Value>,
}

impl SaveRequest {
    pub fn parse(request: &Request, bucket: &str) -> Result<Self, ApiError> {
        let delete_temp_file = http::flag_query(request, "delete_temp_file", true)?;
        let mut body: SaveBody = http::json_body(request)?;
        check_lists(&body.further)?;
        body.further.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        Ok(Self {
            file_id: file_id(body.id, body.file_entity_id)?,
            s3ref: body.s3ref.map(|s3ref| object_key(&s3ref, bucket)).transpose()?,
            delete_temp_file,
            filename: body.filename,
            mime_type: body.mime_type,
            file_type: body.r#type,
            access_control: body.access_control,
            acl: body.acl,
            further: body.further,
        })
    }

    /// The version that an upload becomes: its name and type are those asked for, else the upload's own.
    pub fn version(
        &self,
        number: u32,
        object_key: SavedKey,
        key: &TempKey,
        upload: &UploadedObject,
    ) -> Result<Version, ApiError> {
        let filename = self.filename.clone().or_else(|| upload.metadata.filename()).or_else(|| key.filename());
        let filename = filename.ok_or_else(|| ApiError::bad_request("filename is required"))?;
        let mime_type = self.mime_type.clone().or_else(|| upload.mime_type.clone());
        Ok(Version {
            number,
            object_key,
            size_bytes: upload.size_bytes,
            mime_type: mime_type.unwrap_or_else(|| MimeType::guess(&filename)),
            index_tag: upload.metadata.index_tag(),
            filename,
        })
    }

    /// A new file of the caller's.
    pub fn new_meta(&self, caller: &Caller, id: FileId, version: &Version) -> Result<Meta, ApiError> {
        let now = timestamp();
        let blank = Meta {
            id,
            org: caller.org.clone(),
            user: caller.user.clone(),
            revision: 0,
            created_at: now,
            updated_at: String::new(),
            filename: version.filename.clone(),
            mime_type: version.mime_type.clone(),
            file_type: FileType::Unknown,
            access_control: AccessControl::Private,
            acl: Acl::of(&caller.org),
            current: None,
            custom_download_url: None,
            source_url: None,
            relations: Vec::new(),
            attributes: "{}".to_owned(),
            deleted_at: None,
            expires_at: None,
        };
        let mut meta = self.with_version(&blank, version)?;
        meta.updated_at.clone_from(&meta.created_at);
        Ok(meta)
    }

    /// The file's attributes with this as its newest version.
    pub fn with_version(&self, before: &Meta, version: &Version) -> Result<Meta, ApiError> {
        let mut meta = self.changed(before)?;
        meta.filename = version.filename.clone();
        meta.mime_type = version.mime_type.clone();
        meta.current = Some(version.clone());
        meta.file_type = self.file_type.unwrap_or_else(|| FileType::of(&version.mime_type));
        Ok(meta)
    }

    /// The file's attributes with the changes asked for; what is not mentioned stays.
    pub fn changed(&self, before: &Meta) -> Result<Meta, ApiError> {
        let mut meta = before.clone();
        meta.revision += 1;
        meta.updated_at = timestamp();
        meta.filename = self.filename.clone().unwrap_or(meta.filename);
        meta.mime_type = self.mime_type.clone().unwrap_or(meta.mime_type);
        meta.file_type = self.file_type.unwrap_or(meta.file_type);
        meta.access_control = self.access_control.unwrap_or(meta.access_control);
        meta.acl = self.acl.clone().unwrap_or(meta.acl);
        let mut further: Map<String, Value> = serde_json::from_str(&meta.attributes).map_err(ApiError::internal)?;
        further.extend(self.further.clone());
        // Null takes a list away: one that is null would be none of the contract's.
        further.retain(|name, value| !(value.is_null() && LISTS.contains(&name.as_str())));
        meta.attributes = Value::Object(further).to_string();
        if meta.attributes.len() > MAX_ATTRIBUTE_BYTES {
            return Err(ApiError::PayloadTooLarge(format!(
                "a file's attributes may have {MAX_ATTRIBUTE_BYTES} bytes in all"
            )));
        }
        Ok(meta)
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
    if s3ref.bucket != bucket {
        return Err(Invalid::new("is not this API's bucket; send the s3ref as it was returned").named("s3ref.bucket"));
    }
    s3ref.key.parse().map_err(|invalid: Invalid| invalid.named("s3ref.key"))
}

/// The contract's lists; every other attribute may be anything.
fn check_lists(further: &Map<String, Value>) -> Result<(), ApiError> {
    for name in LISTS {
        let (fits, items): (fn(&Value) -> bool, _) = match name {
            "_manifest" => (is_uuid, "UUIDs"),
            _ => (Value::is_string, "strings"),
        };
        let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(fits));
        if further.get(name).is_some_and(|value| !value.is_null() && !is_list(value)) {
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
