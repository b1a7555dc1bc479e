//! The run-length encoding of BMP, of 4 and 8 bits.

use super::header::Header;

/// An index of the palette for each pixel, in the order of the file. Pixels that the file skips are of index 0.
pub(super) fn indices(header: &Header) -> Vec<u8> {
    let (width, height) = (header.width as usize, header.height as usize);
    let mut canvas = Canvas { indices: vec![0; width * height], width, x: 0, y: 0 };
    // What comes before the end, or before the first mistake, is shown.
    decode(header.pixels, header.bits == 4, &mut canvas);
    canvas.indices
}

struct Canvas {
    indices: Vec<u8>,
    width: usize,
    x: usize,
    y: usize,
}

impl Canvas {
    /// Writes at the cursor. Beyond the end of a row, nothing.
    fn put(&mut self, index: u8) {
        if self.x < self.width
            && let Some(pixel) = self.indices.get_mut(self.y * self.width + self.x)
        {
            *pixel = index;
            self.x += 1;
        }
    }
}

fn decode(mut rest: &[u8], nibbles: bool, canvas: &mut Canvas) -> Option<()> {
    while canvas.y * canvas.width < canvas.indices.len() {
        rest = match rest {
            // The end of a row, of the picture, and a jump.
            [0, 0, rest @ ..] => {
                (canvas.x, canvas.y) = (0, canvas.y + 1);
                rest
            }
            [0, 1, ..] => return Some(()),
            [0, 2, right, up, rest @ ..] => {
                (canvas.x, canvas.y) = (canvas.x + usize::from(*right), canvas.y + usize::from(*up));
                rest
            }
            // Pixels as they are, in an even number of bytes.
            [0, count, rest @ ..] => {
                let bytes = if nibbles { count.div_ceil(2) } else { *count };
                let (pixels, rest) = rest.split_at_checked(usize::from(bytes))?;
                put_all(canvas, pixels.iter().copied(), nibbles, *count);
                rest.get(usize::from(bytes % 2)..)?
            }
            [count, pixel, rest @ ..] => {
                put_all(canvas, std::iter::repeat(*pixel), nibbles, *count);
                rest
            }
            _ => return None,
        };
    }
    Some(())
}

fn put_all(canvas: &mut Canvas, bytes: impl Iterator<Item = u8>, nibbles: bool, count: u8) {
    if nibbles {
        bytes.flat_map(|byte| [byte >> 4, byte & 15]).take(count.into()).for_each(|index| canvas.put(index));
    } else {
        bytes.take(count.into()).for_each(|index| canvas.put(index));
    }
}
