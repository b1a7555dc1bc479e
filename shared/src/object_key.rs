//! Ids and object keys: built from parts that are valid, never from input as it comes.
//!
//! | object | key |
//! | --- | --- |
//! | upload | `temp/{org}/{upload id}/{name}` |
//! | upload without a token | `temp/public/{upload id}/{name}` or `temp/public/{org}/{upload id}/{name}` |
//! | saved | `{org}/{upload id}/{name}` |
//! | preview | `previews/{org}/{upload id}/…` (`preview.rs`) |

use crate::{error::Invalid, filename::Filename};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Words that begin a key of ours, so that no organisation may have them as its id.
const RESERVED: [&str; 3] = ["temp", "public", "previews"];

/// An organisation's id: 1 to 64 ASCII letters, digits, `-` and `_`, starting with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgId(String);

impl OrgId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrgId {
    type Err = Invalid;

    fn from_str(id: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let valid = (1..=64).contains(&id.len())
            && id.chars().all(allowed)
            && id.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !RESERVED.iter().any(|word| id.eq_ignore_ascii_case(word));
        if valid {
            Ok(Self(id.to_owned()))
        } else {
            Err(Invalid::new("must be 1 to 64 letters, digits, - and _, and no reserved word"))
        }
    }
}

impl TryFrom<String> for OrgId {
    type Error = Invalid;

    fn try_from(id: String) -> Result<Self, Invalid> {
        id.parse()
    }
}

impl From<OrgId> for String {
    fn from(id: OrgId) -> Self {
        id.0
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileId(Uuid);

impl FileId {
    /// A new random id, of a file that no upload becomes.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl FromStr for FileId {
    type Err = Invalid;

    fn from_str(id: &str) -> Result<Self, Invalid> {
        parse_uuid(id).map(Self)
    }
}

/// Takes only the hyphenated form, so that an id has one spelling.
pub(crate) fn parse_uuid(id: &str) -> Result<Uuid, Invalid> {
    let uuid = Uuid::try_parse(id).ok().filter(|uuid| uuid.hyphenated().to_string().eq_ignore_ascii_case(id));
    uuid.ok_or_else(|| Invalid::new("must be a UUID"))
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for FileId {
    type Error = Invalid;

    fn try_from(id: String) -> Result<Self, Invalid> {
        id.parse()
    }
}

impl From<FileId> for String {
    fn from(id: FileId) -> Self {
        id.to_string()
    }
}

/// The id of an upload; the file that it becomes gets the same one, so that a repeated save cannot make two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(Uuid);

impl UploadId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id of the file that this upload becomes when it is saved as a new one.
    #[must_use]
    pub fn file_id(self) -> FileId {
        FileId(self.0)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an upload waits to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TempKey {
    /// Made by the operation that takes no token.
    pub public: bool,
    /// Whose upload it is; `None` only for public ones: whoever saves it first.
    pub org: Option<OrgId>,
    /// The upload.
    pub upload: UploadId,
    segment: String,
}

impl TempKey {
    /// A new key for an upload by `org`.
    #[must_use]
    pub fn new(org: OrgId, filename: &Filename) -> Self {
        Self { public: false, org: Some(org), upload: UploadId::random(), segment: filename.key_segment() }
    }

    /// A new key for an upload without a token, meant for `org` if one is named.
    #[must_use]
    pub fn new_public(org: Option<OrgId>, filename: &Filename) -> Self {
        Self { public: true, org, upload: UploadId::random(), segment: filename.key_segment() }
    }

    /// The name in the key, cut if it was too long for one.
    #[must_use]
    pub fn filename(&self) -> Option<Filename> {
        Filename::from_key_segment(&self.segment)
    }

    /// Where `org` keeps this upload once it is saved.
    #[must_use]
    pub fn saved(&self, org: OrgId) -> SavedKey {
        SavedKey { org, upload: self.upload, segment: self.segment.clone() }
    }
}

impl fmt::Display for TempKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.public { "temp/public/" } else { "temp/" })?;
        if let Some(org) = &self.org {
            write!(f, "{org}/")?;
        }
        write!(f, "{}/{}", self.upload, self.segment)
    }
}

/// Where a version's bytes are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SavedKey {
    /// Whose it is.
    pub org: OrgId,
    /// The upload that it was.
    pub upload: UploadId,
    segment: String,
}

impl SavedKey {
    /// A new key for bytes that are not an upload of a client's.
    #[must_use]
    pub fn new(org: OrgId, filename: &Filename) -> Self {
        Self { org, upload: UploadId::random(), segment: filename.key_segment() }
    }

    /// A new key for a copy of these bytes.
    #[must_use]
    pub fn for_copy(&self, org: OrgId) -> Self {
        Self { org, upload: UploadId::random(), segment: self.segment.clone() }
    }
}

impl fmt::Display for SavedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.org, self.upload, self.segment)
    }
}

impl From<SavedKey> for String {
    fn from(key: SavedKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for SavedKey {
    type Error = Invalid;

    fn try_from(key: String) -> Result<Self, Invalid> {
        match key.parse()? {
            ObjectKey::Saved(key) => Ok(key),
            ObjectKey::Temp(_) => Err(not_our_key()),
        }
    }
}

/// A key that a client sends back to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectKey {
    /// An upload.
    Temp(TempKey),
    /// A version's bytes.
    Saved(SavedKey),
}

impl FromStr for ObjectKey {
    type Err = Invalid;

    fn from_str(key: &str) -> Result<Self, Invalid> {
        let segment = |text: &str| Filename::from_key_segment(text).map(|_| text.to_owned()).ok_or_else(not_our_key);
        let upload = |text: &str| FileId::from_str(text).map(|id| UploadId(id.0)).map_err(|_| not_our_key());
        let org = |text: &str| OrgId::from_str(text).map_err(|_| not_our_key());
        let temp = |public, org, id, name| {
            Ok(Self::Temp(TempKey { public, org, upload: upload(id)?, segment: segment(name)? }))
        };
        match key.split('/').collect::<Vec<_>>().as_slice() {
            ["temp", "public", id, name] => temp(true, None, id, name),
            ["temp", "public", owner, id, name] => temp(true, Some(org(owner)?), id, name),
            ["temp", owner, id, name] => temp(false, Some(org(owner)?), id, name),
            [owner, id, name] => {
                Ok(Self::Saved(SavedKey { org: org(owner)?, upload: upload(id)?, segment: segment(name)? }))
            }
            _ => Err(not_our_key()),
        }
    }
}

fn not_our_key() -> Invalid {
    Invalid::new("is not one that this API made; send the s3ref as it was returned")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";

    #[test]
    fn reserved_and_unsafe_organisation_ids_are_refused() {
        for bad in ["", "temp", "Public", "previews", "-a", "a/b", "a b", "a.b", "ü", "a%2F", &"a".repeat(65)] {
            assert!(bad.parse::<OrgId>().is_err(), "{bad:?}");
        }
        assert_eq!("739224".parse::<OrgId>().unwrap().as_str(), "739224");
    }

    #[test]
    fn every_key_we_make_is_read_back_as_it_was() {
        let name = Filename::try_from("Grüße %.pdf".to_owned()).unwrap();
        let org: OrgId = "123".parse().unwrap();
        for key in [
            TempKey::new(org.clone(), &name),
            TempKey::new_public(None, &name),
            TempKey::new_public(Some(org.clone()), &name),
        ] {
            assert_eq!(key.to_string().parse::<ObjectKey>().unwrap(), ObjectKey::Temp(key.clone()));
            let saved = key.saved(org.clone());
            assert_eq!(saved.to_string().parse::<ObjectKey>().unwrap(), ObjectKey::Saved(saved));
        }
    }

    #[test]
    fn keys_we_never_make_are_refused() {
        for bad in [
            String::new(),
            "temp".into(),
            format!("temp/{ID}/a.pdf"),
            format!("temp/123/{ID}/../a.pdf"),
            format!("temp/123/{ID}/.."),
            format!("temp/123/{ID}/a%2Fb"),
            format!("temp//{ID}/a.pdf"),
            "temp/123/not-an-id/a.pdf".into(),
            format!("temp/123/{ID}/a.pdf?x=1"),
            format!("/temp/123/{ID}/a.pdf"),
            format!("123/{ID}/"),
        ] {
            assert!(bad.parse::<ObjectKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_id_has_one_spelling() {
        assert!(ID.parse::<FileId>().is_ok());
        for bad in ["", "x", "4ffdc191f32c404a8520c403b7408afa", "{4ffdc191-f32c-404a-8520-c403b7408afa}"] {
            assert!(bad.parse::<FileId>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<FileId>(bad.into()).is_err(), "{bad:?}");
        }
    }
}
