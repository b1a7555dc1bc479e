//! `render`: a file on standard input, its preview on standard output.
//!
//! The file is a stranger's, so the process takes from itself what it does not need before it reads a byte of it. The
//! exit status says what happened:
//!
//! | status | |
//! | --- | --- |
//! | 0 | the preview is on standard output |
//! | 3 | there are no previews of files of this type |
//! | 4 | there is no preview of this file: why is on standard error, as a sentence for whoever asked |
//! | 2 | a flag is wrong |
//! | 1 | the process could not do its work, whatever the file: the system refused something |
//! | a signal | it crashed, or met the limit of memory: it could not be rendered |
//!
//! A refusal leaves nothing on standard output.

mod confinement;
mod flags;

use std::{
    io::{self, Write as _},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

use flags::Flags;
use preview::{Encoded, Refusal, render};
use rustix::{buffer::spare_capacity, io::Errno};

const UNUSABLE: u8 = 1;
const WRONG_FLAG: u8 = 2;
const UNSUPPORTED: u8 = 3;
const REFUSED: u8 = 4;

/// What the source grows by while it is read. Pages that are not written to cost nothing.
const STEP: usize = 1024 * 1024;

fn main() -> ExitCode {
    let flags = match Flags::parse(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(wrong) => return end(WRONG_FLAG, &format!("{wrong}\n{}", flags::USAGE)),
    };
    let watchdog = match confinement::enter(flags.memory_bytes, flags.time) {
        Ok(watchdog) => watchdog,
        Err(error) => return end(UNUSABLE, &format!("the process cannot be confined: {error}")),
    };
    // The sentence for the user is all that standard error is for.
    panic::set_hook(Box::new(|_| ()));
    let answer = rendered(&flags);
    // The answer is whole and in memory. Nothing was written before, so a process that is ended sooner has said
    // nothing.
    watchdog.dismiss();
    match answer {
        Ok(preview) => write(&preview),
        Err((status, sentence)) => end(status, &sentence),
    }
}

/// The preview, or what to exit with and why.
fn rendered(flags: &Flags) -> Result<Encoded, (u8, String)> {
    let source = source().map_err(|error| match error {
        Errno::NOMEM => (REFUSED, "the file is too large for a preview".to_owned()),
        error => (UNUSABLE, format!("the file cannot be read: {error}")),
    })?;
    let rendered = panic::catch_unwind(AssertUnwindSafe(|| {
        render(&source, flags.charset.as_deref(), flags.bounds, &flags.limits)
    }));
    // A decoder that panics has met what its author took to be impossible.
    rendered.unwrap_or(Err(Refusal::Broken)).map_err(|refusal| match refusal {
        Refusal::Unsupported => (UNSUPPORTED, refusal.to_string()),
        refusal => (REFUSED, refusal.to_string()),
    })
}

/// All of standard input, in a buffer that is never more than a step too large: half of one that doubles may be unused,
/// which the limit of memory counts all the same.
fn source() -> Result<Vec<u8>, Errno> {
    let mut source = Vec::new();
    loop {
        if source.len() == source.capacity() {
            source.try_reserve_exact(STEP).map_err(|_| Errno::NOMEM)?;
        }
        match rustix::io::read(io::stdin(), spare_capacity(&mut source)) {
            Ok(0) => return Ok(source),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn write(preview: &Encoded) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(&preview.bytes).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(UNUSABLE, &format!("the preview cannot be written: {error}")),
    }
}

fn end(status: u8, sentence: &str) -> ExitCode {
    // Whoever does not listen does not miss it.
    let _ = writeln!(io::stderr(), "{sentence}");
    status.into()
}
