//! Pixels on their way from a decoder to a preview.

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image};

use crate::{Bounds, Refusal, color, encode, encode::Encoded};

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
    /// As Adobe writes it in JPEG: 255 is no ink.
    Cmyk,
}

impl Layout {
    pub fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }
}

/// The preview's size before it is turned upright, of a picture of this size.
pub(crate) fn target((width, height): (u32, u32), orientation: u8, bounds: Bounds) -> (u32, u32) {
    if orientation < 5 {
        return bounds.fit(width, height);
    }
    let (height, width) = bounds.fit(height, width);
    (width, height)
}

impl Picture {
    /// The preview: reduced to fit, in sRGB, upright, encoded.
    pub fn encoded(self, bounds: Bounds) -> Result<Encoded, Refusal> {
        // Colour is converted after the reduction, when there is little of it.
        let picture = color::to_srgb(self.reduced(bounds)?);
        encode::encode(&picture.opaque_if_it_is().upright())
    }

    fn reduced(self, bounds: Bounds) -> Result<Self, Refusal> {
        let (width, height) = target(self.full, self.orientation, bounds);
        if (width, height) == (self.width, self.height) {
            return Ok(self);
        }
        let pixel_type = match self.layout {
            Layout::Gray => PixelType::U8,
            Layout::GrayAlpha => PixelType::U8x2,
            Layout::Rgb => PixelType::U8x3,
            Layout::Rgba | Layout::Cmyk => PixelType::U8x4,
        };
        let source =
            Image::from_vec_u8(self.width, self.height, self.pixels, pixel_type).map_err(|_| Refusal::Broken)?;
        let mut reduced = Image::new(width, height, pixel_type);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .use_alpha(self.layout.has_alpha());
        Resizer::new().resize(&source, &mut reduced, &options).map_err(|_| Refusal::Broken)?;
        Ok(Self { width, height, pixels: reduced.into_vec(), ..self })
    }

    /// Without its alpha, if no pixel is transparent.
    fn opaque_if_it_is(self) -> Self {
        let channels = self.layout.channels();
        let layout = match self.layout {
            Layout::GrayAlpha => Layout::Gray,
            Layout::Rgba => Layout::Rgb,
            Layout::Gray | Layout::Rgb | Layout::Cmyk => return self,
        };
        if self.pixels.chunks_exact(channels).any(|pixel| pixel.last() != Some(&u8::MAX)) {
            return self;
        }
        let colors = self.pixels.chunks_exact(channels).filter_map(<[u8]>::split_last);
        let pixels = colors.flat_map(|(_, color)| color).copied().collect();
        Self { layout, pixels, ..self }
    }

    fn upright(self) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let turned = self.orientation > 4;
        // Where the pixel at (x, y) of the upright picture is.
        let from = |x: usize, y: usize| match self.orientation {
            2 => (width - 1 - x, y),
            3 => (width - 1 - x, height - 1 - y),
            4 => (x, height - 1 - y),
            5 => (y, x),
            6 => (y, height - 1 - x),
            7 => (width - 1 - y, height - 1 - x),
            8 => (width - 1 - y, x),
            _ => (x, y),
        };
        if !(2..=8).contains(&self.orientation) {
            return self;
        }
        let channels = self.layout.channels();
        let (new_width, new_height) = if turned { (height, width) } else { (width, height) };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..new_height {
            for x in 0..new_width {
                let (x, y) = from(x, y);
                let start = (y * width + x) * channels;
                pixels.extend_from_slice(self.pixels.get(start..start + channels).unwrap_or_default());
            }
        }
        let (width, height) = if turned { (self.height, self.width) } else { (self.width, self.height) };
        Self { width, height, pixels, orientation: 1, ..self }
    }
}
