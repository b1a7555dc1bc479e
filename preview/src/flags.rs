//! The flags of the command: each is optional and followed by a value.

use std::time::Duration;

use preview::{Bounds, Limits};

pub const USAGE: &str = "usage: render <FILE >PREVIEW [--width N] [--height N] [--charset NAME] [--max-pixels N] \
    [--max-pages N] [--max-nesting N] [--max-expanded-bytes N] [--max-memory-bytes N] [--max-time-ms N]";

pub struct Flags {
    pub bounds: Bounds,
    /// The charset that was declared for text.
    pub charset: Option<String>,
    pub limits: Limits,
    pub memory_bytes: u64,
    /// Of the processor, from the start of the process.
    pub time: Duration,
}

impl Flags {
    /// # Errors
    /// A sentence that says which flag is wrong.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut width, mut height, mut charset) = (None, None, None);
        let mut limits = Limits::default();
        let (mut memory_bytes, mut milliseconds) = (256 * 1024 * 1024, 900);
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--width" => width = Some(number(&flag, &value)?),
                "--height" => height = Some(number(&flag, &value)?),
                "--charset" => charset = Some(value),
                "--max-pixels" => limits.pixels = number(&flag, &value)?,
                "--max-pages" => limits.pages = number(&flag, &value)?,
                "--max-nesting" => limits.nesting = number(&flag, &value)?,
                "--max-expanded-bytes" => limits.expanded_bytes = number(&flag, &value)?,
                "--max-memory-bytes" => memory_bytes = number(&flag, &value)?,
                "--max-time-ms" => milliseconds = number(&flag, &value)?,
                _ => return Err(format!("there is no flag {flag}")),
            }
        }
        let bounds = Bounds::new(width, height)
            .ok_or_else(|| format!("--width and --height are from 1 to {}", Bounds::MAX_SIDE))?;
        Ok(Self { bounds, charset, limits, memory_bytes, time: Duration::from_millis(milliseconds) })
    }
}

fn number<N: std::str::FromStr>(flag: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{flag} is a whole number, not {value:?}"))
}
