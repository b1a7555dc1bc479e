//! JPEG. libjpeg decodes at 1/8, 1/4 or 1/2 of the size, for a fraction of the cost.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{Decompress, decompress::Format};

use super::{check_held, reduction::divisor, size};
use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

mod header;
use header::Header;

/// Scans of a progressive picture: more than any encoder makes. Each is a walk over the whole picture.
const MAX_SCANS: usize = 100;

pub(super) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let header = Header::read(source).ok_or(Refusal::Broken)?;
    let full = size(u32::from(header.width), u32::from(header.height), limits)?;
    if header.many_scans {
        // All coefficients are held, 16 bits each.
        check_held(full, header.samples_per_pixel * 2)?;
        if header::scans(source, MAX_SCANS + 1) > MAX_SCANS {
            return Err(Refusal::TooMany("scans"));
        }
    }
    let scale = match divisor(full, header.orientation, bounds) {
        8.. => 1,
        4.. => 2,
        2.. => 4,
        _ => 8,
    };
    let coarse = (header.progressive && scale == 1).then(|| header::coarse(source));
    let source = coarse.as_deref().unwrap_or(source);
    // libjpeg leaves by unwinding where the file is beyond reading; no panic hook is called.
    let decoded = catch_unwind(AssertUnwindSafe(|| pixels(source, scale)));
    let (width, height, layout, mut pixels) = decoded.map_err(|_| Refusal::Broken)?.ok_or(Refusal::Broken)?;
    if layout == Layout::Cmyk && !header.adobe {
        for ink in &mut pixels {
            *ink = !*ink;
        }
    }
    Ok(Picture { width, height, layout, pixels, full, orientation: header.orientation, profile: header.profile })
}

/// The picture at `scale` eighths of its size. The part that is missing in a file that ends too early is gray.
fn pixels(source: &[u8], scale: u8) -> Option<(u32, u32, Layout, Vec<u8>)> {
    let mut decompress = Decompress::new_mem(source).ok()?;
    decompress.scale(scale);
    // Invisible at a preview's size.
    decompress.do_block_smoothing(false);
    let (mut started, layout) = match decompress.image().ok()? {
        Format::RGB(started) => (started, Layout::Rgb),
        Format::Gray(started) => (started, Layout::Gray),
        Format::CMYK(started) => (started, Layout::Cmyk),
    };
    let (width, height) = (started.width(), started.height());
    let mut pixels = vec![0; width * height * layout.channels()];
    started.read_scanlines_into(&mut pixels).ok()?;
    Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?, layout, pixels))
}

#[cfg(test)]
mod tests {
    use mozjpeg::{ColorSpace, Compress};

    use super::*;
    use crate::{
        fixtures::{BLUE, GRAY, GREEN, QUARTERS, RED, WHITE, assert_near, jpeg, preview, preview_within, quarters},
        raster::exif::tests::exif,
    };

    fn colors(width: u32, height: u32) -> Vec<u8> {
        jpeg(ColorSpace::JCS_RGB, width, height, &quarters(width, height, QUARTERS, 3))
    }

    fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, marker], &length, data, &jpeg[2..]].concat()
    }

    fn progressive(width: u32, height: u32) -> Vec<u8> {
        progressive_with(width, height, 2)
    }

    /// Of one sample of colour for so many pixels along each side.
    fn progressive_with(width: u32, height: u32, sampling: u8) -> Vec<u8> {
        let mut compress = Compress::new(ColorSpace::JCS_RGB);
        compress.set_size(width as usize, height as usize);
        compress.set_quality(95.0);
        compress.set_progressive_mode();
        compress.set_chroma_sampling_pixel_sizes((sampling, sampling), (sampling, sampling));
        let mut started = compress.start_compress(Vec::new()).unwrap();
        started.write_scanlines(&quarters(width, height, QUARTERS, 3)).unwrap();
        started.finish().unwrap()
    }

    #[test]
    fn each_reduced_size_looks_the_same() {
        let source = colors(1_606, 1_204);
        for side in [1, 80, 150, 300, 600, 900, 2_048] {
            let bounds = Bounds::new(Some(side), None).unwrap();
            let shown = preview_within(&source, bounds).unwrap();
            assert_eq!(shown.size, bounds.fit(1_606, 1_204));
            if side > 1 {
                assert_near(shown.quarters(), QUARTERS);
            }
        }
    }

    #[test]
    fn progressive_ones_too() {
        assert_near(preview(&progressive(400, 300)).unwrap().quarters(), QUARTERS);
        // Of this one, only the coarse scans are read.
        assert_near(preview(&progressive(3_205, 2_411)).unwrap().quarters(), QUARTERS);
    }

    #[test]
    fn a_coarse_picture_is_the_same_at_an_eighth() {
        let source = progressive_with(805, 611, 1);
        let coarse = header::coarse(&source);
        assert!(coarse.len() < source.len() / 2);
        assert!(pixels(&coarse, 1) == pixels(&source, 1));
    }

    #[test]
    fn gray_stays_gray() {
        let levels = [[0; 4], GRAY, WHITE, [50; 4]];
        let source = jpeg(ColorSpace::JCS_GRAYSCALE, 400, 400, &quarters(400, 400, levels, 1));
        let shown = preview(&source).unwrap();
        assert_near(shown.quarters(), [[0, 0, 0, 255], GRAY, WHITE, [50, 50, 50, 255]]);
    }

    #[test]
    fn cmyk_is_inverted_only_by_adobe() {
        // No ink, all cyan, all magenta, all black.
        let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 0, 255]];
        let seen = [WHITE, [0, 255, 255, 255], [255, 0, 255, 255], [0, 0, 0, 255]];
        let adobe = |inks: &[u8]| {
            let source = jpeg(ColorSpace::JCS_CMYK, 400, 400, inks);
            assert!(source.windows(5).any(|name| name == b"Adobe"));
            source
        };
        let plain = quarters(400, 400, inks, 4);
        let inverted: Vec<u8> = plain.iter().map(|ink| !ink).collect();
        assert_near(preview(&adobe(&inverted)).unwrap().quarters(), seen);
        // The same without Adobe's segment: its marker becomes a comment's.
        let mut other = adobe(&plain);
        let at = other.windows(7).position(|segment| segment[..2] == [0xff, 0xee] && segment[4] == b'A').unwrap();
        other[at + 1] = 0xfe;
        assert_near(preview(&other).unwrap().quarters(), seen);
    }

    #[test]
    fn exif_turns_it() {
        let shown = preview(&with_segment(&colors(400, 200), 0xe1, &[b"Exif\0\0", &exif(8)[..]].concat())).unwrap();
        assert_eq!(shown.size, (100, 200));
        assert_near(shown.quarters(), [GREEN, WHITE, RED, BLUE]);
    }

    #[test]
    fn a_profile_in_parts_is_put_together() {
        let mut source = colors(16, 16);
        for (number, part) in [(2, b"second"), (1, b"first.")] {
            source = with_segment(&source, 0xe2, &[&b"ICC_PROFILE\0"[..], &[number, 2], part].concat());
        }
        assert_eq!(Header::read(&source).unwrap().profile.unwrap(), b"first.second");
    }

    #[test]
    fn of_a_truncated_file_the_first_part_is_shown() {
        let whole = colors(800, 800);
        let scan = whole.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
        let shown = preview(&whole[..scan + (whole.len() - scan) / 2]).unwrap();
        assert_near([shown.at(20, 20), shown.at(180, 20)], [RED, GREEN]);
        assert_near([shown.at(20, 198), shown.at(180, 198)], [GRAY, GRAY]);
    }

    #[test]
    fn a_file_that_ends_before_its_pixels_is_broken() {
        let whole = colors(16, 16);
        let scan = whole.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
        for end in 3..scan {
            assert_eq!(preview(&whole[..end]).unwrap_err(), Refusal::Broken, "{end}");
        }
    }

    #[test]
    fn what_libjpeg_refuses_is_broken() {
        let mut source = colors(16, 16);
        let table = source.windows(2).position(|marker| marker == [0xff, 0xc4]).unwrap();
        source[table + 4] = 0x77;
        assert_eq!(preview(&source).unwrap_err(), Refusal::Broken);
    }

    fn of_size(mut source: Vec<u8>, side: u16) -> Vec<u8> {
        let frame = source.windows(2).position(|marker| matches!(marker, [0xff, 0xc0..=0xc2])).unwrap();
        let side = side.to_be_bytes();
        source[frame + 5..frame + 9].copy_from_slice(&[side, side].concat());
        source
    }

    #[test]
    fn bombs_are_refused_by_their_header() {
        assert_eq!(preview(&of_size(colors(16, 16), 50_000)).unwrap_err(), Refusal::TooMany("pixels"));
        // Within the limit of pixels, but a progressive one is held.
        assert_eq!(preview(&of_size(progressive(16, 16), 10_000)).unwrap_err(), Refusal::TooMany("pixels"));
    }

    #[test]
    fn scans_have_a_limit() {
        let mut source = progressive(16, 16);
        let scan = source.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
        let end = source.len() - 2;
        let scans = source[scan..end].to_vec();
        for _ in 0..100 {
            source.splice(end..end, scans.iter().copied());
        }
        assert_eq!(preview(&source).unwrap_err(), Refusal::TooMany("scans"));
    }
}
