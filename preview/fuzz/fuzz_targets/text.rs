#![no_main]

// The first byte chooses the charset.
libfuzzer_sys::fuzz_target!(|source: &[u8]| -> libfuzzer_sys::Corpus {
    let charsets = [None, Some("utf-8"), Some("utf-16be"), Some("windows-1252"), Some("shift_jis"), Some("none such")];
    let chosen = source.first().map_or(0, |byte| usize::from(*byte) % charsets.len());
    preview_fuzz::preview(source, charsets.get(chosen).copied().flatten(), true)
});
