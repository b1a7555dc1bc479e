//! SVG and SVGZ, drawn at the size of the preview: a canvas of its own size never exists.
//!
//! Nothing outside of the file is read, scripts are not run, and text is set in the fonts of this binary.

mod weight;

use std::{
    borrow::Cow,
    io::Read as _,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use encoding_rs::Encoding;
use flate2::read::GzDecoder;
use quick_xml::{Reader, events::Event};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{
        ImageHrefResolver, ImageKind, Options, Size, Tree, fontdb,
        roxmltree::{Document, ParsingOptions},
    },
};

use crate::{
    Bounds, Format, Limits, Refusal, fonts,
    kind::Kind,
    picture::{Layout, Picture},
    raster,
};

/// How much is read to find out whether it is an SVG.
const HEAD_BYTES: usize = 64 * 1024;
/// Of a graphic that says neither its size nor its view box, as in a browser.
const DEFAULT_SIZE: (f32, f32) = (300.0, 150.0);

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(fonts::SANS.to_vec());
    fonts.load_font_data(fonts::MONO.to_vec());
    // A family that is not known becomes "serif".
    fonts.set_serif_family("Liberation Sans");
    fonts.set_sans_serif_family("Liberation Sans");
    fonts.set_cursive_family("Liberation Sans");
    fonts.set_fantasy_family("Liberation Sans");
    fonts.set_monospace_family("Liberation Mono");
    Arc::new(fonts)
});

/// Whether the first element is `svg`, compressed or not.
pub(crate) fn recognizes(source: &[u8]) -> bool {
    let Ok(head) = expanded(source, HEAD_BYTES as u64) else { return false };
    let head = xml(head.get(..HEAD_BYTES).unwrap_or(&head));
    let mut reader = Reader::from_str(&head);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => return element.local_name().as_ref() == "svg",
            Ok(Event::Text(text)) if text.trim().is_empty() => {}
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_)) => {}
            _ => return false,
        }
    }
}

/// Draws it.
pub(crate) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let source = expanded(source, limits.expanded_bytes)?;
    if source.len() as u64 > limits.expanded_bytes {
        return Err(Refusal::TooMany("bytes"));
    }
    let text = xml(&source);
    weight::check_entities(&text, limits)?;
    let parsing = ParsingOptions { allow_dtd: true, nodes_limit: weight::NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, parsing).map_err(|error| match error {
        resvg::usvg::roxmltree::Error::NodesLimitReached => Refusal::TooMany("elements"),
        resvg::usvg::roxmltree::Error::EntityReferenceLoop(_) => Refusal::TooMany("entities"),
        _ => Refusal::Broken,
    })?;
    weight::check_elements(&document, limits)?;
    let tree = Tree::from_xmltree(&document, &options(bounds, limits)).map_err(|_| Refusal::Broken)?;
    draw(&tree, bounds, limits)
}

/// The bytes of an SVGZ, up to one more than `most`; anything else as it is.
fn expanded(source: &[u8], most: u64) -> Result<Cow<'_, [u8]>, Refusal> {
    if !source.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(source));
    }
    let mut expanded = Vec::new();
    GzDecoder::new(source).take(most.saturating_add(1)).read_to_end(&mut expanded).map_err(|_| Refusal::Broken)?;
    Ok(Cow::Owned(expanded))
}

/// As text: in the encoding of its byte order mark, of its declaration, or in UTF-8.
fn xml(source: &[u8]) -> Cow<'_, str> {
    let declared = || {
        let declaration = source.get(..source.len().min(200))?;
        let declaration = declaration.split(|byte| *byte == b'>').next()?.strip_prefix(b"<?xml")?;
        let declaration = str::from_utf8(declaration).ok()?;
        let label = declaration.split_once("encoding")?.1.split(['"', '\'']).nth(1)?;
        Encoding::for_label(label.as_bytes())
    };
    // A byte order mark decides, whatever encoding is given here.
    declared().unwrap_or(encoding_rs::UTF_8).decode(source).0
}

fn options(bounds: Bounds, limits: &Limits) -> Options<'_> {
    let embedded = Embedded { bounds, limits, pixels: AtomicU64::new(0) };
    Options {
        font_family: "sans-serif".to_owned(),
        default_size: Size::from_wh(DEFAULT_SIZE.0, DEFAULT_SIZE.1).unwrap_or_else(|| Options::default().default_size),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(move |_, picture, _| embedded.picture(&picture)),
            resolve_string: Box::new(|_, _| None),
        },
        fontdb: FONTS.clone(),
        ..Options::default()
    }
}

/// The pictures in a graphic, which are drawn from previews of their own. All of them share the limit of pixels; those
/// beyond it, and graphics in the graphic, are left out.
struct Embedded<'a> {
    bounds: Bounds,
    limits: &'a Limits,
    pixels: AtomicU64,
}

impl Embedded<'_> {
    fn picture(&self, picture: &[u8]) -> Option<ImageKind> {
        let left = self.limits.pixels.checked_sub(self.pixels.load(Ordering::Relaxed))?;
        let limits = Limits { pixels: left, ..self.limits.clone() };
        let picture = raster::decode(Kind::of(picture)?, picture, self.bounds, &limits).ok()?;
        self.pixels.fetch_add(u64::from(picture.full.0) * u64::from(picture.full.1), Ordering::Relaxed);
        let preview = picture.encoded(self.bounds).ok()?;
        Some(match preview.format {
            Format::Png => ImageKind::PNG(Arc::new(preview.bytes)),
            Format::Jpeg => ImageKind::JPEG(Arc::new(preview.bytes)),
        })
    }
}

fn draw(tree: &Tree, bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let size = tree.size();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive and saturates")]
    let full = (size.width().ceil() as u32, size.height().ceil() as u32);
    if u64::from(full.0) * u64::from(full.1) > limits.pixels {
        return Err(Refusal::TooMany("pixels"));
    }
    let (width, height) = bounds.fit(full.0, full.1);
    let mut pixmap = Pixmap::new(width, height).ok_or(Refusal::Broken)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 2,048")]
    let scale = Transform::from_scale(width as f32 / size.width(), height as f32 / size.height());
    resvg::render(tree, scale, &mut pixmap.as_mut());
    let pixels = pixmap.take_demultiplied();
    Ok(Picture { width, height, layout: Layout::Rgba, pixels, full, orientation: 1, profile: None })
}

#[cfg(test)]
mod tests;
