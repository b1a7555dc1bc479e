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

#[cfg(test)]
mod tests {
    use gif::{Encoder, Frame};

    use super::*;
    use crate::fixtures::{BLUE, CLEAR, GREEN, QUARTERS, RED, WHITE, assert_near, preview, quarters};

    const PALETTE: [u8; 12] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    /// Indices of the palette in its order, in four quarters.
    const INDICES: [[u8; 4]; 4] = [[0; 4], [1; 4], [2; 4], [3; 4]];

    fn frame(width: u16, height: u16) -> Frame<'static> {
        let buffer = quarters(width.into(), height.into(), INDICES, 1).into();
        Frame { width, height, buffer, ..Frame::default() }
    }

    fn gif(width: u16, height: u16, frames: &[Frame]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, height, &PALETTE).unwrap();
        for frame in frames {
            encoder.write_frame(frame).unwrap();
        }
        drop(encoder);
        bytes
    }

    #[test]
    fn it_is_reduced_without_being_held() {
        let shown = preview(&gif(1_000, 700, &[frame(1_000, 700)])).unwrap();
        assert_eq!(shown.size, (200, 140));
        assert_near(shown.quarters(), QUARTERS);
    }

    #[test]
    fn an_interlaced_picture_is_in_order() {
        let mut rows: Vec<_> = frame(16, 16).buffer.chunks(16).map(<[u8]>::to_vec).collect();
        let order = [0, 8, 4, 12, 2, 6, 10, 14, 1, 3, 5, 7, 9, 11, 13, 15];
        rows = order.map(|row: usize| rows[row].clone()).to_vec();
        let interlaced = Frame { interlaced: true, buffer: rows.concat().into(), ..frame(16, 16) };
        assert_near(preview(&gif(16, 16, &[interlaced])).unwrap().quarters(), QUARTERS);
    }

    #[test]
    fn the_first_frame_is_shown_on_its_canvas() {
        let first = Frame { left: 50, top: 50, ..frame(100, 50) };
        let shown = preview(&gif(200, 150, &[first, frame(200, 150)])).unwrap();
        assert_eq!(shown.size, (200, 150));
        assert_near([shown.at(75, 60), shown.at(125, 60), shown.at(75, 90), shown.at(125, 90)], QUARTERS);
        assert_near([shown.at(40, 60), shown.at(160, 60), shown.at(75, 40), shown.at(75, 110)], [CLEAR; 4]);
    }

    #[test]
    fn a_frame_beyond_its_canvas_is_cut() {
        let first = Frame { left: 50, top: 50, ..frame(100, 100) };
        let shown = preview(&gif(100, 100, &[first])).unwrap();
        assert_near(shown.quarters(), [CLEAR, CLEAR, CLEAR, RED]);
        let outside = Frame { left: 150, top: 150, ..frame(10, 10) };
        assert_near(preview(&gif(100, 100, &[outside])).unwrap().quarters(), [CLEAR; 4]);
    }

    #[test]
    fn one_color_may_be_transparent() {
        let shown = preview(&gif(40, 40, &[Frame { transparent: Some(3), ..frame(40, 40) }])).unwrap();
        assert_near(shown.quarters(), [RED, GREEN, BLUE, CLEAR]);
    }

    #[test]
    fn of_a_truncated_file_the_first_part_is_shown() {
        let mut random = fastrand::Rng::with_seed(1);
        let buffer: Vec<u8> = std::iter::repeat_with(|| random.u8(2..4)).take(40_000).collect();
        let whole = gif(200, 200, &[Frame { buffer: buffer.into(), transparent: Some(0), ..frame(200, 200) }]);
        let shown = preview(&whole[..whole.len() / 2]).unwrap();
        assert_eq!(shown.at(100, 20)[3], 255);
        assert_near([shown.at(100, 180)], [CLEAR]);
        assert_eq!(preview(&whole[..40]).unwrap_err(), Refusal::Broken);
    }

    #[test]
    fn bombs_are_refused_by_their_header() {
        let mut bomb = gif(16, 16, &[frame(16, 16)]);
        bomb[6..10].copy_from_slice(&[0x50, 0xc3, 0x50, 0xc3]);
        assert_eq!(preview(&bomb).unwrap_err(), Refusal::TooMany("pixels"));
    }

    #[test]
    fn frames_have_a_limit() {
        let frames = |count| gif(1, 1, &vec![Frame { delay: 1, ..frame(1, 1) }; count]);
        assert!(preview(&frames(10_000)).is_ok());
        assert_eq!(preview(&frames(10_001)).unwrap_err(), Refusal::TooMany("frames"));
    }

    #[test]
    fn an_index_that_has_no_color_is_black() {
        assert_near([colors(&PALETTE, None)[3], colors(&PALETTE, None)[4]], [WHITE, [0, 0, 0, 255]]);
    }
}
