//! The first rows of the first sheet of a workbook.

use std::collections::HashMap;

use super::{
    container::Container,
    xml::{Element, Piece, Xml},
};
use crate::Refusal;

/// More than a page can show.
const ROWS: usize = 64;
const COLUMNS: usize = 16;
const CELL_BYTES: usize = 200;

pub(super) type Rows = Vec<Vec<String>>;

/// Of a workbook in Open XML.
pub(super) fn open_xml(container: &mut Container, workbook: &str) -> Result<Rows, Refusal> {
    let sheet = first_sheet(container, workbook)?;
    let relations = container.relations(workbook)?;
    let target = |matches: &dyn Fn(&super::container::Relation) -> bool| {
        relations.iter().find(|relation| matches(relation)).map(|relation| relation.target.clone())
    };
    let Some(part) = target(&|relation| Some(&relation.id) == sheet.as_ref()) else { return Ok(Vec::new()) };
    let mut xml = container.xml(&part)?.ok_or(Refusal::Broken)?;
    let cells = Cells::read(&mut xml)?;
    drop(xml);
    let strings = match target(&|relation| relation.kind.ends_with("/sharedStrings")) {
        Some(part) if !cells.shared.is_empty() => shared_strings(container, &part, &cells.shared)?,
        _ => HashMap::new(),
    };
    let mut rows = cells.rows;
    for ((row, column), string) in cells.shared {
        if let Some(cell) = rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = strings.get(&string).cloned().unwrap_or_default();
        }
    }
    Ok(rows)
}

/// The id of the first sheet that is shown.
fn first_sheet(container: &mut Container, workbook: &str) -> Result<Option<String>, Refusal> {
    let mut xml = container.xml(workbook)?.ok_or(Refusal::Broken)?;
    while let Some(piece) = xml.next()? {
        if let Piece::Open(element) = piece
            && element.name() == "sheet"
            && element.attribute("state").is_none_or(|state| state == "visible")
        {
            return Ok(element.relation());
        }
    }
    Ok(None)
}

/// The cells that a page shows, and which of them are strings that are kept elsewhere.
struct Cells {
    rows: Rows,
    shared: HashMap<(usize, usize), usize>,
}

impl Cells {
    fn read(xml: &mut Xml) -> Result<Self, Refusal> {
        let mut cells = Self { rows: Vec::new(), shared: HashMap::new() };
        let (mut kind, mut place, mut value) = (String::new(), None, None);
        while let Some(piece) = xml.next()? {
            match piece {
                Piece::Open(element) => match element.name() {
                    "row" => {
                        let number = element.attribute("r").and_then(|number| number.parse::<usize>().ok());
                        let row = number.map_or(cells.rows.len(), |number| number.saturating_sub(1));
                        if row >= ROWS {
                            break;
                        }
                        cells.rows.resize(cells.rows.len().max(row + 1), Vec::new());
                    }
                    "c" => {
                        kind = element.attribute("t").unwrap_or_default();
                        place = cells.place(&element);
                    }
                    "v" | "t" if place.is_some() => value = Some(String::new()),
                    _ => {}
                },
                Piece::Text(text) => {
                    if let Some(value) = value.as_mut() {
                        append(value, &text);
                    }
                }
                Piece::Close(name) => match &*name {
                    "v" | "t" => {
                        if let (Some(value), Some(place)) = (value.take(), place) {
                            cells.set(place, &kind, &value);
                        }
                    }
                    "c" => place = None,
                    "sheetData" => break,
                    _ => {}
                },
            }
        }
        Ok(cells)
    }

    /// The row and column of a cell, if the page reaches as far.
    fn place(&self, cell: &Element) -> Option<(usize, usize)> {
        let row = self.rows.len().checked_sub(1)?;
        let next = || self.rows.get(row).map(Vec::len);
        let column = cell.attribute("r").and_then(|reference| column(&reference)).or_else(next)?;
        (column < COLUMNS).then_some((row, column))
    }

    fn set(&mut self, (row, column): (usize, usize), kind: &str, value: &str) {
        let Some(row_of_cells) = self.rows.get_mut(row) else { return };
        row_of_cells.resize(row_of_cells.len().max(column + 1), String::new());
        let Some(cell) = row_of_cells.get_mut(column) else { return };
        match (kind, value.parse()) {
            ("s", Ok(string)) => {
                self.shared.insert((row, column), string);
            }
            ("b", _) => *cell = String::from(if value == "1" { "TRUE" } else { "FALSE" }),
            ("" | "n", _) => *cell = number(value),
            // The text of a cell may come in several runs.
            _ => append(cell, value),
        }
    }
}

/// `C7` is in column 2.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number =
        letters.take(4).fold(0, |number, letter| number * 26 + usize::from(letter.to_ascii_uppercase() - b'A' + 1));
    number.checked_sub(1)
}

/// Without the digits that only a computer makes.
fn number(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if number.abs() < 1e15 => ((number * 1e9).round() / 1e9).to_string(),
        _ => value.to_owned(),
    }
}

fn append(text: &mut String, more: &str) {
    if text.len() < CELL_BYTES {
        text.push_str(more.get(..more.floor_char_boundary(CELL_BYTES)).unwrap_or_default());
    }
}

/// Those strings that are needed, by number.
fn shared_strings(
    container: &mut Container,
    part: &str,
    needed: &HashMap<(usize, usize), usize>,
) -> Result<HashMap<usize, String>, Refusal> {
    let mut missing: HashMap<usize, String> = needed.values().map(|number| (*number, String::new())).collect();
    let last = missing.keys().max().copied().unwrap_or_default();
    let Some(mut xml) = container.xml(part)? else { return Ok(missing) };
    let (mut number, mut text, mut phonetic) = (0, false, false);
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Open(element) => match element.name() {
                "t" => text = !phonetic,
                "rPh" => phonetic = true,
                _ => {}
            },
            Piece::Text(more) if text => {
                if let Some(string) = missing.get_mut(&number) {
                    append(string, &more);
                }
            }
            Piece::Text(_) => {}
            Piece::Close(name) => match &*name {
                "t" => text = false,
                "rPh" => phonetic = false,
                "si" if number == last => break,
                "si" => number += 1,
                _ => {}
            },
        }
    }
    Ok(missing)
}

/// Of a workbook in Open Document.
pub(super) fn open_document(container: &mut Container, part: &str) -> Result<Rows, Refusal> {
    let mut xml = container.xml(part)?.ok_or(Refusal::Broken)?;
    let mut rows: Rows = Vec::new();
    let (mut row, mut row_times, mut cell, mut cell_times) = (Vec::new(), 1, None, 1);
    let times =
        |element: &Element, name: &str| element.attribute(name).and_then(|times| times.parse().ok()).unwrap_or(1_usize);
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Open(element) => match element.name() {
                "table-row" => (row, row_times) = (Vec::new(), times(&element, "number-rows-repeated")),
                "table-cell" | "covered-table-cell" => {
                    (cell, cell_times) = (Some(String::new()), times(&element, "number-columns-repeated"));
                }
                "annotation" => {
                    drop(element);
                    xml.skip()?;
                }
                _ => {}
            },
            Piece::Text(text) => {
                if let Some(cell) = cell.as_mut() {
                    append(cell, text.trim_matches(['\r', '\n']));
                }
            }
            Piece::Close(name) => match &*name {
                "table-cell" | "covered-table-cell" => {
                    let cells = std::iter::repeat_n(cell.take().unwrap_or_default(), cell_times.min(COLUMNS));
                    row.extend(cells.take(COLUMNS.saturating_sub(row.len())));
                }
                "table-row" => {
                    rows.extend(std::iter::repeat_n(row.clone(), row_times.min(ROWS - rows.len())));
                    if rows.len() == ROWS {
                        break;
                    }
                }
                "table" => break,
                _ => {}
            },
        }
    }
    Ok(rows)
}
