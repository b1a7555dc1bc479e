//! Strips that are compressed by LZW, the usual way: read here, as the decoder's own way takes twice as long.

use tiff::{decoder::DecodingResult, tags::Tag};

use super::{Reader, samples::Samples, tag};

const CLEAR: usize = 256;
const END: usize = 257;
const MAX_CODES: usize = 4096;

/// Where the strips are, of samples of 8 bits.
pub(super) struct Strips<'a> {
    source: &'a [u8],
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    /// Whether samples are differences from those of the pixel at the left.
    differences: bool,
    samples: usize,
}

impl<'a> Strips<'a> {
    /// `None` if the picture is of another kind.
    pub fn of(decoder: &mut Reader<'a>, samples: &Samples) -> Option<Self> {
        const LZW: u16 = 5;
        let is_plain = tag::<u16>(decoder, Tag::Compression) == Some(LZW)
            && tag::<u16>(decoder, Tag::PhotometricInterpretation) != Some(0)
            && tag::<usize>(decoder, Tag::SamplesPerPixel) == Some(samples.per_pixel)
            && samples.bits == 8;
        let differences = match tag::<u16>(decoder, Tag::Predictor) {
            None | Some(1) => false,
            Some(2) => true,
            _ => return None,
        };
        if !is_plain {
            return None;
        }
        let offsets = decoder.get_tag_u64_vec(Tag::StripOffsets).ok()?;
        let lengths = decoder.get_tag_u64_vec(Tag::StripByteCounts).ok()?;
        let samples = samples.per_pixel / samples.planes as usize;
        Some(Self { source: decoder.inner().get_ref(), offsets, lengths, differences, samples })
    }

    /// Reads a strip of so many bytes. `None` if there is nothing of it.
    pub fn read(&self, strip: u32, row: usize, rows: usize, into: &mut DecodingResult) -> Option<()> {
        let start = usize::try_from(*self.offsets.get(strip as usize)?).ok()?;
        let length = usize::try_from(*self.lengths.get(strip as usize)?).ok()?;
        let rest = self.source.get(start..)?;
        let DecodingResult::U8(bytes) = into else { return None };
        bytes.clear();
        bytes.resize(row * rows, 0);
        let read = expand(rest.get(..length).unwrap_or(rest), bytes);
        if self.differences {
            for row in bytes.chunks_exact_mut(row) {
                match self.samples {
                    1 => add::<1>(row),
                    3 => add::<3>(row),
                    4 => add::<4>(row),
                    _ => return None,
                }
            }
        }
        (read > 0).then_some(())
    }
}

fn add<const SAMPLES: usize>(row: &mut [u8]) {
    let mut left = [0_u8; SAMPLES];
    for pixel in row.as_chunks_mut::<SAMPLES>().0 {
        for (sample, left) in pixel.iter_mut().zip(&mut left) {
            *sample = sample.wrapping_add(*left);
            *left = *sample;
        }
    }
}

/// Codes of 9 to 12 bits, the highest bit first.
struct Codes<'a> {
    source: &'a [u8],
    buffer: u64,
    bits: u32,
}

impl Codes<'_> {
    fn next(&mut self, width: u32) -> Option<usize> {
        if self.bits < width {
            if let Some((bytes, rest)) = self.source.split_first_chunk() {
                self.buffer = self.buffer << 32 | u64::from(u32::from_be_bytes(*bytes));
                (self.source, self.bits) = (rest, self.bits + 32);
            } else {
                let (byte, rest) = self.source.split_first()?;
                self.buffer = self.buffer << 8 | u64::from(*byte);
                (self.source, self.bits) = (rest, self.bits + 8);
                return self.next(width);
            }
        }
        self.bits -= width;
        usize::try_from(self.buffer >> self.bits & ((1 << width) - 1)).ok()
    }
}

/// A string of the table: where it is in what was written.
#[derive(Clone, Copy, Default)]
struct Text {
    start: usize,
    length: usize,
}

/// Fills `bytes`, and gives how many were written before the end or a mistake.
fn expand(source: &[u8], bytes: &mut [u8]) -> usize {
    let mut codes = Codes { source, buffer: 0, bits: 0 };
    // A new string is the one before and the first byte of the next, which are beside each other in what was written.
    let mut table = vec![Text::default(); MAX_CODES];
    let (mut new, mut width) = (END + 1, 9);
    let mut before: Option<Text> = None;
    let mut written = 0;
    while written < bytes.len()
        && let Some(code) = codes.next(width)
    {
        if code == CLEAR {
            (new, width, before) = (END + 1, 9, None);
            continue;
        }
        let length = match (table.get(code), before) {
            (_, _) if code < CLEAR => {
                if let (Some(byte), Ok(code)) = (bytes.get_mut(written), u8::try_from(code)) {
                    *byte = code;
                }
                1
            }
            (Some(text), _) if code > END && code < new => copy(bytes, *text, written),
            (_, Some(Text { start, length })) if code == new => {
                copy(bytes, Text { start, length: length + 1 }, written)
            }
            _ => break,
        };
        if let (Some(Text { start, length }), Some(entry)) = (before, table.get_mut(new)) {
            *entry = Text { start, length: length + 1 };
            new += 1;
            if new == (1 << width) - 1 && width < 12 {
                width += 1;
            }
        }
        before = Some(Text { start: written, length });
        written += length;
    }
    written
}

/// Copies a string to where the next byte goes, as far as there is room. Its last byte may be the first that is copied.
fn copy(bytes: &mut [u8], text: Text, to: usize) -> usize {
    let length = text.length.min(bytes.len() - to);
    let Text { start, .. } = text;
    // Most are short: eight bytes at once are quicker than their number, and those too many are overwritten later.
    let eight = bytes.get(start..).and_then(|from| from.first_chunk::<8>()).copied();
    if length <= 8
        && let (Some(eight), Some(place)) = (eight, bytes.get_mut(to..).and_then(|place| place.first_chunk_mut::<8>()))
    {
        *place = eight;
    } else if start + length <= bytes.len() {
        bytes.copy_within(start..start + length, to);
    }
    if start + length > to
        && let Some(first) = bytes.get(start).copied()
        && let Some(last) = bytes.get_mut(to + length - 1)
    {
        *last = first;
    }
    length
}

#[cfg(test)]
mod tests {
    use tiff::encoder::{Compression, Predictor, TiffEncoder, colortype::RGB8};

    use super::*;
    use crate::raster::tiff::{Cursor, Decoder};

    /// Of few values, as long runs and strings of all lengths come of it.
    fn some(length: usize, values: u8) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(u64::from(values));
        std::iter::repeat_with(|| random.u8(..values)).take(length).collect()
    }

    #[test]
    fn it_reads_what_the_decoder_reads() {
        for values in [1, 2, 5, 60, 255] {
            for predictor in [Predictor::None, Predictor::Horizontal] {
                let mut source = Cursor::new(Vec::new());
                let encoder = TiffEncoder::new(&mut source).unwrap().with_compression(Compression::Lzw);
                let pixels = some(300 * 200 * 3, values);
                encoder.with_predictor(predictor).write_image::<RGB8>(300, 200, &pixels).unwrap();
                let source = source.into_inner();
                let mut decoder = Decoder::new(Cursor::new(&*source)).unwrap();
                let samples = Samples::of(&mut decoder, false).unwrap();
                let strips = Strips::of(&mut decoder, &samples).unwrap();
                let (_, rows) = decoder.chunk_dimensions();
                let mut whole: Vec<u8> = Vec::new();
                for strip in 0..decoder.strip_count().unwrap() {
                    let rows = rows.min(200 - strip * rows) as usize;
                    let mut bytes = DecodingResult::U8(Vec::new());
                    strips.read(strip, 900, rows, &mut bytes).unwrap();
                    whole.extend(bytes.as_buffer(0).as_bytes());
                }
                assert!(whole == pixels, "{values} {predictor:?}");
            }
        }
    }

    #[test]
    fn what_is_damaged_ends_it() {
        // Clear, the letter A, then a code that is not in the table yet.
        let source = [0x80, 0x10, 0x7f, 0xff];
        let mut bytes = [0; 16];
        assert_eq!(expand(&source, &mut bytes), 1);
        assert_eq!(bytes[0], b'A');
        assert_eq!(expand(&[], &mut bytes), 0);
        // More strings than there is room for.
        assert_eq!(expand(&[0x80, 0x10, 0x60, 0x50, 0x38, 0x24], &mut bytes[..2]), 2);
    }
}
