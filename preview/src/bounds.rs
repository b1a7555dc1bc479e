//! The box that a preview must fit in.

/// The largest width and height, in pixels; one that is not given is whatever the aspect ratio makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    width: Option<u32>,
    height: Option<u32>,
}

impl Bounds {
    /// The largest side that can be asked for, in pixels.
    pub const MAX_SIDE: u32 = 2_048;
    /// The width and height if neither is asked for, in pixels.
    pub const DEFAULT_SIDE: u32 = 200;

    /// A box of these sides; `None` if one is not 1 to 2,048. With neither it is 200 × 200.
    #[must_use]
    pub fn new(width: Option<u32>, height: Option<u32>) -> Option<Self> {
        let valid = |side: &u32| (1..=Self::MAX_SIDE).contains(side);
        match (width, height) {
            (None, None) => Some(Self { width: Some(Self::DEFAULT_SIDE), height: Some(Self::DEFAULT_SIDE) }),
            _ if width.iter().chain(&height).all(valid) => Some(Self { width, height }),
            _ => None,
        }
    }

    /// The size that a picture of this size gets: its aspect ratio kept, never enlarged, at least one pixel a side. A
    /// side that is not bounded is 2,048 at most: of a picture that is far longer than wide, the other shrinks with it.
    #[must_use]
    pub fn fit(self, width: u32, height: u32) -> (u32, u32) {
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let max_width = u64::from(self.width.unwrap_or(Self::MAX_SIDE)).min(width);
        let max_height = u64::from(self.height.unwrap_or(Self::MAX_SIDE)).min(height);
        // The side that needs the stronger reduction decides; the other is rounded.
        let scaled = |side: u64, by: u64, of: u64| ((side * by + of / 2) / of).max(1);
        let (width, height) = if max_width * height <= max_height * width {
            (max_width, scaled(height, max_width, width))
        } else {
            (scaled(width, max_height, height), max_height)
        };
        // Both are at most 2,048.
        (u32::try_from(width).unwrap_or(Self::MAX_SIDE), u32::try_from(height).unwrap_or(Self::MAX_SIDE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(width: u32, height: u32) -> Bounds {
        let side = |side| (side != 0).then_some(side);
        Bounds::new(side(width), side(height)).unwrap()
    }

    #[test]
    fn both_sides_fit_and_the_aspect_ratio_is_kept() {
        assert_eq!(bounds(200, 200).fit(6_000, 4_000), (200, 133));
        assert_eq!(bounds(200, 100).fit(4_000, 6_000), (67, 100));
        assert_eq!(bounds(300, 0).fit(6_000, 4_000), (300, 200));
        assert_eq!(bounds(0, 300).fit(6_000, 4_000), (450, 300));
    }

    #[test]
    fn nothing_is_enlarged() {
        assert_eq!(bounds(2_048, 2_048).fit(16, 9), (16, 9));
        assert_eq!(bounds(2_048, 3).fit(16, 9), (5, 3));
    }

    #[test]
    fn no_side_vanishes_or_grows_beyond_the_largest() {
        assert_eq!(bounds(200, 200).fit(50_000, 1), (200, 1));
        assert_eq!(bounds(200, 0).fit(300, u32::MAX), (1, 2_048));
    }

    #[test]
    fn the_default_is_200_by_200_and_sides_are_1_to_2_048() {
        assert_eq!(bounds(0, 0), bounds(200, 200));
        assert_eq!(Bounds::new(Some(0), None), None);
        assert_eq!(Bounds::new(Some(1), Some(2_049)), None);
    }
}
