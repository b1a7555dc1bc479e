//! Paragraphs, headings and tables, of text documents and of slides.

use super::{
    container::Container,
    xml::{Element, Piece, Xml},
};
use crate::Refusal;

/// More than a page can show.
const BLOCKS: usize = 200;
const BLOCK_BYTES: usize = 8 * 1024;
/// What is no text of the page, though there is text in it.
const ASIDE: [&str; 10] = [
    "Fallback",
    "annotation",
    "automatic-styles",
    "delText",
    "note",
    "notes",
    "sectPr",
    "tabs",
    "tracked-changes",
    "txbxContent",
];

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    Paragraph(Style, String),
    Row(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    Body,
    /// 0 is the title.
    Heading(u8),
    Item,
}

/// The first page of a part in Open XML.
pub(super) fn open_xml(container: &mut Container, part: &str) -> Result<Vec<Block>, Refusal> {
    read(container, part, Dialect::OpenXml)
}

/// The first page of a part in Open Document.
pub(super) fn open_document(container: &mut Container, part: &str) -> Result<Vec<Block>, Refusal> {
    read(container, part, Dialect::OpenDocument)
}

#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    /// Text is in elements of its own.
    OpenXml,
    /// Text is in paragraphs, and its white space means nothing.
    OpenDocument,
}

fn read(container: &mut Container, part: &str, dialect: Dialect) -> Result<Vec<Block>, Refusal> {
    let mut xml = container.xml(part)?.ok_or(Refusal::Broken)?;
    let mut writing =
        Writing { dialect, blocks: Vec::new(), paragraph: None, row: None, shape: Style::Body, text: false };
    while !writing.is_full() && writing.piece(&mut xml)? {}
    writing.end_paragraph();
    Ok(writing.blocks)
}

struct Writing {
    dialect: Dialect,
    blocks: Vec<Block>,
    paragraph: Option<(Style, String)>,
    /// The cells of the row of a table that is open.
    row: Option<Vec<String>>,
    /// What a paragraph is for where it is: in a title of a slide, or in a list.
    shape: Style,
    /// Whether an element of text is open.
    text: bool,
}

impl Writing {
    /// Whether there is more.
    fn piece(&mut self, xml: &mut Xml) -> Result<bool, Refusal> {
        let aside = match xml.next()? {
            None => return Ok(false),
            Some(Piece::Open(element)) if ASIDE.contains(&element.name()) => true,
            Some(Piece::Open(element)) if self.ends_page(&element) => return Ok(false),
            Some(Piece::Open(element)) => {
                self.open(&element);
                false
            }
            Some(Piece::Close(name)) => {
                self.close(&name);
                false
            }
            Some(Piece::Text(text)) => {
                self.add(&text);
                false
            }
        };
        if aside {
            xml.skip()?;
        }
        Ok(true)
    }

    fn is_full(&self) -> bool {
        self.blocks.len() >= BLOCKS
    }

    fn has_text(&self) -> bool {
        self.paragraph.as_ref().is_some_and(|(_, text)| !text.is_empty())
            || self.blocks.iter().any(|block| !matches!(block, Block::Paragraph(_, text) if text.is_empty()))
    }

    fn ends_page(&self, element: &Element) -> bool {
        let breaks = match element.name() {
            "br" => element.attribute("type").is_some_and(|kind| kind == "page"),
            "lastRenderedPageBreak" | "soft-page-break" | "page" => true,
            _ => false,
        };
        breaks && self.has_text()
    }

    fn open(&mut self, element: &Element) {
        match element.name() {
            "p" => self.begin_paragraph(self.shape),
            "h" => self.begin_paragraph(Style::Heading(level(element.attribute("outline-level").as_deref()))),
            "pStyle" => self.restyle(element.attribute("val").and_then(|name| named(&name))),
            "numPr" => self.restyle(Some(Style::Item)),
            "ph" if element.attribute("type").is_some_and(|kind| matches!(&*kind, "title" | "ctrTitle")) => {
                self.shape = Style::Heading(0);
            }
            "sp" => self.shape = Style::Body,
            "frame" => {
                let title = element.attribute("class").is_some_and(|class| class == "title");
                self.shape = if title { Style::Heading(0) } else { Style::Body };
            }
            "list-item" => self.shape = Style::Item,
            "tr" | "table-row" => self.row = Some(Vec::new()),
            "tc" | "table-cell" => self.row.iter_mut().for_each(|row| row.push(String::new())),
            "t" => self.text = true,
            "tab" => self.space(4),
            "s" => self.space(element.attribute("c").and_then(|count| count.parse().ok()).unwrap_or(1)),
            "br" | "line-break" => {
                if let Some((style, _)) = self.paragraph {
                    self.begin_paragraph(style);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" | "h" => self.end_paragraph(),
            "t" => self.text = false,
            "list" | "list-item" => self.shape = Style::Body,
            "tr" | "table-row" => self.blocks.extend(self.row.take().map(Block::Row)),
            _ => {}
        }
    }

    fn begin_paragraph(&mut self, style: Style) {
        self.end_paragraph();
        self.paragraph = Some((style, String::new()));
    }

    fn restyle(&mut self, style: Option<Style>) {
        if let (Some(style), Some((old, _))) = (style, &mut self.paragraph) {
            *old = style;
        }
    }

    /// A paragraph in a cell is a part of its text.
    fn end_paragraph(&mut self) {
        let Some((style, text)) = self.paragraph.take() else { return };
        match self.row.as_mut().and_then(|row| row.last_mut()) {
            Some(cell) if cell.len() < BLOCK_BYTES => {
                if !cell.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(&text);
            }
            Some(_) => {}
            None => self.blocks.push(Block::Paragraph(style, text)),
        }
    }

    fn space(&mut self, count: usize) {
        if let Some((_, text)) = &mut self.paragraph
            && text.len() < BLOCK_BYTES
        {
            text.extend(std::iter::repeat_n(' ', count.min(80)));
        }
    }

    fn add(&mut self, more: &str) {
        let Some((_, text)) = &mut self.paragraph else { return };
        if text.len() >= BLOCK_BYTES {
            return;
        }
        let end = more.floor_char_boundary(BLOCK_BYTES);
        let more = more.get(..end).unwrap_or_default();
        match self.dialect {
            Dialect::OpenXml if self.text => text.push_str(more),
            Dialect::OpenXml => {}
            Dialect::OpenDocument => {
                for char in more.chars() {
                    if !char.is_whitespace() {
                        text.push(char);
                    } else if !text.is_empty() && !text.ends_with(' ') {
                        text.push(' ');
                    }
                }
            }
        }
    }
}

fn level(number: Option<&str>) -> u8 {
    number.and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// The style that a paragraph of Word names, if it is one of those that all versions have.
fn named(name: &str) -> Option<Style> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(Style::Heading(0));
    }
    if let Some(number) = name.strip_prefix("heading") {
        return Some(Style::Heading(level(Some(number.trim()))));
    }
    name.starts_with("list").then_some(Style::Item)
}
