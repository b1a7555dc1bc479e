//! How text without a layout of its own is set on a page.

use super::{
    sheet::Rows,
    writing::{Block, Style},
};
use crate::{
    Bounds,
    page::{Font, Page, Paper, Typeface},
    picture::Picture,
};

/// Of text documents, and of slides, in points.
const BODY: f32 = 11.0;
const SLIDE_BODY: f32 = 24.0;
/// Of titles and the headings of each level, in sizes of the body.
const HEADINGS: [f32; 4] = [2.0, 1.5, 1.3, 1.15];
const SHEET: Font = Font { face: Typeface::Sans, size: 9.0 };
/// Of a cell: its text to its edge, in points.
const INSET: f32 = 3.0;
const LINE: u8 = 190;
/// A column of a sheet, in points.
const NARROWEST: f32 = 40.0;
const WIDEST: f32 = 180.0;

/// A text document.
pub(super) fn written(blocks: &[Block], bounds: Bounds) -> Picture {
    set(blocks, BODY, Paper::PORTRAIT, bounds)
}

/// A slide.
pub(super) fn slide(blocks: &[Block], paper: Paper, bounds: Bounds) -> Picture {
    set(blocks, SLIDE_BODY, paper, bounds)
}

fn set(blocks: &[Block], body: f32, paper: Paper, bounds: Bounds) -> Picture {
    let mut page = Page::new(paper, bounds);
    let mut y = paper.margin;
    for block in blocks {
        if y > paper.height - paper.margin {
            break;
        }
        y = match block {
            Block::Paragraph(style, text) => paragraph(&mut page, *style, text, body, y),
            Block::Row(cells) => row(&mut page, cells, body, y),
        };
    }
    page.picture()
}

/// Sets a paragraph from `y` downwards, and returns where the next one begins.
fn paragraph(page: &mut Page, style: Style, text: &str, body: f32, y: f32) -> f32 {
    let paper = page.paper();
    let size = match style {
        Style::Heading(level) => body * HEADINGS.get(usize::from(level)).or(HEADINGS.last()).unwrap_or(&1.0),
        Style::Body | Style::Item => body,
    };
    let font = Font { face: Typeface::Sans, size };
    let indent = if style == Style::Item { body * 1.5 } else { 0.0 };
    let mut y = if matches!(style, Style::Heading(_)) { y + body * 0.6 } else { y };
    if style == Style::Item {
        page.set("•", font, paper.margin + body * 0.5, y + size);
    }
    let mut rest = text;
    loop {
        if y + size > paper.height - paper.margin {
            return paper.height;
        }
        let (line, left) = font.fitting(rest, paper.measure() - indent);
        page.set(line, font, paper.margin + indent, y + size);
        y += font.leading();
        rest = left;
        if rest.is_empty() {
            return y + body * 0.45;
        }
    }
}

/// Sets the row of a table in columns of one width, a line each.
fn row(page: &mut Page, cells: &[String], body: f32, y: f32) -> f32 {
    let paper = page.paper();
    #[expect(clippy::cast_precision_loss, reason = "the cells of a row")]
    let width = paper.measure() / cells.len().max(1) as f32;
    let font = Font { face: Typeface::Sans, size: body };
    let height = font.leading() + INSET;
    let mut x = paper.margin;
    for text in cells {
        cell(page, text, font, (x, y), (width, height));
        x += width;
        if x > paper.width {
            break;
        }
    }
    y + height
}

/// A spreadsheet.
pub(super) fn table(rows: &Rows, bounds: Bounds) -> Picture {
    let paper = Paper { margin: 30.0, ..Paper::PORTRAIT };
    let mut page = Page::new(paper, bounds);
    let mut widths: Vec<f32> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), NARROWEST);
        for (width, text) in widths.iter_mut().zip(row) {
            *width = width.max(SHEET.width(text) + 2.0 * INSET).min(WIDEST);
        }
    }
    let height = SHEET.leading() + INSET;
    let mut y = paper.margin;
    for row in rows {
        if y + height > paper.height - paper.margin {
            break;
        }
        let mut x = paper.margin;
        for (column, width) in widths.iter().enumerate() {
            if x > paper.width - paper.margin {
                break;
            }
            let text = row.get(column).map_or("", String::as_str);
            cell(&mut page, text, SHEET, (x, y), (width.min(paper.width - paper.margin - x), height));
            x += width;
        }
        y += height;
    }
    page.picture()
}

/// Sets what fits of a text in a cell, with lines around it.
fn cell(page: &mut Page, text: &str, font: Font, (x, y): (f32, f32), (width, height): (f32, f32)) {
    let line = 0.6;
    for (y, height) in [(y, line), (y + height, line)] {
        page.fill((x, y), (width + line, height), LINE);
    }
    for x in [x, x + width] {
        page.fill((x, y), (line, height), LINE);
    }
    let (text, _) = font.fitting(text, width - 2.0 * INSET);
    page.set(text, font, x + INSET, y + font.size + INSET * 0.5);
}
