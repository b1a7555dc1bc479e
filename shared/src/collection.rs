//! File collections: named groups that files are put into by the tags of their relations. A user's own, or shared in an
//! organisation; a set of them for each schema of entities.

use crate::{
    auth::Caller,
    error::{ApiError, Invalid},
    file::timestamp,
    object_key::OrgId,
    relation::{RESERVED, Relation, SchemaSlug},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many collections a set may have: a transaction that deletes one may have to change all others.
pub const MAX_COLLECTIONS: usize = 90;
const MAX_NAME_CHARS: usize = 256;
const MAX_SLUG_CHARS: usize = 64;
const MAX_ENTRIES: usize = 100;
const MAX_ENTRY_CHARS: usize = 128;
/// The most that the texts of a collection may have, in bytes of JSON: so a set fits into one reply (6 MB), and all of
/// it into one transaction (4 MB).
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Whose collections they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Private to this user.
    User(OrgId, String),
    /// Shared by everybody in this organisation.
    Organisation(OrgId),
}

/// The collections of an owner for one schema.
#[derive(Clone, Debug)]
pub struct CollectionSet {
    /// Whose they are.
    pub owner: Owner,
    /// The schema.
    pub schema: SchemaSlug,
    /// Counts the writes; each write is conditional on it.
    pub revision: u64,
    /// In the order in which they are shown.
    pub collections: Vec<Collection>,
}

/// A collection, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// The schema of the entities that it is for.
    pub schema: SchemaSlug,
    /// The part of its slug after the colon, which stays when it is renamed: tags of relations have it.
    pub key: String,
    id: Uuid,
    name: String,
    /// The keys of the collections of the same set that it is nested in.
    pub parents: Vec<String>,
    starred: bool,
    /// Where it is shown among the others.
    pub order: u32,
    enabled_locations: Vec<String>,
    enabled_purposes: Vec<String>,
    created_at: String,
    updated_at: String,
}

/// What a request says of a collection; what is not mentioned stays.
#[derive(Deserialize)]
pub struct CollectionAttributes {
    name: Option<String>,
    parents: Option<Vec<String>>,
    starred: Option<bool>,
    enabled_locations: Option<Vec<String>>,
    enabled_purposes: Option<Vec<String>>,
}

impl Owner {
    /// The caller as a user.
    ///
    /// # Errors
    /// 401 if the token names no user.
    pub fn user(caller: &Caller) -> Result<Self, ApiError> {
        Ok(Self::User(caller.org.clone(), caller.user()?.to_owned()))
    }

    /// The caller's organisation, for the caller to read.
    #[must_use]
    pub fn organisation(caller: &Caller) -> Self {
        Self::Organisation(caller.org.clone())
    }

    /// The caller's organisation, for the caller to write.
    ///
    /// # Errors
    /// 403 unless the caller is an administrator.
    pub fn administered_by(caller: &Caller) -> Result<Self, ApiError> {
        if caller.is_admin {
            Ok(Self::organisation(caller))
        } else {
            Err(ApiError::Forbidden("only an administrator may change the collections of the organisation"))
        }
    }

    /// The slug of a collection without its key, in the contract's form. Its UUID stands for organisation and schema.
    #[must_use]
    pub fn slug_prefix(&self, schema: &SchemaSlug) -> String {
        match self {
            Self::User(org, user) => {
                let set = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{org}/{schema}").as_bytes());
                let user: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
                format!("_system_files_collection_{set}_{user}")
            }
            Self::Organisation(_) => format!("_system_files_collection_schema_{schema}"),
        }
    }

    /// A collection's full slug.
    #[must_use]
    pub fn slug(&self, collection: &Collection) -> String {
        format!("{}:{}", self.slug_prefix(&collection.schema), collection.key)
    }
}

impl CollectionSet {
    /// The collections as the contract's list of `FileCollectionItem`.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        self.collections.iter().map(|collection| self.item(collection)).collect()
    }

    /// The contract's `FileCollectionItem`.
    #[must_use]
    pub fn item(&self, collection: &Collection) -> Value {
        let prefix = self.owner.slug_prefix(&self.schema);
        json!({
            "slug": self.owner.slug(collection),
            "name": collection.name,
            "id": collection.id,
            "parents": collection.parents.iter().map(|key| format!("{prefix}:{key}")).collect::<Vec<_>>(),
            "starred": collection.starred,
            "order": collection.order,
            "enabled_locations": collection.enabled_locations,
            "enabled_purposes": collection.enabled_purposes,
            "created_at": collection.created_at,
            "updated_at": collection.updated_at,
        })
    }

    /// The collection with this slug, full or only its key.
    ///
    /// # Errors
    /// 404 if there is none.
    pub fn find(&self, slug: &str) -> Result<&Collection, ApiError> {
        let key = self.key_of(slug);
        self.collections.iter().find(|collection| collection.key == key).ok_or_else(collection_not_found)
    }

    fn key_of<'a>(&self, slug: &'a str) -> &'a str {
        let prefix = self.owner.slug_prefix(&self.schema);
        slug.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix(':')).unwrap_or(slug)
    }

    /// A new collection, which comes last.
    ///
    /// # Errors
    /// 400 for what cannot be, 409 if there is one of this slug or there are too many.
    pub fn created(&self, attributes: &CollectionAttributes) -> Result<Collection, ApiError> {
        let name = attributes.name.clone().ok_or_else(|| ApiError::bad_request("name is required"))?;
        let id = Uuid::new_v4();
        let collection = Collection {
            schema: self.schema.clone(),
            key: key_of_name(&name, id),
            id,
            name,
            parents: Vec::new(),
            starred: false,
            order: self.collections.iter().map(|other| other.order + 1).max().unwrap_or(0),
            enabled_locations: Vec::new(),
            enabled_purposes: Vec::new(),
            created_at: timestamp(),
            updated_at: String::new(),
        };
        if self.collections.iter().any(|other| other.key == collection.key) {
            return Err(ApiError::Conflict("there is a collection with this slug; choose another name"));
        }
        if self.collections.len() >= MAX_COLLECTIONS {
            return Err(ApiError::Conflict("there are 90 collections already; delete one first"));
        }
        let mut collection = self.changed(&collection, attributes)?;
        collection.updated_at.clone_from(&collection.created_at);
        Ok(collection)
    }

    /// The collection with these changes.
    ///
    /// # Errors
    /// 400 for what cannot be, such as a nesting in itself.
    pub fn changed(&self, collection: &Collection, attributes: &CollectionAttributes) -> Result<Collection, ApiError> {
        attributes.check()?;
        let mut changed = collection.clone();
        if let Some(parents) = &attributes.parents {
            changed.parents = self.parents(collection, parents)?;
        }
        changed.name = attributes.name.clone().unwrap_or(changed.name);
        changed.starred = attributes.starred.unwrap_or(changed.starred);
        changed.enabled_locations = attributes.enabled_locations.clone().unwrap_or(changed.enabled_locations);
        changed.enabled_purposes = attributes.enabled_purposes.clone().unwrap_or(changed.enabled_purposes);
        changed.updated_at = timestamp();
        changed.check_size()?;
        Ok(changed)
    }

    /// The collections nested directly in this one, taken out of it.
    #[must_use]
    pub fn detached_children(&self, key: &str) -> Vec<Collection> {
        let children = self.collections.iter().filter(|other| other.parents.iter().any(|parent| parent == key));
        let detach = |child: &Collection| {
            let mut child = child.clone();
            child.parents.retain(|parent| parent != key);
            child
        };
        children.map(detach).collect()
    }

    fn parents(&self, collection: &Collection, slugs: &[String]) -> Result<Vec<String>, ApiError> {
        let refused = |words: &str| Invalid::new(words).named("parents");
        let mut parents: Vec<String> = Vec::new();
        for slug in slugs {
            let parent = self.find(slug).map_err(|_| refused("must be slugs of collections of the same set"))?;
            if self.is_within(&parent.key, &collection.key) {
                return Err(refused("a collection cannot be nested in itself, nor in what is nested in it"));
            }
            if !parents.contains(&parent.key) {
                parents.push(parent.key.clone());
            }
        }
        Ok(parents)
    }

    /// Whether `key` is `ancestor` or nested in it. There are no cycles in what is stored.
    fn is_within(&self, key: &str, ancestor: &str) -> bool {
        let mut seen = vec![key];
        let mut next = 0;
        while let Some(key) = seen.get(next) {
            if *key == ancestor {
                return true;
            }
            let parents = self.collections.iter().filter(|other| other.key == *key).flat_map(|other| &other.parents);
            let unseen: Vec<&str> = parents.map(String::as_str).filter(|parent| !seen.contains(parent)).collect();
            seen.extend(unseen);
            next += 1;
        }
        false
    }
}

impl Collection {
    /// Whether a file that is related to an entity so is in this collection of `owner`'s: by a tag that is its slug,
    /// full or only its key.
    #[must_use]
    pub fn has(&self, owner: &Owner, relation: &Relation) -> bool {
        let slug = owner.slug(self);
        relation.schema.as_ref().is_none_or(|schema| *schema == self.schema)
            && relation.tags.iter().any(|tag| *tag == slug || *tag == self.key)
    }

    fn check_size(&self) -> Result<(), ApiError> {
        let texts = (&self.name, &self.enabled_locations, &self.enabled_purposes);
        if serde_json::to_string(&texts).map_err(ApiError::internal)?.len() > MAX_TEXT_BYTES {
            return Err(ApiError::PayloadTooLarge(format!(
                "name, enabled_locations and enabled_purposes may have {MAX_TEXT_BYTES} bytes of JSON in all"
            )));
        }
        Ok(())
    }
}

impl CollectionAttributes {
    fn check(&self) -> Result<(), ApiError> {
        if let Some(name) = &self.name
            && (name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control))
        {
            let words = format!("must be 1 to {MAX_NAME_CHARS} characters, and no control characters");
            return Err(Invalid::new(words).named("name"));
        }
        for (field, list) in [
            ("parents", &self.parents),
            ("enabled_locations", &self.enabled_locations),
            ("enabled_purposes", &self.enabled_purposes),
        ] {
            let list = list.as_deref().unwrap_or_default();
            let too_long = |entry: &String| field != "parents" && entry.chars().count() > MAX_ENTRY_CHARS;
            if list.len() > MAX_ENTRIES || list.iter().any(too_long) {
                let words = format!("may have {MAX_ENTRIES} entries of {MAX_ENTRY_CHARS} characters");
                return Err(Invalid::new(words).named(field));
            }
        }
        Ok(())
    }
}

/// The 404 of a collection that is unknown or somebody else's.
#[must_use]
pub fn collection_not_found() -> ApiError {
    ApiError::NotFound("there is no such collection; check its slug and schema")
}

/// A name in lower case, its letters and digits joined by `-`; if it has none in ASCII, a part of the id. The words of
/// our own paths get that part too, so that no slug can be taken for one.
fn key_of_name(name: &str, id: Uuid) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut key = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    key.truncate(MAX_SLUG_CHARS);
    let part_of_id: String = id.simple().to_string().chars().take(8).collect();
    match key.trim_end_matches('-') {
        "" => part_of_id,
        word if RESERVED.contains(&word) => format!("{word}-{part_of_id}"),
        key => key.to_owned(),
    }
}

#[cfg(test)]
mod tests;
