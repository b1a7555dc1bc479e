//! The table of what was tried, and each promise that was not kept.

use std::collections::BTreeMap;
use std::fmt;

use crate::audit::Violation;
use crate::case::{Case, Verdict};
use crate::fault::KINDS;
use crate::scenario::SCENARIOS;

const PAIR: &str = "two in a row";

pub struct Report {
    /// By scenario and kind of fault: cases, and those with a violation.
    counts: BTreeMap<(&'static str, &'static str), (usize, usize)>,
    violations: Vec<(String, Vec<Violation>)>,
}

impl Report {
    pub fn of(verdicts: impl Iterator<Item = (Case, Verdict)>) -> Self {
        let mut report = Self { counts: BTreeMap::new(), violations: Vec::new() };
        for (case, verdict) in verdicts {
            let Some(violations) = verdict else { continue };
            let kind = match case.faults.as_slice() {
                [(fault, _)] => fault.kind.name(),
                _ => PAIR,
            };
            let (cases, bad) = report.counts.entry((case.scenario, kind)).or_default();
            *cases += 1;
            if !violations.is_empty() {
                *bad += 1;
                report.violations.push((case.to_string(), violations));
            }
        }
        report
    }

    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Cases and violations of what fits.
    fn sum(&self, fits: impl Fn(&str, &str) -> bool) -> (usize, usize) {
        let fitting = self.counts.iter().filter(|((scenario, kind), _)| fits(scenario, kind));
        fitting.fold((0, 0), |sum, (_, counts)| (sum.0 + counts.0, sum.1 + counts.1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name()).chain([PAIR]).collect();
        let cell = |(cases, bad): (usize, usize)| match (cases, bad) {
            (0, _) => String::new(),
            (cases, 0) => cases.to_string(),
            (cases, bad) => format!("**{bad}** of {cases}"),
        };
        for (case, violations) in &self.violations {
            for violation in violations {
                let text: String = violation.text.chars().take(500).collect();
                writeln!(f, "{}: {text}\n  FAULT={case} make faults", violation.class)?;
            }
        }
        writeln!(f, "\n| scenario | {} | all |\n| --- |{}", kinds.join(" | "), " ---: |".repeat(kinds.len() + 1))?;
        for scenario in SCENARIOS.iter().map(|scenario| scenario.name) {
            if self.sum(|other, _| other == scenario).0 > 0 {
                let cells = kinds.iter().map(|kind| cell(self.sum(|s, k| s == scenario && k == *kind)));
                let all = cell(self.sum(|other, _| other == scenario));
                writeln!(f, "| {scenario} | {} | {all} |", cells.collect::<Vec<_>>().join(" | "))?;
            }
        }
        let cells = kinds.iter().map(|kind| cell(self.sum(|_, k| k == *kind)));
        writeln!(f, "| all | {} | {} |\n", cells.collect::<Vec<_>>().join(" | "), cell(self.sum(|_, _| true)))?;

        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        for violation in self.violations.iter().flat_map(|(_, violations)| violations) {
            *classes.entry(violation.class).or_default() += 1;
        }
        let classes: Vec<_> = classes.iter().map(|(class, count)| format!("{count} {class}")).collect();
        let (cases, bad) = self.sum(|_, _| true);
        let classes = if classes.is_empty() { String::new() } else { format!(": {}", classes.join(", ")) };
        writeln!(f, "{cases} cases, {bad} with a violation{classes}.")
    }
}
