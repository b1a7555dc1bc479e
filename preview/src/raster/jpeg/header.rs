//! What a JPEG says before its pixels.

use crate::raster::exif;

/// The marker segments before the first scan.
pub(super) struct Header {
    pub width: u16,
    pub height: u16,
    /// Samples that are coded for a pixel, rounded up: 3 for colour at full resolution, 2 if subsampled.
    pub samples_per_pixel: u64,
    pub progressive: bool,
    /// Whether the picture comes in several scans, as the progressive ones do.
    pub many_scans: bool,
    pub orientation: u8,
    pub profile: Option<Vec<u8>>,
    /// Whether Adobe wrote it: its CMYK is inverted.
    pub adobe: bool,
}

impl Header {
    /// `None` if there is no picture.
    pub fn read(source: &[u8]) -> Option<Self> {
        let mut header = Self {
            width: 0,
            height: 0,
            samples_per_pixel: 0,
            progressive: false,
            many_scans: false,
            orientation: 1,
            profile: None,
            adobe: false,
        };
        let mut frame: Option<&[u8]> = None;
        let mut profile = Vec::new();
        for (marker, segment) in (Segments { rest: source.get(2..)? }) {
            match (marker, segment) {
                // Start of a frame; 0xc2 is a progressive one.
                (0xc0..=0xcf, _) if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    header.progressive = marker == 0xc2;
                    header.many_scans |= marker == 0xc2;
                    frame = frame.or(Some(segment));
                }
                (0xda, [components, ..]) => {
                    header.many_scans |= *components < *frame?.get(5)?;
                    break;
                }
                (0xe1, [b'E', b'x', b'i', b'f', 0, 0, ..]) => header.orientation = exif::orientation(segment),
                (0xe2, _) => profile.extend(profile_part(segment)),
                (0xee, [b'A', b'd', b'o', b'b', b'e', ..]) => header.adobe = true,
                _ => {}
            }
        }
        let [_, h1, h0, w1, w0, _, components @ ..] = frame? else { return None };
        header.height = u16::from_be_bytes([*h1, *h0]);
        header.width = u16::from_be_bytes([*w1, *w0]);
        header.samples_per_pixel = samples_per_pixel(components);
        profile.sort_by_key(|(number, _)| *number);
        header.profile =
            (!profile.is_empty()).then(|| profile.into_iter().flat_map(|(_, part)| part.to_vec()).collect());
        Some(header)
    }
}

/// Scans of the picture, as far as they matter: they are the only 0xff 0xda after the first.
pub(super) fn scans(source: &[u8], most: usize) -> usize {
    source.windows(2).filter(|pair| *pair == [0xff, 0xda]).take(most).count()
}

/// A progressive picture without the scans of what is finer than 8 × 8 pixels: reading them takes most of the time. At
/// 1/8 of the size nothing is lost; of colours that are stored at half the resolution half, which is still a preview's.
pub(super) fn coarse(source: &[u8]) -> Vec<u8> {
    let mut coarse = vec![0xff, 0xd8];
    let mut segments = Segments { rest: source.get(2..).unwrap_or_default() };
    while let Some((marker, segment)) = segments.next() {
        let coded = if marker == 0xda { segments.skip_coded() } else { &[] };
        // Near the end of a scan's header is the first coefficient that it has: 0 is the mean of 8 × 8 pixels.
        if marker == 0xda && segment.iter().nth_back(2).is_some_and(|first| *first > 0) {
            continue;
        }
        let length = u16::try_from(segment.len() + 2).unwrap_or(u16::MAX);
        coarse.extend([0xff, marker]);
        coarse.extend(length.to_be_bytes());
        coarse.extend_from_slice(segment);
        coarse.extend_from_slice(coded);
    }
    coarse.extend([0xff, 0xd9]);
    coarse
}

/// The number and the bytes of a part of an ICC profile.
fn profile_part(segment: &[u8]) -> Option<(u8, &[u8])> {
    match segment.strip_prefix(b"ICC_PROFILE\0")? {
        [number, _, part @ ..] => Some((*number, part)),
        _ => None,
    }
}

/// Of the components of a frame: an id, the sampling factors in four bits each, the number of a table.
fn samples_per_pixel(components: &[u8]) -> u64 {
    let factors = || {
        components.chunks_exact(3).filter_map(|component| component.get(1)).map(|factors| (factors >> 4, factors & 15))
    };
    let across = factors().map(|(across, _)| u64::from(across)).max().unwrap_or(0);
    let down = factors().map(|(_, down)| u64::from(down)).max().unwrap_or(0);
    let samples: u64 = factors().map(|(across, down)| u64::from(across) * u64::from(down)).sum();
    samples.div_ceil((across * down).max(1))
}

/// Marker segments: the marker's second byte, and what follows the length.
struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    /// The bytes of a scan, up to the next marker that is not part of them.
    fn skip_coded(&mut self) -> &'a [u8] {
        let mut length = 0;
        while let Some(rest) = self.rest.get(length..)
            && let Some(at) = rest.iter().position(|byte| *byte == 0xff)
        {
            length += at;
            match rest.get(at + 1) {
                Some(0 | 0xd0..=0xd7) => length += 2,
                Some(0xff) => length += 1,
                Some(_) => break,
                None => length = self.rest.len(),
            }
        }
        let (coded, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        coded
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // Bytes before a marker are ignored, and 0xff may be repeated.
            let start = self.rest.iter().position(|byte| *byte == 0xff)?;
            let marker = start + self.rest.get(start..)?.iter().position(|byte| *byte != 0xff)?;
            match (self.rest.get(marker)?, self.rest.get(marker + 1..)?) {
                // Those without a segment.
                (0 | 0x01 | 0xd0..=0xd8, rest) => self.rest = rest,
                (0xd9, _) => return None,
                (marker, [high, low, rest @ ..]) => {
                    let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2)?;
                    let segment = rest.get(..length)?;
                    self.rest = rest.get(length..)?;
                    return Some((*marker, segment));
                }
                _ => return None,
            }
        }
    }
}
