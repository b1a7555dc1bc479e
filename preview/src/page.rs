//! A white page that lines of text are set on, for what has no picture of itself.

mod glyphs;

use glyphs::Glyphs;
pub(crate) use glyphs::Typeface;

use crate::{
    Bounds,
    picture::{Layout, Picture},
};

/// Narrower pages are set larger and reduced: letters of two pixels need the shades of those that they cover.
const SMALLEST_WIDTH: u32 = 600;
/// A page has no pixels of its own: its size in points, times this, is larger than any preview.
const FINENESS: f32 = 100.0;
const WHITE: u8 = 255;
const INK: u8 = 24;

/// A paper and where its text ends, in points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paper {
    pub width: f32,
    pub height: f32,
    pub margin: f32,
}

impl Paper {
    pub const PORTRAIT: Self = Self { width: 595.0, height: 842.0, margin: 50.0 };
    pub const SLIDE: Self = Self { width: 960.0, height: 540.0, margin: 60.0 };

    /// How wide its text can be.
    pub fn measure(self) -> f32 {
        self.width - 2.0 * self.margin
    }
}

/// A typeface in a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Font {
    pub face: Typeface,
    /// Of the em, in points.
    pub size: f32,
}

impl Font {
    /// From one line to the next.
    pub fn leading(self) -> f32 {
        self.size * 1.25
    }

    /// How much of `text` fits in a width, and the rest. It ends where a word does if that leaves no large gap.
    pub fn fitting(self, text: &str, width: f32) -> (&str, &str) {
        let (mut used, mut word_end) = (0.0, None);
        for (at, char) in text.char_indices() {
            used += self.size * self.face.advance(char);
            if used > width + 0.1 && at > 0 {
                let end = word_end.filter(|end| *end > at / 2).unwrap_or(at);
                return text.split_at_checked(end).map_or((text, ""), |(line, rest)| (line, rest.trim_start()));
            }
            if char == ' ' || char == '-' {
                word_end = Some(at + 1);
            }
        }
        (text, "")
    }

    /// Of a text, in points.
    pub fn width(self, text: &str) -> f32 {
        text.chars().map(|char| self.size * self.face.advance(char)).sum()
    }
}

pub(crate) struct Page {
    paper: Paper,
    /// Pixels a point.
    scale: f32,
    full: (u32, u32),
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    glyphs: Glyphs,
}

impl Page {
    pub fn new(paper: Paper, bounds: Bounds) -> Self {
        let full = (whole(paper.width * FINENESS), whole(paper.height * FINENESS));
        let (width, height) = bounds.fit(full.0, full.1);
        let times = SMALLEST_WIDTH.div_ceil(width.max(1));
        let (width, height) = (width * times, height * times);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let scale = width as f32 / paper.width;
        let pixels = vec![WHITE; width as usize * height as usize];
        Self { paper, scale, full, width, height, pixels, glyphs: Glyphs::default() }
    }

    /// Sets a line, its left end at `x` and its baseline at `y`, both in points.
    pub fn set(&mut self, text: &str, font: Font, x: f32, y: f32) {
        let mut x = x * self.scale;
        let (size, y) = (font.size * self.scale, whole(y * self.scale));
        for char in text.chars() {
            let advance = size * font.face.advance(char);
            if !char.is_whitespace() && advance > 0.0 {
                let mask = self.glyphs.mask(font.face, char, size, x.fract());
                mask.ink(&mut self.pixels, self.width, (whole(x), y), INK);
            }
            x += advance;
        }
    }

    /// Fills a rectangle, given in points, with a shade of gray.
    pub fn fill(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), shade: u8) {
        let columns = whole(x * self.scale) as usize..whole((x + width) * self.scale).min(self.width) as usize;
        let rows = whole(y * self.scale) as usize..whole((y + height) * self.scale).min(self.height) as usize;
        for row in self.pixels.chunks_exact_mut(self.width as usize).take(rows.end).skip(rows.start) {
            if let Some(pixels) = row.get_mut(columns.clone()) {
                pixels.fill(shade);
            }
        }
    }

    pub fn paper(&self) -> Paper {
        self.paper
    }

    pub fn picture(self) -> Picture {
        Picture {
            width: self.width,
            height: self.height,
            layout: Layout::Gray,
            pixels: self.pixels,
            full: self.full,
            orientation: 1,
            profile: None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no page has more; it saturates")]
fn whole(length: f32) -> u32 {
    length as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONO: Font = Font { face: Typeface::Mono, size: 10.0 };

    fn page(side: u32) -> Page {
        Page::new(Paper::PORTRAIT, Bounds::new(Some(side), Some(side)).unwrap())
    }

    fn ink(page: &Page) -> usize {
        page.pixels.iter().filter(|shade| **shade < 128).count()
    }

    #[test]
    fn a_page_is_as_large_as_asked_for_or_a_multiple_of_it() {
        let large = page(2_048);
        assert_eq!(
            (large.width, large.height),
            Bounds::new(Some(2_048), Some(2_048)).unwrap().fit(large.full.0, large.full.1)
        );
        let small = page(200);
        assert_eq!((small.width % 141, small.height % 200), (0, 0));
        assert!(small.width >= SMALLEST_WIDTH);
    }

    #[test]
    fn a_page_of_one_pixel_is_a_page() {
        let mut page = page(1);
        page.set("text", MONO, 50.0, 50.0);
        assert!(page.width > 0 && page.height > 0);
    }

    #[test]
    fn lines_break_between_words_and_inside_those_that_are_too_long() {
        // Ten letters of 6 points.
        assert_eq!(MONO.fitting("some words here", 60.0), ("some words", "here"));
        assert_eq!(MONO.fitting("some words-here", 66.0), ("some words-", "here"));
        assert_eq!(MONO.fitting("one letterswithoutend", 60.0), ("one letter", "swithoutend"));
        assert_eq!(MONO.fitting("short", 60.0), ("short", ""));
        assert_eq!(MONO.fitting("x", 1.0), ("x", ""));
    }

    #[test]
    fn letters_are_inked_where_they_are_set_and_cut_at_the_edge() {
        let mut page = page(1_000);
        page.set("Hamburg Ωμέγα Жук 漢字", MONO, 50.0, 100.0);
        let first = ink(&page);
        assert!(first > 200);
        let rows = |page: &Page, rows: std::ops::Range<u32>| {
            let width = page.width as usize;
            page.pixels[rows.start as usize * width..rows.end as usize * width].iter().any(|shade| *shade < 128)
        };
        assert!(rows(&page, 108..118) && !rows(&page, 0..100) && !rows(&page, 130..1_000));
        page.set("edge", MONO, 590.0, 840.0);
        page.set("outside", MONO, 5_000.0, 5_000.0);
        page.set("above", MONO, 0.0, 0.0);
    }

    #[test]
    fn rectangles_are_filled_and_cut_at_the_edge() {
        let mut page = page(1_000);
        page.fill((0.0, 0.0), (10_000.0, 421.0), 0);
        assert_eq!(ink(&page), 500 * 707);
    }
}
