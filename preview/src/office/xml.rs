//! XML read piece by piece. Names are without their prefix: the formats do not use one name for two things.

use std::{borrow::Cow, io::BufRead};

use quick_xml::{
    Error, Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::container;
use crate::Refusal;

pub(super) struct Xml<'a> {
    reader: Reader<Box<dyn BufRead + 'a>>,
    buffer: Vec<u8>,
    level: u32,
    deepest: u32,
}

/// An element that is empty opens and closes.
pub(super) enum Piece<'a> {
    Open(Element<'a>),
    Close(Cow<'a, str>),
    Text(Cow<'a, str>),
}

pub(super) struct Element<'a>(BytesStart<'a>);

impl<'a> Xml<'a> {
    pub fn new(source: Box<dyn BufRead + 'a>, deepest: u32) -> Self {
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), level: 0, deepest }
    }

    /// The next piece, until the end.
    pub fn next(&mut self) -> Result<Option<Piece<'_>>, Refusal> {
        self.buffer.clear();
        match self.reader.read_event_into(&mut self.buffer).map_err(refusal)? {
            Event::Start(element) => {
                self.level += 1;
                if self.level > self.deepest {
                    return Err(Refusal::TooMany("levels"));
                }
                Ok(Some(Piece::Open(Element(element))))
            }
            Event::End(element) => {
                self.level = self.level.saturating_sub(1);
                Ok(Some(Piece::Close(element.local_name().as_ref().to_owned().into())))
            }
            Event::Text(text) => Ok(Some(Piece::Text(text.into_inner()))),
            Event::CData(text) => Ok(Some(Piece::Text(text.into_inner()))),
            Event::GeneralRef(reference) => {
                let char = match &*reference {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    // No other entity is known, for none can be declared.
                    _ => reference.resolve_char_ref().map_err(refusal)?,
                };
                Ok(Some(Piece::Text(char.map(String::from).unwrap_or_default().into())))
            }
            // No document of an office has one. Its entities are how a small file becomes large.
            Event::DocType(_) => Err(Refusal::Broken),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {
                Ok(Some(Piece::Text(Cow::Borrowed(""))))
            }
            Event::Eof => Ok(None),
        }
    }

    /// Goes on after the end of the element that was opened last.
    pub fn skip(&mut self) -> Result<(), Refusal> {
        let outside = self.level.saturating_sub(1);
        while self.level > outside && self.next()?.is_some() {}
        Ok(())
    }
}

impl Element<'_> {
    pub fn name(&self) -> &str {
        let name = self.0.name().into_inner();
        name.rsplit_once(':').map_or(name, |(_, name)| name)
    }

    pub fn attribute(&self, name: &str) -> Option<String> {
        self.find(|key| key.rsplit_once(':').map_or(key, |(_, key)| key) == name)
    }

    /// The id of a relation: an attribute of this name has no prefix if it is any other.
    pub fn relation(&self) -> Option<String> {
        self.find(|key| key.ends_with(":id"))
    }

    fn find(&self, matches: impl Fn(&str) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        let found = attributes.with_checks(false).flatten().find(|attribute| matches(attribute.key.into_inner()))?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Io(error) => container::refusal(&error),
        _ => Refusal::Broken,
    }
}
