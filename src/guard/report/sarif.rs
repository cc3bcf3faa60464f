//! SARIF 2.1.0, for code hosts and editors.

use serde_json::{Value, json};

use super::text::details;
use super::{CheckReport, Exempted, path};
use crate::guard::finding::Finding;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn render(report: &CheckReport) -> String {
    let rules: Vec<Value> = report
        .catalogue
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": or(&rule.why, &rule.title) },
                "help": { "text": or(&rule.fix, &rule.title) },
                "defaultConfiguration": { "level": rule.severity.as_str() },
                "properties": { "file": rule.file, "line": rule.line },
            })
        })
        .collect();
    let found = report.findings.iter().map(|finding| result(report, finding));
    let exempt = report.exempted.iter().map(|exempted| suppressed(report, exempted));
    let known = report.baselined.iter().map(|finding| baselined(report, finding));
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "platformctl",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": found.chain(exempt).chain(known).collect::<Vec<Value>>(),
        }],
    });
    format!("{document:#}\n")
}

fn result(report: &CheckReport, finding: &Finding) -> Value {
    let index = report.catalogue.iter().position(|rule| rule.id == finding.rule);
    let parts = [&finding.stack, &finding.resource, &finding.property];
    let parts: Vec<&str> =
        parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let name = parts.join("/");
    let mut result = json!({
        "ruleId": finding.rule,
        "level": finding.severity.as_str(),
        "message": { "text": format!("{}: {}", finding.place(), details(finding).join(" ")) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(finding) },
                "region": region(finding),
            },
            "logicalLocations": [{ "fullyQualifiedName": name, "kind": "resource" }],
        }],
        "partialFingerprints": { "finding/v1": format!("{}/{name}", finding.rule) },
    });
    if let Some(index) = index {
        result["ruleIndex"] = json!(index);
    }
    result
}

/// What an exemption covers is a suppressed result.
fn suppressed(report: &CheckReport, exempted: &Exempted) -> Value {
    let exemption = &exempted.exemption;
    let mut result = result(report, &exempted.finding);
    let justification =
        format!("{} ({}, until {})", exemption.reason, exemption.owner, exemption.expires);
    result["suppressions"] =
        json!([{ "kind": "external", "status": "accepted", "justification": justification }]);
    result
}

/// What a baseline knows was there before, and is suppressed too.
fn baselined(report: &CheckReport, finding: &Finding) -> Value {
    let mut result = result(report, finding);
    result["baselineState"] = json!("unchanged");
    result["suppressions"] =
        json!([{ "kind": "external", "status": "accepted", "justification": "in the baseline" }]);
    result
}

/// Where in the file; synthesized templates are made in memory, and hosts want a line
/// all the same.
fn region(finding: &Finding) -> Value {
    match &finding.source {
        Some(source) if source.line > 0 => {
            json!({ "startLine": source.line, "startColumn": source.column.max(1) })
        }
        _ => json!({ "startLine": 1 }),
    }
}

/// The file as a URI reference: relative, and with all that has a meaning there escaped.
fn uri(finding: &Finding) -> String {
    let path = path(finding);
    // `a:b.yaml` would be a scheme.
    let has_colon = path.split('/').next().is_some_and(|first| first.contains(':'));
    let mut uri = String::from(if has_colon { "./" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'/'
            | b'.'
            | b'_'
            | b'-'
            | b'~'
            | b':'
            | b'@'
            | b'+'
            | b','
            | b'=' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}
