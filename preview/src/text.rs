//! Plain text, Markdown, tables, source: the first lines set on a page.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::{
    Bounds, Refusal,
    page::{Font, Page, Paper, Typeface},
    picture::Picture,
};

/// More than a page can show.
const HEAD_BYTES: usize = 32 * 1024;
/// A little more than 80 columns in a line, 57 lines on a page.
const FONT: Font = Font { face: Typeface::Mono, size: 10.25 };
const TAB_COLUMNS: usize = 4;

/// The first lines of what is text: bytes that decode, without control characters.
pub(crate) fn decode(source: &[u8], charset: Option<&str>, bounds: Bounds) -> Result<Picture, Refusal> {
    let text = head(source, charset).ok_or(Refusal::Unsupported)?;
    let mut page = Page::new(Paper::PORTRAIT, bounds);
    let paper = page.paper();
    let mut y = paper.margin + FONT.size;
    for line in text.lines() {
        let line = expand_tabs(line);
        let mut rest: &str = &line;
        loop {
            if y > paper.height - paper.margin {
                return Ok(page.picture());
            }
            let (fitting, left) = FONT.fitting(rest, paper.measure());
            page.set(fitting, FONT, paper.margin, y);
            y += FONT.leading();
            rest = left;
            if rest.is_empty() {
                break;
            }
        }
    }
    Ok(page.picture())
}

/// The beginning, if it is text in the encoding of its byte order mark, the declared one or UTF-8.
fn head(source: &[u8], charset: Option<&str>) -> Option<String> {
    let (encoding, mark) = Encoding::for_bom(source)
        .or_else(|| Some((Encoding::for_label(charset?.as_bytes())?, 0)))
        .unwrap_or((UTF_8, 0));
    let (head, last) = match source.get(mark..)? {
        rest if rest.len() > HEAD_BYTES => (rest.get(..HEAD_BYTES)?, false),
        rest => (rest, true),
    };
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(head.len())?);
    let (result, _) = decoder.decode_to_string_without_replacement(head, &mut text, last);
    let whole = result == DecoderResult::InputEmpty;
    let control = |char: char| char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{c}');
    (whole && !text.contains(control)).then_some(text)
}

fn expand_tabs(line: &str) -> Cow<'_, str> {
    if !line.contains('\t') {
        return Cow::Borrowed(line);
    }
    let mut expanded = String::with_capacity(line.len() * 2);
    let mut column = 0;
    for char in line.chars() {
        let columns = if char == '\t' { TAB_COLUMNS - column % TAB_COLUMNS } else { 1 };
        column += columns;
        if char == '\t' {
            expanded.extend(std::iter::repeat_n(' ', columns));
        } else {
            expanded.push(char);
        }
    }
    Cow::Owned(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> Bounds {
        Bounds::new(None, None).unwrap()
    }

    fn ink(source: &[u8], charset: Option<&str>) -> Result<usize, Refusal> {
        let picture = decode(source, charset, bounds())?;
        Ok(picture.pixels.iter().filter(|shade| **shade < 128).count())
    }

    #[test]
    fn text_is_inked_on_a_page_in_portrait() {
        let picture = decode(b"# Title\n\nSome words.\n", None, bounds()).unwrap();
        assert!(picture.height > picture.width);
        assert!(ink(b"# Title\n\nSome words.\n", None).unwrap() > 100);
        assert_eq!(ink(b"\n\n  \r\n\t", None), Ok(0));
    }

    #[test]
    fn the_mark_then_the_declared_charset_then_utf_8_decides() {
        let utf16 = |text: &str| {
            [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<_>>()
        };
        assert_eq!(head(&utf16("Ωmega"), Some("utf-8")).as_deref(), Some("Ωmega"));
        assert_eq!(head("\u{feff}Ωmega".as_bytes(), Some("latin1")).as_deref(), Some("Ωmega"));
        assert_eq!(head(b"caf\xe9", Some("ISO-8859-1")).as_deref(), Some("café"));
        assert_eq!(head(b"\x83e\x83X\x83g", Some("Shift_JIS")).as_deref(), Some("テスト"));
        assert_eq!(head("テスト".as_bytes(), Some("no-such-charset")).as_deref(), Some("テスト"));
    }

    #[test]
    fn what_does_not_decode_or_has_control_characters_is_no_text() {
        for binary in [b"caf\xe9".as_slice(), b"a\0b", b"\x1b[1m", b"\xff\xfe\0\xd8", b"cut \xe3\x83"] {
            assert_eq!(ink(binary, None), Err(Refusal::Unsupported), "{binary:?}");
        }
        assert_eq!(ink(b"a\0b", Some("windows-1252")), Err(Refusal::Unsupported));
    }

    #[test]
    fn only_the_beginning_is_read_even_if_it_ends_inside_a_letter() {
        let mut long = "aé".repeat(HEAD_BYTES).into_bytes();
        long.truncate(HEAD_BYTES * 2);
        assert_eq!(head(&long, None).unwrap().len(), HEAD_BYTES - 1);
        long.extend_from_slice(b"\0\xff");
        assert!(head(&long, None).is_some());
    }

    #[test]
    fn one_endless_line_fills_the_page() {
        assert!(ink("lorem ipsum ".repeat(5_000).as_bytes(), None).unwrap() > 10_000);
    }

    #[test]
    fn tabs_reach_to_the_next_stop() {
        assert_eq!(expand_tabs("\ta\tbcd\te"), "    a   bcd e");
    }
}
