//! PDF: the first page, drawn at the size of the preview.
//!
//! The renderer has no limits of its own for what a page costs. It does not follow page trees in circles, and stops at
//! 50 levels of forms and patterns. What the page itself draws is measured here; forms that draw forms, what is in
//! those or in fonts, and objects in streams that expand without end are for the limits of the process.

use std::{borrow::Cow, io::Read as _};

use flate2::read::ZlibDecoder;
use hayro::{
    PixmapSettings, RenderCache, RenderSettings,
    hayro_interpret::InterpreterSettings,
    hayro_syntax::{
        DecryptionError, Filter, LoadPdfError, Pdf,
        object::{Array, Name, Stream},
        page::Page,
    },
    vello_cpu::color::palette::css::WHITE,
};

use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

/// Where the header may begin: some programs write something before it.
const HEAD_BYTES: usize = 1024;
/// A page has no pixels of its own: its longer side is taken to have more than any preview.
const LONGER_SIDE: f32 = 100_000.0;

/// Whether there is the header of a PDF.
pub(crate) fn recognizes(source: &[u8]) -> bool {
    source.get(..HEAD_BYTES).unwrap_or(source).windows(5).any(|bytes| bytes == b"%PDF-")
}

/// Draws the first page.
pub(crate) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let pdf = Pdf::new(source.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm) => {
            Refusal::Encrypted
        }
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Refusal::Broken,
    })?;
    if pdf.pages().len() > limits.pages as usize {
        return Err(Refusal::TooMany("pages"));
    }
    let page = pdf.pages().first().ok_or(Refusal::Broken)?;
    check(page, limits)?;
    let (page_width, page_height) = page.render_dimensions();
    let fineness = LONGER_SIDE / page_width.max(page_height);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and no more than that")]
    let full = ((page_width * fineness) as u32, (page_height * fineness) as u32);
    let (width, height) = bounds.fit(full.0, full.1);
    // The renderer cuts what is after the point, of a product that may be rounded down.
    #[expect(clippy::cast_precision_loss, reason = "at most 2,048")]
    let (x_scale, y_scale) = ((width as f32 + 0.1) / page_width, (height as f32 + 0.1) / page_height);
    let pixmap = hayro::render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &PixmapSettings { x_scale, y_scale, bg_color: WHITE },
    );
    // On white, nothing is transparent.
    let pixels = pixmap.data().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    let (width, height) = (pixmap.width().into(), pixmap.height().into());
    Ok(Picture { width, height, layout: Layout::Rgb, pixels, full, orientation: 1, profile: None })
}

/// Refuses a page that has too much to draw, or pictures that are too large.
fn check(page: &Page, limits: &Limits) -> Result<(), Refusal> {
    let mut left = limits.expanded_bytes;
    let one = page.raw().get::<Stream>("Contents");
    let several = page.raw().get::<Array>("Contents");
    for stream in one.into_iter().chain(several.iter().flat_map(Array::iter::<Stream>)) {
        left = left.checked_sub(expanded(&stream, left)?).ok_or(Refusal::TooMany("bytes"))?;
    }
    let objects = &page.resources().x_objects;
    for object in objects.keys().filter_map(|name| objects.get::<Stream>(&*name)) {
        let entries = object.dict();
        let side = |name: &str| entries.get::<u32>(name).map_or(0, u64::from);
        let image = entries.get::<Name>("Subtype").is_some_and(|kind| &*kind == b"Image");
        if image && side("Width") * side("Height") > limits.pixels {
            return Err(Refusal::TooMany("pixels"));
        }
    }
    Ok(())
}

/// How many bytes a stream expands to. Other filters than this one make little of much.
fn expanded(stream: &Stream, most: u64) -> Result<u64, Refusal> {
    let mut bytes = stream.raw_data();
    for _ in stream.filters().into_iter().take_while(|filter| *filter == Filter::FlateDecode) {
        let mut expanded = Vec::new();
        // A damaged stream is drawn as far as it goes.
        let _ = ZlibDecoder::new(&*bytes).take(most.saturating_add(1)).read_to_end(&mut expanded);
        if expanded.len() as u64 > most {
            return Err(Refusal::TooMany("bytes"));
        }
        bytes = Cow::Owned(expanded);
    }
    Ok(bytes.len() as u64)
}

#[cfg(test)]
mod tests;
