//! The result of a check and its forms: text, JSON, JSON Lines, SARIF, `JUnit`, Markdown and
//! GitLab's Code Quality. All are strings.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::baseline::Known;
use super::exemptions::Exemption;
use super::finding::{Finding, Severity, Source};
use super::rules::RuleInfo;
use super::verdicts::Verdicts;

mod gitlab;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Violations, by stack, resource, rule and property.
    pub findings: Vec<Finding>,
    /// Violations that an exemption covers.
    pub exempted: Vec<Exempted>,
    /// Violations that a baseline knows.
    pub baselined: Vec<Finding>,
    /// What the baseline knows and was not found any more.
    pub fixed: Vec<Known>,
    /// How many rules were evaluated.
    pub rules: usize,
    /// How many stacks were checked.
    pub stacks: usize,
    /// How long that took.
    pub elapsed_ms: u64,
    /// Every rule that a finding can name.
    #[serde(skip)]
    pub(super) catalogue: Vec<RuleInfo>,
    /// Names of the stacks that were checked.
    #[serde(skip)]
    pub(super) checked: BTreeSet<String>,
    /// By stack and rule.
    #[serde(skip)]
    pub(super) verdicts: Verdicts,
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

    /// Markdown, for a comment on a pull or merge request.
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }

    /// GitLab's Code Quality report: a JSON list of what fails or warns.
    pub fn gitlab(&self) -> String {
        gitlab::render(self)
    }

    /// JSON Lines: each finding with its `status`, and a summary in the last line.
    pub fn jsonl(&self) -> String {
        json::lines(self)
    }

    /// Says of each finding where in a user's file it stands.
    pub fn locate(&mut self, source_of: impl Fn(&Finding) -> Option<Source>) {
        let exempted = self.exempted.iter_mut().map(|it| &mut it.finding);
        for finding in self.findings.iter_mut().chain(exempted).chain(&mut self.baselined) {
            finding.source = source_of(finding);
        }
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

/// The file that a finding is about: the user's own, or what a synthesized template is
/// called. A finding about an exemption lies in the exemption file.
fn path(finding: &Finding) -> String {
    match &finding.source {
        Some(source) => source.file.trim_start_matches("./").to_owned(),
        None if finding.rule.starts_with("exemption-") => finding.file.clone(),
        None => format!("{}.json", finding.stack),
    }
}
