//! The one field of EXIF that a preview needs.

/// How a picture must be turned to be upright, 1 to 8; 1 (not at all) if these bytes do not say.
pub(super) fn orientation(exif: &[u8]) -> u8 {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    orientation_of_tiff(tiff).filter(|value| (1..=8).contains(value)).unwrap_or(1)
}

fn orientation_of_tiff(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(*bytes) } else { u16::from_be_bytes(*bytes) })
    };
    let directory = {
        let bytes = tiff.get(4..)?.first_chunk()?;
        if little { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) }
    };
    let directory = usize::try_from(directory).ok()?;
    let entries = usize::from(u16_at(directory)?);
    let mut offsets = (0..entries).map_while(|entry| directory.checked_add(2 + 12 * entry));
    let entry = offsets.find(|offset| u16_at(*offset) == Some(0x0112))?;
    u8::try_from(u16_at(entry.checked_add(8)?)?).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// EXIF that says nothing but the orientation.
    pub fn exif(orientation: u8) -> Vec<u8> {
        let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        exif
    }

    #[test]
    fn the_orientation_is_read_in_both_byte_orders() {
        assert_eq!(orientation(&exif(6)), 6);
        assert_eq!(orientation(b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0"), 8);
    }

    #[test]
    fn what_is_no_orientation_turns_nothing() {
        for bytes in [&exif(0)[..], &exif(9), b"", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"] {
            assert_eq!(orientation(bytes), 1);
        }
        let whole = exif(6);
        for end in 0..19 {
            assert_eq!(orientation(&whole[..end]), 1);
        }
    }
}
