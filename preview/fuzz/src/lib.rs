//! What every target does with what the fuzzer makes of the corpus.

use libfuzzer_sys::Corpus;
use preview::{Bounds, Limits, render};

/// Renders it, if it is still of the target's format. The limits are lower than those of the functions, so that an input
/// which meets them does so in milliseconds.
pub fn preview(source: &[u8], charset: Option<&str>, is_of_format: bool) -> Corpus {
    if !is_of_format {
        return Corpus::Reject;
    }
    let limits = Limits { pixels: 1_000_000, pages: 100, nesting: 32, expanded_bytes: 4 * 1024 * 1024 };
    if let Some(bounds) = Bounds::new(Some(64), Some(64)) {
        // A refusal is as good as a preview.
        let _ = render(source, charset, bounds, &limits);
    }
    Corpus::Keep
}
