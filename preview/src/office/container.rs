//! The ZIP that a document comes in. What is read is counted while it expands, whatever the container says.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use zip::{ZipArchive, read::ZipFile, result::ZipError};

use super::xml::{Piece, Xml};
use crate::{Limits, Refusal};

/// No document has more; a directory of millions takes long to read.
const PARTS: usize = 20_000;
/// No part of a document refers to more that a first page needs.
const RELATIONS: usize = 1_000;

pub(super) struct Container<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// How many bytes may still come out of it.
    left: u64,
    deepest: u32,
}

/// What a part of Open XML refers to.
pub(super) struct Relation {
    pub id: String,
    pub kind: String,
    /// The name of another part.
    pub target: String,
}

impl<'a> Container<'a> {
    pub fn open(source: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let archive = ZipArchive::new(Cursor::new(source)).map_err(|_| Refusal::Broken)?;
        if archive.len() > PARTS {
            return Err(Refusal::TooMany("parts"));
        }
        Ok(Self { archive, left: limits.expanded_bytes, deepest: limits.nesting })
    }

    /// A whole part, if there is one of this name.
    pub fn bytes(&mut self, part: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(mut metered) = self.metered(part)? else { return Ok(None) };
        let mut bytes = Vec::new();
        metered.read_to_end(&mut bytes).map_err(|error| refusal(&error))?;
        Ok(Some(bytes))
    }

    /// A part that is XML, read while it expands.
    pub fn xml(&mut self, part: &str) -> Result<Option<Xml<'_>>, Refusal> {
        let deepest = self.deepest;
        Ok(self.metered(part)?.map(|metered| Xml::new(Box::new(BufReader::new(metered)), deepest)))
    }

    fn metered(&mut self, part: &str) -> Result<Option<Metered<'_, 'a>>, Refusal> {
        match self.archive.by_name(part) {
            Ok(part) => Ok(Some(Metered { part, left: &mut self.left })),
            Err(ZipError::FileNotFound) => Ok(None),
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => Err(Refusal::Encrypted),
            Err(_) => Err(Refusal::Broken),
        }
    }

    /// What a part refers to inside of the container; the container itself has no name.
    pub fn relations(&mut self, part: &str) -> Result<Vec<Relation>, Refusal> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let beside =
            if folder.is_empty() { format!("_rels/{name}.rels") } else { format!("{folder}/_rels/{name}.rels") };
        let mut relations = Vec::new();
        let Some(mut xml) = self.xml(&beside)? else { return Ok(relations) };
        while let Some(piece) = xml.next()? {
            let Piece::Open(element) = piece else { continue };
            if element.name() != "Relationship"
                || element.attribute("TargetMode").is_some_and(|mode| mode == "External")
            {
                continue;
            }
            let (Some(id), Some(kind)) = (element.attribute("Id"), element.attribute("Type")) else { continue };
            let Some(target) = element.attribute("Target") else { continue };
            relations.push(Relation { id, kind, target: resolved(folder, &target) });
            if relations.len() == RELATIONS {
                break;
            }
        }
        Ok(relations)
    }
}

/// The name of a part that is referred to from a folder.
fn resolved(folder: &str, target: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    let from = if target.starts_with('/') { "" } else { folder };
    for step in from.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

struct Metered<'c, 'a> {
    part: ZipFile<'c, Cursor<&'a [u8]>>,
    left: &'c mut u64,
}

impl Read for Metered<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(buffer)?;
        *self.left = self.left.checked_sub(read as u64).ok_or(ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

pub(super) fn refusal(error: &io::Error) -> Refusal {
    if error.kind() == ErrorKind::FileTooLarge { Refusal::TooMany("bytes") } else { Refusal::Broken }
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn targets_are_relative_to_the_folder_of_their_part() {
        assert_eq!(resolved("ppt", "slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(resolved("ppt", "/docProps/thumbnail.jpeg"), "docProps/thumbnail.jpeg");
        assert_eq!(resolved("xl/worksheets", "../sharedStrings.xml"), "xl/sharedStrings.xml");
        assert_eq!(resolved("", "../../../etc/passwd"), "etc/passwd");
    }
}
