//! One function's measurements, taken over several process starts.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use harness::aws_call::{self, Call};
use harness::function::{Function, Process};
use harness::runtime_api::RuntimeApi;
use harness::{Result, event};
use serde_json::Value;

use crate::scenario::Case;
use crate::stack::Stack;

/// Invocations after the first that still open connections and fill caches.
const WARM_UP: usize = 2;
/// Invocations of a case of which only the AWS calls are counted.
const COUNTED: usize = 9;

/// A function under measurement and what was found so far.
pub struct Subject {
    pub function: Function,
    pub cases: &'static [Case],
    pub samples: Samples,
    /// Sequences of AWS calls by case, and how often each was seen.
    pub calls: HashMap<&'static str, HashMap<(usize, String), usize>>,
    /// Why it is measured no more.
    pub failure: Option<String>,
}

/// Durations in milliseconds, memory in MiB; one entry per start, or per warm invocation.
#[derive(Default)]
pub struct Samples {
    pub ready: Vec<f64>,
    pub first: Vec<f64>,
    pub first_aws: Vec<f64>,
    pub warm: Vec<f64>,
    pub warm_aws: Vec<f64>,
    pub warm_own: Vec<f64>,
    pub memory: Vec<f64>,
}

/// What all measurements share.
pub struct Bench {
    pub runtime: RuntimeApi,
    pub stack: Option<Stack>,
    pub calls: Receiver<Call>,
}

/// An invocation, and the AWS calls made on its way.
struct Measured {
    total: Duration,
    calls: Vec<Call>,
    reply: Value,
}

impl Bench {
    fn invoke(&self, process: &mut Process, event: &Value) -> Result<Measured> {
        // Calls made after the last reply belong to no invocation.
        self.calls.try_iter().for_each(drop);
        let invocation = process.invoke(event)?;
        Ok(Measured { total: invocation.total, calls: self.calls.try_iter().collect(), reply: invocation.reply })
    }
}

impl Subject {
    pub fn new(function: Function, cases: &'static [Case]) -> Self {
        Self { function, cases, samples: Samples::default(), calls: HashMap::new(), failure: None }
    }

    /// One start: ready, first reply, `warm` further replies, memory.
    pub fn start_once(&mut self, bench: &Bench, warm: usize) -> Result<()> {
        let timed = self.cases.first();
        let events = self.events(bench, timed, 1 + WARM_UP + warm)?;
        let mut process = Process::start(&self.function, &bench.runtime)?;
        self.samples.ready.push(milliseconds(process.ready));
        for (index, event) in events.iter().enumerate() {
            let invocation = bench.invoke(&mut process, event)?;
            self.count(bench, timed, &invocation)?;
            let aws = aws_call::time_waiting(&invocation.calls);
            if index == 0 {
                self.samples.first.push(milliseconds(invocation.total));
                self.samples.first_aws.push(milliseconds(aws));
            } else if index > WARM_UP {
                self.samples.warm.push(milliseconds(invocation.total));
                self.samples.warm_aws.push(milliseconds(aws));
                self.samples.warm_own.push(milliseconds(invocation.total.saturating_sub(aws)));
            }
        }
        self.samples.memory.extend(process.peak_memory().map(|kib| f64::from(kib) / 1024.0));
        Ok(())
    }

    /// Counts the AWS calls of the cases that are not timed.
    pub fn count_calls(&mut self, bench: &Bench) -> Result<()> {
        for case in self.cases.iter().skip(1) {
            let events = self.events(bench, Some(case), COUNTED)?;
            let mut process = Process::start(&self.function, &bench.runtime)?;
            for event in &events {
                let invocation = bench.invoke(&mut process, event)?;
                self.count(bench, Some(case), &invocation)?;
            }
        }
        Ok(())
    }

    /// Made before the function starts, so that making them disturbs no measurement.
    fn events(&self, bench: &Bench, case: Option<&Case>, count: usize) -> Result<Vec<Value>> {
        let Some(case) = case else {
            let count = if self.function.name == crate::EMPTY { count } else { 0 };
            return Ok(vec![crate::event::empty_event(); count]);
        };
        let stack = bench.stack.as_ref().ok_or("no stack")?;
        if case.uses_up {
            return (0..count).map(|_| (case.event)(stack)).collect();
        }
        Ok(vec![(case.event)(stack)?; count])
    }

    fn count(&mut self, bench: &Bench, case: Option<&Case>, invocation: &Measured) -> Result<()> {
        if let Some(fault) = event::fault(&invocation.reply) {
            return Err(format!("{fault} (its log: {})", self.function.log.display()).into());
        }
        if let Some(stack) = &bench.stack {
            stack.note_saved(&event::reply_body(&invocation.reply));
        }
        if let Some(case) = case {
            let sequence = (invocation.calls.len(), aws_call::sequence(&invocation.calls));
            *self.calls.entry(case.name).or_default().entry(sequence).or_default() += 1;
        }
        Ok(())
    }
}

/// The value below which the given share of the samples lies; none without samples.
pub fn percentile(samples: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&samples, 50), Some(50.0));
        assert_eq!(percentile(&samples, 99), Some(99.0));
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
