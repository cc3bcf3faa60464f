//! The result of a check and its forms: text, JSON, SARIF and `JUnit`. All are strings.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Verdict;
use super::exemptions::Exemption;
use super::finding::{Finding, Severity};
use super::rules::RuleInfo;

mod json;
mod junit;
mod sarif;
mod text;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Violations, by stack, resource, rule and property.
    pub findings: Vec<Finding>,
    /// Violations that an exemption covers.
    pub exempted: Vec<Exempted>,
    /// How many rules were evaluated.
    pub rules: usize,
    /// How many stacks were checked.
    pub stacks: usize,
    /// How long that took.
    pub elapsed_ms: u64,
    /// Every rule that a finding can name.
    #[serde(skip)]
    pub(super) catalogue: Vec<RuleInfo>,
    /// By stack and rule.
    #[serde(skip)]
    pub(super) verdicts: BTreeMap<(String, String), Verdict>,
}

/// A violation that someone answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exempted {
    /// The violation.
    pub finding: Finding,
    /// Why it is accepted, by whom and until when.
    pub exemption: Exemption,
}

impl CheckReport {
    /// Whether nothing of severity `error` was found. Else the exit code is 4.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// As people read it.
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// A JSON document with a `version`.
    pub fn json(&self) -> String {
        json::render(self)
    }

    /// SARIF 2.1.0, as code hosts show it beside the code.
    pub fn sarif(&self) -> String {
        sarif::render(self)
    }

    /// JUnit XML: a test suite for each stack, a test case for each rule.
    pub fn junit(&self) -> String {
        junit::render(self)
    }

    /// The findings of one rule in one stack.
    fn findings_of<'a>(
        &'a self,
        stack: &'a str,
        rule: &'a str,
    ) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |it| it.stack == stack && it.rule == rule)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// `1 finding`, `2 findings`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
