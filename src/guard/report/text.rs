//! The report that people read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{CheckReport, count};
use crate::guard::finding::Finding;

/// Width of the rule's column.
const RULE: usize = 30;

pub(super) fn render(report: &CheckReport) -> String {
    let mut text = headline(report);
    for finding in &report.findings {
        text.push_str(&entry(finding));
    }
    if !report.baselined.is_empty() {
        let number = count(report.baselined.len(), "finding");
        let _ = write!(text, "\n{number} baselined\n");
    }
    if !report.fixed.is_empty() {
        let number = count(report.fixed.len(), "finding");
        let _ = write!(
            text,
            "\nwarning: {number} of the baseline no longer there; write it again with --write-baseline\n\n"
        );
        for known in &report.fixed {
            let _ = writeln!(text, "  {:<RULE$} {}", known.rule, known.place());
        }
    }
    if !report.exempted.is_empty() {
        let number = count(report.exempted.len(), "finding");
        let _ = write!(text, "\n{number} exempt\n");
        for exempted in &report.exempted {
            let exemption = &exempted.exemption;
            let rule = &exempted.finding.rule;
            let _ = writeln!(text, "\n  {rule:<RULE$} {}", exempted.finding.place());
            let _ = writeln!(text, "    {}", exemption.reason);
            let _ = writeln!(text, "    {}, until {}", exemption.owner, exemption.expires);
        }
    }
    text
}

/// `error: 2 findings in 1 stack (41 rules, 7 stacks, 12 ms)`.
pub(super) fn headline(report: &CheckReport) -> String {
    let scope = format!(
        "({}, {}, {} ms)",
        count(report.rules, "rule"),
        count(report.stacks, "stack"),
        report.elapsed_ms
    );
    // The first in the order of severities is the worst.
    match report.findings.iter().map(|finding| finding.severity).min() {
        None => format!("no findings {scope}\n"),
        Some(worst) => {
            let stacks: BTreeSet<&str> =
                report.findings.iter().map(|finding| finding.stack.as_str()).collect();
            let findings = count(report.findings.len(), "finding");
            format!("{worst}: {findings} in {} {scope}\n", count(stacks.len(), "stack"))
        }
    }
}

/// One finding, as a block of indented lines.
pub(super) fn entry(finding: &Finding) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "\n  {:<RULE$} {}", finding.rule, finding.place());
    if let Some(source) = &finding.source {
        let _ = writeln!(text, "    {source}");
    }
    for line in details(finding) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// What was found, why it matters, what to do.
pub(super) fn details(finding: &Finding) -> Vec<String> {
    let mut lines = vec![finding.difference(), finding.why.clone()];
    if !finding.fix.is_empty() {
        lines.push(format!("Fix: {}", finding.fix));
    }
    lines.retain(|line| !line.is_empty());
    lines
}
