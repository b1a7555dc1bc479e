//! Repeats every writing operation with every failure of each of its AWS calls, and checks what the API promises:
//! nothing is lost, doubled, left behind, wrongly visible or wrongly hidden; what was refused is as if it never was.
//!
//! The functions are the built ones, over a Lambda Runtime API on loopback; their AWS is the emulator behind a proxy
//! that makes calls fail. The worker runs, and time passes, when a case says so.
#![expect(clippy::indexing_slicing, reason = "mostly JSON is indexed: a field that is not there reads as null")]

mod audit;
mod aws;
mod canonical;
mod case;
mod fault;
mod lane;
mod report;
mod requests;
mod scenario;
mod selection;
mod server;
mod wire;
mod worker;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use harness::Result;
use harness::stack::LocalStack;

use audit::violation;
use case::{Case, Reference, reference};
use lane::{Lane, Setting};
use report::Report;
use scenario::{SCENARIOS, Scenario};

const USAGE: &str = "\
usage: faults BINARIES [--all] [--only SCENARIO/CALL/KIND/REPEAT] [--lanes 16] [--stack .local/stack.env]
BINARIES holds FUNCTION/bootstrap for every folder of functions/. A part of a case is enough for --only.";

struct Arguments {
    binaries: PathBuf,
    stack: PathBuf,
    only: String,
    all: bool,
    lanes: usize,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let arguments = arguments()?;
    let stack = LocalStack::load(&arguments.stack)?;
    let filters = stack.stream_filters("purge-files")?;
    let server = server::start()?;
    let setting = Arc::new(Setting { stack, binaries: arguments.binaries.clone(), server, filters });
    let mut lanes = (0..arguments.lanes).map(|number| Lane::new(&setting, number)).collect::<Result<Vec<_>>>()?;
    let report = work(&arguments, &mut lanes);
    let removed = lanes.into_iter().map(Lane::remove).collect::<Result<Vec<()>>>();
    let report = report?;
    removed?;
    write!(io::stdout().lock(), "{report}")?;
    Ok(report.is_clean())
}

fn work(arguments: &Arguments, lanes: &mut [Lane]) -> Result<Report> {
    let scenario_part = arguments.only.split('/').next().unwrap_or_default();
    let wanted = |scenario: &&Scenario| scenario_part.is_empty() || scenario.name == scenario_part;
    let scenarios: Vec<&Scenario> = SCENARIOS.iter().filter(wanted).collect();
    let references = side_by_side(lanes, &scenarios, |lane, scenario| reference(lane, scenario))?;
    let scenarios: Vec<(&Scenario, Reference)> = scenarios.into_iter().zip(references).collect();

    let mut cases: Vec<(usize, Case)> = Vec::new();
    for (index, (scenario, reference)) in scenarios.iter().enumerate() {
        cases.extend(selection::cases(scenario, &reference.calls).into_iter().map(|case| (index, case)));
    }
    if arguments.only.is_empty() {
        if !arguments.all {
            selection::some(&mut cases);
        }
    } else {
        cases.retain(|(_, case)| format!("{case}/").starts_with(&format!("{}/", arguments.only)));
    }
    let tried = AtomicUsize::new(0);
    let verdicts = side_by_side(lanes, &cases, |lane, (index, case)| {
        let (scenario, reference) = scenarios.get(*index).ok_or("no such scenario")?;
        let verdict = case::run(lane, scenario, reference, case);
        let number = tried.fetch_add(1, Ordering::Relaxed) + 1;
        if number.is_multiple_of(100) {
            eprintln!("{number} of {} cases", cases.len());
        }
        // The functions must not fail without a fault either.
        Ok(verdict.unwrap_or_else(|error| Some(vec![violation("broken", error.to_string())])))
    })?;
    Ok(Report::of(cases.into_iter().map(|(_, case)| case).zip(verdicts)))
}

/// Does the same with each of many, as many at a time as there are lanes.
fn side_by_side<T: Sync, R: Send>(
    lanes: &mut [Lane],
    all: &[T],
    work: impl Fn(&mut Lane, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for lane in lanes {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = all.get(index) else { return };
                    let result = work(lane, one);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments {
        binaries: PathBuf::new(),
        stack: PathBuf::from(".local/stack.env"),
        only: String::new(),
        all: false,
        lanes: 16,
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(USAGE);
        match argument.as_str() {
            "--all" => arguments.all = true,
            "--only" => arguments.only = value()?,
            "--lanes" => arguments.lanes = value()?.parse::<usize>()?.max(1),
            "--stack" => arguments.stack = PathBuf::from(value()?),
            other if other.starts_with("--") => return Err(USAGE.into()),
            other => arguments.binaries = PathBuf::from(other),
        }
    }
    if arguments.binaries.as_os_str().is_empty() { Err(USAGE.into()) } else { Ok(arguments) }
}
