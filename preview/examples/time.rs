//! What `make bench-previews` runs of ours: renders the file of its first argument at 200 pixels as often as its second
//! says, and prints the median of a rendering in milliseconds and the process's peak memory in mebibytes.
#![expect(clippy::print_stdout, reason = "its output")]

use std::{env, error::Error, fs, time::Instant};

use preview::{Bounds, Limits};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, path, times] = arguments.as_slice() else { return Err("time FILE TIMES".into()) };
    let source = fs::read(path)?;
    let bounds = Bounds::new(None, None).ok_or("bounds")?;
    let mut milliseconds = Vec::new();
    for _ in 0..times.parse()? {
        let start = Instant::now();
        preview::render(&source, None, bounds, &Limits::default())?;
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
    }
    milliseconds.sort_by(f64::total_cmp);
    let median = milliseconds.get(milliseconds.len() / 2).ok_or("no times")?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    let kibibytes: f64 = peak.trim_end_matches("kB").trim().parse()?;
    println!("{median} {}", kibibytes / 1024.0);
    Ok(())
}
