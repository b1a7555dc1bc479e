//! What travels with an upload's bytes: the caller's metadata, the index tag, and a filename too long for its key.

use crate::{
    error::{ApiError, Invalid},
    filename::Filename,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::collections::BTreeMap;

/// S3's limit on user-defined metadata, names and values together, is 2,048 bytes; a saved copy needs 64 of them for
/// [`SOURCE_ETAG`]. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
const MAX_BYTES: usize = 2_048 - 64;

const INDEX_TAG: &str = "file-api-index-tag";
const FILENAME: &str = "file-api-filename";
/// On a copy: the `ETag` of what it is a copy of.
pub(crate) const SOURCE_ETAG: &str = "file-api-source-etag";

/// A tag that finds the object in S3: 1 to 64 of the characters that S3 allows in tag values.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IndexTag(String);

impl IndexTag {
    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IndexTag {
    type Error = Invalid;

    fn try_from(tag: String) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
        if (1..=64).contains(&tag.len()) && tag.chars().all(allowed) && tag.trim() == tag {
            Ok(Self(tag))
        } else {
            Err(Invalid::new("must be 1 to 64 letters, digits, spaces and + - = . _ : / @"))
        }
    }
}

impl From<IndexTag> for String {
    fn from(tag: IndexTag) -> Self {
        tag.0
    }
}

/// An object's `x-amz-meta-*` headers, without that prefix; at most 1,984 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// The metadata of a new upload.
    ///
    /// # Errors
    /// 400 for names or values that no header can carry, names of ours, and more than S3 takes.
    pub fn new(
        custom: BTreeMap<String, String>,
        index_tag: Option<&IndexTag>,
        filename: &Filename,
    ) -> Result<Self, ApiError> {
        let mut headers = BTreeMap::new();
        for (name, value) in custom {
            let name = name.to_ascii_lowercase();
            check(&name, &value)?;
            if headers.insert(name.clone(), value).is_some() {
                return Err(ApiError::bad_request(format!(
                    "metadata has {name} twice; names differ by more than case"
                )));
            }
        }
        if let Some(tag) = index_tag {
            headers.insert(INDEX_TAG.to_owned(), tag.as_str().to_owned());
        }
        if filename.is_cut_in_key() {
            headers.insert(FILENAME.to_owned(), BASE64_URL_SAFE_NO_PAD.encode(filename.as_str()));
        }
        let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_BYTES {
            return Err(ApiError::bad_request(format!(
                "metadata, index_tag and a long filename may have {MAX_BYTES} bytes together, not {bytes}"
            )));
        }
        Ok(Self(headers))
    }

    /// The metadata of an object that S3 returned.
    #[must_use]
    pub fn of_object(headers: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(headers.into_iter().collect())
    }

    /// Names and values, without the `x-amz-meta-` prefix.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The index tag, if there is one.
    #[must_use]
    pub fn index_tag(&self) -> Option<IndexTag> {
        IndexTag::try_from(self.0.get(INDEX_TAG)?.clone()).ok()
    }

    /// The `ETag` of what the object is a copy of, if it is one.
    #[must_use]
    pub fn source_etag(&self) -> Option<&str> {
        self.0.get(SOURCE_ETAG).map(String::as_str)
    }

    /// The filename, if it was too long for the key.
    #[must_use]
    pub fn filename(&self) -> Option<Filename> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(self.0.get(FILENAME)?).ok()?;
        Filename::try_from(String::from_utf8(bytes).ok()?).ok()
    }
}

fn check(name: &str, value: &str) -> Result<(), ApiError> {
    let name_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(name_allowed) || [INDEX_TAG, FILENAME, SOURCE_ETAG].contains(&name) {
        return Err(ApiError::bad_request("metadata names may have letters, digits, - _ and ., and not be our own"));
    }
    if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) || value.trim() != value {
        return Err(ApiError::bad_request(format!(
            "metadata value of {name} must be printable ASCII without spaces around it; encode anything else"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filename(name: &str) -> Filename {
        Filename::try_from(name.to_owned()).unwrap()
    }

    fn one(name: &str, value: &str) -> Result<Metadata, ApiError> {
        Metadata::new(BTreeMap::from([(name.to_owned(), value.to_owned())]), None, &filename("a"))
    }

    #[test]
    fn metadata_that_no_header_can_carry_is_refused() {
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a", "x\r\ny"),
            ("a", "ü"),
            ("a", " x"),
            ("file-api-filename", "x"),
            ("file-api-source-etag", "x"),
        ] {
            assert!(one(name, value).is_err(), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn metadata_that_leaves_a_copy_no_room_for_its_own_is_refused() {
        assert!(one("a", &"x".repeat(1_983)).is_ok());
        assert!(one("a", &"x".repeat(1_984)).is_err());
    }

    #[test]
    fn a_filename_too_long_for_its_key_and_the_index_tag_come_back() {
        let long = filename(&"🦀".repeat(255));
        let tag = IndexTag::try_from("2f6a377c8e78".to_owned()).unwrap();
        let metadata = Metadata::new(BTreeMap::new(), Some(&tag), &long).unwrap();
        assert_eq!(metadata.filename(), Some(long));
        assert_eq!(metadata.index_tag(), Some(tag));
    }
}
