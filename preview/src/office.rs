//! DOCX, XLSX, PPTX, ODT, ODS and ODP: the thumbnail in the container; without one that can be drawn, the text of the
//! first page set on a page.

mod container;
mod page;
mod sheet;
mod writing;
mod xml;

use container::Container;
use xml::Piece;

use crate::{Bounds, Limits, Refusal, kind::Kind, page::Paper, picture::Picture, raster};

/// What old files of Office begin with, and new ones that have a password.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// The name of what is in it if there is a password, as it is stored.
const ENCRYPTED_PACKAGE: &str = "EncryptedPackage";
const CONTENT: &str = "content.xml";

/// Whether it is a container, of documents or of anything else.
pub(crate) fn recognizes(source: &[u8]) -> bool {
    source.starts_with(b"PK\x03\x04") || source.starts_with(COMPOUND)
}

/// The thumbnail or the first page.
pub(crate) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    if source.starts_with(COMPOUND) {
        let name: Vec<u8> = ENCRYPTED_PACKAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let encrypted = source.windows(name.len()).any(|bytes| bytes == name);
        return Err(if encrypted { Refusal::Encrypted } else { Refusal::Unsupported });
    }
    let mut container = Container::open(source, limits)?;
    let document = Document::of(&mut container)?;
    if let Some(thumbnail) = document.thumbnail.as_deref()
        && let Some(picture) = thumbnail_picture(&mut container, thumbnail, bounds, limits)
    {
        return Ok(picture);
    }
    let main = document.main.as_str();
    Ok(match document.kind {
        DocumentKind::Docx => page::written(&writing::open_xml(&mut container, main)?, bounds),
        DocumentKind::Odt => page::written(&writing::open_document(&mut container, main)?, bounds),
        DocumentKind::Pptx => {
            let (slide, paper) = first_slide(&mut container, main)?;
            let blocks = slide.map_or(Ok(Vec::new()), |slide| writing::open_xml(&mut container, &slide))?;
            page::slide(&blocks, paper, bounds)
        }
        DocumentKind::Odp => page::slide(&writing::open_document(&mut container, main)?, Paper::SLIDE, bounds),
        DocumentKind::Xlsx => page::table(&sheet::open_xml(&mut container, main)?, bounds),
        DocumentKind::Ods => page::table(&sheet::open_document(&mut container, main)?, bounds),
    })
}

#[derive(Clone, Copy)]
enum DocumentKind {
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
}

struct Document {
    kind: DocumentKind,
    /// The names of parts: of the document itself, and of its thumbnail.
    main: String,
    thumbnail: Option<String>,
}

impl Document {
    fn of(container: &mut Container) -> Result<Self, Refusal> {
        match container.bytes("mimetype")? {
            Some(kind) => Self::of_open_document(container, &kind),
            None => Self::of_open_xml(container),
        }
    }

    fn of_open_document(container: &mut Container, kind: &[u8]) -> Result<Self, Refusal> {
        let kind = str::from_utf8(kind).ok().and_then(|kind| kind.strip_prefix("application/vnd.oasis.opendocument."));
        // A template is called so after this.
        let kind = match kind.ok_or(Refusal::Unsupported)?.trim().trim_end_matches("-template") {
            "text" => DocumentKind::Odt,
            "spreadsheet" => DocumentKind::Ods,
            "presentation" => DocumentKind::Odp,
            _ => return Err(Refusal::Unsupported),
        };
        if let Some(mut manifest) = container.xml("META-INF/manifest.xml")? {
            while let Some(piece) = manifest.next()? {
                if matches!(piece, Piece::Open(element) if element.name() == "encryption-data") {
                    return Err(Refusal::Encrypted);
                }
            }
        }
        Ok(Self { kind, main: CONTENT.to_owned(), thumbnail: Some("Thumbnails/thumbnail.png".to_owned()) })
    }

    fn of_open_xml(container: &mut Container) -> Result<Self, Refusal> {
        let mut relations = container.relations("")?;
        let mut target = |kind: &str| {
            let found = relations.iter().position(|relation| relation.kind.ends_with(kind))?;
            Some(relations.swap_remove(found).target)
        };
        let thumbnail = target("/metadata/thumbnail");
        let main = target("/officeDocument").ok_or(Refusal::Unsupported)?;
        if main.ends_with("workbook.bin") {
            // The binary kind of workbook.
            return Err(Refusal::Unsupported);
        }
        let mut xml = container.xml(&main)?.ok_or(Refusal::Broken)?;
        let kind = loop {
            match xml.next()?.ok_or(Refusal::Broken)? {
                Piece::Open(root) => match root.name() {
                    "document" => break DocumentKind::Docx,
                    "workbook" => break DocumentKind::Xlsx,
                    "presentation" => break DocumentKind::Pptx,
                    _ => return Err(Refusal::Unsupported),
                },
                Piece::Close(_) | Piece::Text(_) => {}
            }
        };
        drop(xml);
        Ok(Self { kind, main, thumbnail })
    }
}

/// The thumbnail, if it is a picture of pixels that is whole and shows something. Word for Windows keeps drawings of
/// another kind, and programs that make documents from a template keep its blank page.
fn thumbnail_picture(container: &mut Container, part: &str, bounds: Bounds, limits: &Limits) -> Option<Picture> {
    let thumbnail = container.bytes(part).ok()??;
    let picture = raster::decode(Kind::of(&thumbnail)?, &thumbnail, bounds, limits).ok()?;
    let mut pixels = picture.pixels.chunks_exact(picture.layout.channels());
    let first = pixels.next()?;
    pixels.any(|pixel| pixel != first).then_some(picture)
}

/// The part of the slide that is shown first, and the size of slides.
fn first_slide(container: &mut Container, main: &str) -> Result<(Option<String>, Paper), Refusal> {
    let (mut id, mut paper) = (None, Paper::SLIDE);
    let mut xml = container.xml(main)?.ok_or(Refusal::Broken)?;
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Open(element) if element.name() == "sldId" && id.is_none() => id = element.relation(),
            Piece::Open(element) if element.name() == "sldSz" => {
                let side = |name| element.attribute(name)?.parse::<f32>().ok().filter(|side| *side >= 1.0);
                if let (Some(width), Some(height)) = (side("cx"), side("cy")) {
                    let height = Paper::SLIDE.width * (height / width).clamp(0.1, 10.0);
                    paper = Paper { height, ..Paper::SLIDE };
                }
            }
            _ => {}
        }
    }
    drop(xml);
    let relations = container.relations(main)?;
    let slide = relations.into_iter().find(|relation| Some(&relation.id) == id.as_ref());
    Ok((slide.map(|slide| slide.target), paper))
}

#[cfg(test)]
mod tests;
