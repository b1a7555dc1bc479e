//! How unlike two pictures look.

use image::RgbaImage;

/// A side of the squares whose means are compared, in pixels: noise and a shift of a fraction of a pixel vanish in
/// them.
const SQUARE: u32 = 4;

/// How unlike the least alike 2 % of two pictures are at least, as a difference of colour in CIELAB, of which 1 can
/// just be seen and 100 is from black to white. What is transparent is seen on black and on white.
pub fn distance(one: &RgbaImage, other: &RgbaImage) -> f64 {
    if one.dimensions() != other.dimensions() {
        return f64::INFINITY;
    }
    let on = |ground: f64| {
        let (one, other) = (squares(one, ground), squares(other, ground));
        let mut differences: Vec<f64> = one.iter().zip(&other).map(|(one, other)| difference(*one, *other)).collect();
        differences.sort_by(f64::total_cmp);
        differences[differences.len() * 98 / 100]
    };
    on(0.0).max(on(1.0))
}

/// The mean of each square, in CIELAB, on a ground of this gray.
fn squares(image: &RgbaImage, ground: f64) -> Vec<[f64; 3]> {
    let (width, height) = image.dimensions();
    let corners =
        (0..height).step_by(SQUARE as usize).flat_map(|y| (0..width).step_by(SQUARE as usize).map(move |x| (x, y)));
    corners
        .map(|(left, top)| {
            let (mut sum, mut count) = ([0.0; 3], 0.0);
            for y in top..(top + SQUARE).min(height) {
                for x in left..(left + SQUARE).min(width) {
                    let [r, g, b, a] = image.get_pixel(x, y).0.map(|channel| f64::from(channel) / 255.0);
                    for (sum, channel) in sum.iter_mut().zip([r, g, b]) {
                        *sum += channel * a + ground * (1.0 - a);
                    }
                    count += 1.0;
                }
            }
            lab(sum.map(|sum| sum / count))
        })
        .collect()
}

fn lab(srgb: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = srgb.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) });
    let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505;
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.0890;
    let [x, y, z] = [x, y, z].map(|v: f64| if v > 0.008_856 { v.cbrt() } else { 7.787 * v + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn difference(one: [f64; 3], other: [f64; 3]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
}
