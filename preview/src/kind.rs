//! What a file is, by its first bytes.

/// A picture made of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Gif,
    WebP,
    Bmp,
    Tiff,
}

impl Kind {
    /// What these bytes are, if a picture.
    pub fn of(source: &[u8]) -> Option<Self> {
        match source {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            // The size of the header that follows, as text may begin with the letters too.
            [b'B', b'M', _, _, _, _, _, _, _, _, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => {
                Some(Self::Bmp)
            }
            // Classic and BigTIFF.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_decide() {
        assert_eq!(Kind::of(b"\xff\xd8\xff\xe0\0\x10JFIF"), Some(Kind::Jpeg));
        assert_eq!(Kind::of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some(Kind::Png));
        assert_eq!(Kind::of(b"GIF89a\x01\0"), Some(Kind::Gif));
        assert_eq!(Kind::of(b"RIFF\x24\0\0\0WEBPVP8 "), Some(Kind::WebP));
        assert_eq!(Kind::of(b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), Some(Kind::Bmp));
        assert_eq!(Kind::of(b"II*\0\x08\0\0\0"), Some(Kind::Tiff));
        assert_eq!(Kind::of(b"MM\0+\0\x08\0\0"), Some(Kind::Tiff));
    }

    #[test]
    fn text_that_begins_like_a_picture_is_none() {
        for text in [&b"BMW and others are makers of cars"[..], b"GIF89", b"RIFF....WAVEfmt ", b"II. Chapter two", b""]
        {
            assert_eq!(Kind::of(text), None);
        }
    }
}
