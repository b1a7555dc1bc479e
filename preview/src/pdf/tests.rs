use crate::formats::{pdf, pdf_stream, zlib};

use super::*;

fn bounds() -> Bounds {
    Bounds::new(Some(100), Some(100)).unwrap()
}

fn drawn(pdf: &[u8]) -> Picture {
    decode(pdf, bounds(), &Limits::default()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn refusal(pdf: &[u8], limits: &Limits) -> Option<Refusal> {
    decode(pdf, bounds(), limits).err()
}

/// A file of pages with these entries, which draw `content`.
fn pages(entries: &[&str], content: &str) -> Vec<u8> {
    let kids = (0..entries.len()).map(|page| format!("{} 0 R ", page + 4)).collect::<Vec<_>>().concat();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {}/Kids[{kids}]>>", entries.len()).into_bytes(),
        pdf_stream("", content.as_bytes()),
    ];
    objects.extend(entries.iter().map(|entries| format!("<</Type/Page/Parent 2 0 R/Contents 3 0 R{entries}>>").into()));
    pdf(&objects)
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = ((y * picture.width + x) * 3) as usize;
    picture.pixels[at..at + 3].try_into().unwrap()
}

#[test]
fn the_first_page_is_drawn_on_white_and_fills_the_bounds() {
    let file = pages(&["/MediaBox[0 0 20 10]", "/MediaBox[0 0 10 20]"], "1 0 0 rg 0 0 10 5 re f");
    let picture = drawn(&file);
    assert_eq!((picture.width, picture.height), (100, 50));
    assert_eq!((pixel(&picture, 25, 40), pixel(&picture, 75, 10)), ([255, 0, 0], [255; 3]));
}

#[test]
fn a_page_is_turned_as_it_says() {
    let picture = drawn(&pages(&["/MediaBox[0 0 20 10]/Rotate 90"], "1 0 0 rg 0 0 10 5 re f"));
    assert_eq!((picture.width, picture.height), (50, 100));
    assert_eq!(pixel(&picture, 10, 25), [255, 0, 0]);
}

#[test]
fn standard_fonts_need_not_be_in_the_file() {
    let font = "/MediaBox[0 0 100 100]/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>>>>>";
    let picture = drawn(&pages(&[font], "BT /F 40 Tf 10 40 Td (Text) Tj ET"));
    assert!(picture.pixels.iter().filter(|value| **value < 100).count() > 500);
}

#[test]
fn a_vast_page_keeps_its_aspect_ratio() {
    let picture = drawn(&pages(&["/MediaBox[0 0 2000000000 1000000000]"], ""));
    assert_eq!((picture.width, picture.height), (100, 50));
}

#[test]
fn what_comes_before_the_header_is_skipped_up_to_a_point() {
    let file = pages(&["/MediaBox[0 0 20 10]"], "");
    let after = |junk: usize| [vec![b'x'; junk], file.clone()].concat();
    assert!(recognizes(&file) && recognizes(&after(1_000)) && !recognizes(&after(1_024)));
    drawn(&after(1_000));
}

#[test]
fn too_many_pages_are_refused() {
    let file = pages(&["/MediaBox[0 0 20 10]"; 3], "");
    let limits = |pages| Limits { pages, ..Limits::default() };
    assert_eq!(refusal(&file, &limits(3)), None);
    assert_eq!(refusal(&file, &limits(2)), Some(Refusal::TooMany("pages")));
}

#[test]
fn what_a_page_draws_may_not_expand_too_far() {
    let page = |filter: &str, content: &[u8]| {
        pdf(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents[4 0 R 4 0 R]>>".to_vec(),
            pdf_stream(filter, content),
        ])
    };
    let limits = |expanded_bytes| Limits { expanded_bytes, ..Limits::default() };
    let spaces = vec![b' '; 1_000];
    for (filter, content) in [
        ("", spaces.clone()),
        ("/Filter/FlateDecode", zlib(&spaces)),
        ("/Filter[/FlateDecode/FlateDecode]", zlib(&zlib(&spaces))),
    ] {
        assert_eq!(refusal(&page(filter, &content), &limits(2_000)), None, "{filter}");
        assert_eq!(refusal(&page(filter, &content), &limits(1_999)), Some(Refusal::TooMany("bytes")), "{filter}");
    }
}

#[test]
fn a_picture_of_too_many_pixels_is_refused() {
    let image =
        |side: u32| format!("<</Type/XObject/Subtype/Image/Width {side}/Height {side}/Length 0>>\nstream\n\nendstream");
    let page = |side| {
        pdf(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</XObject<</I 4 0 R>>>>>>".to_vec(),
            image(side).into_bytes(),
        ])
    };
    assert_eq!(refusal(&page(10_000), &Limits::default()), None);
    assert_eq!(refusal(&page(10_001), &Limits::default()), Some(Refusal::TooMany("pixels")));
}

#[test]
fn what_needs_a_password_is_encrypted() {
    let key = "61".repeat(32);
    let encrypt = format!("<</Filter/Standard/V 1/R 2/P -4/O<{key}>/U<{key}>>>");
    let file = String::from_utf8(pages(&["/MediaBox[0 0 20 10]"], "")).unwrap();
    let file = file.replace("/Root 1 0 R", &format!("/Root 1 0 R /Encrypt {encrypt}/ID[<61><61>]"));
    assert_eq!(refusal(file.as_bytes(), &Limits::default()), Some(Refusal::Encrypted));
}

#[test]
fn what_has_no_page_is_broken() {
    let catalog = b"<</Type/Catalog/Pages 2 0 R>>".to_vec();
    for tree in ["<</Type/Pages/Count 0/Kids[]>>", "<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>", "null"] {
        let file = pdf(&[catalog.clone(), tree.into()]);
        assert_eq!(refusal(&file, &Limits::default()), Some(Refusal::Broken), "{tree}");
    }
    assert_eq!(refusal(b"%PDF-1.7 and nothing more", &Limits::default()), Some(Refusal::Broken));
}
