//! One function's process: started, given events, looked at and stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runtime_api::{Event, RuntimeApi, Signal};
use crate::{Result, Variables};

const PATIENCE: Duration = Duration::from_secs(30);

/// A binary and the variables it runs with.
pub struct Function {
    /// The name of its folder.
    pub name: String,
    /// Its `bootstrap`.
    pub binary: PathBuf,
    /// Its environment.
    pub variables: Variables,
    /// Where its own log goes.
    pub log: PathBuf,
}

impl Function {
    /// The size of its binary.
    ///
    /// # Errors
    /// If there is none.
    pub fn binary_bytes(&self) -> Result<u64> {
        Ok(fs::metadata(&self.binary)?.len())
    }
}

/// A reply, and how long it took.
pub struct Invocation {
    /// From the event's delivery to the reply.
    pub total: Duration,
    /// The reply, as JSON.
    pub reply: Value,
}

/// A running function.
pub struct Process {
    child: Child,
    log: PathBuf,
    signals: Receiver<Signal>,
    invocations: u32,
    /// The function waits for an event at the other end.
    waiting: Option<Sender<Event>>,
    /// From before exec to the first poll.
    pub ready: Duration,
}

impl Process {
    /// Starts the function and waits for its first poll.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(function: &Function, runtime: &RuntimeApi) -> Result<Self> {
        let signals = runtime.listen();
        let log = File::create(&function.log)?;
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
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/local")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
            .env("_HANDLER", "bootstrap")
            .env("LAMBDA_TASK_ROOT", function.binary.parent().unwrap_or(Path::new(".")))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", function.binary.display()))?;
        let mut process =
            Self { child, log: function.log.clone(), signals, invocations: 0, waiting: None, ready: Duration::ZERO };
        let (polled, waiting) = process.next_poll()?;
        process.ready = polled - started;
        process.waiting = Some(waiting);
        Ok(process)
    }

    /// Delivers one event and waits for its reply.
    ///
    /// # Errors
    /// If the function ends, or says that it failed.
    pub fn invoke(&mut self, event: &Value) -> Result<Invocation> {
        let waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => self.next_poll()?.1,
        };
        self.invocations += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.invocations);
        waiting.send(Event { id, payload: event.to_string().into_bytes() })?;
        let mut delivered = Instant::now();
        loop {
            match self.next_signal()? {
                Signal::Delivered(at) => delivered = at,
                Signal::Replied(at, body) => {
                    return Ok(Invocation { total: at - delivered, reply: serde_json::from_slice(&body)? });
                }
                Signal::Failed(body) => return Err(self.failure(&String::from_utf8_lossy(&body))),
                Signal::Polled(..) | Signal::Closed => {
                    return Err(self.failure("asked for an event without answering the last"));
                }
            }
        }
    }

    /// The most memory the process has had resident so far, in KiB, where the system tells.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
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
        let mut pause = Duration::from_millis(100);
        loop {
            match self.signals.recv_timeout(pause) {
                // A process closes what it has open a moment before it has ended.
                Ok(Signal::Closed) => pause = Duration::from_millis(1),
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

    fn failure(&self, what: &str) -> Box<dyn std::error::Error + Send + Sync> {
        format!("{what} (its log: {})", self.log.display()).into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
