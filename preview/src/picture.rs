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
    /// The preview as a file.
    pub fn encoded(self, bounds: Bounds) -> Result<Encoded, Refusal> {
        encode::encode(&self.finished(bounds)?)
    }

    /// The preview: reduced to fit, in sRGB, upright, without alpha if it needs none.
    pub fn finished(self, bounds: Bounds) -> Result<Self, Refusal> {
        // Colour is converted after the reduction, when there is little of it.
        Ok(color::to_srgb(self.reduced(bounds)?).opaque_if_it_is().upright())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{BLUE, GREEN, QUARTERS, RED, WHITE, assert_near, picture, png, preview_within, quarters};

    #[test]
    fn each_orientation_is_turned_upright() {
        let upright = [
            [RED, GREEN, BLUE, WHITE],
            [GREEN, RED, WHITE, BLUE],
            [WHITE, BLUE, GREEN, RED],
            [BLUE, WHITE, RED, GREEN],
            [RED, BLUE, GREEN, WHITE],
            [BLUE, RED, WHITE, GREEN],
            [WHITE, GREEN, BLUE, RED],
            [GREEN, WHITE, RED, BLUE],
        ];
        for (orientation, expected) in (1..=8).zip(upright) {
            let turned = picture(40, 20, orientation).upright();
            let size = if orientation > 4 { (20, 40) } else { (40, 20) };
            assert_eq!((turned.width, turned.height), size, "{orientation}");
            let (width, height) = (turned.width as usize, turned.height as usize);
            let corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)];
            let colors = corners.map(|(x, y)| &turned.pixels[(y * width + x) * 3..][..3]);
            assert_eq!(colors, expected.each_ref().map(|color| &color[..3]), "{orientation}");
        }
    }

    #[test]
    fn the_bounds_are_of_the_upright_picture() {
        let bounds = Bounds::new(Some(100), Some(1_000)).unwrap();
        assert_eq!(target((4_000, 2_000), 1, bounds), (100, 50));
        assert_eq!(target((4_000, 2_000), 6, bounds), (200, 100));
    }

    #[test]
    fn nothing_is_enlarged() {
        let source = png(png::ColorType::Rgb, png::BitDepth::Eight, 16, 9, &quarters(16, 9, QUARTERS, 3));
        let shown = preview_within(&source, Bounds::new(Some(2_048), Some(2_048)).unwrap()).unwrap();
        assert_eq!(shown.size, (16, 9));
    }

    #[test]
    fn colors_of_transparent_pixels_do_not_bleed() {
        // A red square on green that is transparent, reduced by a factor that is no integer.
        let colors = [RED, [0, 255, 0, 0], [0, 255, 0, 0], RED];
        let pixels = quarters(501, 501, colors, 4);
        let source = png(png::ColorType::Rgba, png::BitDepth::Eight, 501, 501, &pixels);
        let shown = preview_within(&source, Bounds::new(Some(60), None).unwrap()).unwrap();
        let seen = (0..60).flat_map(|y| (0..60).map(move |x| (x, y))).map(|(x, y)| shown.at(x, y));
        assert!(seen.filter(|color| color[3] > 8).all(|color| color[1] < 32));
        assert_near(shown.quarters(), colors);
    }
}
