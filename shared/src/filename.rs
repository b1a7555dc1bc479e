//! Filenames as people write them, and how they travel in object keys and headers.

use crate::error::Invalid;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// The longest filename, in characters.
pub const MAX_CHARS: usize = 255;

/// The longest key segment, in bytes: with the longest prefix a key stays below S3's 1,024 bytes.
const MAX_SEGMENT_BYTES: usize = 800;

/// RFC 3986 unreserved characters stay as they are.
pub(crate) const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A filename that is safe to store and to show: 1 to 255 characters, no path, no control or direction-changing
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filename(String);

impl Filename {
    /// The name as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment of the object key: percent-encoded, and cut at a whole character if it would be too long.
    #[must_use]
    pub fn key_segment(&self) -> String {
        let mut segment = String::new();
        for c in self.0.chars() {
            let mut utf8 = [0; 4];
            let encoded = utf8_percent_encode(c.encode_utf8(&mut utf8), &UNRESERVED).to_string();
            if segment.len() + encoded.len() > MAX_SEGMENT_BYTES {
                break;
            }
            segment.push_str(&encoded);
        }
        segment
    }

    /// Whether [`Self::key_segment`] had to cut the name, so that it must be kept elsewhere too.
    #[must_use]
    pub fn is_cut_in_key(&self) -> bool {
        Self::from_key_segment(&self.key_segment()).as_ref() != Some(self)
    }

    /// The name that a key segment holds, or `None` if it holds none that [`Self::key_segment`] would have made.
    #[must_use]
    pub fn from_key_segment(segment: &str) -> Option<Self> {
        let name = percent_decode_str(segment).decode_utf8().ok()?;
        let name = Self::try_from(name.into_owned()).ok()?;
        (name.key_segment() == segment).then_some(name)
    }

    /// The name that the last segment of a URL's path holds, if it is one.
    #[must_use]
    pub fn of_url(url: &url::Url) -> Option<Self> {
        let segment = url.path_segments()?.next_back()?;
        Self::try_from(percent_decode_str(segment).decode_utf8().ok()?.into_owned()).ok()
    }

    /// The `Content-Disposition` header: RFC 6266, with an ASCII fallback and the true name as `filename*` (RFC 8187).
    #[must_use]
    pub fn content_disposition(&self, attachment: bool) -> String {
        let kind = if attachment { "attachment" } else { "inline" };
        let fallback: String =
            self.0.chars().map(|c| if c.is_ascii() && !matches!(c, '"' | '\\' | '%') { c } else { '_' }).collect();
        let exact = utf8_percent_encode(&self.0, &UNRESERVED);
        format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{exact}")
    }
}

impl TryFrom<String> for Filename {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        let chars = name.chars().count();
        if name.trim().is_empty() {
            return Err(Invalid::new("must not be empty"));
        }
        if chars > MAX_CHARS {
            return Err(Invalid::new(format!("may have at most {MAX_CHARS} characters, not {chars}")));
        }
        if matches!(name.as_str(), "." | "..") || name.contains(['/', '\\']) {
            return Err(Invalid::new("must be a name without a path"));
        }
        if name.chars().any(|c| c.is_control() || changes_direction(c)) {
            return Err(Invalid::new("may not contain control characters"));
        }
        Ok(Self(name))
    }
}

impl From<Filename> for String {
    fn from(name: Filename) -> Self {
        name.0
    }
}

/// Line separators and the Unicode bidirectional controls, which make `exe.gpj` look like `jpg.exe` (Unicode TR 36).
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Filename {
        Filename::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn paths_control_characters_and_overlong_names_are_refused() {
        let overlong = "a".repeat(256);
        for bad in ["", " ", ".", "..", "a/b", "a\\b", "a\nb", "a\0b", "a\u{7f}", "a\u{202e}gpj.exe", &overlong] {
            assert!(Filename::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_segment_is_short_ascii_and_gives_the_name_back() {
        for good in ["a b.pdf", "Übergröße.pdf", "\"q\" %2F.txt", "🦀.rs", "...", "a+b&c=d.txt"] {
            let segment = name(good).key_segment();
            assert!(segment.is_ascii() && segment.len() <= MAX_SEGMENT_BYTES);
            assert_eq!(Filename::from_key_segment(&segment), Some(name(good)));
            assert!(!name(good).is_cut_in_key());
        }
    }

    #[test]
    fn a_name_too_long_for_a_key_is_cut_at_a_whole_character() {
        let crabs = name(&"🦀".repeat(255));
        let segment = crabs.key_segment();
        assert!(segment.len() <= MAX_SEGMENT_BYTES && segment.ends_with("%F0%9F%A6%80"));
        assert!(crabs.is_cut_in_key());
    }

    #[test]
    fn a_segment_that_no_filename_makes_is_refused() {
        for bad in ["", "..", "a b", "%61", "%2F", "%ff", "a%2fb"] {
            assert_eq!(Filename::from_key_segment(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn content_disposition_keeps_the_true_name_and_cannot_be_broken_out_of() {
        assert_eq!(
            name("a \"ü\".pdf").content_disposition(true),
            "attachment; filename=\"a __.pdf\"; filename*=UTF-8''a%20%22%C3%BC%22.pdf".replace("a __", "a ___")
        );
        assert!(name("x").content_disposition(false).starts_with("inline; "));
    }
}
