//! PNG, row by row.

use std::io::Cursor;

use png::{ColorType, DecodeOptions, Decoder, DecodingError, Reader, Transformations};

use super::{check_held, exif, reduction::Reduction, size};
use crate::{
    Bounds, Limits, Refusal,
    picture::{Layout, Picture},
};

/// How much larger than its source what is compressed can be: a file that promises more does not hold it.
const MAX_EXPANSION: usize = 1_032;

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
        if reader.info().raw_bytes() / MAX_EXPANSION > source.len() {
            return Err(Refusal::Broken);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::{BLUE, CLEAR, GRAY, GREEN, QUARTERS, RED, WHITE, assert_near, png, preview, quarters},
        raster::exif::tests::exif,
    };
    use png::{BitDepth, Encoder};

    /// The checksum of a chunk is not looked at.
    fn with_chunk(png: &[u8], name: [u8; 4], data: &[u8]) -> Vec<u8> {
        let after_header = 33;
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&png[..after_header], &length, &name, data, &[0; 4], &png[after_header..]].concat()
    }

    fn encoded(width: u32, height: u32, set: impl FnOnce(&mut Encoder<&mut Vec<u8>>), pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, height);
        set(&mut encoder);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        bytes
    }

    #[test]
    fn samples_of_16_bits_are_reduced_to_8() {
        let pixels: Vec<u8> = quarters(900, 600, QUARTERS, 4).iter().flat_map(|sample| [*sample, 7]).collect();
        let shown = preview(&png(ColorType::Rgba, BitDepth::Sixteen, 900, 600, &pixels)).unwrap();
        assert_eq!(shown.size, (200, 133));
        assert_near(shown.quarters(), QUARTERS);
    }

    #[test]
    fn a_palette_may_be_transparent() {
        // Red and clear above, blue and red below.
        let rows = [[0x05], [0x05], [0xa0], [0xa0]].concat();
        let shown = preview(&encoded(
            4,
            4,
            |encoder| {
                encoder.set_color(ColorType::Indexed);
                encoder.set_depth(BitDepth::Two);
                encoder.set_palette(vec![255, 0, 0, 0, 255, 0, 0, 0, 255]);
                encoder.set_trns(vec![255, 0]);
            },
            &rows,
        ))
        .unwrap();
        assert_near(shown.quarters(), [RED, CLEAR, BLUE, RED]);
    }

    #[test]
    fn one_gray_may_be_transparent() {
        let shown = preview(&encoded(
            2,
            2,
            |encoder| {
                encoder.set_color(ColorType::Grayscale);
                encoder.set_depth(BitDepth::Eight);
                encoder.set_trns(vec![0, 9]);
            },
            &[255, 9, 128, 255],
        ))
        .unwrap();
        assert_near(shown.quarters(), [WHITE, CLEAR, GRAY, WHITE]);
    }

    #[test]
    fn an_interlaced_picture_is_whole() {
        // Written by hand, as the encoder cannot: the only pixels of the 4 × 4 picture's seven passes, in rows.
        let passes: [&[&[u8]]; 7] = [&[&[0]], &[], &[], &[&[1]], &[&[2, 3]], &[&[0, 1], &[2, 3]], &[&[0; 4], &[3; 4]]];
        let rows = passes.concat().iter().flat_map(|row| [&[0], *row].concat()).collect::<Vec<u8>>();
        let mut png = png(ColorType::Grayscale, BitDepth::Eight, 4, 4, &[0; 16]);
        png[28] = 1;
        let data = png.windows(4).position(|name| name == b"IDAT").unwrap();
        let mut stored = vec![0x78, 0x01, 0x01];
        let length = u16::try_from(rows.len()).unwrap();
        stored.extend(length.to_le_bytes());
        stored.extend((!length).to_le_bytes());
        stored.extend(&rows);
        stored.extend([0; 4]);
        png.truncate(data - 4);
        png.extend(u32::try_from(stored.len()).unwrap().to_be_bytes());
        png.extend(b"IDAT");
        png.extend(stored);
        png.extend([0; 4]);
        let picture = decode(&png, Bounds::new(None, None).unwrap(), &Limits::default()).unwrap();
        assert_eq!(picture.pixels, [0, 0, 1, 1, 0, 0, 0, 0, 2, 2, 3, 3, 3, 3, 3, 3]);
    }

    #[test]
    fn exif_turns_it() {
        let source = png(ColorType::Rgb, BitDepth::Eight, 40, 20, &quarters(40, 20, QUARTERS, 3));
        let shown = preview(&with_chunk(&source, *b"eXIf", &exif(6))).unwrap();
        assert_eq!(shown.size, (20, 40));
        assert_near(shown.quarters(), [BLUE, RED, WHITE, GREEN]);
    }

    #[test]
    fn of_a_truncated_file_the_first_part_is_shown() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(200..)).take(300 * 300 * 4).collect();
        for (color, channels, missing) in [(ColorType::Rgb, 3, GRAY), (ColorType::Rgba, 4, CLEAR)] {
            let whole = png(color, BitDepth::Eight, 300, 300, &noise[..300 * 300 * channels]);
            let shown = preview(&whole[..whole.len() * 2 / 3]).unwrap();
            assert!(shown.at(100, 20)[..3].iter().all(|sample| *sample > 180), "{:?}", shown.at(100, 20));
            assert_near([shown.at(100, 190)], [missing]);
        }
    }

    #[test]
    fn a_file_that_ends_before_its_pixels_is_broken() {
        let whole = png(ColorType::Rgb, BitDepth::Eight, 40, 20, &quarters(40, 20, QUARTERS, 3));
        for end in 8..41 {
            assert_eq!(preview(&whole[..end]).unwrap_err(), Refusal::Broken, "{end}");
        }
    }

    #[test]
    fn bombs_are_refused_by_their_header() {
        let mut bomb = png(ColorType::Rgb, BitDepth::Eight, 1, 1, &[0; 3]);
        bomb[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
        assert_eq!(preview(&bomb).unwrap_err(), Refusal::TooMany("pixels"));
        // Interlaced, it would have to be held.
        bomb[16..24].copy_from_slice(&[0, 0, 0x27, 0, 0, 0, 0x27, 0]);
        bomb[28] = 1;
        assert_eq!(preview(&bomb).unwrap_err(), Refusal::TooMany("pixels"));
        // It would be held, but so few bytes cannot be so many pixels.
        bomb[16..24].copy_from_slice(&[0, 0, 0x17, 0, 0, 0, 0x17, 0]);
        assert_eq!(preview(&bomb).unwrap_err(), Refusal::Broken);
    }

    #[test]
    fn an_animation_has_a_limit_of_frames() {
        let source = png(ColorType::Rgb, BitDepth::Eight, 2, 2, &[9; 12]);
        let frames = |count: u32| with_chunk(&source, *b"acTL", &[count.to_be_bytes(), [0; 4]].concat());
        assert_eq!(preview(&frames(10_001)).unwrap_err(), Refusal::TooMany("frames"));
        assert!(preview(&frames(10_000)).is_ok());
    }
}
