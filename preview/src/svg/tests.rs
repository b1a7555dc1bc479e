use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, write::GzEncoder};

use super::*;

fn bounds(side: u32) -> Bounds {
    Bounds::new(Some(side), Some(side)).unwrap()
}

fn drawn(svg: &str) -> Picture {
    decode(svg.as_bytes(), bounds(100), &Limits::default()).unwrap_or_else(|refusal| panic!("{refusal}: {svg}"))
}

fn refusal(svg: &str) -> Refusal {
    decode(svg.as_bytes(), bounds(100), &Limits::default()).err().unwrap()
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 4] {
    let at = ((y * picture.width + x) * 4) as usize;
    picture.pixels[at..at + 4].try_into().unwrap()
}

/// A graphic of 100 × 100 with this content.
fn square(content: &str) -> String {
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{content}</svg>"#)
}

/// How many pixels are not transparent.
fn inked(picture: &Picture) -> usize {
    picture.pixels.chunks(4).filter(|pixel| pixel[3] > 0).count()
}

#[test]
fn shapes_are_drawn_and_the_background_stays_transparent() {
    let picture = drawn(&square(r##"<rect x="10" y="10" width="50" height="50" fill="#ff8000"/>"##));
    assert_eq!((picture.width, picture.height, picture.full), (100, 100, (100, 100)));
    assert_eq!(pixel(&picture, 30, 30), [255, 128, 0, 255]);
    assert_eq!(pixel(&picture, 80, 80), [0, 0, 0, 0]);
}

#[test]
fn half_transparent_colour_is_not_darkened() {
    let picture = drawn(&square(r##"<rect width="100" height="100" fill="#ff0000" fill-opacity="0.5"/>"##));
    assert_eq!(pixel(&picture, 50, 50), [255, 0, 0, 128]);
}

#[test]
fn a_large_graphic_is_drawn_at_the_size_of_the_preview() {
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="14000" height="7000"><rect width="7000" height="7000"/></svg>"#;
    let picture = drawn(svg);
    assert_eq!((picture.width, picture.height, picture.full), (100, 50, (14_000, 7_000)));
    assert_eq!(pixel(&picture, 40, 25)[3], 255);
    assert_eq!(pixel(&picture, 60, 25)[3], 0);
}

#[test]
fn what_no_person_draws_is_too_large() {
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9"/>"#;
    assert_eq!(refusal(svg), Refusal::TooMany("pixels"));
}

/// A red picture as a data URL.
fn red(width: u32, height: u32) -> String {
    let picture = Picture {
        width,
        height,
        layout: Layout::Rgba,
        pixels: [255, 0, 0, 254].repeat((width * height) as usize),
        full: (width, height),
        orientation: 1,
        profile: None,
    };
    let png = picture.encoded(bounds(2_048)).unwrap().bytes;
    let hex = png.iter().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    format!("data:image/png,{hex}")
}

#[test]
fn pictures_in_the_file_are_drawn_within_the_limit_of_pixels() {
    let image = |href: &str| format!(r#"<image width="100" height="50" href="{href}"/>"#);
    let both =
        square(&format!("{}<g transform='translate(0 50)'>{}</g>", image(&red(300, 150)), image(&red(300, 150))));
    assert_eq!(inked(&drawn(&both)), 10_000);
    let limits = Limits { pixels: 300 * 150 + 100, ..Limits::default() };
    assert_eq!(inked(&decode(both.as_bytes(), bounds(100), &limits).unwrap()), 5_000);
    assert_eq!(inked(&drawn(&square(&image("data:image/png;base64,AAAA")))), 0);
}

#[test]
fn a_small_graphic_is_not_enlarged() {
    let picture = drawn(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 16"><path d="M0 0h24v16z"/></svg>"#);
    assert_eq!((picture.width, picture.height), (24, 16));
}

#[test]
fn text_is_set_whatever_its_font_is_called() {
    for family in ["Helvetica", "monospace", "No Such Font"] {
        let text = format!(r#"<text x="5" y="60" font-size="40" font-family="{family}">Ag Ω Ж</text>"#);
        assert!(inked(&drawn(&square(&text))) > 500, "{family}");
    }
}

#[test]
fn nothing_outside_of_the_file_is_read() {
    let file = std::env::temp_dir().join("preview-svg-test.svg");
    std::fs::write(&file, square(r#"<rect width="100" height="100"/>"#)).unwrap();
    for href in [file.to_str().unwrap(), &format!("file://{}", file.display()), "http://127.0.0.1/x.svg"] {
        assert_eq!(inked(&drawn(&square(&format!(r#"<image href="{href}" width="100" height="100"/>"#)))), 0, "{href}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_compressed_graphic_is_expanded_within_the_limit() {
    let svg = square(r#"<rect width="100" height="100"/>"#);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(svg.as_bytes()).unwrap();
    let svgz = gzip.finish().unwrap();
    assert!(recognizes(&svgz));
    assert_eq!(inked(&decode(&svgz, bounds(100), &Limits::default()).unwrap()), 10_000);

    let limits = Limits { expanded_bytes: svg.len() as u64 - 1, ..Limits::default() };
    assert_eq!(decode(&svgz, bounds(100), &limits).err(), Some(Refusal::TooMany("bytes")));
    assert_eq!(decode(&svgz[..30], bounds(100), &Limits::default()).err(), Some(Refusal::Broken));
}

#[test]
fn the_first_element_decides() {
    let prolog = "\u{feff}<?xml version=\"1.0\"?>\n<!-- <html> -->\n<!DOCTYPE svg [<!ENTITY a '>'>]>\n";
    assert!(recognizes(format!("{prolog}<svg/>").as_bytes()));
    assert!(recognizes(b"<s:svg xmlns:s='http://www.w3.org/2000/svg'>"));
    assert!(!recognizes(b"<!DOCTYPE html><html><svg/></html>"));
    assert!(!recognizes(b"text about <svg>"));
    assert!(!recognizes(b"\x1f\x8b, but not compressed"));
}

#[test]
fn the_declared_encoding_and_the_byte_order_mark_are_followed() {
    let latin1 = [
        b"<?xml version='1.0' encoding='ISO-8859-1'?>".as_slice(),
        square("<!-- \u{e9} --><path d='M0 0h100v100z'/>").replace('\u{e9}', "@").as_bytes(),
    ]
    .concat();
    let latin1: Vec<u8> = latin1.into_iter().map(|byte| if byte == b'@' { 0xe9 } else { byte }).collect();
    assert!(inked(&decode(&latin1, bounds(100), &Limits::default()).unwrap()) > 1_000);
    let utf16: Vec<u8> =
        format!("\u{feff}{}", square("<path d='M0 0h100v100z'/>")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(recognizes(&utf16));
    assert!(inked(&decode(&utf16, bounds(100), &Limits::default()).unwrap()) > 1_000);
}

#[test]
fn entities_are_replaced_but_not_a_billion_times() {
    let entity = |declared: &str, used: &str| format!("<!DOCTYPE svg [{declared}]>{}", square(used));
    assert!(inked(&drawn(&entity("<!ENTITY d 'M0 0h100v100z'>", "<path d='&d;'/>"))) > 1_000);

    let mut laughs = "<!ENTITY a0 'lol'>".to_owned();
    for level in 1..10 {
        let inner = format!("&a{};", level - 1).repeat(10);
        write!(laughs, "<!ENTITY a{level} '{inner}'>").unwrap();
    }
    assert_eq!(refusal(&entity(&laughs, "<text>&a9;</text>")), Refusal::TooMany("entities"));
    let long = format!("<!ENTITY a '{}'>", "x".repeat(100_000));
    assert_eq!(
        refusal(&entity(&long, &format!("<text>{}</text>", "&a;".repeat(10_000)))),
        Refusal::TooMany("entities")
    );
}

#[test]
fn elements_that_are_referred_to_count_each_time() {
    let mut uses = "<g id='u0'><path d='M0 0h1v1z'/></g>".to_owned();
    let mut masks = "<mask id='m0'><path d='M0 0h1v1z'/></mask>".to_owned();
    let mut patterns = "<pattern id='p0' width='1' height='1'><path d='M0 0h1v1z'/></pattern>".to_owned();
    for level in 1..20 {
        let inner = format!("<use href='#u{}'/>", level - 1).repeat(10);
        write!(uses, "<g id='u{level}'>{inner}</g>").unwrap();
        let inner = format!("<path mask='url(#m{})' d='M0 0h1v1z'/>", level - 1).repeat(10);
        write!(masks, "<mask id='m{level}'>{inner}</mask>").unwrap();
        let inner = "<path d='M0 0h1v1z'/>".repeat(10);
        write!(
            patterns,
            "<pattern id='p{level}' width='1' height='1'><g style='fill:url( \"#p{}\" )'>{inner}</g></pattern>",
            level - 1
        )
        .unwrap();
    }
    assert_eq!(refusal(&square(&format!("<defs>{uses}</defs><use href='#u19'/>"))), Refusal::TooMany("elements"));
    assert_eq!(
        refusal(&square(&format!("{masks}<path mask='url(#m19)' d='M0 0h1v1z'/>"))),
        Refusal::TooMany("elements")
    );
    assert_eq!(
        refusal(&square(&format!("{patterns}<path fill='url(#p19)' d='M0 0h1v1z'/>"))),
        Refusal::TooMany("elements")
    );
}

#[test]
fn what_refers_to_itself_or_is_nested_too_deep_is_refused() {
    let cycle =
        "<g id='a'><use href='#b'/><use href='#b'/></g><g id='b'><use href='#c'/></g><g id='c'><use href='#a'/></g>";
    assert_eq!(refusal(&square(cycle)), Refusal::TooMany("levels"));
    let deep = |levels: usize| square(&format!("{}{}", "<g>".repeat(levels), "</g>".repeat(levels)));
    drawn(&deep(63));
    assert_eq!(refusal(&deep(64)), Refusal::TooMany("levels"));
    assert_eq!(refusal(&deep(100_000)), Refusal::TooMany("levels"));
    let linked = "<defs><g id='top'><a href='#top'><path d='M0 0h100v100z'/></a></g></defs><use href='#top'/>";
    assert!(inked(&drawn(&square(linked))) > 1_000);
}

#[test]
fn too_many_elements_are_refused() {
    assert_eq!(refusal(&square(&"<g/>".repeat(200_000))), Refusal::TooMany("elements"));
    assert_eq!(refusal(&square(&"<g/>".repeat(600_000))), Refusal::TooMany("elements"));
}

#[test]
fn what_is_no_whole_xml_is_broken() {
    assert_eq!(refusal("<svg"), Refusal::Broken);
    assert_eq!(refusal(&square("<g>")), Refusal::Broken);
    assert_eq!(refusal("<svg xmlns='http://www.w3.org/2000/svg' width='0' height='0'/>"), Refusal::Broken);
}
