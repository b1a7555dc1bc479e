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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Bounds, Limits,
        fixtures::{CLEAR, GREEN, RED, WHITE, assert_near, png, quarters, shown},
        render,
    };

    #[test]
    fn only_what_is_transparent_is_a_png() {
        let rendered = |colors| {
            let source = png(ColorType::Rgba, BitDepth::Eight, 400, 400, &quarters(400, 400, colors, 4));
            render(&source, None, Bounds::new(None, None).unwrap(), &Limits::default()).unwrap()
        };
        let opaque = rendered([RED, GREEN, RED, WHITE]);
        assert_eq!(opaque.format, Format::Jpeg);
        assert_near(shown(&opaque).quarters(), [RED, GREEN, RED, WHITE]);
        let clear = rendered([RED, CLEAR, [0, 0, 255, 128], WHITE]);
        assert_eq!(clear.format, Format::Png);
        assert_near(shown(&clear).quarters(), [RED, CLEAR, [0, 0, 255, 128], WHITE]);
    }

    #[test]
    fn a_reply_holds_the_largest_preview() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(2_048 * 2_048 * 4).collect();
        let largest = Bounds::new(Some(2_048), Some(2_048)).unwrap();
        for (color, channels) in [(ColorType::Rgba, 4), (ColorType::Rgb, 3)] {
            let source = png(color, BitDepth::Eight, 2_048, 2_048, &noise[..2_048 * 2_048 * channels]);
            let encoded = render(&source, None, largest, &Limits::default()).unwrap();
            assert_eq!((encoded.format, shown(&encoded).size), (Format::Jpeg, (2_048, 2_048)));
            assert!(encoded.bytes.len() <= MAX_BYTES, "{}", encoded.bytes.len());
        }
    }

    #[test]
    fn where_a_jpeg_must_do_what_is_transparent_is_white() {
        let picture = Picture {
            width: 2,
            height: 1,
            layout: Layout::Rgba,
            pixels: vec![255, 0, 0, 0, 255, 0, 0, 128],
            full: (2, 1),
            orientation: 1,
            profile: None,
        };
        assert_eq!(*on_white(&picture), [255, 255, 255, 255, 127, 127]);
    }
}
