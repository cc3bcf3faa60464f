//! SARIF 2.1.0, for code hosts and editors.

use serde_json::{Value, json};

use super::text::details;
use super::{CheckReport, Exempted};
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
            "results": found.chain(exempt).collect::<Vec<Value>>(),
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
                // Templates are made in memory; hosts want a line all the same.
                "region": { "startLine": 1 },
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

/// The stack's template; a finding about an exemption lies in the exemption file.
fn uri(finding: &Finding) -> String {
    let file = if finding.rule.starts_with("exemption-") {
        finding.file.clone()
    } else {
        format!("{}.json", finding.stack)
    };
    file.replace('%', "%25").replace(' ', "%20")
}

fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}
