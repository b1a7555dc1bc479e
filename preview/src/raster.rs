//! Formats made of pixels. Each decoder hands out the first picture of its file at the smallest size that still leaves
//! the preview sharp, and looks at what the header promises before it allocates anything.

mod bmp;
mod exif;
mod gif;
mod jpeg;
mod png;
mod reduction;
mod tiff;
mod webp;

use crate::{Bounds, Limits, Refusal, kind::Kind, picture::Picture};

/// What a decoder may hold of a picture that does not come row by row, in bytes.
const MAX_HELD: u64 = 160 * 1024 * 1024;

pub(crate) fn decode(kind: Kind, source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    match kind {
        Kind::Jpeg => jpeg::decode(source, bounds, limits),
        Kind::Png => png::decode(source, bounds, limits),
        Kind::Gif => gif::decode(source, bounds, limits),
        Kind::WebP => webp::decode(source, bounds, limits),
        Kind::Bmp => bmp::decode(source, bounds, limits),
        Kind::Tiff => tiff::decode(source, bounds, limits),
    }
}

/// A size that may be decoded.
fn size(width: u32, height: u32, limits: &Limits) -> Result<(u32, u32), Refusal> {
    match u64::from(width) * u64::from(height) {
        0 => Err(Refusal::Broken),
        pixels if pixels > limits.pixels => Err(Refusal::TooMany("pixels")),
        _ => Ok((width, height)),
    }
}

/// Refuses a picture of which so many bytes a pixel must be held at once.
fn check_held((width, height): (u32, u32), bytes_per_pixel: u64) -> Result<(), Refusal> {
    let held = u64::from(width) * u64::from(height) * bytes_per_pixel;
    if held > MAX_HELD { Err(Refusal::TooMany("pixels")) } else { Ok(()) }
}
