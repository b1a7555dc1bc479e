//! Rows of pixels, averaged in square boxes as they come, so that the whole picture is never held.

use crate::{
    Bounds,
    picture::{Layout, Picture, target},
};

/// What a sample of an opaque picture is where the file ends too early: the gray that browsers show of such a JPEG.
const MISSING: u8 = 128;
/// Twice the preview's size stays sharp, but not at this many pixels.
const MAX_PIXELS: u64 = 16_000_000;

/// The largest number of pixels to average along each side that leaves twice the preview's size, or its size if that
/// is large.
pub(super) fn divisor(full: (u32, u32), orientation: u8, bounds: Bounds) -> u32 {
    let (width, height) = target(full, orientation, bounds);
    let leaving = |times: u32| (full.0 / (times * width)).min(full.1 / (times * height)).clamp(1, 256);
    let sharp = leaving(2);
    let pixels = u64::from(full.0 / sharp) * u64::from(full.1 / sharp);
    if pixels > MAX_PIXELS { leaving(1) } else { sharp }
}

/// A picture on its way from rows to a smaller one.
pub(super) struct Reduction {
    full: (u32, u32),
    orientation: u8,
    divisor: u32,
    layout: Layout,
    sums: Sums,
    /// Rows that came.
    rows: u32,
    pixels: Vec<u8>,
}

/// Sums of each column of the row of boxes that is being filled.
enum Sums {
    /// There is nothing to average.
    None,
    /// Of samples: 256 of them fit, and half the width is twice the speed.
    Opaque(Vec<u16>),
    /// Of colours that are weighted by alpha.
    Weighted(Vec<u32>),
}

impl Reduction {
    pub fn new(full: (u32, u32), orientation: u8, layout: Layout, bounds: Bounds) -> Self {
        let divisor = divisor(full, orientation, bounds);
        let row = full.0 as usize * layout.channels();
        let sums = match divisor {
            1 => Sums::None,
            _ if layout.has_alpha() => Sums::Weighted(vec![0; row]),
            _ => Sums::Opaque(vec![0; row]),
        };
        let reduced = row.div_ceil(divisor as usize) * full.1.div_ceil(divisor) as usize;
        Self { full, orientation, divisor, layout, sums, rows: 0, pixels: Vec::with_capacity(reduced) }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes the next row, which is of the picture's full width.
    pub fn push(&mut self, row: &[u8]) {
        if self.rows == self.full.1 {
            return;
        }
        self.rows += 1;
        match (&mut self.sums, self.layout) {
            (Sums::None, _) => self.pixels.extend_from_slice(row),
            (Sums::Opaque(sums), _) => {
                for (sum, sample) in sums.iter_mut().zip(row) {
                    *sum += u16::from(*sample);
                }
            }
            (Sums::Weighted(sums), Layout::GrayAlpha) => add_weighted::<2>(sums, row),
            (Sums::Weighted(sums), _) => add_weighted::<4>(sums, row),
        }
        if self.rows.is_multiple_of(self.divisor) || self.rows == self.full.1 {
            self.end_boxes();
        }
    }

    /// Takes a row of another width, the rest of which is transparent: a frame's on its canvas.
    pub fn push_at(&mut self, left: u32, row: &[u8]) {
        let channels = self.layout.channels();
        let mut whole = vec![0; self.full.0 as usize * channels];
        for (whole, sample) in whole.iter_mut().skip(left as usize * channels).zip(row) {
            *whole = *sample;
        }
        self.push(&whole);
    }

    /// Takes rows in which nothing is.
    pub fn push_transparent(&mut self, rows: u32) {
        for _ in 0..rows.min(self.full.1) {
            self.push_at(0, &[]);
        }
    }

    /// Ends a row of boxes.
    fn end_boxes(&mut self) {
        let rows = match self.rows % self.divisor {
            0 => self.divisor,
            rest => rest,
        };
        let columns = self.divisor as usize;
        let pixels = &mut self.pixels;
        match &mut self.sums {
            Sums::None => {}
            Sums::Opaque(sums) => {
                match self.layout {
                    Layout::Gray => sums.chunks(columns).for_each(|sums| average::<1>(sums, rows, pixels)),
                    Layout::Rgb => sums.chunks(columns * 3).for_each(|sums| average::<3>(sums, rows, pixels)),
                    _ => sums.chunks(columns * 4).for_each(|sums| average::<4>(sums, rows, pixels)),
                }
                sums.fill(0);
            }
            Sums::Weighted(sums) => {
                match self.layout {
                    Layout::GrayAlpha => {
                        sums.chunks(columns * 2).for_each(|sums| average_weighted::<2>(sums, rows, pixels));
                    }
                    _ => sums.chunks(columns * 4).for_each(|sums| average_weighted::<4>(sums, rows, pixels)),
                }
                sums.fill(0);
            }
        }
    }

    /// The reduced picture. Rows that never came are transparent, or gray in an opaque one.
    pub fn finish(mut self, profile: Option<Vec<u8>>) -> Picture {
        let missing = if self.layout.has_alpha() { 0 } else { MISSING };
        // Only the boxes that were begun are filled up: of those that were not, there may be a bomb's number.
        let row = vec![missing; self.full.0 as usize * self.layout.channels()];
        while self.rows < self.full.1 && !self.rows.is_multiple_of(self.divisor) {
            self.push(&row);
        }
        let (width, height) = (self.full.0.div_ceil(self.divisor), self.full.1.div_ceil(self.divisor));
        self.pixels.resize(width as usize * height as usize * self.layout.channels(), missing);
        Picture {
            width,
            height,
            layout: self.layout,
            pixels: self.pixels,
            full: self.full,
            orientation: self.orientation,
            profile,
        }
    }
}

fn sample(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn add_weighted<const CHANNELS: usize>(sums: &mut [u32], row: &[u8]) {
    let (sums, _) = sums.as_chunks_mut::<CHANNELS>();
    let (row, _) = row.as_chunks::<CHANNELS>();
    for (sums, pixel) in sums.iter_mut().zip(row) {
        let alpha = pixel.last().map_or(0, |alpha| u32::from(*alpha));
        // The weight of alpha itself is constant, so that the loop has no branches.
        let mut weights = [alpha; CHANNELS];
        if let Some(own) = weights.last_mut() {
            *own = 1;
        }
        for ((sum, sample), weight) in sums.iter_mut().zip(pixel).zip(weights) {
            *sum += u32::from(*sample) * weight;
        }
    }
}

fn total<const CHANNELS: usize, Sum: Copy + Into<u32>>(sums: &[Sum]) -> [u32; CHANNELS] {
    let mut total = [0; CHANNELS];
    for pixel in sums.as_chunks::<CHANNELS>().0 {
        for (total, sum) in total.iter_mut().zip(pixel) {
            *total += (*sum).into();
        }
    }
    total
}

/// Pixels of a box: at most 256 × 256.
fn count<const CHANNELS: usize>(samples: usize, rows: u32) -> u32 {
    u32::try_from(samples / CHANNELS).unwrap_or(1) * rows
}

fn average<const CHANNELS: usize>(sums: &[u16], rows: u32, into: &mut Vec<u8>) {
    let count = count::<CHANNELS>(sums.len(), rows);
    into.extend(total::<CHANNELS, _>(sums).map(|sum| sample((sum + count / 2) / count)));
}

fn average_weighted<const CHANNELS: usize>(sums: &[u32], rows: u32, into: &mut Vec<u8>) {
    let count = count::<CHANNELS>(sums.len(), rows);
    let total = total::<CHANNELS, _>(sums);
    let alpha = total.last().copied().unwrap_or(0);
    let mut pixel = total.map(|sum| sample((sum + alpha / 2).checked_div(alpha).unwrap_or(0)));
    if let Some(last) = pixel.last_mut() {
        *last = sample((alpha + count / 2) / count);
    }
    into.extend(pixel);
}
