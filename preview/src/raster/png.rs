//! PNG, row by row.

use std::io::Cursor;

use png::{ColorType, DecodeOptions, Decoder, DecodingError, Reader, Transformations};

use super::{check_held, exif, reduction::Reduction, size};
use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

pub(super) fn decode(source: &[u8], bounds: Bounds, limits: &Limits) -> Result<Picture, Refusal> {
    let mut reader = read_header(source, limits)?;
    let info = reader.info();
    if info.animation_control.is_some_and(|animation| animation.num_frames > limits.pages) {
        return Err(Refusal::TooMany("frames"));
    }
    let full = info.size();
    let interlaced = info.interlaced;
    let orientation = info.exif_metadata.as_deref().map_or(1, exif::orientation);
    let profile = info.icc_profile.as_deref().map(<[u8]>::to_vec);
    let layout = match reader.output_color_type().0 {
        ColorType::Grayscale => Layout::Gray,
        ColorType::GrayscaleAlpha => Layout::GrayAlpha,
        ColorType::Rgb => Layout::Rgb,
        ColorType::Rgba => Layout::Rgba,
        ColorType::Indexed => return Err(Refusal::Broken),
    };
    let mut reduction = Reduction::new(full, orientation, layout, bounds);
    let read = if interlaced {
        check_held(full, layout.channels() as u64)?;
        read_interlaced(&mut reader, full.0 as usize * layout.channels(), &mut reduction)
    } else {
        read_rows(&mut reader, &mut reduction)
    };
    // A file that ends too early shows what there is, as in browsers.
    if read.is_err() && reduction.is_empty() { Err(Refusal::Broken) } else { Ok(reduction.finish(profile)) }
}

fn read_header<'a>(source: &'a [u8], limits: &Limits) -> Result<Reader<Cursor<&'a [u8]>>, Refusal> {
    // What a checksum would tell, a viewer shows too: it costs time, and a preview of a damaged picture harms nobody.
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(true);
    options.set_ignore_text_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(source), options);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(broken)?;
    size(header.width, header.height, limits)?;
    decoder.read_info().map_err(broken)
}

fn read_rows(reader: &mut Reader<Cursor<&[u8]>>, reduction: &mut Reduction) -> Result<(), DecodingError> {
    while let Some(row) = reader.next_row()? {
        reduction.push(row.data());
    }
    Ok(())
}

fn read_interlaced(
    reader: &mut Reader<Cursor<&[u8]>>,
    row: usize,
    reduction: &mut Reduction,
) -> Result<(), DecodingError> {
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or_default()];
    // Of a file that ends too early, the passes that came.
    let read = reader.next_frame(&mut pixels);
    if read.is_err() && pixels.iter().all(|sample| *sample == 0) {
        return read.map(|_| ());
    }
    pixels.chunks_exact(row).for_each(|row| reduction.push(row));
    Ok(())
}

fn broken(_: DecodingError) -> Refusal {
    Refusal::Broken
}
