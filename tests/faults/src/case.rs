//! One case: a request with a fault, what the client does then, and whether the promises are kept in the end.

use std::fmt;

use harness::Result;
use serde_json::Value;

use crate::audit::{Violation, audit, closed_when_in_doubt, violation};
use crate::fault::{Call, Fault};
use crate::lane::{Lane, Outcome, Request};
use crate::requests::{delete, end, mistaken};
use crate::scenario::{Repeat, Scenario};
use crate::worker::unhandled;

/// What a scenario is without faults.
pub struct Reference {
    pub calls: Vec<Call>,
    /// Nothing was asked for.
    before: Value,
    /// It was done.
    after: Value,
    /// What the request is answered.
    status: Option<u64>,
}

/// A fault, and what the client does then; twice at most.
#[derive(Clone, Debug)]
pub struct Case {
    pub scenario: &'static str,
    pub faults: Vec<(Fault, Repeat)>,
}

/// What came of a case; none if the fault never came to pass.
pub type Verdict = Option<Vec<Violation>>;

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scenario)?;
        for (fault, repeat) in &self.faults {
            write!(f, "/{}/{}/{}", fault.call, fault.kind.name(), repeat.name())?;
        }
        Ok(())
    }
}

/// Runs the scenario as it should be, with the request and without.
pub fn reference(lane: &mut Lane, scenario: &Scenario) -> Result<Reference> {
    let (mut audits, mut outcome) = (Vec::new(), None);
    for is_sent in [false, true] {
        lane.clear()?;
        let mut run = Run::prepare(lane, scenario)?;
        if is_sent {
            outcome = Some(run.send(None)?);
        }
        run.finish(scenario)?;
        let audit = audit(lane)?;
        if !audit.violations.is_empty() {
            return Err(format!("{} without a fault: {:?}", scenario.name, audit.violations).into());
        }
        audits.push(audit.state);
    }
    let outcome = outcome.ok_or("nothing was sent")?;
    let status = outcome.reply.status;
    if !outcome.reply.is_success() && !status.is_some_and(|status| scenario.when_done.contains(&status)) {
        return Err(format!("{} without a fault: {}", scenario.name, outcome.reply.raw).into());
    }
    let after = audits.pop().unwrap_or_default();
    let before = audits.pop().unwrap_or_default();
    Ok(Reference { calls: outcome.calls, before, after, status })
}

/// Runs one case.
pub fn run(lane: &mut Lane, scenario: &Scenario, reference: &Reference, case: &Case) -> Result<Verdict> {
    lane.clear()?;
    let mut violations = Vec::new();
    let mut run = Run::prepare(lane, scenario)?;
    for (fault, repeat) in &case.faults {
        let outcome = run.send(Some(fault))?;
        if !outcome.has_failed {
            return Ok(None);
        }
        let is_the_worker = run.request.event.is_null();
        if fault.kind.is_once() && !is_the_worker && !is_expected(scenario, reference, &outcome) {
            violations.push(violation("noticed", format!("one fault is answered {}", outcome.reply.raw)));
        }
        violations.extend(closed_when_in_doubt(run.lane)?);
        run.wait(*repeat)?;
    }
    match case.faults.last().map(|(_, repeat)| *repeat) {
        None | Some(Repeat::Never) => {}
        Some(repeat) => {
            let outcome = run.send(None)?;
            let is_expected = is_expected(scenario, reference, &outcome);
            // An upload that is gone cannot be saved, nor one that is saved already as a version of another file.
            let is_too_late = repeat != Repeat::AtOnce && matches!(outcome.reply.status, Some(404 | 409));
            if !is_expected && !is_too_late {
                violations.push(violation("refused", format!("the repetition is answered {}", outcome.reply.raw)));
            }
        }
    }
    let is_done = run.is_done;
    if let Err(error) = run.finish(scenario) {
        violations.push(violation("worker", error.to_string()));
        return Ok(Some(violations));
    }
    let audit = audit(lane)?;
    violations.extend(audit.violations);
    if violations.is_empty() {
        violations.extend(neither(reference, &audit.state, is_done));
    }
    Ok(Some(violations))
}

/// Whether it is an answer that a client can go on with.
fn is_expected(scenario: &Scenario, reference: &Reference, outcome: &Outcome) -> bool {
    let status = outcome.reply.status;
    outcome.reply.is_success()
        || status == reference.status
        || status.is_some_and(|status| scenario.when_done.contains(&status))
}

/// What is wrong with a state in which each single thing is right.
fn neither(reference: &Reference, state: &Value, is_done: bool) -> Option<Violation> {
    if *state == reference.after {
        return None;
    }
    if *state == reference.before {
        return is_done.then(|| violation("lost", "it was answered as done, and it is not"));
    }
    let count = |state: &Value, part: &str| {
        let values = state[part].as_object();
        values.map_or(0, |fields| fields.values().map(|value| value.as_array().map_or(1, Vec::len)).sum())
    };
    let parts = || ["files", "objects", "links", "collections", "items"].into_iter();
    let most = |part| count(&reference.before, part).max(count(&reference.after, part));
    let more: Vec<&str> = parts().filter(|part| count(state, part) > most(part)).collect();
    let class = match more.as_slice() {
        [] => "between",
        ["items"] => "stray",
        _ => "doubled",
    };
    let differs = |part: &&str| state[*part] != reference.after[*part] && state[*part] != reference.before[*part];
    let parts = parts().filter(differs);
    let parts = parts.map(|part| format!("{part}: {}, wanted {}", state[part], reference.after[part]));
    Some(violation(class, parts.collect::<Vec<_>>().join("; ")))
}

/// A case under way.
struct Run<'a> {
    lane: &'a mut Lane,
    request: Request,
    /// What the worker has to handle, if it is the one.
    records: Vec<Value>,
    /// Whether the client was told that it is done.
    is_done: bool,
}

impl<'a> Run<'a> {
    fn prepare(lane: &'a mut Lane, scenario: &Scenario) -> Result<Self> {
        let request = (scenario.prepare)(lane)?;
        let mut records = Vec::new();
        if request.event.is_null() {
            records = lane.records();
        } else {
            lane.settle()?;
        }
        Ok(Self { lane, request, records, is_done: false })
    }

    fn send(&mut self, fault: Option<&Fault>) -> Result<Outcome> {
        if !self.request.event.is_null() {
            let outcome = self.lane.invoke(&self.request, fault)?;
            self.is_done |= outcome.reply.is_success();
            return Ok(outcome);
        }
        let outcome = self.lane.handle(&self.records, fault)?;
        self.records = unhandled(std::mem::take(&mut self.records), &outcome);
        self.is_done = true;
        Ok(outcome)
    }

    fn wait(&mut self, repeat: Repeat) -> Result<()> {
        match repeat {
            Repeat::Never | Repeat::AtOnce => {}
            Repeat::DayLater => {
                self.lane.settle()?;
                self.lane.expire_uploads()?;
            }
            Repeat::Mistaken => self.request = mistaken(&self.request),
        }
        Ok(())
    }

    /// Lets the worker, the lifecycle rule and the time to live do what they do.
    fn finish(mut self, scenario: &Scenario) -> Result<()> {
        let mut tries = 0;
        while !self.records.is_empty() {
            self.send(None)?;
            tries += 1;
            if tries > 20 {
                return Err("the worker fails again and again".into());
            }
        }
        self.lane.settle()?;
        if scenario.then_delete {
            let file = serde_json::json!({ "_id": self.lane.known.first() });
            self.lane.must(&delete(&file).query("purge=true"))?;
            self.lane.settle()?;
        }
        self.lane.expire_uploads()?;
        end(self.lane)
    }
}
