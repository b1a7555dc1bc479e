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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{BLUE, CLEAR, GRAY, GREEN, QUARTERS, RED, WHITE, assert_near, preview, quarters};

    const PALETTE: [u8; 16] = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0];

    /// With a header of 40 bytes; what follows it is given.
    fn bmp((width, height): (i32, i32), bits: u8, compression: u8, colors: &[u8], pixels: &[u8]) -> Vec<u8> {
        let offset = u32::try_from(54 + colors.len()).unwrap();
        let mut bytes = b"BM\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(offset.to_le_bytes());
        bytes.extend([40, 0, 0, 0]);
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend([1, 0, bits, 0, compression, 0, 0, 0]);
        bytes.extend([0; 20]);
        [&bytes, colors, pixels].concat()
    }

    /// Blue first, and the bottom row first.
    fn stored(width: u32, height: u32, channels: usize) -> Vec<u8> {
        let below_first = [BLUE, WHITE, RED, GREEN];
        let pixels = quarters(width, height, below_first, channels);
        pixels.chunks(channels).flat_map(|pixel| [&[pixel[2], pixel[1], pixel[0]], &pixel[3..]].concat()).collect()
    }

    #[test]
    fn rows_are_reduced_from_the_top() {
        let shown = preview(&bmp((1_000, 700), 24, 0, &[], &stored(1_000, 700, 3))).unwrap();
        assert_eq!(shown.size, (200, 140));
        assert_near(shown.quarters(), QUARTERS);
        let shown = preview(&bmp((1_000, -700), 24, 0, &[], &stored(1_000, 700, 3))).unwrap();
        assert_near(shown.quarters(), [BLUE, WHITE, RED, GREEN]);
    }

    #[test]
    fn each_number_of_bits_is_read() {
        // Rows of two pixels, filled up to four bytes; the lower first.
        let of = |bits, rows: [u8; 2]| {
            let rows = [[rows[0], 0, 0, 0], [rows[1], 0, 0, 0]].concat();
            preview(&bmp((2, 2), bits, 0, &PALETTE, &rows)).unwrap()
        };
        assert_near(of(1, [0x40, 0x80]).quarters(), [GREEN, RED, RED, GREEN]);
        assert_near(of(4, [0x23, 0x01]).quarters(), QUARTERS);
        let rows = [2, 3, 0, 0, 0, 1, 0, 0];
        assert_near(preview(&bmp((2, 2), 8, 0, &PALETTE, &rows)).unwrap().quarters(), QUARTERS);
        let rows = [0x1f, 0, 0xff, 0x7f, 0, 0x7c, 0xe0, 0x03];
        assert_near(preview(&bmp((2, 2), 16, 0, &[], &rows)).unwrap().quarters(), QUARTERS);
    }

    #[test]
    fn masks_say_where_colors_are() {
        let masks = |alpha: u32| [0xff00_0000, 0x00ff_0000, 0x0000_ff00, alpha].map(u32::to_le_bytes).concat();
        let pixels = quarters(2, 2, [BLUE, CLEAR, RED, GREEN], 4);
        let pixels: Vec<u8> = pixels.chunks(4).flat_map(|pixel| pixel.iter().rev()).copied().collect();
        let with_alpha = preview(&bmp((2, 2), 32, 6, &masks(0xff), &pixels)).unwrap();
        assert_near(with_alpha.quarters(), [RED, GREEN, BLUE, CLEAR]);
        let pixels: Vec<u8> = pixels.chunks(4).flat_map(|pixel| [&[0], &pixel[1..]].concat()).collect();
        let unused_alpha = preview(&bmp((2, 2), 32, 6, &masks(0xff), &pixels)).unwrap();
        assert_near(unused_alpha.quarters(), [RED, GREEN, BLUE, [0, 0, 0, 255]]);
    }

    #[test]
    fn run_lengths_are_expanded() {
        // A run, pixels as they are and one more byte, the end of a row, a jump of one, the end.
        let runs = [2, 2, 0, 3, 3, 3, 3, 0, 0, 0, 0, 2, 2, 0, 3, 1, 0, 1];
        let shown = preview(&bmp((5, 2), 8, 1, &PALETTE, &runs)).unwrap();
        assert_near([shown.at(0, 0), shown.at(4, 0), shown.at(0, 1), shown.at(4, 1)], [RED, GREEN, BLUE, WHITE]);
        let nibbles = [2, 0x23, 0, 0, 0, 2, 0x01, 0];
        let nibbles = [&nibbles[..4], &[2, 0x01, 0, 1]].concat();
        assert_near(preview(&bmp((2, 2), 4, 2, &PALETTE, &nibbles)).unwrap().quarters(), QUARTERS);
    }

    #[test]
    fn the_old_header_is_read() {
        let mut source = b"BM\0\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x02\0\x02\0\x01\0\x18\0".to_vec();
        source.extend([255, 0, 0, 255, 255, 255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0]);
        assert_near(preview(&source).unwrap().quarters(), QUARTERS);
    }

    #[test]
    fn of_a_truncated_file_the_first_part_is_shown() {
        let whole = bmp((400, 400), 24, 0, &[], &stored(400, 400, 3));
        assert_near(preview(&whole[..54 + 200 * 1_200]).unwrap().quarters(), [GRAY, GRAY, BLUE, WHITE]);
        for end in 26..54 + 1_200 {
            assert_eq!(preview(&whole[..end]).unwrap_err(), Refusal::Broken, "{end}");
        }
    }

    #[test]
    fn bombs_are_refused_by_their_header() {
        for (bits, compression) in [(24, 0), (8, 1), (1, 0)] {
            let bomb = bmp((50_000, 50_000), bits, compression, &PALETTE, &[1, 1, 0, 1]);
            assert_eq!(preview(&bomb).unwrap_err(), Refusal::TooMany("pixels"));
        }
        let negative = bmp((i32::MIN, i32::MIN), 24, 0, &[], &[]);
        assert_eq!(preview(&negative).unwrap_err(), Refusal::Broken);
    }
}
