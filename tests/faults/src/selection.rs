//! Which cases there are, and which of them are enough for every day.

use crate::case::Case;
use crate::fault::{Call, Fault, KINDS, Kind};
use crate::scenario::{Repeat, Scenario};

/// Every day, one of so many cases is tried: a prime, so that no kind and no repetition is left out.
const EVERY: usize = 11;
/// The faults that come in pairs.
const PAIRED: [Kind; 2] = [Kind::Fail, Kind::KillAfter];

/// All cases of a scenario that makes these calls.
pub fn cases(scenario: &Scenario, calls: &[Call]) -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in faults(calls, &KINDS) {
        for repeat in scenario.repeats {
            cases.push(Case { scenario: scenario.name, faults: vec![(fault.clone(), *repeat)] });
        }
    }
    if scenario.twice {
        cases.extend(pairs(scenario, calls));
    }
    cases
}

/// Two faults in a row: of the request, and of its repetition.
fn pairs(scenario: &Scenario, calls: &[Call]) -> Vec<Case> {
    let mut cases = Vec::new();
    let ways = [(Repeat::AtOnce, Repeat::AtOnce), (Repeat::DayLater, Repeat::Never)];
    let ways: Vec<_> = ways.into_iter().filter(|(between, _)| scenario.repeats.contains(between)).collect();
    for first in faults(calls, &PAIRED) {
        for second in faults(calls, &PAIRED) {
            for (between, last) in &ways {
                let faults = vec![(first.clone(), *between), (second.clone(), *last)];
                cases.push(Case { scenario: scenario.name, faults });
            }
        }
    }
    cases
}

fn faults(calls: &[Call], kinds: &[Kind]) -> Vec<Fault> {
    let of = |call: &Call| {
        let kinds = kinds.iter().filter(|kind| kind.matters_for(call));
        kinds.map(|kind| Fault { call: call.clone(), kind: *kind }).collect::<Vec<_>>()
    };
    calls.iter().flat_map(of).collect()
}

/// Leaves a fixed part, from all scenarios.
pub fn some(cases: &mut Vec<(usize, Case)>) {
    let mut number = 0;
    cases.retain(|_| {
        number += 1;
        number % EVERY == 0
    });
}
