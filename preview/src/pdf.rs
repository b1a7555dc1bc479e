//! PDF: the first page, drawn at the size of the preview.
//!
//! The renderer has no limits of its own for what a page costs. It does not follow page trees in circles, and stops at
//! 50 levels of forms and patterns; streams that expand without end, images of any size and pages that repeat
//! themselves are for the limits of the process.

use hayro::{
    PixmapSettings, RenderCache, RenderSettings,
    hayro_interpret::InterpreterSettings,
    hayro_syntax::{DecryptionError, LoadPdfError, Pdf},
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

#[cfg(test)]
mod tests;
