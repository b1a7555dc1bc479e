//! The name of a file that a server sends.

use percent_encoding::percent_decode_str;
use shared::filename::Filename;
use url::Url;

/// The name in this `Content-Disposition` (RFC 6266), else the last part of the URL.
pub fn filename(disposition: Option<&str>, url: &Url) -> Option<Filename> {
    let parameters = disposition.map(parameters).unwrap_or_default();
    let parameter = |name: &str| parameters.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let extended = parameter("filename*").and_then(|(_, value)| extended(value));
    let plain = parameter("filename").map(|(_, value)| value.clone());
    let path =
        || percent_decode_str(url.path_segments()?.next_back()?).decode_utf8().ok()?.into_owned().try_into().ok();
    extended.and_then(|name| without_path(&name)).or_else(|| without_path(&plain?)).or_else(path)
}

/// RFC 6266 tells recipients to look at nothing but the last part of what may be a path.
fn without_path(name: &str) -> Option<Filename> {
    name.rsplit(['/', '\\']).next()?.to_owned().try_into().ok()
}

/// The parameters after the disposition's type, as name and value.
fn parameters(disposition: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = disposition;
    while let Some((_, after)) = rest.split_once(';') {
        let Some((name, after)) = after.split_once('=') else { break };
        // Words without a value may come before.
        let name = name.rsplit(';').next().unwrap_or_default().trim().to_owned();
        let after = after.trim_start();
        let (value, after) = after.strip_prefix('"').map_or_else(|| token(after), unquoted);
        parameters.push((name, value));
        rest = after;
    }
    parameters
}

/// A value without quotes, and what follows it.
fn token(text: &str) -> (String, &str) {
    let (token, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    (token.trim_end().to_owned(), rest)
}

/// What is inside of a quoted string whose first quote is gone, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            _ => value.push(c),
        }
    }
    (value, chars.as_str())
}

/// The text of an extended value such as `UTF-8''%e2%82%ac.pdf` (RFC 8187).
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let text = percent_decode_str(encoded).decode_utf8().ok()?;
    charset.eq_ignore_ascii_case("utf-8").then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(disposition: &str, url: &str) -> Option<String> {
        filename(Some(disposition), &Url::parse(url).unwrap()).map(String::from)
    }

    #[test]
    fn the_name_is_that_of_the_content_disposition() {
        for (disposition, expected) in [
            ("attachment; filename=a.pdf", "a.pdf"),
            ("attachment;filename=a.pdf;size=3", "a.pdf"),
            ("INLINE; FileName = \"a; b.pdf\" ; x=y", "a; b.pdf"),
            ("attachment; filename=\"a \\\"q\\\".pdf\"", "a \"q\".pdf"),
            ("attachment; filename=\"Größe.pdf\"", "Größe.pdf"),
            ("attachment; filename=\"fallback.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf", "Größe.pdf"),
            ("attachment; filename*=utf-8'en'%e2%82%ac.pdf; filename=fallback.pdf", "€.pdf"),
            ("attachment; filename*=ISO-8859-1''%A3.pdf; filename=fallback.pdf", "fallback.pdf"),
            ("attachment; filename*=UTF-8''%ff.pdf; filename=fallback.pdf", "fallback.pdf"),
            ("attachment; x; filename=a.pdf", "a.pdf"),
            ("attachment; filename=\"never closed.pdf", "never closed.pdf"),
        ] {
            assert_eq!(named(disposition, "https://a.example/url.txt").as_deref(), Some(expected), "{disposition}");
        }
    }

    #[test]
    fn of_a_path_only_the_last_part_is_the_name() {
        for path in ["../../etc/a.pdf", "/etc/a.pdf", "C:\\\\a.pdf", "..\\\\..\\\\a.pdf"] {
            assert_eq!(named(&format!("attachment; filename=\"{path}\""), "https://a.example/").unwrap(), "a.pdf");
        }
        assert_eq!(named("attachment; filename*=UTF-8''..%2F..%2Fa.pdf", "https://a.example/").unwrap(), "a.pdf");
    }

    #[test]
    fn without_a_disposition_that_names_it_the_name_is_the_last_part_of_the_url() {
        for disposition in [
            "",
            "attachment",
            "inline; filename",
            "inline; filename=",
            "inline; filename=\"..\"",
            "a; filename=\"a\u{202e}b\"",
        ] {
            assert_eq!(named(disposition, "https://a.example/x/b%20c.txt?q=d.pdf#e").unwrap(), "b c.txt");
        }
        for nameless in ["https://a.example", "https://a.example/x/", "https://a.example/%2F", "https://a.example/%ff"]
        {
            assert_eq!(named("", nameless), None, "{nameless}");
        }
    }
}
