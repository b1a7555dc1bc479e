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
