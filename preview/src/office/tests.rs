use crate::formats::{Part, deflated_zeros, zip};

use super::{
    writing::{Block, Style},
    *,
};
use crate::picture::Layout;

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const THUMBNAIL: &str = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail";

fn bounds() -> Bounds {
    Bounds::new(Some(200), Some(200)).unwrap()
}

fn part(name: &str, content: &str) -> Part {
    Part::new(name, content.as_bytes())
}

/// What a part refers to: the last step of the type, and the target, which is the id as well.
fn relations(part_of: &str, all: &[(&str, &str)]) -> Part {
    let relation = |(kind, target): &(&str, &str)| {
        let kind = if *kind == "thumbnail" { THUMBNAIL.to_owned() } else { format!("{OFFICE}/{kind}") };
        format!(r#"<Relationship Id="{target}" Type="{kind}" Target="{target}"/>"#)
    };
    let all = all.iter().map(relation).collect::<Vec<_>>().concat();
    part(part_of, &format!("<Relationships>{all}</Relationships>"))
}

fn docx(body: &str) -> Vec<Part> {
    vec![
        relations("_rels/.rels", &[("officeDocument", "word/document.xml"), ("thumbnail", "docProps/thumbnail.jpeg")]),
        part("word/document.xml", &format!("<w:document><w:body>{body}</w:body></w:document>")),
    ]
}

fn xlsx(sheet: &str) -> Vec<Part> {
    vec![
        relations("_rels/.rels", &[("officeDocument", "xl/workbook.xml")]),
        part(
            "xl/workbook.xml",
            r#"<workbook><sheets><sheet state="hidden" sheetId="1" r:id="none"/>
            <sheet sheetId="2" r:id="worksheets/second.xml"/></sheets></workbook>"#,
        ),
        relations(
            "xl/_rels/workbook.xml.rels",
            &[("worksheet", "worksheets/second.xml"), ("sharedStrings", "strings.xml")],
        ),
        part("xl/worksheets/second.xml", &format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>")),
        part(
            "xl/strings.xml",
            "<sst><si><t>zero</t></si><si><r><t>on</t></r><r><t>e</t></r><rPh><t>!</t></rPh></si></sst>",
        ),
    ]
}

fn pptx(slide: &str) -> Vec<Part> {
    vec![
        relations("_rels/.rels", &[("officeDocument", "ppt/presentation.xml")]),
        part(
            "ppt/presentation.xml",
            r#"<p:presentation><p:sldIdLst><p:sldId id="9" r:id="slides/b.xml"/><p:sldId id="8" r:id="slides/a.xml"/>
            </p:sldIdLst><p:sldSz cx="400" cy="300"/></p:presentation>"#,
        ),
        relations("ppt/_rels/presentation.xml.rels", &[("slide", "slides/a.xml"), ("slide", "slides/b.xml")]),
        part("ppt/slides/a.xml", "<p:sld><a:p><a:t>the second</a:t></a:p></p:sld>"),
        part("ppt/slides/b.xml", &format!("<p:sld>{slide}</p:sld>")),
    ]
}

fn open_document(kind: &str, body: &str) -> Vec<Part> {
    vec![
        Part::stored("mimetype", format!("application/vnd.oasis.opendocument.{kind}").as_bytes()),
        part(
            "content.xml",
            &format!("<office:document-content><office:body>{body}</office:body></office:document-content>"),
        ),
    ]
}

fn drawn(parts: &[Part]) -> Picture {
    decode(&zip(parts), bounds(), &Limits::default()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn refusal(parts: &[Part], limits: &Limits) -> Option<Refusal> {
    decode(&zip(parts), bounds(), limits).err()
}

fn ink(picture: &Picture) -> usize {
    assert_eq!(picture.layout, Layout::Gray);
    picture.pixels.iter().filter(|shade| **shade < 128).count()
}

/// What `read` finds in a container.
fn read<T>(parts: &[Part], read: impl Fn(&mut Container) -> Result<T, Refusal>) -> T {
    let source = zip(parts);
    read(&mut Container::open(&source, &Limits::default()).unwrap()).unwrap()
}

fn paragraph(style: Style, text: &str) -> Block {
    Block::Paragraph(style, text.to_owned())
}

#[test]
fn the_text_of_every_kind_is_set_on_a_page() {
    let cell = r#"<row r="1"><c r="A1" t="s"><v>1</v></c></row>"#;
    let body = "<text:p>Some words</text:p>";
    let table = format!(
        "<table:table><table:table-row><table:table-cell>{body}</table:table-cell></table:table-row></table:table>"
    );
    for (kind, parts) in [
        ("docx", docx("<w:p><w:r><w:t>Some words</w:t></w:r></w:p>")),
        ("xlsx", xlsx(cell)),
        ("pptx", pptx("<p:sp><a:p><a:r><a:t>Some words</a:t></a:r></a:p></p:sp>")),
        ("odt", open_document("text", body)),
        ("ott", open_document("text-template", body)),
        ("ods", open_document("spreadsheet", &table)),
        ("odp", open_document("presentation", &format!("<draw:page>{body}</draw:page>"))),
    ] {
        let picture = drawn(&parts);
        assert!(ink(&picture) > 30, "{kind}: {}", ink(&picture));
        assert_eq!(picture.width > picture.height, matches!(kind, "pptx" | "odp"), "{kind}");
    }
}

#[test]
fn paragraphs_headings_lists_and_tables_of_word_are_told_apart() {
    let body = r#"<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Top &amp; &#8364;</w:t></w:r></w:p>
        <w:p><w:pPr><w:tabs><w:tab/></w:tabs><w:numPr/></w:pPr><w:r><w:t>it</w:t></w:r> <w:r><w:t>em</w:t></w:r></w:p>
        <w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:delText>gone</w:delText></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p><w:p><w:r><w:t>y</w:t></w:r></w:p></w:tc><w:tc/></w:tr></w:tbl>
        <w:p><w:r><w:br w:type="page"/><w:t>next page</w:t></w:r></w:p>"#;
    let blocks = read(&docx(body), |container| writing::open_xml(container, "word/document.xml"));
    let expected = [
        paragraph(Style::Heading(2), "Top & €"),
        paragraph(Style::Item, "item"),
        paragraph(Style::Body, "a    b"),
        paragraph(Style::Body, "c"),
        Block::Row(vec!["x y".to_owned(), String::new()]),
        paragraph(Style::Body, ""),
    ];
    assert_eq!(blocks, expected);
}

#[test]
fn white_space_of_open_documents_means_nothing_but_where_it_is_an_element() {
    let body = "<text:h text:outline-level='1'>A\n  title</text:h><text:p>\n two<text:s text:c='3'/>words\
        <office:annotation><text:p>remark</text:p></office:annotation></text:p>\
        <text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>";
    let blocks = read(&open_document("text", body), |container| writing::open_document(container, CONTENT));
    let expected = [
        paragraph(Style::Heading(1), "A title"),
        paragraph(Style::Body, "two   words"),
        paragraph(Style::Item, "item"),
    ];
    assert_eq!(blocks, expected);
}

#[test]
fn the_first_slide_is_the_first_of_the_presentation_in_its_size() {
    let slide =
        r#"<p:sp><p:ph type="ctrTitle"/><a:p><a:t>Title</a:t></a:p></p:sp><p:sp><a:p><a:t>more</a:t></a:p></p:sp>"#;
    let (part, paper) = read(&pptx(slide), |container| first_slide(container, "ppt/presentation.xml"));
    assert_eq!((part.as_deref(), paper.height), (Some("ppt/slides/b.xml"), 720.0));
    let blocks = read(&pptx(slide), |container| writing::open_xml(container, "ppt/slides/b.xml"));
    assert_eq!(blocks, [paragraph(Style::Heading(0), "Title"), paragraph(Style::Body, "more")]);
    let pages = "<draw:page><text:p>first</text:p></draw:page><draw:page><text:p>second</text:p></draw:page>";
    let blocks = read(&open_document("presentation", pages), |container| writing::open_document(container, CONTENT));
    assert_eq!(blocks, [paragraph(Style::Body, "first")]);
}

#[test]
fn the_first_sheet_that_is_shown_is_read_with_its_strings_and_gaps() {
    let sheet = r#"<row r="1"><c r="A1" t="s"><v>1</v></c><c r="C1"><v>0.30000000000000004</v></c></row>
        <row r="3"><c r="B3" t="inlineStr"><is><t>in</t></is></c><c t="b"><v>1</v></c><c r="ZZ3"><v>1</v></c></row>
        <row r="9999"><c r="A9999"><v>1</v></c></row>"#;
    let rows = read(&xlsx(sheet), |container| sheet::open_xml(container, "xl/workbook.xml"));
    assert_eq!(rows, [vec!["one", "", "0.3"], vec![], vec!["", "in", "TRUE"]]);
}

#[test]
fn cells_that_are_repeated_end_with_the_page() {
    let table = "<table:table><table:table-row table:number-rows-repeated='1000000'>\
        <table:table-cell table:number-columns-repeated='2'><text:p>a</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='16384'/></table:table-row></table:table>";
    let rows = read(&open_document("spreadsheet", table), |container| sheet::open_document(container, CONTENT));
    assert_eq!((rows.len(), rows[0].len(), rows[0][1].as_str()), (64, 16, "a"));
}

/// A PNG of these gray pixels in one row.
fn png(pixels: &[u8]) -> Vec<u8> {
    let row = [&[0], pixels].concat();
    let header = crate::formats::png_header(u32::try_from(pixels.len()).unwrap(), 1, 8, 0, false);
    crate::formats::png(&[header, (b"IDAT", crate::formats::zlib(&row)), (b"IEND", Vec::new())])
}

#[test]
fn a_thumbnail_is_shown_if_it_can_be_and_shows_something() {
    let with = |thumbnail: &[u8]| {
        let mut parts = docx("<w:p><w:r><w:t>Some words</w:t></w:r></w:p>");
        parts.push(Part::new("docProps/thumbnail.jpeg", thumbnail));
        drawn(&parts).full
    };
    let page = drawn(&docx("")).full;
    assert_eq!(with(&png(&[0, 255, 0])), (3, 1));
    assert_eq!(with(&png(&[255, 255, 255])), page);
    assert_eq!(with(&png(&[0, 255, 0])[..40]), page);
    assert_eq!(with(b"\x01\0\0\0, which is how a drawing of Windows begins"), page);
    let mut parts = open_document("text", "");
    parts.push(Part::new("Thumbnails/thumbnail.png", &png(&[0, 255])));
    assert_eq!(drawn(&parts).full, (2, 1));
}

#[test]
fn what_is_encrypted_is_told_apart() {
    let mut parts = open_document("text", "");
    parts.push(part(
        "META-INF/manifest.xml",
        "<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>",
    ));
    assert_eq!(refusal(&parts, &Limits::default()), Some(Refusal::Encrypted));

    let name: Vec<u8> = ENCRYPTED_PACKAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let compound = [COMPOUND, &[0; 1_000], &name].concat();
    assert!(recognizes(&compound));
    assert_eq!(decode(&compound, bounds(), &Limits::default()).err(), Some(Refusal::Encrypted));
    assert_eq!(decode(&compound[..1_000], bounds(), &Limits::default()).err(), Some(Refusal::Unsupported));
}

#[test]
fn other_containers_are_unsupported_and_damaged_ones_broken() {
    let limits = Limits::default();
    let inner = zip(&docx(""));
    assert_eq!(refusal(&[Part::new("inner.docx", &inner)], &limits), Some(Refusal::Unsupported));
    assert_eq!(refusal(&[part("mimetype", "application/epub+zip")], &limits), Some(Refusal::Unsupported));
    let drawing = relations("_rels/.rels", &[("officeDocument", "xl/workbook.bin")]);
    assert_eq!(refusal(&[drawing], &limits), Some(Refusal::Unsupported));

    assert_eq!(refusal(&docx("<w:p>"), &limits), Some(Refusal::Broken));
    assert_eq!(refusal(&docx("")[..1], &limits), Some(Refusal::Broken));
    assert_eq!(decode(&inner[..100], bounds(), &limits).err(), Some(Refusal::Broken));
}

#[test]
fn what_expands_too_far_is_refused_whatever_its_header_says() {
    for (size, refused) in [(100 << 20, Refusal::TooMany("bytes")), (1_024, Refusal::Broken)] {
        let zeros =
            Part { name: "word/document.xml".into(), deflated: true, content: deflated_zeros(100), crc: 0, size };
        let parts = [docx("").swap_remove(0), zeros];
        assert_eq!(refusal(&parts, &Limits::default()), Some(refused), "{size}");
    }
    // All parts count together: each of these fits alone.
    let body = format!("<w:p><w:t>{}</w:t></w:p>", "x".repeat(2_000));
    let limits = |expanded_bytes| Limits { expanded_bytes, ..Limits::default() };
    assert_eq!(refusal(&docx(&body), &limits(10_000)), None);
    assert_eq!(refusal(&docx(&body), &limits(2_300)), Some(Refusal::TooMany("bytes")));
}

#[test]
fn too_many_levels_and_parts_are_refused() {
    let deep = |levels: usize| docx(&["<w:sdt>".repeat(levels), "</w:sdt>".repeat(levels)].concat());
    assert_eq!(refusal(&deep(62), &Limits::default()), None);
    assert_eq!(refusal(&deep(63), &Limits::default()), Some(Refusal::TooMany("levels")));
    // Where nothing is drawn from, too.
    let aside = docx(&["<w:sectPr>".repeat(63), "</w:sectPr>".repeat(63)].concat());
    assert_eq!(refusal(&aside, &Limits::default()), Some(Refusal::TooMany("levels")));

    let mut parts = docx("");
    parts.extend((0..20_000).map(|number| Part::stored(&number.to_string(), b"")));
    assert_eq!(refusal(&parts, &Limits::default()), Some(Refusal::TooMany("parts")));
}

#[test]
fn entities_are_not_declared() {
    let mut parts = docx("");
    parts.pop();
    parts.push(part(
        "word/document.xml",
        "<!DOCTYPE d [<!ENTITY a 'b'>]><w:document><w:p><w:t>&a;</w:t></w:p></w:document>",
    ));
    assert_eq!(refusal(&parts, &Limits::default()), Some(Refusal::Broken));
    let undeclared = docx("<w:p><w:t>a&unknown;b</w:t></w:p>");
    let blocks = read(&undeclared, |container| writing::open_xml(container, "word/document.xml"));
    assert_eq!(blocks, [paragraph(Style::Body, "ab")]);
}
