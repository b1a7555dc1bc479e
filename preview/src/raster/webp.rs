//! WebP: the container here, the pixels by libwebp, which decodes at a reduced size.

use super::{
    check_held, exif,
    reduction::{Reduction, divisor},
    size,
};
use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

mod libwebp;
use libwebp::Features;

pub(super) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let container = Container::read(source, limits)?;
    let picture = container.first_frame.map_or(source, |frame| frame.bytes);
    let features = libwebp::features(picture).ok_or(Refusal::Broken)?;
    let own = size(features.width, features.height, limits)?;
    let full = container.canvas.map_or(Ok(own), |(width, height)| size(width, height, limits))?;
    // Lossy colour comes row by row; of the others, libwebp holds all pixels.
    let held = u64::from(features.lossless) * 4 + u64::from(features.has_alpha) * 4;
    check_held(own, held.min(5))?;
    let orientation = container.orientation;
    let mut decoded = match container.first_frame {
        Some(frame) if own != full => on_canvas(frame, features, full, orientation, bounds)?,
        _ => {
            let divisor = divisor(full, orientation, bounds);
            let (width, height) = (full.0.div_ceil(divisor), full.1.div_ceil(divisor));
            let pixels = libwebp::decode(picture, features, (width, height)).ok_or(Refusal::Broken)?;
            Picture { width, height, layout: layout(features), pixels, full, orientation, profile: None }
        }
    };
    decoded.profile = container.profile.map(<[u8]>::to_vec);
    Ok(decoded)
}

fn layout(features: Features) -> Layout {
    if features.has_alpha { Layout::Rgba } else { Layout::Rgb }
}

/// A frame that is smaller than the animation.
fn on_canvas(
    frame: Frame,
    features: Features,
    canvas: (u32, u32),
    orientation: u8,
    bounds: Bounds,
) -> Result<Picture, Refusal> {
    check_held((features.width, features.height), 4)?;
    let features = Features { has_alpha: true, ..features };
    let pixels = libwebp::decode(frame.bytes, features, (features.width, features.height)).ok_or(Refusal::Broken)?;
    let mut reduction = Reduction::new(canvas, orientation, Layout::Rgba, bounds);
    reduction.push_transparent(frame.top);
    for row in pixels.chunks_exact(features.width as usize * 4) {
        reduction.push_at(frame.left, row);
    }
    Ok(reduction.finish(None))
}

/// What the chunks around the pixels say.
#[derive(Default)]
struct Container<'a> {
    /// The size of an animation.
    canvas: Option<(u32, u32)>,
    first_frame: Option<Frame<'a>>,
    orientation: u8,
    profile: Option<&'a [u8]>,
}

/// A frame of an animation: where it is on the canvas, and its chunks, which libwebp decodes without a container.
#[derive(Clone, Copy)]
struct Frame<'a> {
    left: u32,
    top: u32,
    bytes: &'a [u8],
}

impl<'a> Container<'a> {
    fn read(source: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut container = Self { orientation: 1, ..Self::default() };
        let mut frames = 0;
        for (name, chunk) in (Chunks { rest: source.get(12..).unwrap_or_default() }) {
            match (name, chunk) {
                (b"VP8X", [flags, _, _, _, size @ ..]) if flags & 2 != 0 => {
                    let (width, height) = u24_pair(size).ok_or(Refusal::Broken)?;
                    container.canvas = Some((width + 1, height + 1));
                }
                (b"ICCP", profile) => container.profile = Some(profile),
                (b"EXIF", exif) => container.orientation = exif::orientation(exif),
                (b"ANMF", frame) => {
                    frames += 1;
                    if frames > limits.pages {
                        return Err(Refusal::TooMany("frames"));
                    }
                    container.first_frame = container.first_frame.or(Frame::read(frame));
                }
                _ => {}
            }
        }
        Ok(container)
    }
}

impl<'a> Frame<'a> {
    fn read(chunk: &'a [u8]) -> Option<Self> {
        let (left, top) = u24_pair(chunk)?;
        Some(Self { left: left * 2, top: top * 2, bytes: chunk.get(16..)? })
    }
}

/// Two numbers of 24 bits.
fn u24_pair(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |[low, middle, high]: [u8; 3]| u32::from_le_bytes([low, middle, high, 0]);
    Some((number(*bytes.first_chunk()?), number(*bytes.get(3..)?.first_chunk()?)))
}

/// Chunks of a RIFF container; the last may end too early.
struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?.min(rest.len());
        let (chunk, rest) = rest.split_at_checked(length)?;
        // Each begins at an even offset.
        self.rest = rest.get(length % 2..).unwrap_or_default();
        Some((name, chunk))
    }
}
