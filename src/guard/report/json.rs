//! The report for programs. Fields are added, never changed; a change raises `version`.

use serde::Serialize;

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
