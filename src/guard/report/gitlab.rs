//! GitLab's Code Quality report: what a merge request shows beside its changes.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use serde_json::{Value, json};

use super::{CheckReport, path};
use crate::guard::finding::{Finding, Severity};

pub(super) fn render(report: &CheckReport) -> String {
    let issues: Vec<Value> = report.findings.iter().map(issue).collect();
    format!("{:#}\n", Value::Array(issues))
}

fn issue(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Note => "info",
    };
    let description = format!("{}: {}. {}", finding.place(), finding.difference(), finding.why);
    let line = finding.source.as_ref().map_or(1, |source| source.line.max(1));
    json!({
        "description": description,
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint(),
        "severity": severity,
        "location": { "path": path(finding), "lines": { "begin": line } },
    })
}
