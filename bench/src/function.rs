//! One function's process: started, given events, looked at and stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::aws_call::Call;
use crate::runtime_api::{Event, RuntimeApi, Signal};
use crate::{Result, Variables};

const PATIENCE: Duration = Duration::from_secs(30);

/// A binary and the variables it runs with.
pub struct Function {
    pub name: String,
    pub binary: PathBuf,
    pub variables: Variables,
}

impl Function {
    pub fn binary_bytes(&self) -> Result<u64> {
        Ok(fs::metadata(&self.binary)?.len())
    }

    /// Where the function's own log goes.
    pub fn log(&self) -> PathBuf {
        std::env::temp_dir().join(format!("file-api-bench-{}.log", self.name))
    }
}

/// A reply, how long it took, and the AWS calls made on the way.
pub struct Invocation {
    pub total: Duration,
    pub calls: Vec<Call>,
    pub reply: Value,
}

/// A running function.
pub struct Process<'a> {
    child: Child,
    log: PathBuf,
    signals: Receiver<Signal>,
    calls: Option<&'a Receiver<Call>>,
    invocations: u32,
    /// The function waits for an event at the other end.
    waiting: Option<Sender<Event>>,
    /// From before exec to the first poll.
    pub ready: Duration,
}

impl<'a> Process<'a> {
    /// Starts the function and waits for its first poll.
    pub fn start(function: &Function, runtime: &RuntimeApi, calls: Option<&'a Receiver<Call>>) -> Result<Self> {
        let signals = runtime.listen();
        let log = File::create(function.log())?;
        let mut command = Command::new(&function.binary);
        command
            .env_clear()
            .envs(function.variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", runtime.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env("_HANDLER", "bootstrap")
            .env("LAMBDA_TASK_ROOT", function.binary.parent().unwrap_or(Path::new(".")))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", function.binary.display()))?;
        let mut process =
            Self { child, log: function.log(), signals, calls, invocations: 0, waiting: None, ready: Duration::ZERO };
        let (polled, waiting) = process.next_poll()?;
        process.ready = polled - started;
        process.waiting = Some(waiting);
        Ok(process)
    }

    /// Delivers one event and waits for its reply.
    pub fn invoke(&mut self, event: &Value) -> Result<Invocation> {
        let waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => self.next_poll()?.1,
        };
        // Calls made after the last reply belong to no invocation.
        self.calls.into_iter().flat_map(Receiver::try_iter).for_each(drop);
        self.invocations += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.invocations);
        waiting.send(Event { id, payload: event.to_string().into_bytes() })?;
        let mut delivered = Instant::now();
        loop {
            match self.next_signal()? {
                Signal::Delivered(at) => delivered = at,
                Signal::Replied(at, body) => {
                    return Ok(Invocation {
                        total: at - delivered,
                        calls: self.calls.into_iter().flat_map(Receiver::try_iter).collect(),
                        reply: serde_json::from_slice(&body)?,
                    });
                }
                Signal::Failed(body) => return Err(self.failure(&String::from_utf8_lossy(&body))),
                Signal::Polled(..) => {
                    return Err(self.failure("asked for an event without answering the last"));
                }
            }
        }
    }

    /// The most memory the process has had resident so far, in KiB, where the system tells.
    pub fn peak_memory(&self) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    fn next_poll(&mut self) -> Result<(Instant, Sender<Event>)> {
        match self.next_signal()? {
            Signal::Polled(at, waiting) => Ok((at, waiting)),
            Signal::Failed(body) => Err(self.failure(&String::from_utf8_lossy(&body))),
            _ => Err(self.failure("answered without an event")),
        }
    }

    fn next_signal(&mut self) -> Result<Signal> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.signals.recv_timeout(Duration::from_millis(100)) {
                Ok(signal) => return Ok(signal),
                Err(RecvTimeoutError::Disconnected) => return Err("the Runtime API ended".into()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failure(&format!("ended, {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.failure(&format!("no sign of life for {} s", PATIENCE.as_secs())));
            }
        }
    }

    fn failure(&self, what: &str) -> Box<dyn std::error::Error> {
        format!("{what} (its log: {})", self.log.display()).into()
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
