//! The calls of libwebp. There is no safe wrapper that decodes to a size.
#![expect(unsafe_code, reason = "a C library")]

use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPBitstreamFeatures, WebPDecode, WebPDecoderConfig, WebPGetFeatures,
};

/// What a picture's header says.
#[derive(Clone, Copy)]
pub(super) struct Features {
    pub width: u32,
    pub height: u32,
    pub has_alpha: bool,
    pub lossless: bool,
}

/// `None` if it is no picture of WebP.
pub(super) fn features(source: &[u8]) -> Option<Features> {
    let mut features = WebPDecoderConfig::new().ok()?.input;
    // SAFETY: the pointer and the length are of one slice, which is only read; `features` is valid for writes.
    let status = unsafe { WebPGetFeatures(source.as_ptr(), source.len(), &raw mut features) };
    let WebPBitstreamFeatures { width, height, has_alpha, format, .. } = features;
    (status == VP8StatusCode::VP8_STATUS_OK).then_some(Features {
        width: u32::try_from(width).ok()?,
        height: u32::try_from(height).ok()?,
        has_alpha: has_alpha != 0,
        lossless: format == 2,
    })
}

/// The picture reduced to this size, as RGBA if it has alpha, else RGB. Of a file that ends too early the part that is
/// there; the rest is transparent, or gray in an opaque one. `None` if nothing can be decoded.
pub(super) fn decode(source: &[u8], features: Features, (width, height): (u32, u32)) -> Option<Vec<u8>> {
    let (colorspace, channels, missing) =
        if features.has_alpha { (WEBP_CSP_MODE::MODE_RGBA, 4, 0) } else { (WEBP_CSP_MODE::MODE_RGB, 3, 128) };
    let mut pixels = vec![missing; width as usize * height as usize * channels];
    let mut config = WebPDecoderConfig::new().ok()?;
    if (width, height) != (features.width, features.height) {
        config.options.use_scaling = 1;
        config.options.scaled_width = i32::try_from(width).ok()?;
        config.options.scaled_height = i32::try_from(height).ok()?;
    }
    config.output.colorspace = colorspace;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels.as_mut_ptr();
    config.output.u.RGBA.stride = i32::try_from(width as usize * channels).ok()?;
    config.output.u.RGBA.size = pixels.len();
    // SAFETY: the source's pointer and length are of one slice, which is only read. libwebp writes no more than `size`
    // bytes at `rgba`, which is how many `pixels` has (it checks stride and size against the scaled size first), and
    // keeps no pointer: memory that is external is never freed or grown by it. `pixels` is not touched meanwhile.
    let status = unsafe { WebPDecode(source.as_ptr(), source.len(), &raw mut config) };
    (status == VP8StatusCode::VP8_STATUS_OK || pixels.iter().any(|sample| *sample != missing)).then_some(pixels)
}
