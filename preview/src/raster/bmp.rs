//! BMP, row by row from its top, wherever that is stored. Written here because no crate decodes it without holding
//! the whole picture, and there is little to it.

use std::borrow::Cow;

use super::{check_held, reduction::Reduction, size};
use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

mod header;
mod rle;
use header::{Colors, Header};

pub(super) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let header = Header::read(source)?;
    let (width, height) = size(header.width, header.height, limits)?;
    let stride = (u64::from(width) * u64::from(header.bits)).div_ceil(32) * 4;
    let (rows, stride, bits) = if header.run_lengths {
        check_held((width, height), 1)?;
        (Cow::Owned(rle::indices(&header)), width as usize, 8)
    } else {
        // At most the limit of pixels, 4 bytes each.
        (Cow::Borrowed(header.pixels), usize::try_from(stride).map_err(|_| Refusal::Broken)?, header.bits)
    };
    let colors = header.colors.without_unused_alpha(&rows);
    let layout = if colors.have_alpha() { Layout::Rgba } else { Layout::Rgb };
    let mut reduction = Reduction::new((width, height), 1, layout, bounds);
    // What is missing in a file that ends too early is at the top of most pictures.
    let missing = vec![128; width as usize * layout.channels()];
    for y in 0..height {
        let stored = if header.top_down { y } else { height - 1 - y };
        let start = stored as usize * stride;
        match rows.get(start..start + stride) {
            Some(row) => reduction.push(&colors.row(row, width as usize, bits)),
            None => reduction.push(&missing),
        }
    }
    if rows.len() < stride { Err(Refusal::Broken) } else { Ok(reduction.finish(None)) }
}

impl Colors {
    fn have_alpha(&self) -> bool {
        matches!(self, Self::Masks([_, _, _, alpha]) if *alpha != 0)
    }

    /// Many encoders announce alpha and leave it empty: then there is none.
    fn without_unused_alpha(self, rows: &[u8]) -> Self {
        match self {
            Self::Masks([red, green, blue, alpha])
                if !rows.as_chunks().0.iter().any(|pixel| u32::from_le_bytes(*pixel) & alpha != 0) =>
            {
                Self::Masks([red, green, blue, 0])
            }
            colors => colors,
        }
    }

    /// The row of RGB, or RGBA if there is alpha.
    fn row(&self, row: &[u8], width: usize, bits: u16) -> Vec<u8> {
        match self {
            Self::Palette(colors) => indices(row, bits)
                .take(width)
                .flat_map(|index| colors.get(usize::from(index)).copied().unwrap_or_default())
                .collect(),
            Self::Bgr => row.as_chunks().0.iter().take(width).flat_map(|[b, g, r]| [*r, *g, *b]).collect(),
            Self::Masks(masks) if bits == 16 => {
                let pixels = row.as_chunks().0.iter().take(width);
                masked(pixels.map(|pixel| u32::from(u16::from_le_bytes(*pixel))), *masks)
            }
            Self::Masks(masks) => {
                masked(row.as_chunks().0.iter().take(width).map(|pixel| u32::from_le_bytes(*pixel)), *masks)
            }
        }
    }
}

fn indices(row: &[u8], bits: u16) -> impl Iterator<Item = u8> {
    let most = u8::try_from((1_u16 << bits) - 1).unwrap_or(u8::MAX);
    row.iter().flat_map(move |byte| (0..8 / bits).rev().map(move |place| byte >> (place * bits) & most))
}

fn masked(pixels: impl Iterator<Item = u32>, [red, green, blue, alpha]: [u32; 4]) -> Vec<u8> {
    let (red, green, blue) = (channel(red), channel(green), channel(blue));
    if alpha == 0 {
        return pixels.flat_map(|pixel| [red(pixel), green(pixel), blue(pixel)]).collect();
    }
    let alpha = channel(alpha);
    pixels.flat_map(|pixel| [red(pixel), green(pixel), blue(pixel), alpha(pixel)]).collect()
}

/// Reads the bits of a mask as 8 bits.
fn channel(mask: u32) -> impl Fn(u32) -> u8 {
    let shift = mask.trailing_zeros() % 32;
    let most = mask >> shift;
    let excess = (32 - most.leading_zeros()).saturating_sub(8);
    let most = (most >> excess).max(1);
    move |pixel| {
        let value = (pixel & mask) >> shift >> excess;
        u8::try_from(if most == 255 { value } else { value * 255 / most }).unwrap_or(u8::MAX)
    }
}
