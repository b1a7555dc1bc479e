//! The directories of a TIFF, one per page, linked.

/// Where numbers are and how they are written, which differs between TIFF and its variant
/// for large files.
struct Directories<'a> {
    source: &'a [u8],
    little: bool,
    big: bool,
}

impl Directories<'_> {
    fn number(&self, at: usize, bytes: usize) -> Option<usize> {
        let bytes = self.source.get(at..at.checked_add(bytes)?)?;
        let add = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        Some(if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }

    fn first(&self) -> Option<usize> {
        if self.big { self.number(8, 8) } else { self.number(4, 4) }
    }

    /// Where its entries are, and where the link to the next is.
    fn entries(&self, directory: usize) -> Option<(usize, usize)> {
        let (start, length) = if self.big { (8, 20) } else { (2, 12) };
        let entries = self.number(directory, start)?;
        let start = directory.checked_add(start)?;
        Some((start, start.checked_add(entries.checked_mul(length)?)?))
    }

    fn next(&self, directory: usize) -> Option<usize> {
        let (_, link) = self.entries(directory)?;
        self.number(link, if self.big { 8 } else { 4 })
    }
}

fn directories(source: &[u8]) -> Directories<'_> {
    let little = source.starts_with(b"I");
    let big = source.get(2..4).is_some_and(|version| version.contains(&43));
    Directories { source, little, big }
}

/// How many there are, as far as one more than `most`.
pub(super) fn count(source: &[u8], most: u32) -> u32 {
    let directories = directories(source);
    let mut next = directories.first().filter(|offset| *offset != 0);
    let mut count = 0;
    while let Some(directory) = next
        && count <= most
    {
        count += 1;
        next = directories.next(directory).filter(|offset| *offset != 0);
    }
    count
}

/// A copy of a file whose first picture has a palette, with that picture declared gray instead.
pub(super) fn palette_as_gray(source: &[u8]) -> Option<Vec<u8>> {
    const PHOTOMETRIC: usize = 262;
    let directories = directories(source);
    let (start, end) = directories.entries(directories.first()?)?;
    let (length, value) = if directories.big { (20, 12) } else { (12, 8) };
    let entry =
        (start..end.min(source.len())).step_by(length).find(|at| directories.number(*at, 2) == Some(PHOTOMETRIC))?;
    if directories.number(entry + value, 2)? != 3 {
        return None;
    }
    let mut copy = source.to_vec();
    let low = if directories.little { entry + value } else { entry + value + 1 };
    *copy.get_mut(low)? = 1;
    Some(copy)
}
