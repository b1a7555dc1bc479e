//! The fonts in the binary: a preview never depends on what the system has.

/// Liberation Sans, as wide as Arial.
pub(crate) const SANS: &[u8] = include_bytes!("../fonts/LiberationSans-Regular.ttf");
/// Liberation Mono, as wide as Courier New.
pub(crate) const MONO: &[u8] = include_bytes!("../fonts/LiberationMono-Regular.ttf");
