//! GIF: the first frame on its canvas, row by row.

use gif::{DecodeOptions, Decoder, MemoryLimit};

use super::{check_held, reduction::Reduction, size};
use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

pub(super) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    if Frames::of(source).is_some_and(|frames| frames.take(limits.pages as usize + 1).count() > limits.pages as usize) {
        return Err(Refusal::TooMany("frames"));
    }
    let mut options = DecodeOptions::new();
    // Frames are read into memory of ours; what remains are colours.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(source).map_err(broken)?;
    let canvas = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder.next_frame_info().map_err(broken)?.ok_or(Refusal::Broken)?;
    let (width, height) = size(frame.width.into(), frame.height.into(), limits)?;
    let (left, top) = (u32::from(frame.left), u32::from(frame.top));
    let (transparent, interlaced) = (frame.transparent, frame.interlaced);
    // A canvas of no size is the frame's.
    let canvas = if canvas.0 == 0 || canvas.1 == 0 { (left + width, top + height) } else { canvas };
    let full = size(canvas.0, canvas.1, limits)?;
    let covered = left == 0 && top == 0 && width >= full.0 && height >= full.1;
    let layout = if covered && transparent.is_none() { Layout::Rgb } else { Layout::Rgba };
    let colors = colors(decoder.palette().map_err(broken)?, transparent);
    let mut reduction = Reduction::new(full, 1, layout, bounds);
    reduction.push_transparent(top);
    let mut row = vec![0; full.0 as usize * layout.channels()];
    let mut push = |indices: &[u8]| {
        paint(indices, &colors, layout, row.get_mut(left as usize * layout.channels()..).unwrap_or_default());
        reduction.push(&row);
    };
    let read = if interlaced {
        check_held((width, height), 1)?;
        read_interlaced(&mut decoder, width as usize, &mut push)
    } else {
        read_rows(&mut decoder, (width, height), &mut push)
    };
    read.ok_or(Refusal::Broken)?;
    Ok(reduction.finish(None))
}

/// Colours with alpha; what is not in the palette is black, as in browsers.
fn colors(palette: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut colors = [[0, 0, 0, u8::MAX]; 256];
    for (color, [red, green, blue]) in colors.iter_mut().zip(palette.as_chunks().0) {
        *color = [*red, *green, *blue, u8::MAX];
    }
    if let Some(color) = transparent.and_then(|index| colors.get_mut(usize::from(index))) {
        *color = [0; 4];
    }
    colors
}

/// Writes the colours of these indices.
fn paint(indices: &[u8], colors: &[[u8; 4]; 256], layout: Layout, row: &mut [u8]) {
    let color = |index: &u8| colors.get(usize::from(*index)).copied().unwrap_or_default();
    if layout == Layout::Rgb {
        for (pixel, index) in row.as_chunks_mut().0.iter_mut().zip(indices) {
            let [red, green, blue, _] = color(index);
            *pixel = [red, green, blue];
        }
    } else {
        for (pixel, index) in row.as_chunks_mut().0.iter_mut().zip(indices) {
            *pixel = color(index);
        }
    }
}

/// Rows until the last, or until the file ends. `None` if there is none.
fn read_rows(decoder: &mut Decoder<&[u8]>, (width, height): (u32, u32), push: &mut impl FnMut(&[u8])) -> Option<()> {
    let mut row = vec![0; width as usize];
    for read in 0..height {
        match decoder.fill_buffer(&mut row) {
            Ok(true) => push(&row),
            _ if read == 0 => return None,
            _ => break,
        }
    }
    Some(())
}

fn read_interlaced(decoder: &mut Decoder<&[u8]>, width: usize, push: &mut impl FnMut(&[u8])) -> Option<()> {
    let mut indices = vec![0; decoder.buffer_size()];
    if decoder.read_into_buffer(&mut indices).is_err() && indices.iter().all(|index| *index == 0) {
        return None;
    }
    indices.chunks_exact(width).for_each(push);
    Some(())
}

fn broken(_: gif::DecodingError) -> Refusal {
    Refusal::Broken
}

/// Hops over the blocks from frame to frame.
struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    fn of(source: &'a [u8]) -> Option<Self> {
        let flags = *source.get(10)?;
        Some(Self { rest: source.get(13 + table(flags)..)? })
    }

    fn skip_sub_blocks(&mut self) -> Option<()> {
        loop {
            let (length, rest) = self.rest.split_first()?;
            self.rest = rest.get(usize::from(*length)..)?;
            if *length == 0 {
                return Some(());
            }
        }
    }
}

impl Iterator for Frames<'_> {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        loop {
            match self.rest {
                // An extension, with its label.
                [0x21, _, rest @ ..] => {
                    self.rest = rest;
                    self.skip_sub_blocks()?;
                }
                [0x2c, _, _, _, _, _, _, _, _, flags, rest @ ..] => {
                    // After the colours, the size of a code.
                    self.rest = rest.get(table(*flags) + 1..)?;
                    self.skip_sub_blocks()?;
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}

/// Bytes of the table of colours that these flags announce.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
