//! What a BMP says before its pixels.

use crate::Refusal;

pub(super) struct Header<'a> {
    pub width: u32,
    pub height: u32,
    /// Whether the first row that is stored is the top one.
    pub top_down: bool,
    /// Of a pixel.
    pub bits: u16,
    /// Whether the pixels are run-length encoded.
    pub run_lengths: bool,
    pub colors: Colors,
    pub pixels: &'a [u8],
}

/// What a pixel's bits mean.
pub(super) enum Colors {
    Palette(Vec<[u8; 3]>),
    /// Three bytes.
    Bgr,
    /// The bits of red, green, blue and alpha.
    Masks([u32; 4]),
}

const FILE_HEADER: usize = 14;

impl<'a> Header<'a> {
    pub fn read(source: &'a [u8]) -> Result<Self, Refusal> {
        let header = source.get(FILE_HEADER..).ok_or(Refusal::Broken)?;
        let length = u32_at(header, 0)?;
        let length = usize::try_from(length).map_err(|_| Refusal::Broken)?;
        let pixels = usize::try_from(u32_at(source, 10)?).ok().and_then(|offset| source.get(offset..));
        let pixels = pixels.ok_or(Refusal::Broken)?;
        if length == 12 {
            let bits = u16_at(header, 10)?;
            let colors = match bits {
                1 | 4 | 8 => Colors::Palette(palette::<3>(header.get(length..), 1 << bits)),
                24 => Colors::Bgr,
                _ => return Err(Refusal::Unsupported),
            };
            let (width, height) = (u16_at(header, 4)?.into(), u16_at(header, 6)?.into());
            return Ok(Self { width, height, top_down: false, bits, run_lengths: false, colors, pixels });
        }
        let (width, height) = (u32_at(header, 4)?.cast_signed(), u32_at(header, 8)?.cast_signed());
        let (bits, compression, used) = (u16_at(header, 14)?, u32_at(header, 16)?, u32_at(header, 32)?);
        let used = if used == 0 { 256 } else { used as usize };
        let colors = match (bits, compression) {
            (1 | 2 | 4 | 8, 0) | (8, 1) | (4, 2) => Colors::Palette(palette::<4>(header.get(length..), used)),
            (24, 0) => Colors::Bgr,
            (16, 0) => Colors::Masks([0x7c00, 0x03e0, 0x001f, 0]),
            (32, 0) => Colors::Masks([0x00ff_0000, 0x0000_ff00, 0x0000_00ff, 0]),
            (16 | 32, 3 | 6) => {
                let alpha = if length >= 56 || compression == 6 { u32_at(header, 52)? } else { 0 };
                Colors::Masks([u32_at(header, 40)?, u32_at(header, 44)?, u32_at(header, 48)?, alpha])
            }
            _ => return Err(Refusal::Unsupported),
        };
        Ok(Self {
            width: u32::try_from(width).map_err(|_| Refusal::Broken)?,
            height: height.unsigned_abs(),
            top_down: height < 0,
            bits,
            run_lengths: matches!(compression, 1 | 2),
            colors,
            pixels,
        })
    }
}

/// Entries of so many bytes, blue first.
fn palette<const BYTES: usize>(source: Option<&[u8]>, colors: usize) -> Vec<[u8; 3]> {
    let entries = source.unwrap_or_default().as_chunks::<BYTES>().0.iter().take(colors.min(256));
    entries.filter_map(|entry| entry.first_chunk()).map(|[b, g, r]| [*r, *g, *b]).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Refusal> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Refusal::Broken)?;
    Ok(u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Refusal> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Refusal::Broken)?;
    Ok(u32::from_le_bytes(*bytes))
}
