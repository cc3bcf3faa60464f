//! Mutants: templates with one property weakened.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::sources::Environment;
use super::table::{Change, HOLD_DATA, KEEPING, ROWS, Row};
use super::{full, policies};

/// One template with one change for the worse.
pub(crate) struct Mutant {
    /// Which environment and which of its stacks.
    pub(crate) environment: usize,
    pub(crate) index: usize,
    pub(crate) stack: String,
    pub(crate) resource: String,
    pub(crate) kind: String,
    /// What security rests on there, such as `encryption`.
    pub(crate) class: &'static str,
    /// Dotted path below `Properties`, with `*` for places in lists.
    pub(crate) path: String,
    /// What was done, in words.
    pub(crate) what: String,
    /// The template that it was made from, without what is not connected with the
    /// resource; all mutants of a resource share it.
    pub(crate) original: Arc<Value>,
    /// The resource afterwards; nothing when it goes.
    pub(crate) changed: Option<Value>,
}

impl Mutant {
    /// A template with the change.
    pub(crate) fn of(&self, template: &Value) -> Value {
        let mut mutated = template.clone();
        if let Some(resources) = mutated["Resources"].as_object_mut() {
            match &self.changed {
                Some(changed) => resources.insert(self.resource.clone(), changed.clone()),
                None => resources.remove(&self.resource),
            };
        }
        mutated
    }
}

/// A change: its class, its path, what it does in words, and the changed resource, or
/// nothing when the resource goes.
pub(crate) type Changed = (&'static str, String, String, Option<Value>);

/// Every mutant of every environment, none of them twice.
pub(crate) fn all(environments: &[Environment]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut seen = BTreeSet::new();
    let mut templates = BTreeSet::new();
    for (environment, source) in environments.iter().enumerate() {
        for (index, stack) in source.stacks.iter().enumerate() {
            let template = stack.template.as_value();
            // Tenants of a tier share a template: the first stands for all.
            if !templates.insert(std::ptr::from_ref(template)) {
                continue;
            }
            let is_tenant = stack.name.starts_with("tenant-");
            let (stack, group) = (&stack.name, if is_tenant { "tenant" } else { &stack.name });
            let Some(resources) = template["Resources"].as_object() else { continue };
            for (id, resource) in resources {
                let mut original = None;
                for (class, path, what, changed) in changes(resource) {
                    let kind = resource["Type"].as_str().unwrap_or_default();
                    // The short version takes the first of a kind in a stack. What is open
                    // in a network depends on what stands beside it: there, each is taken.
                    let key = if full() {
                        format!("{group} {id} {path} {what} {resource}")
                    } else if class == "network" {
                        format!("{group} {id} {path} {what}")
                    } else {
                        format!("{group} {kind} {path} {what}")
                    };
                    if !seen.insert(key) {
                        continue;
                    }
                    let original =
                        original.get_or_insert_with(|| Arc::new(neighbourhood(template, id)));
                    mutants.push(Mutant {
                        environment,
                        index,
                        stack: stack.clone(),
                        resource: id.clone(),
                        kind: kind.to_owned(),
                        class,
                        path,
                        what,
                        original: Arc::clone(original),
                        changed,
                    });
                }
            }
        }
    }
    mutants
}

fn changes(resource: &Value) -> Vec<Changed> {
    let kind = resource["Type"].as_str().unwrap_or_default();
    let mut changes = policies::changes(kind, resource);
    for row in ROWS.iter().filter(|row| row.kind == kind) {
        for change in row.changes {
            if matches!(change, Change::Remove) {
                changes.push((row.class, String::new(), change.words(), None));
                continue;
            }
            changes.extend(apply(resource, row, change));
        }
    }
    if HOLD_DATA.contains(&kind) {
        for attribute in KEEPING {
            for change in [Change::Drop, Change::Set("\"Delete\"")] {
                let mut mutated = resource.clone();
                change.apply(&mut mutated, &[attribute.to_owned()]);
                if mutated != *resource {
                    changes.push(("recovery", attribute.to_owned(), change.words(), Some(mutated)));
                }
            }
        }
    }
    changes
}

/// One changed resource for each place that the row's path matches.
fn apply(resource: &Value, row: &Row, change: &Change) -> Vec<Changed> {
    let segments: Vec<&str> = row.path.split('.').collect();
    let mut places = Vec::new();
    if let Change::Add(_) = change {
        places.push(segments.iter().map(|&it| it.to_owned()).collect());
    } else {
        find(&resource["Properties"], &segments, &mut Vec::new(), &mut places);
    }
    places
        .into_iter()
        .filter_map(|place: Vec<String>| {
            let keys = place.iter().map(|key| key.replace('~', "~0").replace('/', "~1"));
            let pointer = format!("/Properties/{}", keys.collect::<Vec<_>>().join("/"));
            if row.path.ends_with(".security") && resource.pointer(&pointer) == Some(&json!([])) {
                // What asks for nobody cannot ask for less.
                return None;
            }
            let mut changed = resource.clone();
            if !changed["Properties"].is_object() {
                changed["Properties"] = json!({});
            }
            change.apply(&mut changed["Properties"], &place)?;
            (changed != *resource)
                .then(|| (row.class, row.path.to_owned(), change.words(), Some(changed)))
        })
        .collect()
}

/// Paths in a value that match a pattern, in which `*` is any key or index.
pub(crate) fn find(
    value: &Value,
    pattern: &[&str],
    at: &mut Vec<String>,
    places: &mut Vec<Vec<String>>,
) {
    let Some((first, rest)) = pattern.split_first() else {
        places.push(at.clone());
        return;
    };
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        if *first == "*" || *first == key {
            at.push(key);
            find(child, rest, at, places);
            at.pop();
        }
    }
}

/// The template with the resource and those that name it or that it names: rules look no
/// further, and small templates are judged quickly.
fn neighbourhood(template: &Value, id: &str) -> Value {
    if full() {
        return template.clone();
    }
    let empty = Map::new();
    let resources = template["Resources"].as_object().unwrap_or(&empty);
    let near = |other: &String, resource: &Value| {
        other == id || names(resource, id) || names(&resources[id], other)
    };
    let near: Map<_, _> = resources
        .iter()
        .filter(|(other, resource)| near(other, resource))
        .map(|(other, resource)| (other.clone(), resource.clone()))
        .collect();
    json!({ "Parameters": template["Parameters"], "Resources": near })
}

/// Whether a resource mentions another one, in any of the ways there are.
fn names(resource: &Value, id: &str) -> bool {
    match resource {
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("Ref", Value::String(target)) => target == id,
            ("Fn::GetAtt", Value::Array(parts)) => parts.first().is_some_and(|it| it == id),
            _ => names(value, id),
        }),
        Value::Array(list) => list.iter().any(|value| names(value, id)),
        Value::String(text) => {
            text.contains(&format!("${{{id}}}")) || text.contains(&format!("${{{id}."))
        }
        _ => false,
    }
}
