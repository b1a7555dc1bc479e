//! The preview as a file: PNG with transparency, else JPEG.

use std::borrow::Cow;

use mozjpeg::{ColorSpace, Compress};
use png::{BitDepth, ColorType, Compression, Encoder};

use crate::{
    Refusal,
    picture::{Layout, Picture},
};

/// What a reply of the API can hold.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Of JPEG, one after the other until the preview is small enough. Noise of 2,048 × 2,048 is at the last.
const QUALITIES: [u8; 3] = [80, 50, 20];

/// How a preview is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With transparency.
    Png,
    /// Without.
    Jpeg,
}

/// An encoded preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// How it is encoded.
    pub format: Format,
    /// The whole image file.
    pub bytes: Vec<u8>,
}

/// A PNG if the picture has alpha, unless that is too large.
pub(crate) fn encode(picture: &Picture) -> Result<Encoded, Refusal> {
    if picture.layout.has_alpha() {
        let bytes = png(picture).ok_or(Refusal::Broken)?;
        if bytes.len() <= MAX_BYTES {
            return Ok(Encoded { format: Format::Png, bytes });
        }
    }
    let pixels = on_white(picture);
    for quality in QUALITIES {
        let bytes = jpeg(picture, &pixels, quality).ok_or(Refusal::Broken)?;
        if bytes.len() <= MAX_BYTES {
            return Ok(Encoded { format: Format::Jpeg, bytes });
        }
    }
    Err(Refusal::TooMany("details"))
}

fn png(picture: &Picture) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, picture.width, picture.height);
    encoder.set_color(if picture.layout == Layout::GrayAlpha { ColorType::GrayscaleAlpha } else { ColorType::Rgba });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&picture.pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

fn jpeg(picture: &Picture, pixels: &[u8], quality: u8) -> Option<Vec<u8>> {
    let gray = matches!(picture.layout, Layout::Gray | Layout::GrayAlpha);
    let mut compress = Compress::new(if gray { ColorSpace::JCS_GRAYSCALE } else { ColorSpace::JCS_RGB });
    compress.set_size(picture.width as usize, picture.height as usize);
    compress.set_fastest_defaults();
    compress.set_quality(f32::from(quality));
    let mut started = compress.start_compress(Vec::new()).ok()?;
    started.write_scanlines(pixels).ok()?;
    started.finish().ok()
}

/// The colours alone; what is transparent is white.
fn on_white(picture: &Picture) -> Cow<'_, [u8]> {
    if !picture.layout.has_alpha() {
        return Cow::Borrowed(&picture.pixels);
    }
    let over = |color: u8, alpha: u8| {
        let (color, alpha) = (u32::from(color), u32::from(alpha));
        u8::try_from((color * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
    };
    let pixels = picture.pixels.chunks_exact(picture.layout.channels()).filter_map(<[u8]>::split_last);
    pixels.flat_map(|(alpha, colors)| colors.iter().map(move |color| over(*color, *alpha))).collect()
}
