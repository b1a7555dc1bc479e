//! Pixels on their way from a decoder to a preview.

use crate::{Bounds, Refusal};

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

/// Pixels that a decoder made, of the picture's own size or already reduced, row by row without gaps.
pub(crate) struct Picture {
    pub width: u32,
    pub height: u32,
    pub layout: Layout,
    pub pixels: Vec<u8>,
    /// The size of the picture that these pixels are of, before any reduction.
    pub full: (u32, u32),
    /// How it must be turned to be upright: the value of the EXIF tag, 1 to 8.
    pub orientation: u8,
    /// The ICC profile of the pixels, if it is not sRGB.
    pub profile: Option<Vec<u8>>,
}

/// What a pixel is, 8 bits a channel. Alpha is not premultiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
    /// As in print: 255 is no ink? To be said here by whoever decodes it.
    Cmyk,
}

impl Picture {
    /// The preview: reduced to fit, in sRGB, upright, encoded.
    pub fn encoded(self, bounds: Bounds) -> Result<Encoded, Refusal> {
        let _ = bounds;
        Err(Refusal::Unsupported)
    }
}
