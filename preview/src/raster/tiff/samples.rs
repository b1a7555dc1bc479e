//! From a TIFF's many kinds of samples to 8 bits a channel.

use std::borrow::Cow;

use tiff::{ColorType, decoder::DecodingResult, tags::Tag};

use super::{Reader, refusal, tag};
use crate::{Refusal, picture::Layout};

/// How a picture's samples are stored.
pub(super) struct Samples {
    pub layout: Layout,
    /// 1, or one for each sample if they are stored apart.
    pub planes: u32,
    /// Samples of a pixel, of which those after the layout's channels are ignored.
    pub per_pixel: usize,
    pub bits: u8,
    meaning: Meaning,
}

enum Meaning {
    /// That of the layout.
    Plain,
    /// Indices of these colours.
    Palette(Vec<[u8; 3]>),
    /// Colours multiplied by alpha.
    Premultiplied,
    YCbCr,
    /// 255 is all ink.
    Inks,
}

impl Samples {
    pub fn of(decoder: &mut Reader, is_palette: bool) -> Result<Self, Refusal> {
        let color = decoder.colortype().map_err(|error| refusal(&error))?;
        let premultiplied = decoder
            .find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)
            .ok()
            .flatten()
            .is_some_and(|kinds| kinds.first() == Some(&1));
        let alpha = if premultiplied { Meaning::Premultiplied } else { Meaning::Plain };
        let (layout, meaning) = match color {
            ColorType::Gray(_) if is_palette => (Layout::Rgb, Meaning::Palette(palette(decoder)?)),
            ColorType::Gray(_) => (Layout::Gray, Meaning::Plain),
            ColorType::Multiband { num_samples: 2, .. } => (Layout::GrayAlpha, alpha),
            ColorType::RGB(_) => (Layout::Rgb, Meaning::Plain),
            ColorType::RGBA(_) => (Layout::Rgba, alpha),
            ColorType::CMYK(_) | ColorType::CMYKA(_) => (Layout::Cmyk, Meaning::Inks),
            ColorType::YCbCr(_) => (Layout::Rgb, Meaning::YCbCr),
            _ => return Err(Refusal::Unsupported),
        };
        if !matches!(color.bit_depth(), 1 | 2 | 4 | 8 | 16 | 32) {
            return Err(Refusal::Unsupported);
        }
        let per_pixel = usize::from(color.num_samples());
        let planar = tag::<u16>(decoder, Tag::PlanarConfiguration) == Some(2) && per_pixel > 1;
        let planes = if planar { u32::from(color.num_samples()) } else { 1 };
        Ok(Self { layout, planes, per_pixel, bits: color.bit_depth(), meaning })
    }

    pub fn bytes_per_pixel(&self) -> u64 {
        (self.per_pixel as u64 * u64::from(self.bits)).div_ceil(8)
    }

    /// Bytes of a row of a plane.
    pub fn row_bytes(&self, width: usize) -> usize {
        (width * self.per_pixel / self.planes as usize * usize::from(self.bits)).div_ceil(8)
    }

    /// The pixels of a chunk of this width, from its planes.
    pub fn pixels<'a>(&self, planes: &'a [DecodingResult], width: usize) -> Result<Cow<'a, [u8]>, Refusal> {
        let mut planes = planes.iter().map(|plane| self.bytes(plane, width)).collect::<Result<Vec<_>, _>>()?;
        let bytes = if planes.len() == 1 { planes.pop().unwrap_or_default() } else { interleave(&planes).into() };
        Ok(self.meant(bytes))
    }

    /// The samples of a plane, 8 bits each.
    fn bytes<'a>(&self, plane: &'a DecodingResult, width: usize) -> Result<Cow<'a, [u8]>, Refusal> {
        Ok(match plane {
            DecodingResult::U8(samples) if self.bits < 8 => {
                self.unpacked(samples, width * self.per_pixel / self.planes as usize).into()
            }
            DecodingResult::U8(samples) => samples.into(),
            DecodingResult::U16(samples) => samples.iter().map(|sample| sample.to_be_bytes()[0]).collect(),
            DecodingResult::U32(samples) => samples.iter().map(|sample| sample.to_be_bytes()[0]).collect(),
            DecodingResult::F32(samples) => samples.iter().map(|sample| unit(*sample)).collect(),
            _ => return Err(Refusal::Unsupported),
        })
    }

    /// Several samples in each byte; each row begins with a new one.
    fn unpacked(&self, packed: &[u8], in_row: usize) -> Vec<u8> {
        let most = (1_u8 << self.bits) - 1;
        let scale = if matches!(self.meaning, Meaning::Palette(_)) { 1 } else { u8::MAX / most };
        let shifts = || (0..8 / self.bits).rev().map(|place| place * self.bits);
        let row = |row: &[u8]| -> Vec<u8> {
            row.iter().flat_map(|byte| shifts().map(move |shift| (byte >> shift & most) * scale)).take(in_row).collect()
        };
        packed.chunks((in_row * usize::from(self.bits)).div_ceil(8).max(1)).flat_map(row).collect()
    }

    fn meant<'a>(&self, bytes: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let channels = self.layout.channels();
        match &self.meaning {
            Meaning::Plain if self.per_pixel == channels => bytes,
            Meaning::Plain => {
                bytes.chunks_exact(self.per_pixel).flat_map(|pixel| pixel.iter().take(channels)).copied().collect()
            }
            Meaning::Palette(colors) => {
                bytes.iter().flat_map(|index| colors.get(usize::from(*index)).copied().unwrap_or_default()).collect()
            }
            Meaning::Premultiplied => bytes.chunks_exact(self.per_pixel).flat_map(straight).collect(),
            Meaning::YCbCr => bytes.as_chunks().0.iter().flat_map(|pixel| rgb(*pixel)).collect(),
            Meaning::Inks => bytes
                .chunks_exact(self.per_pixel)
                .flat_map(|pixel| pixel.iter().take(channels))
                .map(|ink| !ink)
                .collect(),
        }
    }
}

/// The colours of a palette: all reds, all greens, all blues, 16 bits each.
fn palette(decoder: &mut Reader) -> Result<Vec<[u8; 3]>, Refusal> {
    let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(|error| refusal(&error))?;
    let map: Vec<u8> = map.iter().map(|sample| sample.to_be_bytes()[0]).collect();
    let (reds, rest) = map.split_at(map.len() / 3);
    let (greens, blues) = rest.split_at(rest.len() / 2);
    Ok(reds.iter().zip(greens).zip(blues).map(|((red, green), blue)| [*red, *green, *blue]).collect())
}

fn interleave(planes: &[Cow<[u8]>]) -> Vec<u8> {
    let length = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
    (0..length).flat_map(|at| planes.iter().filter_map(move |plane| plane.get(at))).copied().collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn unit(sample: f32) -> u8 {
    (sample * 255.0 + 0.5) as u8
}

fn straight(pixel: &[u8]) -> Vec<u8> {
    let Some((alpha, colors)) = pixel.split_last() else { return Vec::new() };
    let whole = u32::from(*alpha).max(1);
    let color = |color: &u8| u8::try_from((u32::from(*color) * 255 + whole / 2) / whole).unwrap_or(u8::MAX);
    colors.iter().map(color).chain([*alpha]).collect()
}

/// As JFIF converts it.
fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|sample| unit(sample / 255.0))
}
