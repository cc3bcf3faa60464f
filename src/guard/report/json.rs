//! The report for programs. Fields are added, never changed; a change raises `version`.

use serde::Serialize;
use serde_json::{Value, json};

use super::CheckReport;

/// Version of the document's form.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    passed: bool,
    #[serde(flatten)]
    report: &'a CheckReport,
}

pub(super) fn render(report: &CheckReport) -> String {
    let document = Document { version: VERSION, passed: report.passed(), report };
    // Strings, numbers and lists of them: serialization cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

pub(super) fn lines(report: &CheckReport) -> String {
    let found = report.findings.iter().map(|it| ("new", it));
    let baselined = report.baselined.iter().map(|it| ("baselined", it));
    let exempted = report.exempted.iter().map(|it| ("exempted", &it.finding));
    let mut text = String::new();
    for (status, finding) in found.chain(baselined).chain(exempted) {
        let mut line = json!({ "status": status, "fingerprint": finding.fingerprint() });
        if let (Value::Object(line), Ok(Value::Object(fields))) =
            (&mut line, serde_json::to_value(finding))
        {
            line.extend(fields);
        }
        text.push_str(&format!("{line}\n"));
    }
    let summary = json!({
        "status": "summary",
        "version": VERSION,
        "passed": report.passed(),
        "findings": report.findings.len(),
        "baselined": report.baselined.len(),
        "exempted": report.exempted.len(),
        "fixed": report.fixed.len(),
        "rules": report.rules,
        "stacks": report.stacks,
        "elapsed_ms": report.elapsed_ms,
    });
    text.push_str(&format!("{summary}\n"));
    text
}
