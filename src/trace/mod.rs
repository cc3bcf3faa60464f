//! A trace as X-Ray keeps it: segments and what they consist of, as one tree.
//!
//! Documents: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>

mod timeline;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use timeline::timeline;

/// Segments deeper than this are shown at this depth: documents can be hostile.
const DEPTH: usize = 32;

/// A document, as far as a timeline needs it.
#[derive(Debug, Clone, Deserialize)]
struct Document {
    id: String,
    name: String,
    parent_id: Option<String>,
    start_time: f64,
    end_time: Option<f64>,
    origin: Option<String>,
    #[serde(default)]
    fault: bool,
    #[serde(default)]
    error: bool,
    #[serde(default)]
    throttle: bool,
    #[serde(default)]
    annotations: Map<String, Value>,
    #[serde(default)]
    subsegments: Vec<Document>,
}

/// A part of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What it is: a function, a service, a step.
    pub name: String,
    /// How deep it is nested: 0 for what came first.
    pub depth: usize,
    /// What kind of thing, such as `AWS::Lambda::Function`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it began, in milliseconds from the trace's start.
    pub start_ms: f64,
    /// How long it took, in milliseconds; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// `fault`, `error` or `throttle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<&'static str>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

/// A trace, its parts in the order in which they began, each after what it is part of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Such as `1-5759e988-bd862e3fe1be46a994272793`.
    pub id: String,
    /// When it began, in seconds since 1970-01-01T00:00:00Z.
    pub started: f64,
    /// From its start to its last end, in milliseconds.
    pub duration_ms: f64,
    /// Whether a function was started for it.
    pub cold: bool,
    /// What it consists of.
    pub parts: Vec<Part>,
}

impl Trace {
    /// Puts documents together. Those that are none are left out; a part whose parent is
    /// not there (it comes later, or was not sampled) stands at the top. `None` if nothing
    /// is left.
    pub fn of(id: &str, documents: &[String]) -> Option<Self> {
        let mut known = BTreeSet::new();
        let mut flat = Vec::new();
        for document in documents {
            let Ok(document) = serde_json::from_str::<Document>(document) else { continue };
            flatten(document, None, 0, &mut flat);
        }
        // A segment that was in progress is sent again when it has ended.
        flat.reverse();
        flat.retain(|document| known.insert(document.id.clone()));
        flat.retain(|document| document.start_time.is_finite() && !document.id.is_empty());
        flat.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
        let started = flat.first()?.start_time;
        let end = flat.iter().filter_map(|it| it.end_time).fold(started, f64::max);

        let mut children: BTreeMap<String, Vec<Document>> = BTreeMap::new();
        for document in flat {
            let parent = document.parent_id.clone();
            let parent = parent.filter(|it| known.contains(it) && *it != document.id);
            // No id is empty: this is the top.
            children.entry(parent.unwrap_or_default()).or_default().push(document);
        }
        let mut parts = Vec::new();
        walk(&mut children, "", 0, started, &mut parts);
        // Who is part of itself is at nobody's top.
        for (_, rest) in children {
            parts.extend(rest.into_iter().map(|it| part(it, 0, started)));
        }
        let cold = parts.iter().any(|part| {
            part.name == "Initialization"
                || part.annotations.get("cold_start") == Some(&true.into())
        });
        Some(Self {
            id: id.to_owned(),
            started,
            duration_ms: milliseconds(end - started),
            cold,
            parts,
        })
    }
}

fn flatten(mut document: Document, parent: Option<&str>, depth: usize, out: &mut Vec<Document>) {
    if let Some(parent) = parent {
        document.parent_id = Some(parent.to_owned());
    }
    let inner = std::mem::take(&mut document.subsegments);
    let id = document.id.clone();
    out.push(document);
    if depth < DEPTH {
        for document in inner {
            flatten(document, Some(&id), depth + 1, out);
        }
    }
}

fn walk(
    children: &mut BTreeMap<String, Vec<Document>>,
    of: &str,
    depth: usize,
    started: f64,
    parts: &mut Vec<Part>,
) {
    for document in children.remove(of).unwrap_or_default() {
        let id = document.id.clone();
        parts.push(part(document, depth, started));
        walk(children, &id, (depth + 1).min(DEPTH), started, parts);
    }
}

fn part(document: Document, depth: usize, started: f64) -> Part {
    let failed =
        [(document.fault, "fault"), (document.throttle, "throttle"), (document.error, "error")];
    Part {
        name: document.name,
        depth,
        origin: document.origin,
        start_ms: milliseconds(document.start_time - started),
        duration_ms: document
            .end_time
            .map(|end| milliseconds((end - document.start_time).max(0.0))),
        failed: failed.into_iter().find_map(|(is, name)| is.then_some(name)),
        annotations: document.annotations,
    }
}

/// Of seconds, to the microsecond: the rest is the noise of floating point.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests;
