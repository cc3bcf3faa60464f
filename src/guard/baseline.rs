//! A baseline: findings that were there when the gate was introduced.
//!
//! Known findings do not fail the check, new ones do. A finding is known by its
//! fingerprint, which does not depend on lines; when what was found changes, the finding
//! is new. Findings about exemptions are never in a baseline: they are its counterpart.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::Serialize;

use super::document::{Kind, Mark, Node};
use super::finding::{self, Finding};
use super::report::CheckReport;
use crate::error::{Context as _, Error, Result};

/// Version of the file's form.
const VERSION: u64 = 1;
const EXPECTED: &str =
    "`platformctl check --write-baseline FILE` writes one; change it by writing it again";

/// One known finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Known {
    /// Of the fields below.
    pub fingerprint: String,
    /// Id of the rule.
    pub rule: String,
    /// Name of the stack.
    pub stack: String,
    /// Logical id.
    pub resource: String,
    /// Dotted path below `Properties`; statements by their `Sid`, where they have one.
    pub property: String,
    /// What was found there.
    pub found: String,
}

/// The known findings of one file. The same one may stand in it more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline(Vec<Known>);

impl Known {
    fn of(finding: &Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint(),
            rule: finding.rule.clone(),
            stack: finding.stack.clone(),
            resource: finding.resource.clone(),
            property: finding.stable_property(),
            found: finding.found.clone(),
        }
    }

    /// `efs / FileSystem / Encrypted`.
    pub fn place(&self) -> String {
        let parts = [&self.stack, &self.resource, &self.property];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(" / ")
    }
}

impl Baseline {
    /// The findings of a report, new and known ones.
    pub fn of(report: &CheckReport) -> Self {
        let findings = report.findings.iter().chain(&report.baselined);
        let mut known: Vec<Known> = findings.filter(|it| may_be_known(it)).map(Known::of).collect();
        known.sort_by(|a, b| {
            let key = |it: &Known| {
                (it.stack.clone(), it.resource.clone(), it.rule.clone(), it.property.clone())
            };
            key(a).cmp(&key(b))
        });
        Self(known)
    }

    /// Every known finding.
    pub fn all(&self) -> &[Known] {
        &self.0
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::usage(format!("cannot read {name}")).caused_by(error).hint(EXPECTED)
        })?;
        Self::parse(&name, &text)
    }

    /// Parses the text of a file called `name`, YAML or JSON.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let root = Node::parse(name, text)?;
        let refuse = |mark: Mark, field: &str, message: String| {
            Error::usage(message).at(mark.place(name, field)).hint(EXPECTED)
        };
        let version = root.get("version").map(Node::to_value);
        if version.as_ref().and_then(serde_json::Value::as_u64) != Some(VERSION) {
            let message = match version {
                Some(other) => format!("version {other} is not known; expected {VERSION}"),
                None => {
                    format!("this is no baseline: expected `version: {VERSION}` and `findings`")
                }
            };
            return Err(refuse(root.mark, "version", message));
        }
        let Some(findings) = root.entry("findings") else {
            return Err(refuse(root.mark, "findings", "there are no `findings`".to_owned()));
        };
        if !matches!(findings.value.kind, Kind::List(_)) {
            let message = format!("expected a list, not {}", findings.value.what());
            return Err(refuse(findings.key_mark, "findings", message));
        }
        let mut known = Vec::new();
        for (index, item) in findings.value.items().iter().enumerate() {
            let at = format!("findings[{index}]");
            let field = |key: &str| {
                item.get(key).and_then(Node::as_str).map(str::to_owned).ok_or_else(|| {
                    let mark = item.entry(key).map_or(item.mark, |entry| entry.key_mark);
                    refuse(mark, &at, format!("expected a text as `{key}`"))
                })
            };
            let entry = Known {
                fingerprint: field("fingerprint")?,
                rule: field("rule")?,
                stack: field("stack")?,
                resource: field("resource")?,
                property: field("property")?,
                found: field("found")?,
            };
            let Known { rule, stack, resource, property, found, .. } = &entry;
            if finding::fingerprint(rule, stack, resource, property, found) != entry.fingerprint {
                let message = "the fingerprint is not that of the other fields".to_owned();
                return Err(refuse(item.mark, &at, message));
            }
            known.push(entry);
        }
        Ok(Self(known))
    }

    /// The file's text: YAML, in a fixed order, so that its changes can be reviewed.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Findings that `platformctl check --baseline` lets pass. Written by `--write-baseline`.\n",
        );
        let list = if self.0.is_empty() { " []" } else { "" };
        let _ = writeln!(text, "version: {VERSION}\nfindings:{list}");
        for known in &self.0 {
            // A JSON string is a YAML string, whatever is in it.
            let quoted = |text: &str| serde_json::Value::from(text).to_string();
            let _ = writeln!(text, "  - fingerprint: {}", quoted(&known.fingerprint));
            for (key, value) in [
                ("rule", &known.rule),
                ("stack", &known.stack),
                ("resource", &known.resource),
                ("property", &known.property),
                ("found", &known.found),
            ] {
                let _ = writeln!(text, "    {key}: {}", quoted(value));
            }
        }
        text
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let cannot = || format!("cannot write {}", path.display());
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)
            .with_context(cannot)?;
        file.write_all(self.text().as_bytes()).with_context(cannot)?;
        file.persist(path).with_context(cannot)?;
        Ok(())
    }

    /// Sets known findings aside, and lists what is known and was not found any more, as
    /// far as the stacks and the rules of this check go.
    pub fn apply(&self, report: &mut CheckReport) {
        let mut left: HashMap<&str, Vec<&Known>> = HashMap::new();
        for known in self.0.iter().rev() {
            left.entry(&known.fingerprint).or_default().push(known);
        }
        let mut known = |finding: &Finding| {
            may_be_known(finding)
                && left.get_mut(finding.fingerprint().as_str()).and_then(Vec::pop).is_some()
        };
        let (baselined, new) =
            std::mem::take(&mut report.findings).into_iter().partition(|it| known(it));
        (report.baselined, report.findings) = (baselined, new);
        // What is exempt since is still there.
        for exempted in &report.exempted {
            known(&exempted.finding);
        }
        let looked_at = |known: &&Known| {
            report.checked.contains(&known.stack)
                && report.catalogue.iter().any(|rule| rule.id == known.rule)
        };
        let mut fixed: Vec<Known> =
            left.into_values().flatten().filter(looked_at).cloned().collect();
        fixed.sort_by_key(Known::place);
        report.fixed = fixed;
    }
}

/// Findings about exemptions are not: whoever could write them into a baseline could
/// prolong every exemption.
fn may_be_known(finding: &Finding) -> bool {
    !finding.rule.starts_with("exemption-")
}
