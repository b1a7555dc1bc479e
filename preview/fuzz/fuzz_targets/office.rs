#![no_main]

use std::io::{Cursor, Read as _};

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};
use zip::ZipArchive;

#[path = "../../tests/fixtures/formats.rs"]
#[allow(dead_code)]
mod formats;

use formats::{Part, zip};

fuzz_target!(|source: &[u8]| -> Corpus { preview_fuzz::preview(source, None, source.starts_with(b"PK\x03\x04")) });

// A change within what is compressed makes a damaged container of nearly every file. So mostly a part is changed, and a
// whole container made of it again.
fuzz_mutator!(|file: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match with_a_part_changed(&file[..size], seed).filter(|changed| seed % 8 != 0 && changed.len() <= max_size) {
        Some(changed) => {
            file[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(file, size, max_size),
    }
});

fn with_a_part_changed(file: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(file)).ok()?;
    let mut parts = Vec::new();
    for number in 0..archive.len().min(32) {
        let part = archive.by_index(number).ok()?;
        let (name, mut content) = (part.name().ok()?.into_owned(), Vec::new());
        part.take(1 << 16).read_to_end(&mut content).ok()?;
        parts.push((name, content));
    }
    let chosen = (seed as usize / 8).checked_rem(parts.len())?;
    let content = &mut parts[chosen].1;
    let size = content.len();
    content.resize(size + 256, 0);
    let size = fuzzer_mutate(content, size, size + 256);
    content.truncate(size);
    Some(zip(&parts.iter().map(|(name, content)| Part::stored(name, content)).collect::<Vec<_>>()))
}
