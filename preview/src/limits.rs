//! What a preview may cost.

/// Where rendering stops. The defaults refuse what no person keeps as a file, and every bomb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of a picture before it is reduced, or of a vector graphic's own size.
    pub pixels: u64,
    /// Pages of a document, or frames of an animation, although only the first is rendered.
    pub pages: u32,
    /// Levels of what is inside something else: elements, groups, containers.
    pub nesting: u32,
    /// Bytes that compressed parts of a container may have in all once expanded.
    pub expanded_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pixels: 100_000_000, pages: 10_000, nesting: 64, expanded_bytes: 64 * 1024 * 1024 }
    }
}
