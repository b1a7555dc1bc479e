//! The command `render`, run and measured.

use std::{
    fs,
    io::{Read as _, Seek as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use wait4::Wait4 as _;

pub struct Run {
    pub status: ExitStatus,
    pub preview: Vec<u8>,
    /// What it says to the user.
    pub sentence: String,
    /// Of the processor.
    pub time: Duration,
    /// The most that was ever in memory, in bytes.
    pub memory: u64,
}

impl Run {
    /// The exit status, or what ended it instead.
    pub fn end(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code.to_string(),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        }
    }
}

/// The source is in a file, and no longer here when the command starts: a process has what its parent has in memory
/// counted as its own.
pub fn render(source: Vec<u8>, flags: &[&str]) -> Run {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(RUNS.fetch_add(1, Ordering::Relaxed).to_string());
    let mut file = fs::File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    fs::remove_file(path).unwrap();
    file.write_all(&source).unwrap();
    file.rewind().unwrap();
    drop(source);

    let mut child = Command::new(env!("CARGO_BIN_EXE_render"))
        .args(flags)
        .stdin(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Who it is already. It makes Rust fork, and not share with the child what this process ever had in memory.
        .uid(rustix::process::getuid().as_raw())
        .spawn()
        .unwrap();
    let (mut preview, mut sentence) = (Vec::new(), String::new());
    child.stdout.take().unwrap().read_to_end(&mut preview).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut sentence).unwrap();
    let used = child.wait4().unwrap();
    Run {
        status: used.status,
        preview,
        sentence,
        time: used.rusage.utime + used.rusage.stime,
        memory: used.rusage.maxrss,
    }
}
