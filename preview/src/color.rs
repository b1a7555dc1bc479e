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
