//! What a save makes of a file's attributes.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::{
    ApiError,
    acl::Acl,
    auth::Caller,
    custom_url::CustomUrl,
    error::Invalid,
    file::{AccessControl, Closing, Meta, Version, timestamp},
    file_type::{FileType, MimeType},
    filename::Filename,
    object_key::FileId,
    relation::{EntityId, MAX_RELATIONS, Relation},
};

/// The most that a file's further attributes, relations and `_acl` may have, in bytes of JSON: an item holds 400 KB,
/// and all else that a file has is far below the rest.
const MAX_ATTRIBUTE_BYTES: usize = 300 * 1024;
/// Attributes that the contract has as lists, and nothing else.
pub const LISTS: [&str; 3] = ["_tags", "_purpose", "_manifest"];
const MAX_TAGS: usize = 50;
const MAX_TAG_CHARS: usize = 256;

/// The changes asked for; what is not mentioned stays.
#[derive(Default)]
pub struct Changes {
    pub filename: Option<Filename>,
    pub mime_type: Option<MimeType>,
    pub file_type: Option<FileType>,
    pub access_control: Option<AccessControl>,
    pub acl: Option<Acl>,
    pub relations: Vec<RelationChange>,
    pub custom_download_url: UrlChange,
    pub attributes: Map<String, Value>,
}

/// What becomes of the URL of a file that is kept elsewhere.
#[derive(Default, Deserialize)]
#[serde(from = "Option<CustomUrl>")]
pub enum UrlChange {
    /// It stays, or there is none.
    #[default]
    Keep,
    /// A `null` takes it away.
    Remove,
    /// It is this one.
    Set(CustomUrl),
}

impl From<Option<CustomUrl>> for UrlChange {
    fn from(url: Option<CustomUrl>) -> Self {
        url.map_or(Self::Remove, Self::Set)
    }
}

/// A relation to add, to replace by its entity, or to remove.
#[derive(Deserialize)]
pub struct RelationChange {
    #[serde(flatten)]
    relation: Relation,
    #[serde(default)]
    remove: bool,
}

impl Changes {
    /// A file whose bytes are kept elsewhere, by the name asked for, else by the last part of its URL.
    pub fn new_custom_file(&self, caller: &Caller, url: &CustomUrl) -> Result<Meta, ApiError> {
        let filename = self.filename.clone().or_else(|| Filename::of_url(url.url()));
        let filename = filename.ok_or_else(|| ApiError::bad_request("filename is required"))?;
        let mime_type = self.mime_type.clone().unwrap_or_else(|| MimeType::guess(&filename));
        self.apply(caller, &new_file(caller, FileId::random(), filename, mime_type))
    }

    /// The file with these changes, by the one who asks for them.
    pub fn apply(&self, caller: &Caller, before: &Meta) -> Result<Meta, ApiError> {
        self.check_rights(caller, before)?;
        let mut meta = before.clone();
        meta.revision += 1;
        if before.revision > 0 {
            meta.updated_at = timestamp();
        }
        meta.filename = self.filename.clone().unwrap_or(meta.filename);
        meta.mime_type = self.mime_type.clone().unwrap_or(meta.mime_type);
        meta.file_type = self.file_type.unwrap_or(meta.file_type);
        if let Some(access_control) = self.access_control {
            meta.access_control = access_control;
            // Of a deletion that is under way nobody takes anything back.
            meta.closing = meta.closing.filter(|closing| *closing != Closing::Private);
        }
        meta.acl = self.acl.clone().unwrap_or(meta.acl);
        match &self.custom_download_url {
            UrlChange::Keep => {}
            UrlChange::Remove => meta.custom_download_url = None,
            UrlChange::Set(url) => meta.custom_download_url = Some(url.clone()),
        }
        if meta.custom_download_url.is_none() && meta.current.is_none() {
            return Err(ApiError::bad_request(
                "custom_download_url cannot be removed: the file has no version; save one first",
            ));
        }
        meta.relations = merged(meta.relations, &self.relations)?;
        let mut attributes: Map<String, Value> = serde_json::from_str(&meta.attributes).map_err(ApiError::internal)?;
        attributes.extend(self.attributes.clone());
        // Null takes a list away: one that is null would be none of the contract's.
        attributes.retain(|name, value| !(value.is_null() && LISTS.contains(&name.as_str())));
        meta.attributes = Value::Object(attributes).to_string();
        let lists = serde_json::to_string(&(&meta.relations, &meta.acl)).map_err(ApiError::internal)?;
        if meta.attributes.len() + lists.len() > MAX_ATTRIBUTE_BYTES {
            return Err(ApiError::PayloadTooLarge(format!(
                "a file's attributes, relations and _acl may have {MAX_ATTRIBUTE_BYTES} bytes of JSON in all"
            )));
        }
        Ok(meta)
    }

    /// Like [`Self::apply`], with this as the newest version, whose name and type the file takes.
    pub fn apply_with(
        &self,
        caller: &Caller,
        before: &Meta,
        version: &Version,
        source_url: Option<String>,
    ) -> Result<Meta, ApiError> {
        let renamed = Meta {
            filename: version.filename.clone(),
            mime_type: version.mime_type.clone(),
            file_type: FileType::of(&version.mime_type),
            current: Some(version.clone()),
            source_url,
            ..before.clone()
        };
        self.apply(caller, &renamed)
    }

    /// Like [`Self::apply_with`], but the file keeps everything else as it is.
    pub fn apply_version_only(&self, caller: &Caller, before: &Meta, newest: &Version) -> Result<Meta, ApiError> {
        self.apply(caller, &Meta { current: Some(newest.clone()), ..before.clone() })
    }

    /// Who may edit a file of another organisation may not share it further.
    pub fn check_rights(&self, caller: &Caller, before: &Meta) -> Result<(), ApiError> {
        let shares = self.acl.as_ref().is_some_and(|acl| *acl != before.acl)
            || self.access_control.is_some_and(|access| access != before.access_control);
        if shares && caller.org != before.org {
            return Err(ApiError::Forbidden("only the file's own organisation may change _acl and access_control"));
        }
        Ok(())
    }
}

/// A new file of the caller's, before its first version.
pub fn new_file(caller: &Caller, id: FileId, filename: Filename, mime_type: MimeType) -> Meta {
    let now = timestamp();
    Meta {
        id,
        org: caller.org.clone(),
        user: caller.user.clone(),
        revision: 0,
        created_at: now.clone(),
        updated_at: now,
        file_type: FileType::of(&mime_type),
        filename,
        mime_type,
        access_control: AccessControl::Private,
        closing: None,
        acl: Acl::of(&caller.org),
        current: None,
        custom_download_url: None,
        source_url: None,
        relations: Vec::new(),
        attributes: "{}".to_owned(),
        deleted_at: None,
        expires_at: None,
    }
}

/// The relations with these changes: a relation to an entity that is mentioned is replaced, any other stays.
fn merged(mut relations: Vec<Relation>, changes: &[RelationChange]) -> Result<Vec<Relation>, ApiError> {
    for RelationChange { relation, remove } in changes {
        if relation.tags.len() > MAX_TAGS || relation.tags.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
            let limits = format!("_tags may be {MAX_TAGS} of {MAX_TAG_CHARS} characters each");
            return Err(Invalid::new(limits).named("relations"));
        }
        let is_same = |other: &EntityId| *other == relation.entity_id;
        match (relations.iter().position(|other| is_same(&other.entity_id)), remove) {
            (Some(index), true) => drop(relations.remove(index)),
            (Some(index), false) => {
                relations.splice(index..=index, [relation.clone()]);
            }
            (None, true) => {}
            (None, false) => relations.push(relation.clone()),
        }
    }
    if relations.len() > MAX_RELATIONS {
        return Err(Invalid::new(format!("a file may be related to {MAX_RELATIONS} entities")).named("relations"));
    }
    Ok(relations)
}

#[cfg(test)]
mod tests;
