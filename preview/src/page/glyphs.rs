//! Letters as masks: each is drawn once and then copied.

use std::{collections::HashMap, sync::LazyLock};

use resvg::tiny_skia::{FillRule, Mask, Path, PathBuilder, Transform};
use skrifa::{
    FontRef, GlyphId, MetadataProvider as _,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
    outline::{DrawSettings, OutlineGlyphCollection, OutlinePen},
};

use crate::fonts;

/// The outlines are drawn in this size, in pixels, and scaled.
const EM: f32 = 1_000.0;
/// A letter is drawn at whole pixels and so many steps between two of them.
const STEPS: f32 = 4.0;
/// What a script that the fonts lack is set in, in ems: a gray block a letter.
const BLOCK: (f32, f32) = (0.5, 1.0);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Typeface {
    Sans,
    Mono,
}

struct Face {
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    outlines: OutlineGlyphCollection<'static>,
}

static SANS: LazyLock<Face> = LazyLock::new(|| Face::new(fonts::SANS));
static MONO: LazyLock<Face> = LazyLock::new(|| Face::new(fonts::MONO));

impl Face {
    #[expect(clippy::expect_used, reason = "both fonts are in the binary, and every test of a page reads them")]
    fn new(font: &'static [u8]) -> Self {
        let font = FontRef::new(font).expect("a font");
        Self {
            charmap: font.charmap(),
            metrics: font.glyph_metrics(Size::new(EM), LocationRef::default()),
            outlines: font.outline_glyphs(),
        }
    }

    fn glyph(&self, char: char) -> Option<GlyphId> {
        self.charmap.map(char).filter(|glyph| glyph.to_u32() != 0)
    }

    /// With the baseline at 0 and upwards negative.
    fn outline(&self, char: char) -> Option<Path> {
        let Some(glyph) = self.glyph(char) else {
            let (width, height) = (EM * (block(char) - 0.1), EM * 0.6);
            let mut outline = Outline::default();
            outline.move_to(EM * 0.05, 0.0);
            outline.line_to(EM * 0.05 + width, 0.0);
            outline.line_to(EM * 0.05 + width, height);
            outline.line_to(EM * 0.05, height);
            return outline.0.finish();
        };
        let mut outline = Outline::default();
        let settings = DrawSettings::unhinted(Size::new(EM), LocationRef::default());
        self.outlines.get(glyph)?.draw(settings, &mut outline).ok()?;
        outline.0.finish()
    }
}

impl Typeface {
    fn face(self) -> &'static Face {
        match self {
            Self::Sans => &SANS,
            Self::Mono => &MONO,
        }
    }

    /// How wide a letter is, in ems. Marks that belong to the letter before take no room and are not drawn.
    pub fn advance(self, char: char) -> f32 {
        if matches!(char, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}') {
            return 0.0;
        }
        let face = self.face();
        face.glyph(char)
            .and_then(|glyph| face.metrics.advance_width(glyph))
            .map_or_else(|| block(char), |width| width / EM)
    }
}

/// Ideographs, syllables and emoji are twice as wide as letters.
fn block(char: char) -> f32 {
    if char < '\u{1100}' { BLOCK.0 } else { BLOCK.1 }
}

/// An outline of a font has y upwards.
#[derive(Default)]
struct Outline(PathBuilder);

impl OutlinePen for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, -y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, -y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, -y1, x, -y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, -y1, x2, -y2, x, -y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

/// The masks of the letters of one page.
#[derive(Default)]
pub(super) struct Glyphs(HashMap<(Typeface, char, u32, u8), Glyph>);

impl Glyphs {
    /// Of a letter whose em is `size` pixels, at a fraction of a pixel.
    pub fn mask(&mut self, face: Typeface, char: char, size: f32, fraction: f32) -> &Glyph {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3")]
        let step = (fraction * STEPS) as u8;
        self.0
            .entry((face, char, size.to_bits(), step))
            .or_insert_with(|| Glyph::new(face, char, size, f32::from(step) / STEPS).unwrap_or_default())
    }
}

/// How much of each pixel a letter covers.
#[derive(Default)]
pub(super) struct Glyph {
    /// From where it is set to its first column and row.
    offset: (i32, i32),
    width: usize,
    coverage: Vec<u8>,
}

impl Glyph {
    fn new(face: Typeface, char: char, size: f32, fraction: f32) -> Option<Self> {
        let outline = face.face().outline(char)?;
        let outline = outline.transform(Transform::from_row(size / EM, 0.0, 0.0, size / EM, fraction, 0.0))?;
        let box_of_pixels = outline.bounds().round_out()?;
        let mut mask = Mask::new(box_of_pixels.width(), box_of_pixels.height())?;
        let offset = (box_of_pixels.x(), box_of_pixels.y());
        #[expect(clippy::cast_precision_loss, reason = "a letter is no larger than its page")]
        let to_origin = Transform::from_translate(-offset.0 as f32, -offset.1 as f32);
        mask.fill_path(&outline, FillRule::Winding, true, to_origin);
        Some(Self { offset, width: mask.width() as usize, coverage: mask.take() })
    }

    /// Darkens what it covers of a picture that is `width` pixels wide. What is outside of it is cut.
    pub fn ink(&self, pixels: &mut [u8], width: u32, (x, y): (u32, u32), shade: u8) {
        if self.width == 0 {
            return;
        }
        let first_row = i64::from(y) + i64::from(self.offset.1);
        let first_column = i64::from(x) + i64::from(self.offset.0);
        for (row, covered) in (first_row..).zip(self.coverage.chunks_exact(self.width)) {
            let Ok(start) = usize::try_from(row * i64::from(width)) else { continue };
            let Some(line) = pixels.get_mut(start..).and_then(|rest| rest.get_mut(..width as usize)) else { continue };
            for (column, covered) in (first_column..).zip(covered) {
                let Some(pixel) = usize::try_from(column).ok().and_then(|column| line.get_mut(column)) else {
                    continue;
                };
                let (paper, ink, covered) = (u32::from(*pixel), u32::from(shade), u32::from(*covered));
                *pixel = u8::try_from((paper * (255 - covered) + ink * covered + 127) / 255).unwrap_or(shade);
            }
        }
    }
}
