//! Each file that people keep looks as it did when somebody last looked. After a change that is meant,
//! `RENEW=golden cargo test --package preview --test proof` writes the images again: look at them before you commit.

use std::{env, fs, path::PathBuf};

use image::{DynamicImage, ImageFormat, RgbaImage, imageops};
use preview::{Bounds, Encoded, Format, Limits, render};

use crate::{
    distance::distance,
    fixtures::{self, Fixture, scene},
};

/// The most that a preview may be unlike its golden image. What JPEG and WebP lose comes to 5, text that is missing to
/// 6, another picture to 20.
const ALIKE: f64 = 5.5;

fn path(golden: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden)
}

fn golden(name: &str) -> RgbaImage {
    image::open(path(name)).unwrap().into_rgba8()
}

fn preview_of(fixture: &Fixture) -> Result<Encoded, String> {
    let bounds = Bounds::new(None, None).unwrap();
    render(&fixture.bytes, fixture.charset, bounds, &Limits::default()).map_err(|why| why.to_string())
}

#[test]
fn previews_look_like_their_golden_images() {
    let mut complaints = Vec::new();
    let mut renewed = Vec::new();
    for fixture in fixtures::all() {
        let preview = match preview_of(&fixture) {
            Ok(preview) => preview,
            Err(why) => {
                complaints.push(format!("{}: {why}", fixture.name));
                continue;
            }
        };
        // The first fixture of a golden image decides how it looks.
        if env::var("RENEW").is_ok_and(|what| what == "golden") && !renewed.contains(&fixture.golden) {
            fs::create_dir_all(path(fixture.golden).parent().unwrap()).unwrap();
            fs::write(path(fixture.golden), &preview.bytes).unwrap();
            renewed.push(fixture.golden);
        }
        let format = match preview.format {
            Format::Png => ImageFormat::Png,
            Format::Jpeg => ImageFormat::Jpeg,
        };
        for expected in [image::guess_format(&preview.bytes), ImageFormat::from_path(fixture.golden)] {
            if expected.unwrap() != format {
                complaints.push(format!("{} is said to be {format:?}", fixture.name));
            }
        }
        let image = image::load_from_memory(&preview.bytes).unwrap().into_rgba8();
        let unlike = distance(&image, &golden(fixture.golden));
        println!("{:5.2} {} {}", unlike, fixture.name, fixture.golden);
        if unlike > ALIKE {
            complaints.push(format!("{} is {unlike:.1} from {}", fixture.name, fixture.golden));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The preview is a JPEG, so that it is less like the scene than another preview is.
#[test]
fn the_golden_scene_is_the_scene() {
    let reduce = |scene: DynamicImage| scene.resize_exact(200, 133, imageops::FilterType::Lanczos3).into_rgba8();
    assert!(distance(&golden("scene.jpg"), &reduce(scene::opaque().into())) < 2.0 * ALIKE);
    assert!(distance(&golden("scene-transparent.png"), &reduce(scene::transparent().into())) < 2.0 * ALIKE);
}

#[test]
fn a_wrong_picture_is_far_from_its_golden_image() {
    let scene = golden("scene.jpg");
    let mut swapped = scene.clone();
    swapped.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2));
    let mut darker = scene.clone();
    darker.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(|channel| channel - channel / 5));
    let mut inverted = scene.clone();
    imageops::invert(&mut inverted);
    let gray = DynamicImage::from(DynamicImage::from(scene.clone()).into_luma8()).into_rgba8();
    let mut opaque = golden("scene-transparent.png");
    opaque.pixels_mut().for_each(|pixel| pixel.0[3] = 255);
    let wrong = [
        ("swapped channels", swapped, "scene.jpg"),
        ("darker", darker, "scene.jpg"),
        ("inverted", inverted, "scene.jpg"),
        ("mirrored", imageops::flip_horizontal(&scene), "scene.jpg"),
        ("upside down", imageops::rotate180(&scene), "scene.jpg"),
        ("gray", gray, "scene.jpg"),
        ("opaque", opaque, "scene-transparent.png"),
        (
            "blank text",
            RgbaImage::from_pixel(golden("text.jpg").width(), golden("text.jpg").height(), [255; 4].into()),
            "text.jpg",
        ),
        ("another text", golden("markdown.jpg"), "text.jpg"),
        ("not turned", golden("pdf.jpg"), "pdf-turned.jpg"),
    ];
    for (what, image, name) in wrong {
        let unlike = distance(&image, &golden(name));
        assert!(unlike > ALIKE, "{what}: {unlike:.1}");
    }
}
