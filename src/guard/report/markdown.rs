//! Markdown for a comment on a pull or merge request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{CheckReport, count, path};
use crate::guard::finding::Finding;

/// GitHub takes comments of 65,536 characters; the rest is left for who posts it.
const MAX_BYTES: usize = 60_000;

pub(super) fn render(report: &CheckReport) -> String {
    let sign = if report.passed() { "✅" } else { "❌" };
    let headline = super::text::headline(report);
    let mut text = format!("### {sign} platformctl check\n\n{}\n", cell(headline.trim_end()));
    if !report.findings.is_empty() {
        text.push_str("\n| | Rule | Where | Found | Wanted |\n|---|---|---|---|---|\n");
        let rows = report.findings.iter().map(row);
        fill(&mut text, rows, MAX_BYTES * 2 / 3, report.findings.len(), "finding");
        text.push_str("\n<details><summary>Why, and what to do</summary>\n\n");
        let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
        for finding in &report.findings {
            rules.entry(&finding.rule).or_insert(finding);
        }
        let number = rules.len();
        let items = rules.values().map(|finding| {
            let Finding { rule, why, fix, .. } = finding;
            format!("- **{}**: {} {}\n", code(rule), cell(why), cell(fix))
        });
        fill(&mut text, items, MAX_BYTES * 5 / 6, number, "rule");
        text.push_str("\n</details>\n");
    }
    if !report.fixed.is_empty() {
        let number = count(report.fixed.len(), "finding");
        let _ = write!(text, "\n⚠ {number} of the baseline no longer there; write it again.\n");
    }
    let mut aside = Vec::new();
    if !report.baselined.is_empty() {
        aside.push(format!("{} baselined", count(report.baselined.len(), "finding")));
    }
    if !report.exempted.is_empty() {
        aside.push(format!("{} exempt", count(report.exempted.len(), "finding")));
    }
    if !aside.is_empty() {
        let _ = write!(text, "\n{}\n", aside.join(", "));
    }
    if !report.exempted.is_empty() {
        text.push_str("\n<details><summary>Exempt</summary>\n\n| Rule | Where | Why | Until |\n|---|---|---|---|\n");
        let rows = report.exempted.iter().map(|exempted| {
            let exemption = &exempted.exemption;
            format!(
                "| {} | {} | {} ({}) | {} |\n",
                code(&exempted.finding.rule),
                code(&exempted.finding.place()),
                cell(&exemption.reason),
                cell(&exemption.owner),
                exemption.expires,
            )
        });
        fill(&mut text, rows, MAX_BYTES, report.exempted.len(), "finding");
        text.push_str("\n</details>\n");
    }
    text
}

/// Adds rows as long as there is room, and says how many are left out.
fn fill(
    text: &mut String,
    rows: impl Iterator<Item = String>,
    most: usize,
    all: usize,
    noun: &str,
) {
    for (written, row) in rows.enumerate() {
        if text.len() + row.len() > most {
            let _ = write!(text, "\n… and {}\n", count(all - written, &format!("more {noun}")));
            return;
        }
        text.push_str(&row);
    }
}

fn row(finding: &Finding) -> String {
    let place = match &finding.source {
        Some(source) => format!(
            "{}<br>{}",
            code(&finding.place()),
            code(&format!("{}:{}", path(finding), source.line))
        ),
        None => code(&finding.place()),
    };
    format!(
        "| {} | {} | {place} | {} | {} |\n",
        finding.severity,
        code(&finding.rule),
        code(&finding.found),
        cell(&finding.wanted),
    )
}

/// Text that stays in its cell and is no markup, whatever a template has in it.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A mention in a comment would notify people.
            '@' => safe.push_str("&#64;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => safe.extend(['\\', c]),
            other => safe.push(other),
        }
    }
    safe
}

/// Text as code. HTML's, since Markdown's cannot hold every character in a table.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", cell(text)) }
}
