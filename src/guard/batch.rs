//! Runs every rule file on every template, and none of it twice.
//!
//! The engine copies what it looks at again and again, so that its time grows with
//! the size of a template. It is therefore shown, for each rule file, only the types
//! and properties that the file names, each distinct selection once, on all cores.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Map, Value, json};

use super::outcome::Outcome;
use super::rules::{RuleFile, RuleSet};
use super::{engine, fold};
use crate::error::{Context, Error, Result};

/// The engine recurses as deep as a template is nested.
const STACK_BYTES: usize = 16 << 20;

/// One template, or one branch of it, and what each rule file says.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    /// The stack's name.
    pub(super) stack: &'a str,
    /// The template as the rules see it.
    pub(super) template: Value,
    /// One for each rule file.
    pub(super) outcomes: Vec<Arc<Outcome>>,
}

/// What the rules say about every template.
pub(super) fn judge<'a>(
    templates: &[(&'a str, &Value)],
    rules: &RuleSet,
) -> Result<Vec<Judged<'a>>> {
    let mut judged: Vec<Judged<'a>> = Vec::new();
    for (stack, template) in templates {
        let branches = fold::fold(template).into_iter();
        judged.extend(branches.map(|template| Judged { stack, template, outcomes: Vec::new() }));
    }
    let templates: Vec<&Value> = judged.iter().map(|it| &it.template).collect();
    let by_file = on_all_cores(rules.files(), |file| judge_by_file(file, rules, &templates))?;
    for outcomes in by_file {
        for (judged, outcome) in judged.iter_mut().zip(outcomes) {
            judged.outcomes.push(outcome);
        }
    }
    Ok(judged)
}

/// One outcome for each template, in order.
fn judge_by_file(
    file: &RuleFile,
    rules: &RuleSet,
    templates: &[&Value],
) -> Result<Vec<Arc<Outcome>>> {
    let mut distinct: Vec<String> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut chosen = Vec::new();
    for template in templates {
        let Some(text) = selection(file, template) else {
            chosen.push(None);
            continue;
        };
        let index = *known.entry(text).or_insert_with_key(|text| {
            distinct.push(text.clone());
            distinct.len() - 1
        });
        chosen.push(Some(index));
    }
    let outcomes: Vec<Arc<Outcome>> =
        engine::evaluate(file, &distinct)?.into_iter().map(Arc::new).collect();
    let skipped = Arc::new(Outcome::skipped(rules.names_in(file)));
    let of = |index: Option<usize>| match index {
        None => Some(Arc::clone(&skipped)),
        Some(index) => outcomes.get(index).cloned(),
    };
    chosen
        .into_iter()
        .map(|index| {
            of(index).ok_or_else(|| Error::failed("the policy engine left a template out"))
        })
        .collect()
}

/// What of a template a rule file is about, as text; `None` when that is nothing.
fn selection(file: &RuleFile, template: &Value) -> Option<String> {
    let Some(words) = &file.words else { return Some(template.to_string()) };
    let resources: Map<String, Value> = template
        .get("Resources")?
        .as_object()?
        .iter()
        .filter_map(|(id, resource)| {
            let kind = resource["Type"].as_str().filter(|kind| words.contains(*kind))?;
            let mut chosen = json!({ "Type": kind });
            match resource.get("Properties") {
                Some(Value::Object(properties)) => {
                    let named = properties.iter().filter(|(name, _)| words.contains(*name));
                    let named = named.map(|(name, value)| (name.clone(), value.clone()));
                    chosen["Properties"] = named.collect::<Map<_, _>>().into();
                }
                Some(other) => chosen["Properties"] = other.clone(),
                None => {}
            }
            Some((id.clone(), chosen))
        })
        .collect();
    (!resources.is_empty()).then(|| json!({ "Resources": resources }).to_string())
}

/// Maps items on as many threads as there are cores; results in the order of the items.
fn on_all_cores<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(item)));
        }
    };
    let mut results = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        let started: std::io::Result<Vec<_>> = (0..workers).map(spawn).collect();
        for worker in started.context("cannot start a thread")? {
            let done = worker.join().map_err(|_| Error::failed("a thread of the check died"))?;
            results.extend(done);
        }
        Ok::<(), Error>(())
    })?;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
