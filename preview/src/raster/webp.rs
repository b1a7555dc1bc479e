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

#[cfg(test)]
mod tests {
    use image_webp::{ColorType, WebPEncoder};

    use super::*;
    use crate::{
        fixtures::{BLUE, CLEAR, GREEN, QUARTERS, RED, WHITE, assert_near, preview, quarters},
        raster::exif::tests::exif,
    };

    fn webp(width: u32, height: u32, colors: [[u8; 4]; 4]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels = quarters(width, height, colors, 4);
        WebPEncoder::new(&mut bytes).encode(&pixels, width, height, ColorType::Rgba8).unwrap();
        bytes
    }

    fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (name, chunk) in chunks {
            body.extend(*name);
            body.extend(u32::try_from(chunk.len()).unwrap().to_le_bytes());
            body.extend(*chunk);
            body.extend(&[0][..chunk.len() % 2]);
        }
        [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
    }

    fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
        let size = [width - 1, height - 1].map(u32::to_le_bytes);
        [&[flags, 0, 0, 0], &size[0][..3], &size[1][..3]].concat()
    }

    /// A frame that is all of a picture, at twice these numbers.
    fn frame(left: u8, top: u8, width: u32, height: u32, picture: &[u8]) -> Vec<u8> {
        let size = extended(0, width, height);
        [&[left, 0, 0, top, 0, 0], &size[4..], &[0; 4], &picture[12..]].concat()
    }

    #[test]
    fn it_is_decoded_at_a_reduced_size() {
        let colors = [RED, CLEAR, [0, 0, 255, 128], WHITE];
        let shown = preview(&webp(1_000, 700, colors)).unwrap();
        assert_eq!(shown.size, (200, 140));
        assert_near(shown.quarters(), colors);
    }

    #[test]
    fn exif_turns_it_and_its_profile_counts() {
        let picture = webp(40, 20, QUARTERS);
        let pixels = &picture[20..];
        let shown = |profile: &[u8]| {
            let chunks: [(&[u8; 4], &[u8]); 4] =
                [(b"VP8X", &extended(0x28, 40, 20)), (b"ICCP", profile), (b"VP8L", pixels), (b"EXIF", &exif(3))];
            preview(&riff(&chunks)).unwrap().quarters()
        };
        assert_near(shown(b"damaged"), [WHITE, BLUE, GREEN, RED]);
        let mut swapped = moxcms::ColorProfile::new_srgb();
        std::mem::swap(&mut swapped.red_colorant, &mut swapped.blue_colorant);
        swapped.cicp = None;
        assert_near(shown(&swapped.encode().unwrap()), [WHITE, RED, GREEN, BLUE]);
    }

    #[test]
    fn the_first_frame_is_shown_on_its_canvas() {
        let first = frame(25, 10, 100, 60, &webp(100, 60, QUARTERS));
        let second = frame(0, 0, 200, 100, &webp(200, 100, [WHITE; 4]));
        let chunks: [(&[u8; 4], &[u8]); 4] =
            [(b"VP8X", &extended(2, 200, 100)), (b"ANIM", &[0; 6]), (b"ANMF", &first), (b"ANMF", &second)];
        let shown = preview(&riff(&chunks)).unwrap();
        assert_eq!(shown.size, (200, 100));
        assert_near([shown.at(75, 35), shown.at(125, 35), shown.at(75, 65), shown.at(125, 65)], QUARTERS);
        assert_near([shown.at(40, 50), shown.at(160, 50), shown.at(100, 10), shown.at(100, 90)], [CLEAR; 4]);
    }

    #[test]
    fn a_frame_as_large_as_its_canvas_is_reduced_at_once() {
        let first = frame(0, 0, 1_000, 700, &webp(1_000, 700, QUARTERS));
        let shown = preview(&riff(&[(b"VP8X", &extended(2, 1_000, 700)), (b"ANMF", &first)])).unwrap();
        assert_near(shown.quarters(), QUARTERS);
    }

    #[test]
    fn a_file_that_ends_before_its_pixels_is_broken() {
        let whole = webp(40, 20, QUARTERS);
        for end in 12..26 {
            assert_eq!(preview(&whole[..end]).unwrap_err(), Refusal::Broken, "{end}");
        }
    }

    #[test]
    fn bombs_are_refused_by_their_header() {
        let mut bomb = webp(16, 16, QUARTERS);
        // Two sizes of 14 bits after the signature: 16,384 × 16,384.
        bomb[21..25].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(preview(&bomb).unwrap_err(), Refusal::TooMany("pixels"));
        // 8,192 × 8,192, which is held.
        bomb[21..25].copy_from_slice(&[0xff, 0xdf, 0xff, 0x07]);
        assert_eq!(preview(&bomb).unwrap_err(), Refusal::TooMany("pixels"));
        let first = frame(0, 0, 16, 16, &webp(16, 16, QUARTERS));
        let canvas = riff(&[(b"VP8X", &extended(2, 50_000, 50_000)), (b"ANMF", &first)]);
        assert_eq!(preview(&canvas).unwrap_err(), Refusal::TooMany("pixels"));
    }

    #[test]
    fn frames_have_a_limit() {
        let first = frame(0, 0, 2, 2, &webp(2, 2, QUARTERS));
        let canvas = extended(2, 2, 2);
        let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"ANMF", &first); 10_001];
        chunks[0] = (b"VP8X", &canvas);
        assert!(preview(&riff(&chunks)).is_ok());
        chunks.push((b"ANMF", &first));
        assert_eq!(preview(&riff(&chunks)).unwrap_err(), Refusal::TooMany("frames"));
    }
}
