use super::*;
use crate::fixtures::{BLUE, CLEAR, GRAY, GREEN, QUARTERS, RED, WHITE, assert_near, preview, quarters};

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const STRIP_OFFSETS: u16 = 273;
const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTES: u16 = 279;
const PLANAR: u16 = 284;
const COLOR_MAP: u16 = 320;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTES: u16 = 325;
const EXTRA_SAMPLES: u16 = 338;

/// A directory of these tags, and of these chunks, which are tiles if one of the tags is of tiles.
fn tiff(tags: &[(u16, &[u32])], chunks: &[Vec<u8>]) -> Vec<u8> {
    let tiled = tags.iter().any(|(tag, _)| *tag == TILE_WIDTH);
    let lengths: Vec<u32> = chunks.iter().map(|chunk| chunk.len().try_into().unwrap()).collect();
    let mut offset = 8;
    let offsets = lengths.iter().map(|length| {
        offset += length;
        offset - length
    });
    let offsets: Vec<u32> = offsets.collect();
    let (offsets_tag, lengths_tag) = if tiled { (TILE_OFFSETS, TILE_BYTES) } else { (STRIP_OFFSETS, STRIP_BYTES) };
    let mut tags: Vec<(u16, &[u32])> = [tags, &[(offsets_tag, &offsets), (lengths_tag, &lengths)]].concat();
    tags.sort_by_key(|(tag, _)| *tag);
    let directory = 8 + lengths.iter().sum::<u32>();
    let mut bytes = [b"II*\0", &directory.to_le_bytes()[..], &chunks.concat()].concat();
    let mut values = directory + 2 + u32::try_from(tags.len()).unwrap() * 12 + 4;
    bytes.extend(u16::try_from(tags.len()).unwrap().to_le_bytes());
    for (tag, numbers) in &tags {
        let count = u32::try_from(numbers.len()).unwrap();
        // SHORT, as the format wants it of most; LONG where several may be large.
        let kind = if count == 1 && numbers[0] < 65_536 { 3 } else { 4 };
        bytes.extend([&tag.to_le_bytes()[..], &[kind, 0], &count.to_le_bytes()].concat());
        bytes.extend(if count == 1 { numbers[0] } else { values }.to_le_bytes());
        values += if count == 1 { 0 } else { count * 4 };
    }
    bytes.extend([0; 4]);
    tags.iter().filter(|(_, numbers)| numbers.len() > 1).for_each(|(_, numbers)| {
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    });
    bytes
}

/// Of 4 × 4 pixels in one strip.
fn small(photometric: u32, bits: &[u32], more: &[(u16, &[u32])], pixels: Vec<u8>) -> Vec<u8> {
    let samples = [u32::try_from(bits.len()).unwrap()];
    let photometric = [photometric];
    let tags: [(u16, &[u32]); 5] =
        [(WIDTH, &[4]), (HEIGHT, &[4]), (BITS, bits), (PHOTOMETRIC, &photometric), (SAMPLES, &samples)];
    tiff(&[&tags, more].concat(), &[pixels])
}

#[test]
fn strips_are_reduced() {
    let pixels = quarters(1_000, 700, QUARTERS, 3);
    let strips: Vec<_> = pixels.chunks(1_000 * 3 * 64).map(<[u8]>::to_vec).collect();
    let tags: [(u16, &[u32]); 6] = [
        (WIDTH, &[1_000]),
        (HEIGHT, &[700]),
        (BITS, &[8, 8, 8]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (ROWS_PER_STRIP, &[64]),
    ];
    let source = tiff(&tags, &strips);
    let shown = preview(&source).unwrap();
    assert_eq!(shown.size, (200, 140));
    assert_near(shown.quarters(), QUARTERS);
}

#[test]
fn tiles_are_put_together() {
    // The last of each row and column are filled up.
    let whole = quarters(160, 96, QUARTERS, 3);
    let tile = |left: usize, top: usize| -> Vec<u8> {
        (top..top + 64)
            .flat_map(|y| (left..left + 64).map(move |x| (y.min(95) * 160 + x.min(159)) * 3))
            .flat_map(|at| whole[at..at + 3].to_vec())
            .collect()
    };
    let tiles = [tile(0, 0), tile(64, 0), tile(128, 0), tile(0, 64), tile(64, 64), tile(128, 64)];
    let tags: [(u16, &[u32]); 7] = [
        (WIDTH, &[160]),
        (HEIGHT, &[96]),
        (BITS, &[8, 8, 8]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (TILE_WIDTH, &[64]),
        (TILE_HEIGHT, &[64]),
    ];
    let shown = preview(&tiff(&tags, &tiles)).unwrap();
    assert_eq!(shown.size, (160, 96));
    assert_near(shown.quarters(), QUARTERS);
}

#[test]
fn planes_are_interleaved() {
    let pixels = quarters(4, 4, QUARTERS, 3);
    let planes = [0, 1, 2].map(|plane| pixels.iter().skip(plane).step_by(3).copied().collect::<Vec<u8>>());
    let tags: [(u16, &[u32]); 6] =
        [(WIDTH, &[4]), (HEIGHT, &[4]), (BITS, &[8; 3]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3]), (PLANAR, &[2])];
    assert_near(preview(&tiff(&tags, &planes)).unwrap().quarters(), QUARTERS);
}

#[test]
fn the_tag_turns_it() {
    let source = small(2, &[8; 3], &[(ORIENTATION, &[6])], quarters(4, 4, QUARTERS, 3));
    assert_near(preview(&source).unwrap().quarters(), [BLUE, RED, WHITE, GREEN]);
}

#[test]
fn a_palette_is_looked_up() {
    let map: Vec<u32> = [[65_535, 0, 0, 65_535], [0, 65_535, 0, 65_535], [0, 0, 65_535, 65_535]].concat();
    let map: Vec<u32> = map.chunks(4).flat_map(|color| [color, &[0; 12]].concat()).collect();
    // Two pixels in a byte.
    let rows = [[0x00, 0x11], [0x00, 0x11], [0x22, 0x33], [0x22, 0x33]].concat();
    assert_near(preview(&small(3, &[4], &[(COLOR_MAP, &map)], rows)).unwrap().quarters(), QUARTERS);
}

#[test]
fn one_bit_is_black_or_white_and_may_be_inverted() {
    let rows = vec![0x30, 0x30, 0xc0, 0xc0];
    let black = [0, 0, 0, 255];
    assert_near(preview(&small(1, &[1], &[], rows.clone())).unwrap().quarters(), [black, WHITE, WHITE, black]);
    assert_near(preview(&small(0, &[1], &[], rows)).unwrap().quarters(), [WHITE, black, black, WHITE]);
}

#[test]
fn samples_of_16_bits_are_reduced_to_8() {
    let pixels = quarters(4, 4, QUARTERS, 3).iter().flat_map(|sample| [9, *sample]).collect();
    assert_near(preview(&small(2, &[16; 3], &[], pixels)).unwrap().quarters(), QUARTERS);
}

#[test]
fn all_ink_is_255() {
    let inks = [[0; 4], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 0, 255]];
    let seen = [WHITE, [0, 255, 255, 255], [255, 0, 255, 255], [0, 0, 0, 255]];
    assert_near(preview(&small(5, &[8; 4], &[], quarters(4, 4, inks, 4))).unwrap().quarters(), seen);
}

#[test]
fn alpha_may_be_multiplied_into_the_colors() {
    let stored = [RED, [0, 128, 0, 128], CLEAR, WHITE];
    let of = |kind: u32| small(2, &[8; 4], &[(EXTRA_SAMPLES, &[kind])], quarters(4, 4, stored, 4));
    assert_near(preview(&of(1)).unwrap().quarters(), [RED, [0, 255, 0, 128], CLEAR, WHITE]);
    assert_near(preview(&of(2)).unwrap().quarters(), stored);
}

#[test]
fn compressed_ones_are_expanded() {
    use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, colortype::RGB8};
    let compressions = [Compression::Lzw, Compression::Deflate(DeflateLevel::Fast), Compression::Packbits];
    for compression in compressions {
        let mut bytes = Cursor::new(Vec::new());
        let encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(compression);
        let mut encoder = encoder.with_predictor(Predictor::Horizontal);
        encoder.write_image::<RGB8>(600, 400, &quarters(600, 400, QUARTERS, 3)).unwrap();
        assert_near(preview(&bytes.into_inner()).unwrap().quarters(), QUARTERS);
    }
}

#[test]
fn a_jpeg_inside_is_converted() {
    let pixels = quarters(16, 16, QUARTERS, 3);
    let jpeg = crate::fixtures::jpeg(mozjpeg::ColorSpace::JCS_RGB, 16, 16, &pixels);
    let tags: [(u16, &[u32]); 6] =
        [(WIDTH, &[16]), (HEIGHT, &[16]), (BITS, &[8; 3]), (COMPRESSION, &[7]), (PHOTOMETRIC, &[6]), (SAMPLES, &[3])];
    assert_near(preview(&tiff(&tags, &[jpeg])).unwrap().quarters(), QUARTERS);
}

#[test]
fn of_a_truncated_file_the_first_part_is_shown() {
    let strips: Vec<_> = quarters(40, 40, QUARTERS, 3).chunks(40 * 3 * 10).map(<[u8]>::to_vec).collect();
    let tags: [(u16, &[u32]); 6] = [
        (WIDTH, &[40]),
        (HEIGHT, &[40]),
        (BITS, &[8; 3]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (ROWS_PER_STRIP, &[10]),
    ];
    let mut source = tiff(&tags, &strips);
    // The third strip is nowhere.
    let third = 8 + 2 * 1_200_u32;
    let at = source.windows(4).rposition(|number| number == third.to_le_bytes()).unwrap();
    source[at..at + 4].copy_from_slice(&[0xff; 4]);
    assert_near(preview(&source).unwrap().quarters(), [RED, GREEN, GRAY, GRAY]);
    assert_eq!(preview(&source[..source.len() - 200]).unwrap_err(), Refusal::Broken);
}

#[test]
fn what_is_not_known_is_unsupported() {
    let lab = small(8, &[8; 3], &[], vec![0; 48]);
    assert_eq!(preview(&lab).unwrap_err(), Refusal::Unsupported);
}

#[test]
fn bombs_are_refused_by_their_header() {
    let of = |side: u32| {
        let side = [side];
        let tags: [(u16, &[u32]); 5] =
            [(WIDTH, &side), (HEIGHT, &side), (BITS, &[8; 3]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3])];
        tiff(&tags, &[vec![0; 3]])
    };
    assert_eq!(preview(&of(50_000)).unwrap_err(), Refusal::TooMany("pixels"));
    // One strip, which would have to be held.
    assert_eq!(preview(&of(9_000)).unwrap_err(), Refusal::TooMany("pixels"));
}

#[test]
fn pages_have_a_limit() {
    // The directory is its own next one.
    let mut endless = small(2, &[8; 3], &[], quarters(4, 4, QUARTERS, 3));
    let directory = endless[4..8].to_vec();
    let link = 8 + 48 + 2 + 7 * 12;
    endless[link..link + 4].copy_from_slice(&directory);
    assert_eq!(directory::count(&endless, 10_000), 10_001);
    assert_eq!(preview(&endless).unwrap_err(), Refusal::TooMany("pages"));
}
