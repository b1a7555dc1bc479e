//! What would cost too much is refused, and files that end early crash nothing.
//!
//! No test measures time, which would say how fast a machine is. The command counts its work and its time itself: what
//! is rendered was within both, and what the watchdog ends says so.

use crate::{
    command::{Run, render},
    fixtures::{self, Ends},
};

const MEMORY: u64 = 256 * 1024 * 1024;
/// Far more than any fixture needs, however slow the machine is.
const PATIENT: &[&str] = &["--max-time-ms", "600000"];

/// Why this end is none that a hostile file may bring about, if it is none.
fn complaint(run: &Run, ends: Ends) -> Option<String> {
    let sentence = run.sentence.trim_end();
    match run.status.code() {
        Some(0) if ends == Ends::Refused => Some("it was rendered".into()),
        Some(0 | 3 | 4) if run.memory > MEMORY => Some(format!("it took {} bytes", run.memory)),
        Some(0) => (!sentence.is_empty()).then(|| format!("it was rendered, but says {sentence:?}")),
        _ if !run.preview.is_empty() => Some(format!("it ended with {} and {} bytes", run.end(), run.preview.len())),
        Some(3 | 4) => {
            (sentence.is_empty() || sentence.lines().count() != 1).then(|| format!("it was refused with {sentence:?}"))
        }
        // It met the limit of memory.
        _ if sentence.starts_with("memory allocation of") => None,
        _ => Some(format!("it crashed ({}): {sentence}", run.end())),
    }
}

#[test]
fn bombs_are_refused_within_the_limits() {
    let mut complaints = Vec::new();
    println!("| bomb | KB | exit | ms | MiB | |\n| --- | ---: | ---: | ---: | ---: | --- |");
    for bomb in fixtures::bombs() {
        let source = (bomb.make)();
        let kb = source.len().div_ceil(1000);
        let run = render(source, &[]);
        let mib = run.memory >> 20;
        let (end, ms) = (run.end(), run.time.as_millis());
        println!(
            "| {} | {kb} | {end} | {ms} | {mib} | {} |",
            bomb.name,
            run.sentence.lines().next().unwrap_or_default()
        );
        complaints.extend(complaint(&run, bomb.ends).map(|complaint| format!("{}: {complaint}", bomb.name)));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn files_that_end_early_crash_nothing() {
    let mut complaints = Vec::new();
    for fixture in fixtures::all() {
        for eighth in 0..8 {
            let end = fixture.bytes.len() * eighth / 8;
            let run = render(fixture.bytes[..end].to_vec(), &[]);
            let complaint = complaint(&run, Ends::Somehow);
            complaints.extend(complaint.map(|complaint| format!("{} of {end} bytes: {complaint}", fixture.name)));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn limits_are_what_the_flags_say() {
    let fixtures = fixtures::all();
    let fixture = |name| fixtures.iter().find(|fixture| fixture.name == name).unwrap().bytes.clone();
    let refused = |name, flags: &[&str], sentence: &str| {
        assert_eq!(render(fixture(name), PATIENT).end(), "0", "{name}");
        let run = render(fixture(name), &[PATIENT, flags].concat());
        assert_eq!((run.end().as_str(), run.sentence.contains(sentence)), ("4", true), "{name} {}", run.sentence);
    };
    refused("rgb.png", &["--max-pixels", "59999"], "too many pixels");
    refused("animated.gif", &["--max-pages", "2"], "too many");
    refused("page.pdf", &["--max-pages", "1"], "too many pages");
    refused("text.docx", &["--max-nesting", "3"], "too many");
    refused("text.docx", &["--max-expanded-bytes", "600"], "too many");
    refused("rgb.png", &["--max-time-ms", "0"], "takes too long");
    assert_eq!(render(fixture("rgb.png"), &["--max-memory-bytes", "x"]).end(), "2");
    assert_ne!(render(vec![0; 8 << 20], &["--max-memory-bytes", "8388608"]).end(), "3");
}

#[test]
fn the_box_is_what_the_flags_say() {
    let fixtures = fixtures::all();
    let source = fixtures.iter().find(|fixture| fixture.name == "rgb.png").unwrap().bytes.clone();
    let run = render(source, &[PATIENT, &["--width", "30"]].concat());
    let preview = image::load_from_memory(&run.preview).unwrap();
    assert_eq!((preview.width(), preview.height()), (30, 20));
}
