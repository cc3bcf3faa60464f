//! `JUnit` XML, for pipelines: a suite for each stack, a case for each rule.

use std::collections::{BTreeMap, BTreeSet};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::CheckReport;
use super::text::details;
use crate::guard::Verdict;
use crate::guard::finding::{Finding, Severity};

pub(super) fn render(report: &CheckReport) -> String {
    let mut document = Report::new("platformctl check");
    for (stack, rules) in suites(report) {
        let mut suite = TestSuite::new(stack);
        for rule in rules {
            let mut case = TestCase::new(rule, status(report, stack, rule));
            case.set_classname(stack);
            suite.add_test_case(case);
        }
        document.add_test_suite(suite);
    }
    // The writer is a string: it cannot fail.
    document.to_string().unwrap_or_default()
}

/// Rules by stack: those that were evaluated, and those that findings name.
fn suites(report: &CheckReport) -> BTreeMap<&str, BTreeSet<&str>> {
    let evaluated = report.verdicts.keys().map(|(stack, rule)| (stack.as_str(), rule.as_str()));
    let found = report.findings.iter().map(|it| (it.stack.as_str(), it.rule.as_str()));
    let mut suites: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (stack, rule) in evaluated.chain(found) {
        suites.entry(stack).or_default().insert(rule);
    }
    suites
}

fn status(report: &CheckReport, stack: &str, rule: &str) -> TestCaseStatus {
    let findings: Vec<&Finding> = report.findings_of(stack, rule).collect();
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let blocks: Vec<String> = findings.iter().map(|finding| block(finding)).collect();
        let first = findings.first().map(|it| format!("{}: {}", it.place(), it.difference()));
        let more = findings.len().saturating_sub(1);
        let first = first.unwrap_or_default();
        status.set_type("policy");
        status.set_message(if more == 0 { first } else { format!("{first} (and {more} more)") });
        status.set_description(blocks.join("\n\n"));
        return status;
    }
    if let Some(warning) = findings.first() {
        return skipped(format!("{}: {}", warning.severity, block(warning)));
    }
    let exempt = report
        .exempted
        .iter()
        .filter(|it| it.finding.stack == stack && it.finding.rule == rule)
        .count();
    let baselined =
        report.baselined.iter().filter(|it| it.stack == stack && it.rule == rule).count();
    match (exempt, baselined) {
        (0, 0) => {}
        (exempt, 0) => return skipped(format!("{exempt} exempt")),
        (0, baselined) => return skipped(format!("{baselined} baselined")),
        both => return skipped(format!("{} exempt, {} baselined", both.0, both.1)),
    }
    match report.verdicts.get(&(stack.to_owned(), rule.to_owned())) {
        Some(Verdict::Skip) => skipped("nothing of its kind in this stack".to_owned()),
        _ => TestCaseStatus::success(),
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
