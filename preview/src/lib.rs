//! Previews: a thumbnail of whatever a file holds, from bytes in memory to an encoded PNG or JPEG.
//!
//! What decides is the bytes, not a name or a declared type. They are taken to be hostile: [`Limits`] says how much of
//! the machine a preview may cost. What the library cannot stop itself (a decoder that loops, or takes too much memory)
//! ends the `render` command, which is the way to run this on files of strangers.

mod bounds;
mod color;
mod encode;
#[cfg(test)]
mod fixtures;
mod fonts;
mod kind;
mod limits;
mod office;
mod page;
mod pdf;
mod picture;
mod raster;
mod refusal;
mod svg;
mod text;

pub use bounds::Bounds;
pub use encode::{Encoded, Format};
pub use limits::Limits;
pub use refusal::Refusal;

use kind::Kind;

/// A preview of `source` that fits in `bounds`. `charset` is the one that was declared for text, if any.
///
/// # Errors
/// If there is no preview of such a file, or not within `limits`.
pub fn render(source: &[u8], charset: Option<&str>, bounds: Bounds, limits: &Limits) -> Result<Encoded, Refusal> {
    if source.is_empty() {
        return Err(Refusal::Empty);
    }
    let picture = match Kind::of(source) {
        Some(kind) => raster::decode(kind, source, bounds, limits)?,
        None if pdf::recognizes(source) => pdf::decode(source, bounds, limits)?,
        None if svg::recognizes(source) => svg::decode(source, bounds, limits)?,
        None if office::recognizes(source) => office::decode(source, bounds, limits)?,
        None => text::decode(source, charset, bounds)?,
    };
    picture.encoded(bounds)
}

#[cfg(test)]
#[path = "../tests/fixtures/formats.rs"]
#[allow(dead_code, clippy::pedantic, reason = "it belongs to the tests of the command, which need more of it")]
mod formats;
