//! `JUnit` XML, for pipelines: a suite for each stack, a case for each rule.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::CheckReport;
use super::text::details;
use crate::guard::Verdict;
use crate::guard::finding::{Finding, Severity};

pub(super) fn render(report: &CheckReport) -> String {
    let mut document = Report::new("platformctl check");
    for (stack, cases) in suites(report) {
        let mut suite = TestSuite::new(stack);
        for (rule, found) in cases {
            let mut case = TestCase::new(rule, found.status());
            case.set_classname(stack);
            suite.add_test_case(case);
        }
        document.add_test_suite(suite);
    }
    // The writer is a string: it cannot fail.
    document.to_string().unwrap_or_default()
}

/// What is known of a rule in a stack.
#[derive(Default)]
struct Case<'a> {
    /// `None` of a rule that is code.
    verdict: Option<Verdict>,
    findings: Vec<&'a Finding>,
    exempt: usize,
    baselined: usize,
}

/// Rules by stack: those that were evaluated, and those that findings name. Collected in one
/// pass: each rule of each stack looking for its findings would take their product.
fn suites(report: &CheckReport) -> BTreeMap<&str, BTreeMap<&str, Case<'_>>> {
    let mut suites: BTreeMap<&str, BTreeMap<&str, Case<'_>>> = BTreeMap::new();
    for stack in report.verdicts.stacks() {
        let cases = suites.entry(stack).or_default();
        for (rule, verdict) in report.verdicts.of(stack) {
            cases.entry(rule).or_default().verdict = Some(verdict);
        }
    }
    for finding in &report.findings {
        let cases = suites.entry(&finding.stack).or_default();
        cases.entry(&finding.rule).or_default().findings.push(finding);
    }
    let mut known = |finding: &Finding, count: fn(&mut Case<'_>)| {
        let cases = suites.get_mut(finding.stack.as_str());
        if let Some(case) = cases.and_then(|cases| cases.get_mut(finding.rule.as_str())) {
            count(case);
        }
    };
    for exempted in &report.exempted {
        known(&exempted.finding, |case| case.exempt += 1);
    }
    for finding in &report.baselined {
        known(finding, |case| case.baselined += 1);
    }
    suites
}

impl Case<'_> {
    fn status(&self) -> TestCaseStatus {
        let findings = &self.findings;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let blocks: Vec<String> = findings.iter().map(|finding| block(finding)).collect();
            let first = findings.first().map(|it| format!("{}: {}", it.place(), it.difference()));
            let more = findings.len().saturating_sub(1);
            let first = first.unwrap_or_default();
            status.set_type("policy");
            status.set_message(if more == 0 {
                first
            } else {
                format!("{first} (and {more} more)")
            });
            status.set_description(blocks.join("\n\n"));
            return status;
        }
        if let Some(warning) = findings.first() {
            return skipped(format!("{}: {}", warning.severity, block(warning)));
        }
        match (self.exempt, self.baselined) {
            (0, 0) => {}
            (exempt, 0) => return skipped(format!("{exempt} exempt")),
            (0, baselined) => return skipped(format!("{baselined} baselined")),
            both => return skipped(format!("{} exempt, {} baselined", both.0, both.1)),
        }
        match self.verdict {
            Some(Verdict::Skip) => skipped("nothing of its kind in this stack".to_owned()),
            _ => TestCaseStatus::success(),
        }
    }
}

fn skipped(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn block(finding: &Finding) -> String {
    let mut lines = vec![finding.place()];
    lines.extend(finding.source.as_ref().map(ToString::to_string));
    lines.extend(details(finding));
    lines.join("\n")
}
