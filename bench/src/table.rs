//! The two Markdown tables.

use crate::measure::{Subject, percentile};

const AIMS: &str = "\
× is beside the empty function of the same run. Ready: from before exec to the first poll. First and warm reply: from
the event's delivery to the reply. Of it AWS: at least one call to the local AWS was under way; own: the rest, which
has the few hundredths of a millisecond of each hop to the counting proxy in it. Memory: the peak that was resident.
Times and memory are medians; p99 is of all warm replies.

Aims: ready within 1.5 × for those that only presign and 2 × for the others, own warm time within 2 × with the token
checked, memory within 2.5 ×, no binary over 6 MiB.
";

/// Times, memory and size of every function; the empty one is the first.
pub fn times(subjects: &[Subject]) -> String {
    let heads = [
        "function",
        "ready ms",
        "×",
        "first reply ms",
        "of it AWS",
        "warm p50 ms",
        "p99 ms",
        "of it AWS",
        "own p50 ms",
        "×",
        "memory MiB",
        "×",
        "binary MiB",
    ];
    let empty = subjects.first();
    let rows = subjects.iter().map(|subject| {
        let samples = &subject.samples;
        let beside = |value: &[f64], empty: Option<&[f64]>| {
            let ratio = median(value).zip(empty.and_then(median)).map(|(value, empty)| value / empty);
            number(ratio, 2)
        };
        let first_aws = median(&samples.first_aws).filter(|waiting| *waiting > 0.0);
        let warm_aws = median(&samples.warm_aws).filter(|waiting| *waiting > 0.0);
        let bytes = subject.function.binary_bytes().ok().and_then(|bytes| u32::try_from(bytes).ok());
        vec![
            subject.function.name.clone(),
            number(median(&samples.ready), 2),
            beside(&samples.ready, empty.map(|empty| empty.samples.ready.as_slice())),
            number(median(&samples.first), 2),
            number(first_aws, 2),
            number(median(&samples.warm), 3),
            number(percentile(&samples.warm, 99), 3),
            number(warm_aws, 3),
            number(median(&samples.warm_own), 3),
            beside(&samples.warm_own, empty.map(|empty| empty.samples.warm_own.as_slice())),
            number(median(&samples.memory), 1),
            beside(&samples.memory, empty.map(|empty| empty.samples.memory.as_slice())),
            number(bytes.map(|bytes| f64::from(bytes) / f64::from(1024 * 1024)), 2),
        ]
    });
    markdown(&heads, &[0], rows) + "\n" + AIMS
}

/// The AWS calls of every case: the sequence seen most often, and how often that was.
pub fn calls(subjects: &[Subject]) -> String {
    let mut rows = Vec::new();
    for subject in subjects {
        for case in subject.cases {
            let Some(seen) = subject.calls.get(case.name) else {
                continue;
            };
            let all: usize = seen.values().sum();
            let Some(((count, sequence), times)) = seen.iter().max_by_key(|(_, times)| **times) else {
                continue;
            };
            let steps = if *count == 0 { 0 } else { sequence.split(" → ").count() };
            let sequence = if sequence.is_empty() { "–" } else { sequence };
            rows.push(vec![
                subject.function.name.clone(),
                case.name.to_owned(),
                count.to_string(),
                steps.to_string(),
                sequence.to_owned(),
                format!("{times} of {all}"),
            ]);
        }
    }
    let heads = ["function", "operation", "AWS calls", "steps", "in order; + is together", "seen in"];
    markdown(&heads, &[0, 1, 4], rows.into_iter())
}

/// The columns named are text; the others hold numbers, which line up on the right.
fn markdown(heads: &[&str], text_columns: &[usize], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule = (0..heads.len()).map(|column| if text_columns.contains(&column) { "---" } else { "---:" });
    let mut text = line(heads.iter().copied()) + &line(rule);
    for row in rows {
        text += &line(row.iter().map(String::as_str));
    }
    text
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

fn median(samples: &[f64]) -> Option<f64> {
    percentile(samples, 50)
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}
