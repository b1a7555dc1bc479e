//! What kind of file it is: its MIME type, the contract's file type, and its size in words.

use crate::{error::Invalid, filename::Filename};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// What S3 and the contract call bytes of no known type.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The contract's twelve file types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The names say it.
pub enum FileType {
    Document,
    DocumentTemplate,
    Text,
    Image,
    Video,
    Audio,
    Spreadsheet,
    Presentation,
    Font,
    Archive,
    Application,
    Unknown,
}

impl FileType {
    /// The type of a file with this MIME type. `DocumentTemplate` is never guessed.
    #[must_use]
    pub fn of(mime: &MimeType) -> Self {
        let essence = mime.essence();
        let (main_type, subtype) = essence.split_once('/').unwrap_or_default();
        let subtype_has = |words: &[&str]| words.iter().any(|word| subtype.contains(word));
        match main_type {
            "image" => Self::Image,
            "video" => Self::Video,
            "audio" => Self::Audio,
            "font" => Self::Font,
            _ if subtype_has(&["spreadsheet", "ms-excel", "csv", "vnd.apple.numbers"]) => Self::Spreadsheet,
            _ if subtype_has(&["presentation", "ms-powerpoint", "vnd.apple.keynote"]) => Self::Presentation,
            _ if subtype_has(&["pdf", "msword", "wordprocessing", "opendocument.text", "rtf", "vnd.apple.pages"]) => {
                Self::Document
            }
            _ if subtype_has(&["zip", "x-tar", "x-7z", "vnd.rar", "x-rar", "x-bzip", "x-xz", "zstd"]) => Self::Archive,
            "text" => Self::Text,
            "application" if mime.is_unknown() => Self::Unknown,
            "application" => Self::Application,
            _ => Self::Unknown,
        }
    }
}

/// A well-formed MIME type of at most 255 ASCII characters, such as `text/plain; charset=utf-8`. It is kept as it was
/// given: S3 takes an upload with exactly the text that was signed, and clients send what they told us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MimeType(String);

impl MimeType {
    /// The type as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type that the filename's extension suggests, or `application/octet-stream`.
    #[must_use]
    pub fn guess(filename: &Filename) -> Self {
        Self(mime_guess::from_path(filename.as_str()).first_raw().unwrap_or(OCTET_STREAM).to_owned())
    }

    /// Whether it says nothing: S3's and HTTP's default types.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        [OCTET_STREAM, "binary/octet-stream"].iter().any(|unknown| self.0.eq_ignore_ascii_case(unknown))
    }

    /// Whether a browser would run what is in it: HTML, SVG and other XML.
    #[must_use]
    pub fn is_active(&self) -> bool {
        let essence = self.essence();
        essence.trim_end().ends_with("xml") || essence.contains("html") || essence.ends_with("/xsl")
    }

    /// The charset that it declares.
    #[must_use]
    pub fn charset(&self) -> Option<String> {
        let mime: mime::Mime = self.0.parse().ok()?;
        Some(mime.get_param(mime::CHARSET)?.to_string())
    }

    /// Type and subtype without parameters, in lower case, to be compared.
    #[must_use]
    pub fn essence(&self) -> String {
        self.0.split(';').next().unwrap_or_default().to_ascii_lowercase()
    }
}

/// Deserializes an optional type, for `#[serde(deserialize_with)]`. A browser says "" of a file whose type it does not
/// know.
///
/// # Errors
/// If it is anything else that is no type.
pub fn mime_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MimeType>, D::Error> {
    let mime = Option::<String>::deserialize(deserializer)?.filter(|mime| !mime.is_empty());
    mime.map(MimeType::try_from).transpose().map_err(D::Error::custom)
}

impl TryFrom<String> for MimeType {
    type Error = Invalid;

    fn try_from(mime: String) -> Result<Self, Invalid> {
        let header_safe = mime.len() <= 255 && mime.bytes().all(|b| (b' '..=b'~').contains(&b));
        if header_safe && mime.parse::<mime::Mime>().is_ok() && !mime.starts_with('*') {
            Ok(Self(mime))
        } else {
            Err(Invalid::new("must be a MIME type such as application/pdf"))
        }
    }
}

impl From<MimeType> for String {
    fn from(mime: MimeType) -> Self {
        mime.0
    }
}

/// A size in words, in decimal units: `999 B`, `1.2 KB`, `5.0 GB`.
#[must_use]
pub fn readable_size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, so that rounding needs no floating point.
    let mut tenths = (bytes + 50) / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS.get(unit).unwrap_or(&"TB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mime(text: &str) -> MimeType {
        MimeType::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn mime_types_that_could_break_a_header_are_refused() {
        for bad in ["", "pdf", "text/plain\r\nX: y", "text/ plain", "*/*", "ü/x", "/"] {
            assert!(MimeType::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mime_type_is_kept_as_it_was_given_and_compared_in_lower_case() {
        let excel = "application/vnd.ms-excel.sheet.macroEnabled.12";
        assert_eq!(mime(excel).as_str(), excel);
        let html = mime("Text/HTML; Charset=UTF-8");
        assert_eq!((html.essence().as_str(), html.charset().as_deref()), ("text/html", Some("utf-8")));
        assert!(mime("Application/Octet-Stream").is_unknown() && !mime("application/octet-streams").is_unknown());
    }

    #[test]
    fn an_empty_mime_type_in_a_body_means_none() {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "mime_field")]
            mime_type: Option<MimeType>,
        }
        let parsed = |json: &str| serde_json::from_str::<Body>(json).map(|body| body.mime_type);
        for none in ["{}", r#"{"mime_type": null}"#, r#"{"mime_type": ""}"#] {
            assert_eq!(parsed(none).unwrap(), None, "{none}");
        }
        assert_eq!(parsed(r#"{"mime_type": "a/B"}"#).unwrap(), Some(mime("a/B")));
        for bad in [r#"{"mime_type": " "}"#, r#"{"mime_type": "pdf"}"#, r#"{"mime_type": 7}"#] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_file_type_follows_the_mime_type() {
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        for (text, expected) in [
            ("application/pdf", FileType::Document),
            (docx, FileType::Document),
            (xlsx, FileType::Spreadsheet),
            ("text/csv", FileType::Spreadsheet),
            ("application/vnd.ms-powerpoint", FileType::Presentation),
            ("application/vnd.ms-excel.sheet.macroEnabled.12", FileType::Spreadsheet),
            ("Image/SVG+XML", FileType::Image),
            ("APPLICATION/PDF; x=y", FileType::Document),
            ("text/plain; charset=utf-8", FileType::Text),
            ("application/zip", FileType::Archive),
            ("application/json", FileType::Application),
            ("font/woff2", FileType::Font),
            (OCTET_STREAM, FileType::Unknown),
        ] {
            assert_eq!(FileType::of(&mime(text)), expected, "{text}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_234, "1.2 KB"),
            (999_949, "999.9 KB"),
            (999_999, "1.0 MB"),
            (1_200_000, "1.2 MB"),
            (5_368_709_120, "5.4 GB"),
        ] {
            assert_eq!(readable_size(bytes), text);
        }
    }
}
