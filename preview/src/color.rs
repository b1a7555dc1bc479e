//! From a picture's own colours to sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout as ProfileLayout, TransformOptions};

use crate::picture::{Layout, Picture};

/// The picture in sRGB. A profile that is damaged, or for other channels than the picture has, is ignored.
pub(crate) fn to_srgb(mut picture: Picture) -> Picture {
    let profile = picture.profile.take();
    if let Some(converted) = profile.and_then(|profile| by_profile(&picture, &profile)) {
        return converted;
    }
    if picture.layout == Layout::Cmyk { without_profile(picture) } else { picture }
}

fn by_profile(picture: &Picture, profile: &[u8]) -> Option<Picture> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let (space, from, to, layout) = match picture.layout {
        Layout::Gray => (DataColorSpace::Gray, ProfileLayout::Gray, ProfileLayout::Rgb, Layout::Rgb),
        Layout::GrayAlpha => (DataColorSpace::Gray, ProfileLayout::GrayAlpha, ProfileLayout::Rgba, Layout::Rgba),
        Layout::Rgb => (DataColorSpace::Rgb, ProfileLayout::Rgb, ProfileLayout::Rgb, Layout::Rgb),
        Layout::Rgba => (DataColorSpace::Rgb, ProfileLayout::Rgba, ProfileLayout::Rgba, Layout::Rgba),
        // Four channels, whatever they are called.
        Layout::Cmyk => (DataColorSpace::Cmyk, ProfileLayout::Rgba, ProfileLayout::Rgb, Layout::Rgb),
    };
    if profile.color_space != space {
        return None;
    }
    let transform =
        profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default()).ok()?;
    let mut pixels = vec![0; picture.pixels.len() / picture.layout.channels() * layout.channels()];
    if picture.layout == Layout::Cmyk {
        // To a profile, 255 is all ink.
        let inks: Vec<u8> = picture.pixels.iter().map(|ink| !ink).collect();
        transform.transform(&inks, &mut pixels).ok()?;
    } else {
        transform.transform(&picture.pixels, &mut pixels).ok()?;
    }
    Some(Picture { layout, pixels, profile: None, ..*picture })
}

/// CMYK as if inks were ideal, which is what browsers make of it.
fn without_profile(picture: Picture) -> Picture {
    let (inks, _) = picture.pixels.as_chunks();
    let shade = |ink: u8, black: u8| u8::try_from((u32::from(ink) * u32::from(black) + 127) / 255).unwrap_or(u8::MAX);
    let pixels = inks.iter().flat_map(|&[c, m, y, k]| [shade(c, k), shade(m, k), shade(y, k)]).collect();
    Picture { layout: Layout::Rgb, pixels, ..picture }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::picture;

    fn of(layout: Layout, pixels: &[u8], profile: Vec<u8>) -> Picture {
        let width = u32::try_from(pixels.len() / layout.channels()).unwrap();
        Picture { width, height: 1, layout, pixels: pixels.to_vec(), profile: Some(profile), ..picture(2, 2, 1) }
    }

    /// sRGB with red for green.
    fn swapped() -> Vec<u8> {
        let mut profile = ColorProfile::new_srgb();
        std::mem::swap(&mut profile.red_colorant, &mut profile.green_colorant);
        profile.cicp = None;
        profile.encode().unwrap()
    }

    /// Paper is white, and any ink makes it green: a table of two steps for each of four inks.
    fn inks() -> Vec<u8> {
        const WHITE: [u8; 3] = [255, 128, 128];
        const GREEN: [u8; 3] = [128, 48, 200];
        let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
        for entry in [1_u32, 0, 0, 0, 1, 0, 0, 0, 1] {
            table.extend((entry << 16).to_be_bytes());
        }
        let straight = || 0..=u8::MAX;
        (0..4).for_each(|_| table.extend(straight()));
        (0..16).for_each(|inks| table.extend(if inks == 0 { WHITE } else { GREEN }));
        (0..3).for_each(|_| table.extend(straight()));
        let mut profile = vec![0; 128];
        profile[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
        profile[12..24].copy_from_slice(b"prtrCMYKLab ");
        profile[36..40].copy_from_slice(b"acsp");
        profile[68..80].copy_from_slice(&[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
        for number in [1, u32::from_be_bytes(*b"A2B0"), 144, u32::try_from(table.len()).unwrap()] {
            profile.extend(number.to_be_bytes());
        }
        profile.extend(table);
        let length = u32::try_from(profile.len()).unwrap();
        profile[..4].copy_from_slice(&length.to_be_bytes());
        profile
    }

    #[test]
    fn a_profile_changes_the_colors() {
        assert_eq!(to_srgb(of(Layout::Rgb, &[255, 0, 0], swapped())).pixels, [0, 255, 0]);
        assert_eq!(to_srgb(of(Layout::Rgba, &[255, 0, 0, 77], swapped())).pixels, [0, 255, 0, 77]);
    }

    #[test]
    fn a_profile_of_grays_changes_them() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let picture = to_srgb(of(Layout::Gray, &[55], linear.clone()));
        assert_eq!(picture.layout, Layout::Rgb);
        assert!(picture.pixels.iter().all(|sample| sample.abs_diff(128) < 3), "{:?}", picture.pixels);
        let picture = to_srgb(of(Layout::GrayAlpha, &[55, 77], linear));
        assert!(picture.pixels[..3].iter().all(|sample| sample.abs_diff(128) < 3), "{:?}", picture.pixels);
        assert_eq!(picture.pixels[3], 77);
    }

    #[test]
    fn inks_without_a_profile_darken() {
        let picture =
            without_profile(of(Layout::Cmyk, &[255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 0], vec![]));
        assert_eq!(picture.pixels, [255, 255, 255, 0, 255, 255, 0, 0, 0]);
    }

    #[test]
    fn inks_are_converted_by_their_profile() {
        let picture = to_srgb(of(Layout::Cmyk, &[255, 255, 255, 255, 0, 255, 255, 255], inks()));
        let [white, green] = picture.pixels.as_chunks::<3>().0 else { panic!("{:?}", picture.pixels) };
        assert!(white.iter().all(|sample| *sample > 245), "{white:?}");
        assert!(green[1] > 100 && green[0] < 60 && green[2] < 60, "{green:?}");
    }

    #[test]
    fn a_profile_that_is_damaged_or_of_other_channels_is_ignored() {
        let mut damaged = swapped();
        damaged.truncate(200);
        for profile in [damaged, b"no profile".to_vec(), vec![], inks()] {
            assert_eq!(to_srgb(of(Layout::Rgb, &[255, 0, 0], profile)).pixels, [255, 0, 0]);
        }
    }
}
