//! TIFF: the first directory, one row of strips or tiles at a time.

use std::{borrow::Cow, io::Cursor};

use tiff::{
    TiffError,
    decoder::{Decoder, DecodingResult, Limits as TiffLimits},
    tags::Tag,
};

use super::{MAX_HELD, check_held, reduction::Reduction, size};
use crate::{Bounds, Limits, Refusal, picture::Picture};

mod directory;
mod lzw;
mod samples;
#[cfg(test)]
mod tests;
use samples::Samples;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    if directory::count(source, limits.pages) > limits.pages {
        return Err(Refusal::TooMany("pages"));
    }
    // The decoder knows no palettes: their indices are read as if they were shades of gray.
    let as_gray = directory::palette_as_gray(source);
    let is_palette = as_gray.is_some();
    let source = as_gray.map_or(Cow::Borrowed(source), Cow::Owned);
    let mut limit = TiffLimits::default();
    limit.decoding_buffer_size = usize::try_from(MAX_HELD).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new(Cursor::new(&*source)).map_err(|error| refusal(&error))?.with_limits(limit);
    let (width, height) = decoder.dimensions().map_err(|error| refusal(&error))?;
    let full = size(width, height, limits)?;
    let orientation = tag(&mut decoder, Tag::Orientation).filter(|value| (1..=8).contains(value)).unwrap_or(1);
    let profile = decoder.get_tag_u8_vec(Tag::IccProfile).ok();
    let samples = Samples::of(&mut decoder, is_palette)?;
    let mut reduction = Reduction::new(full, orientation, samples.layout, bounds);
    match read(&mut decoder, full, &samples, &mut reduction) {
        // A file that ends too early shows what there is.
        Err(refusal) if reduction.is_empty() => Err(refusal),
        _ => Ok(reduction.finish(profile)),
    }
}

fn read(
    decoder: &mut Reader,
    (width, height): (u32, u32),
    samples: &Samples,
    reduction: &mut Reduction,
) -> Result<(), Refusal> {
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    if chunk_width == 0 || chunk_height == 0 {
        return Err(Refusal::Broken);
    }
    let (across, down) = (width.div_ceil(chunk_width), height.div_ceil(chunk_height));
    let channels = samples.layout.channels();
    // As decoded, and twice as 8 bits a channel.
    let bytes = samples.bytes_per_pixel() + 2 * channels as u64;
    check_held((width.max(chunk_width), chunk_height.min(height)), bytes)?;
    let strips = lzw::Strips::of(decoder, samples);
    let mut planes: Vec<_> = (0..samples.planes).map(|_| DecodingResult::U8(Vec::new())).collect();
    let mut band = vec![0; if across == 1 { 0 } else { (width * chunk_height.min(height)) as usize * channels }];
    for row in 0..down {
        for column in 0..across {
            let chunk = (chunk_width.min(width - column * chunk_width)) as usize;
            for (plane, number) in planes.iter_mut().zip(0..) {
                let index = row * across + column + number * across * down;
                if let Some(strips) = &strips {
                    let rows = chunk_height.min(height - row * chunk_height) as usize;
                    strips.read(index, samples.row_bytes(chunk), rows, plane).ok_or(Refusal::Broken)?;
                } else {
                    let stride = samples.row_bytes(chunk);
                    decoder.read_chunk_to_buffer(plane, index, stride).map_err(|error| refusal(&error))?;
                }
            }
            let pixels = samples.pixels(&planes, chunk)?;
            let rows = pixels.chunks_exact(chunk * channels);
            if across == 1 {
                rows.for_each(|row| reduction.push(row));
            } else {
                copy(rows, &mut band, (column * chunk_width) as usize * channels, width as usize * channels);
            }
        }
        let rows = chunk_height.min(height - row * chunk_height) as usize;
        band.chunks_exact(width as usize * channels).take(rows).for_each(|row| reduction.push(row));
    }
    Ok(())
}

/// Puts the rows of a tile where they are in a band of the picture.
fn copy<'a>(rows: impl Iterator<Item = &'a [u8]>, band: &mut [u8], left: usize, width: usize) {
    for (row, whole) in rows.zip(band.chunks_exact_mut(width)) {
        if let Some(place) = whole.get_mut(left..left + row.len()) {
            place.copy_from_slice(row);
        }
    }
}

fn tag<T: TryFrom<u64>>(decoder: &mut Reader, tag: Tag) -> Option<T> {
    decoder.find_tag_unsigned(tag).ok().flatten()
}

fn refusal(error: &TiffError) -> Refusal {
    match error {
        TiffError::UnsupportedError(_) => Refusal::Unsupported,
        TiffError::LimitsExceeded => Refusal::TooMany("pixels"),
        _ => Refusal::Broken,
    }
}
