//! Between functions and the emulator: knows every call of a request, lets one of them fail, and writes the stream.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use harness::Result;
use harness::aws_call;
use harness::http::Message;
use harness::proxy::Upstream;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::aws::{Aws, key_of};
use crate::fault::{Call, Fault, Kind};

pub struct Wire {
    watched: Mutex<Watched>,
    table: Mutex<Table>,
}

/// The request that is under way.
#[derive(Default)]
struct Watched {
    process: u32,
    fault: Option<Fault>,
    has_failed: bool,
    calls: Vec<Call>,
    /// By the id that all attempts of a call share.
    attempts: HashMap<String, (Call, u32)>,
}

/// The table as it was last seen, and what its stream says about how it became so.
struct Table {
    aws: Aws,
    name: String,
    items: BTreeMap<String, Value>,
    changes: Vec<Change>,
}

/// A change of an item.
#[derive(Clone, Debug)]
pub struct Change {
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// Whether its time was over.
    pub has_run_out: bool,
}

impl Wire {
    pub fn new(aws: Aws, table: &str) -> Self {
        let table = Table { aws, name: table.to_owned(), items: BTreeMap::new(), changes: Vec::new() };
        Self { watched: Mutex::default(), table: Mutex::new(table) }
    }

    /// A request begins, in this process, and one of its calls is to fail.
    pub fn watch(&self, process: u32, fault: Option<&Fault>) {
        *self.watched() = Watched { process, fault: fault.cloned(), ..Watched::default() };
    }

    /// The calls of the request that was watched last, and whether the fault came to pass.
    pub fn seen(&self) -> (Vec<Call>, bool) {
        let watched = self.watched();
        (watched.calls.clone(), watched.has_failed)
    }

    /// Answers one call.
    pub fn answer(&self, request: &Message, upstream: &mut Upstream) -> io::Result<Option<Message>> {
        let name = aws_call::name(request);
        let Some(kind) = self.fault_of(&name, request) else {
            return self.pass_on(&name, request, upstream).map(Some);
        };
        if kind.takes_effect() {
            self.pass_on(&name, request, upstream)?;
        }
        if kind.kills() {
            let process = i32::try_from(self.watched().process).ok().and_then(Pid::from_raw);
            kill_process(process.ok_or(io::ErrorKind::NotFound)?, Signal::KILL)?;
        }
        Ok(kind.answer(request, &name))
    }

    /// Notes the call; how it is to fail, if it is.
    fn fault_of(&self, name: &str, request: &Message) -> Option<Kind> {
        let mut watched = self.watched();
        let id = request.header("amz-sdk-invocation-id")?.to_owned();
        let (call, attempt) = if let Some((call, attempt)) = watched.attempts.get(&id) {
            (call.clone(), attempt + 1)
        } else {
            let nth = watched.calls.iter().filter(|call| call.name == name).count() + 1;
            let call = Call { name: name.to_owned(), nth };
            watched.calls.push(call.clone());
            (call, 1)
        };
        watched.attempts.insert(id, (call.clone(), attempt));
        let fault = watched.fault.clone().filter(|fault| fault.call == call)?;
        if attempt > 1 && fault.kind.is_once() {
            return None;
        }
        watched.has_failed = true;
        Some(fault.kind)
    }

    fn pass_on(&self, name: &str, request: &Message, upstream: &mut Upstream) -> io::Result<Message> {
        let action = name.strip_prefix("DynamoDB ").unwrap_or_default();
        let writes = ["Put", "Update", "Delete", "Transact", "BatchWrite"].iter().any(|verb| action.starts_with(verb));
        if !writes {
            return upstream.exchange(request);
        }
        let mut table = self.table();
        let response = upstream.exchange(request)?;
        table.look().map_err(io::Error::other)?;
        Ok(response)
    }

    /// What the stream has said since it was asked last.
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.table().changes)
    }

    /// The items, as they are.
    pub fn items(&self) -> Vec<Value> {
        self.table().items.values().cloned().collect()
    }

    /// Removes an item, as the time to live does.
    pub fn delete(&self, item: &Value) -> Result<()> {
        let mut table = self.table();
        let name = table.name.clone();
        table.aws.delete_item(&name, item)?;
        let known = table.changes.len();
        table.look()?;
        table.changes.iter_mut().skip(known).for_each(|change| change.has_run_out = true);
        Ok(())
    }

    /// Removes everything; the stream says nothing of it.
    pub fn clear(&self) -> Result<()> {
        let mut table = self.table();
        let name = table.name.clone();
        for item in table.aws.items(&name)? {
            table.aws.delete_item(&name, &item)?;
        }
        table.items.clear();
        table.changes.clear();
        Ok(())
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Compares the table with what it was.
    fn look(&mut self) -> Result<()> {
        let items = self.aws.items(&self.name)?;
        let now: BTreeMap<String, Value> = items.into_iter().map(|item| (key_of(&item).to_string(), item)).collect();
        for (key, after) in &now {
            let before = self.items.get(key);
            if before != Some(after) {
                self.changes.push(Change { before: before.cloned(), after: Some(after.clone()), has_run_out: false });
            }
        }
        for (key, before) in &self.items {
            if !now.contains_key(key) {
                self.changes.push(Change { before: Some(before.clone()), after: None, has_run_out: false });
            }
        }
        self.items = now;
        Ok(())
    }
}
