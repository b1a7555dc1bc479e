//! Either the preview is written, or the watchdog refuses the file: never both, and never a part of either.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use png::{BitDepth, ColorType, Encoder};

use crate::{command::render, fixtures};

const TOO_LONG: &str = "the file takes too long for a preview\n";

fn spawn(milliseconds: u64) -> Child {
    let command = Command::new(env!("CARGO_BIN_EXE_render"))
        .args(["--width", "256", "--max-time-ms", &milliseconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    command.unwrap()
}

/// Noise with transparency, whose preview has more bytes than a pipe.
fn noise() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let pixels: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(256 * 256 * 4).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 256, 256);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

#[test]
fn a_file_that_never_comes_is_refused() {
    let mut child = spawn(50);
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(4), 0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), TOO_LONG);
}

#[test]
fn what_works_without_end_is_refused() {
    let bomb = fixtures::bombs().into_iter().find(|bomb| bomb.name.starts_with("svg: 200 blurs")).unwrap();
    let run = render((bomb.make)(), &["--max-time-ms", "20"]);
    assert_eq!((run.end().as_str(), run.preview.len(), run.sentence.as_str()), ("4", 0, TOO_LONG));
}

#[test]
fn a_preview_that_is_being_written_is_written_to_its_end_however_slow_the_reader_is() {
    let source = noise();
    // On a slow machine the time must be longer, for the preview to be written at all.
    for milliseconds in (5..).map(|power| 2_u64.pow(power)) {
        let mut child = spawn(milliseconds);
        // The watchdog may end it before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(&source);
        let mut preview = vec![0];
        if child.stdout.as_mut().unwrap().read(&mut preview).unwrap() == 0 {
            continue;
        }
        // Twice what the watchdog would wait, in which the pipe is full.
        thread::sleep(Duration::from_millis(milliseconds * 40));
        let output = child.wait_with_output().unwrap();
        preview.extend(output.stdout);
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
        assert!(preview.len() > 1 << 16, "it would have fitted into the pipe");
        assert_eq!(image::load_from_memory(&preview).unwrap().width(), 256);
        return;
    }
}

#[test]
fn whatever_the_time_it_ends_with_the_whole_preview_or_none() {
    let source = noise();
    let mut ends = [0; 2];
    // From no time at all, in which nothing is rendered, to so much that everything is.
    let steps = (0..60).chain((6..).map(|power| 2_u64.pow(power)));
    for milliseconds in steps {
        let run = render(source.clone(), &["--width", "256", "--max-time-ms", &milliseconds.to_string()]);
        match run.end().as_str() {
            "0" => assert!(run.sentence.is_empty() && image::load_from_memory(&run.preview).is_ok()),
            end => assert_eq!((end, run.preview.len(), run.sentence.as_str()), ("4", 0, TOO_LONG)),
        }
        ends[usize::from(run.end() == "0")] += 1;
        if milliseconds >= 60 && ends[1] > 0 {
            break;
        }
    }
    assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
}
