#![no_main]

libfuzzer_sys::fuzz_target!(|source: &[u8]| -> libfuzzer_sys::Corpus {
    preview_fuzz::preview(source, None, source.starts_with(b"RIFF") && source.get(8..12) == Some(b"WEBP"))
});
