//! Measures every function beside an empty one. Starts the binaries over a Lambda Runtime API on loopback, passes their
//! AWS calls through a counting proxy to the local stack, and prints two Markdown tables.
#![expect(clippy::indexing_slicing, reason = "only JSON is indexed: a field that is not there reads as null")]

mod event;
mod measure;
mod scenario;
mod stack;
mod table;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use harness::aws_call::{self, Call};
use harness::function::Function;
use harness::proxy::Proxy;
use harness::runtime_api::RuntimeApi;
use harness::{Result, Variables};
use measure::{Bench, Subject};
use stack::Stack;

const EMPTY: &str = "empty";
const USAGE: &str = "\
usage: bench BINARIES [--starts 15] [--warm 1000] [--warm-writes 105] [--only FUNCTION] [--functions functions]
             [--stack .local/stack.env]
BINARIES holds FUNCTION/bootstrap for every folder of functions/, and empty/bootstrap.";

struct Arguments {
    binaries: PathBuf,
    functions: PathBuf,
    stack: PathBuf,
    only: Option<String>,
    starts: usize,
    warm: usize,
    /// Warm invocations of functions that use up what they are given.
    warm_writes: usize,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments = arguments()?;
    let names = functions(&arguments)?;
    let stack = if names.is_empty() { None } else { Some(Stack::load(&arguments.stack)?) };
    let (calls, seen) = channel();
    let proxy = match &stack {
        Some(stack) => Some(counting_proxy(stack.setting("AWS_ENDPOINT_URL")?, calls)?),
        None => None,
    };
    let mut subjects = vec![Subject::new(function(&arguments, EMPTY, Variables::new())?, &[])];
    for name in &names {
        let variables = variables(name, stack.as_ref(), proxy.as_ref())?;
        subjects.push(Subject::new(function(&arguments, name, variables)?, scenario::cases(name)));
    }
    let bench = Bench { runtime: RuntimeApi::start()?, stack, calls: seen };

    measure_all(&arguments, &bench, &mut subjects);
    if let Some(stack) = &bench.stack {
        eprintln!("removing the bench's files");
        stack.clean_up()?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}\n{}", table::times(&subjects), table::calls(&subjects))?;
    let failed: Vec<&str> = subjects
        .iter()
        .filter(|subject| subject.failure.is_some())
        .map(|subject| subject.function.name.as_str())
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("not measured to the end: {} (the reason is above)", failed.join(", ")).into())
}

/// Every function in every round, each round beginning with another one: a machine that slows down hits all alike.
fn measure_all(arguments: &Arguments, bench: &Bench, subjects: &mut [Subject]) {
    for round in 0..arguments.starts {
        eprintln!("round {} of {}", round + 1, arguments.starts);
        let (later, first) = subjects.split_at_mut(round % subjects.len().max(1));
        for subject in first.iter_mut().chain(later).filter(|subject| subject.failure.is_none()) {
            let uses_up = subject.cases.first().is_some_and(|case| case.uses_up);
            let warm = if uses_up { arguments.warm_writes } else { arguments.warm };
            let measured = subject.start_once(bench, warm.div_ceil(arguments.starts));
            note_failure(subject, measured);
        }
    }
    eprintln!("counting the AWS calls of further cases");
    for subject in subjects.iter_mut().filter(|subject| subject.failure.is_none()) {
        let counted = subject.count_calls(bench);
        note_failure(subject, counted);
    }
}

fn note_failure(subject: &mut Subject, outcome: Result<()>) {
    if let Err(error) = outcome {
        eprintln!("{}: {error}; not measured further", subject.function.name);
        subject.failure = Some(error.to_string());
    }
}

/// The folders of `functions/`, in the order of their names.
fn functions(arguments: &Arguments) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&arguments.functions)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && arguments.only.as_ref().is_none_or(|only| *only == name) {
            if scenario::cases(&name).is_empty() {
                eprintln!("{name} has no cases in bench/src/scenario.rs: only its start is measured");
            }
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn function(arguments: &Arguments, name: &str, variables: Variables) -> Result<Function> {
    let binary = fs::canonicalize(arguments.binaries.join(name).join("bootstrap")).map_err(|error| {
        let folder = arguments.binaries.display();
        format!("{folder}/{name}/bootstrap: {error}. `make bench` builds it")
    })?;
    let log = std::env::temp_dir().join(format!("file-api-bench-{name}.log"));
    Ok(Function { name: name.to_owned(), binary, variables, log })
}

/// A proxy that notes every call and how long it took.
fn counting_proxy(endpoint: &str, calls: Sender<Call>) -> Result<Proxy> {
    Proxy::start(endpoint, move |request, upstream| {
        let start = Instant::now();
        let response = upstream.exchange(request)?;
        // Noted before the function can see the reply, so that it belongs to this invocation.
        let call = Call { name: aws_call::name(request), start, end: Instant::now() };
        calls.send(call).map_err(io::Error::other)?;
        Ok(Some(response))
    })
}

/// As deployed, with AWS behind the proxy.
fn variables(name: &str, stack: Option<&Stack>, proxy: Option<&Proxy>) -> Result<Variables> {
    let (Some(stack), Some(proxy)) = (stack, proxy) else {
        return Ok(Variables::new());
    };
    stack.variables(name, &proxy.url)
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments {
        binaries: PathBuf::new(),
        functions: PathBuf::from("functions"),
        stack: PathBuf::from(".local/stack.env"),
        only: None,
        starts: 15,
        warm: 1000,
        warm_writes: 105,
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        if !argument.starts_with("--") {
            arguments.binaries = PathBuf::from(argument);
            continue;
        }
        let value = given.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--starts" => arguments.starts = value.parse::<usize>()?.max(1),
            "--warm" => arguments.warm = value.parse()?,
            "--warm-writes" => arguments.warm_writes = value.parse()?,
            "--only" => arguments.only = Some(value),
            "--functions" => arguments.functions = PathBuf::from(value),
            "--stack" => arguments.stack = PathBuf::from(value),
            _ => return Err(USAGE.into()),
        }
    }
    if arguments.binaries == Path::new("") {
        return Err(USAGE.into());
    }
    Ok(arguments)
}
