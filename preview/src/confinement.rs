//! What the process takes from itself, so that a hostile file cannot use it: memory beyond its share, time, files,
//! sockets and other processes.

use std::{
    io::{self, Write as _},
    process,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

/// What the stack may grow to, whatever the process was started with. Overflow ends the process.
const STACK_BYTES: u64 = 8 * 1024 * 1024;
/// No preview is larger: it is at most 2,048 × 2,048 pixels of 4 bytes. Not 0, so that a person can send it to a file.
const OUTPUT_BYTES: u64 = 32 * 1024 * 1024;
/// What the C library of Linux would reserve for the heap of another thread.
const HEAP_BYTES: u64 = 64 * 1024 * 1024;
/// How many times the processor's time may pass on the clock on the wall: what waits forever uses none.
const PATIENCE: u32 = 20;

/// Whether it is decided how the process ends. One thread decides, once: the one that works, or the watchdog.
static DECIDED: AtomicBool = AtomicBool::new(false);

/// From here on the process has this much address space and this much of the processor's time since it started, and
/// cannot open, connect to or start anything.
///
/// # Errors
/// If the system refuses.
pub fn enter(memory_bytes: u64, time: Duration) -> io::Result<Watchdog> {
    limit(Resource::Stack, STACK_BYTES)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, OUTPUT_BYTES)?;
    // Standard input and output are open already and stay so.
    limit(Resource::Nofile, 0)?;
    // A thread that allocates is given a heap of its own, which would be a quarter of the address space. While the
    // watchdog starts there is no room for one beside the program, and it makes do with pages.
    set(Resource::As, HEAP_BYTES.min(memory_bytes), memory_bytes)?;
    let (starting, started) = mpsc::channel::<()>();
    thread::Builder::new().stack_size(64 * 1024).spawn(move || {
        drop(starting);
        watch(time);
    })?;
    // Nothing is ever sent: it returns when the other end is dropped.
    let _ = started.recv();
    limit(Resource::As, memory_bytes)?;
    // No more threads or processes; the system does not hold root to this.
    limit(Resource::Nproc, 0)?;
    Ok(Watchdog { time })
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    set(resource, most, most)
}

/// Nobody can raise the maximum again, except root.
fn set(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let new = Rlimit { current: Some(current.min(inherited)), maximum: Some(maximum.min(inherited)) };
    match setrlimit(resource, new) {
        // macOS has some of these by name only. The functions run on Linux.
        Err(_) if cfg!(not(target_os = "linux")) => Ok(()),
        result => Ok(result?),
    }
}

/// Ends the process when its time is used.
#[must_use]
pub struct Watchdog {
    time: Duration,
}

impl Watchdog {
    /// Lets the process answer, and take its time for that: the reader may be slow. If its time is used already this
    /// does not return, and the watchdog's answer is the only one.
    pub fn dismiss(self) {
        if used() >= self.time || !decide() {
            end_late();
        }
    }
}

/// `true` for the thread that asks first.
fn decide() -> bool {
    !DECIDED.swap(true, Ordering::SeqCst)
}

/// The processor's time since the process started.
fn used() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or(Duration::MAX)
}

/// The watchdog's thread. It allocates nothing, for it has no heap.
fn watch(time: Duration) {
    let started = Instant::now();
    loop {
        let left = time.saturating_sub(used());
        if left.is_zero() || started.elapsed() >= time.saturating_mul(PATIENCE) {
            end_late();
        }
        // Only one other thread works, so the rest cannot be used sooner than it passes.
        thread::sleep(left);
    }
}

/// Refuses the file, unless the other thread ends the process.
fn end_late() -> ! {
    if decide() {
        let _ = io::stderr().write_all(b"the file takes too long for a preview\n");
        process::exit(i32::from(crate::REFUSED));
    }
    loop {
        thread::park();
    }
}
