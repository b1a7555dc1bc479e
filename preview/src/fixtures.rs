//! Pictures for tests, made by code, and a look at their previews.

use std::io::Cursor;

use mozjpeg::{ColorSpace, Compress, Decompress};
use png::{BitDepth, ColorType, Decoder, Encoder};

use crate::{Bounds, Encoded, Format, Limits, Refusal, kind::Kind, picture, raster};

pub const RED: [u8; 4] = [255, 0, 0, 255];
pub const GREEN: [u8; 4] = [0, 255, 0, 255];
pub const BLUE: [u8; 4] = [0, 0, 255, 255];
pub const WHITE: [u8; 4] = [255, 255, 255, 255];
pub const GRAY: [u8; 4] = [128, 128, 128, 255];
pub const CLEAR: [u8; 4] = [0, 0, 0, 0];

/// A picture of four colours: left and right above, left and right below.
pub const QUARTERS: [[u8; 4]; 4] = [RED, GREEN, BLUE, WHITE];

/// The first `channels` channels of a picture in four quarters.
pub fn quarters(width: u32, height: u32, colors: [[u8; 4]; 4], channels: usize) -> Vec<u8> {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x * 2 / width, y * 2 / height)));
    pixels.flat_map(|(right, below)| colors[(below * 2 + right) as usize][..channels].to_vec()).collect()
}

pub fn jpeg(space: ColorSpace, width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(space);
    compress.set_size(width as usize, height as usize);
    compress.set_fastest_defaults();
    compress.set_quality(95.0);
    let mut started = compress.start_compress(Vec::new()).unwrap();
    started.write_scanlines(pixels).unwrap();
    started.finish().unwrap()
}

pub fn png(color: ColorType, depth: BitDepth, width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    drop(writer);
    bytes
}

/// A preview as a viewer shows it.
#[derive(Debug)]
pub struct Shown {
    pub size: (u32, u32),
    /// Red, green, blue and alpha.
    pixels: Vec<u8>,
}

impl Shown {
    /// The colours in the middle of each quarter.
    pub fn quarters(&self) -> [[u8; 4]; 4] {
        [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| self.at(self.size.0 * x / 4, self.size.1 * y / 4))
    }

    pub fn at(&self, x: u32, y: u32) -> [u8; 4] {
        let start = ((y * self.size.0 + x) * 4) as usize;
        self.pixels[start..start + 4].try_into().unwrap()
    }
}

/// The preview of a file before it is encoded, of 200 × 200 at most.
pub fn preview(source: &[u8]) -> Result<Shown, Refusal> {
    preview_within(source, Bounds::new(None, None).unwrap())
}

pub fn preview_within(source: &[u8], bounds: Bounds) -> Result<Shown, Refusal> {
    let kind = Kind::of(source).unwrap();
    let picture = raster::decode(kind, source, bounds, &Limits::default())?.finished(bounds)?;
    assert_eq!(picture.pixels.len(), (picture.width * picture.height) as usize * picture.layout.channels());
    let rgba = |pixel: &[u8]| match *pixel {
        [gray] => [gray, gray, gray, 255],
        [gray, alpha] => [gray, gray, gray, alpha],
        [red, green, blue] => [red, green, blue, 255],
        _ => pixel.try_into().unwrap(),
    };
    let pixels = picture.pixels.chunks(picture.layout.channels()).flat_map(rgba).collect();
    Ok(Shown { size: (picture.width, picture.height), pixels })
}

/// What a viewer makes of an encoded preview.
pub fn shown(encoded: &Encoded) -> Shown {
    match encoded.format {
        Format::Jpeg => {
            let mut started = Decompress::new_mem(&encoded.bytes).unwrap().rgba().unwrap();
            let size = (started.width().try_into().unwrap(), started.height().try_into().unwrap());
            Shown { size, pixels: started.read_scanlines().unwrap() }
        }
        Format::Png => {
            let mut reader = Decoder::new(Cursor::new(&encoded.bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!(info.color_type, ColorType::Rgba);
            Shown { size: (info.width, info.height), pixels }
        }
    }
}

/// What JPEG and resizing may change. The colour of what is transparent is nobody's business.
pub fn assert_near<const COUNT: usize>(left: [[u8; 4]; COUNT], right: [[u8; 4]; COUNT]) {
    let near = |left: &[u8; 4], right: &[u8; 4]| {
        left[3].abs_diff(right[3]) <= 2
            && (right[3] == 0 || left.iter().zip(right).all(|(left, right)| left.abs_diff(*right) <= 16))
    };
    assert!(left.iter().zip(&right).all(|(left, right)| near(left, right)), "{left:?} is not {right:?}");
}

/// A picture as decoders give it, of quarters.
pub fn picture(width: u32, height: u32, orientation: u8) -> picture::Picture {
    picture::Picture {
        width,
        height,
        layout: picture::Layout::Rgb,
        pixels: quarters(width, height, QUARTERS, 3),
        full: (width, height),
        orientation,
        profile: None,
    }
}
