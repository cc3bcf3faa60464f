//! Runs every rule file on every template, and none of it twice.
//!
//! The engine copies what it looks at again and again, so that its time grows with
//! the size of a template. It is therefore shown, for each rule file, only the types
//! and properties that the file names, each distinct selection once, on all cores.
//! Templates that are equal, such as those of many tenants, are looked at once.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZero;
use std::rc::Rc;
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

/// Templates that are judged by one call of the engine: enough to make up for parsing the
/// rules, few enough to keep every core busy to the end.
const CHUNK: usize = 64;

/// Files whose rules look at each resource by itself. The engine's time grows faster than
/// the number of resources, and resources of different templates are often equal: these
/// are judged resource by resource, each different one once. `tests/guard/parity.rs`
/// fails when a rule that looks at two resources together gets into such a file.
const BY_RESOURCE: [&str; 2] = ["guard/iam.guard", "guard/tags.guard"];

/// The logical id under which a resource is judged by itself.
const ALONE: &str = "It";

/// One template, or one outcome of it, and what each rule file says.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    /// The stacks that have this template.
    pub(super) stacks: Rc<[&'a str]>,
    /// The template as the rules see it.
    pub(super) template: Value,
    /// One for each rule file, or for each resource that a rule file looks at by itself.
    pub(super) outcomes: Vec<Seen>,
}

/// What a rule file says of a template or of one of its resources.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) outcome: Arc<Outcome>,
    /// The resource's logical id, when it was judged by itself.
    id: Option<String>,
}

impl Seen {
    /// A path of the outcome (`/Resources/It/Properties`), in the template.
    pub(super) fn path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let within = || path.strip_prefix("/Resources/")?.strip_prefix(ALONE);
        match (&self.id, within()) {
            (Some(id), Some(rest)) => Cow::Owned(format!("/Resources/{id}{rest}")),
            _ => Cow::Borrowed(path),
        }
    }
}

/// What the rules say about every template. Equal ones are folded and judged once.
pub(super) fn judge<'a>(
    templates: &[(&'a str, &Value)],
    rules: &RuleSet,
) -> Result<Vec<Judged<'a>>> {
    let mut judged: Vec<Judged<'a>> = Vec::new();
    for (template, stacks) in distinct(templates) {
        let stacks: Rc<[&str]> = stacks.into();
        let folded = fold::fold(template).into_iter();
        judged.extend(folded.map(|template| Judged {
            stacks: Rc::clone(&stacks),
            template,
            outcomes: Vec::new(),
        }));
    }
    let files = rules.files();
    let seen: Vec<(&str, &Value)> =
        judged.iter().map(|it| (*it.stacks.first().unwrap_or(&""), &it.template)).collect();
    let chosen = on_all_cores(&files, |file| Ok(Selections::of(file, &seen)))?;
    let chunks: Vec<Chunk<'_>> = files
        .iter()
        .zip(&chosen)
        .flat_map(|(file, it)| it.distinct.chunks(CHUNK).map(move |chunk| (*file, chunk)))
        .collect();
    let mut results = judge_chunks(&chunks)?.into_iter();
    let mut by_file = Vec::new();
    for (file, selections) in files.iter().zip(&chosen) {
        let number = selections.distinct.len().div_ceil(CHUNK);
        let known: Vec<Arc<Outcome>> = results.by_ref().take(number).flatten().collect();
        let skipped = Arc::new(Outcome::skipped(rules.names_in(file)));
        by_file.push((selections, known, skipped));
    }
    for (at, judged) in judged.iter_mut().enumerate() {
        for (selections, known, skipped) in &by_file {
            let chosen = selections.chosen.get(at).ok_or_else(left_out)?;
            for (id, index) in chosen {
                let outcome = known.get(*index).cloned().ok_or_else(left_out)?;
                judged.outcomes.push(Seen { outcome, id: id.clone() });
            }
            if chosen.is_empty() {
                judged.outcomes.push(Seen { outcome: Arc::clone(skipped), id: None });
            }
        }
    }
    Ok(judged)
}

/// Every different template, with the stacks that have it, in the order of the first.
fn distinct<'a, 'v>(templates: &[(&'a str, &'v Value)]) -> Vec<(&'v Value, Vec<&'a str>)> {
    let mut found: Vec<(&Value, Vec<&str>)> = Vec::new();
    // Most equal templates are the same one: no need to look into it.
    let mut by_address: HashMap<*const Value, usize> = HashMap::new();
    let mut by_value: HashMap<&Value, usize> = HashMap::new();
    for &(stack, template) in templates {
        let index = *by_address.entry(std::ptr::from_ref(template)).or_insert_with(|| {
            *by_value.entry(template).or_insert_with(|| {
                found.push((template, Vec::new()));
                found.len() - 1
            })
        });
        if let Some((_, stacks)) = found.get_mut(index) {
            stacks.push(stack);
        }
    }
    found
}

/// Selections that are judged by one call, and by which file.
type Chunk<'a> = (&'a RuleFile, &'a [(&'a str, String)]);

/// What one rule file is shown of all templates.
struct Selections<'a> {
    /// Each once, with the name of a stack that has it.
    distinct: Vec<(&'a str, String)>,
    /// Which of them each template has, with the logical id of what was chosen by itself;
    /// none when the file has nothing to say about the template.
    chosen: Vec<Vec<(Option<String>, usize)>>,
}

impl<'a> Selections<'a> {
    fn of(file: &RuleFile, templates: &[(&'a str, &Value)]) -> Self {
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut stacks = Vec::new();
        let mut chosen = Vec::new();
        for (stack, template) in templates {
            let mut number_of = |(id, text): (Option<String>, String)| {
                let index = *known.entry(text).or_insert_with(|| {
                    stacks.push(*stack);
                    stacks.len() - 1
                });
                (id, index)
            };
            chosen.push(selection(file, template).into_iter().map(&mut number_of).collect());
        }
        let mut texts: Vec<(usize, String)> =
            known.into_iter().map(|(text, index)| (index, text)).collect();
        texts.sort_by_key(|(index, _)| *index);
        let distinct = stacks.into_iter().zip(texts.into_iter().map(|(_, text)| text)).collect();
        Self { distinct, chosen }
    }
}

/// The outcomes of each chunk, in their order. What takes longest is begun first, so that
/// no core has to wait for another one at the end.
fn judge_chunks(chunks: &[Chunk<'_>]) -> Result<Vec<Vec<Arc<Outcome>>>> {
    let weight = |(file, chunk): &Chunk<'_>| {
        file.text.len() * chunk.iter().map(|(_, text)| text.len()).sum::<usize>()
    };
    let mut order: Vec<usize> = (0..chunks.len()).collect();
    order.sort_by_cached_key(|at| Reverse(chunks.get(*at).map(weight)));
    let mut results = on_all_cores(&order, |at| {
        let (file, chunk) = chunks.get(*at).ok_or_else(left_out)?;
        Ok((*at, judge_chunk(file, chunk)?))
    })?;
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, outcomes)| outcomes).collect())
}

/// One outcome for each selection, in order.
fn judge_chunk(file: &RuleFile, chunk: &[(&str, String)]) -> Result<Vec<Arc<Outcome>>> {
    let evaluate = |chunk: &[(&str, String)]| {
        let texts: Vec<&str> = chunk.iter().map(|(_, text)| text.as_str()).collect();
        engine::evaluate(file, &texts)
    };
    let outcomes = evaluate(chunk).map_err(|error| {
        // The engine gives up on all of them; which one was it?
        let mut alone = chunk.iter().map(|one| (one.0, evaluate(std::slice::from_ref(one))));
        match alone.find_map(|(stack, result)| Some((stack, result.err()?))) {
            Some((stack, cause)) if !stack.is_empty() => cause
                .hint(format!("the template of stack {stack} is the one that it cannot evaluate")),
            _ => error,
        }
    })?;
    if outcomes.len() != chunk.len() {
        return Err(left_out());
    }
    Ok(outcomes.into_iter().map(Arc::new).collect())
}

fn left_out() -> Error {
    Error::failed("the policy engine left a template out")
}

/// What of a template a rule file is about, as text: one, or one a resource with its id.
fn selection(file: &RuleFile, template: &Value) -> Vec<(Option<String>, String)> {
    let Some(words) = &file.words else { return vec![(None, printable(template.to_string()))] };
    let resources: Map<String, Value> = template
        .get("Resources")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(id, resource)| {
            let kind = resource["Type"].as_str().filter(|kind| words.contains(*kind))?;
            let mut chosen = json!({ "Type": kind });
            // `DeletionPolicy` and the like, where a rule names them.
            for (name, value) in resource.as_object()?.iter().filter(|(name, _)| *name != "Type") {
                match value {
                    Value::Object(properties) if name == "Properties" => {
                        let named = properties.iter().filter(|(name, _)| words.contains(*name));
                        let named = named.map(|(name, value)| (name.clone(), value.clone()));
                        chosen["Properties"] = named.collect::<Map<_, _>>().into();
                    }
                    value if name == "Properties" || words.contains(name) => {
                        chosen[name] = value.clone();
                    }
                    _ => {}
                }
            }
            Some((id.clone(), chosen))
        })
        .collect();
    let text = |resources: Value| printable(json!({ "Resources": resources }).to_string());
    if BY_RESOURCE.contains(&file.name.as_str()) {
        let alone = |(id, resource)| (Some(id), text(json!({ ALONE: resource })));
        return resources.into_iter().map(alone).collect();
    }
    if resources.is_empty() {
        return Vec::new();
    }
    vec![(None, text(Value::Object(resources)))]
}

/// JSON text that the engine's YAML parser takes: it refuses some characters that JSON has.
fn printable(text: String) -> String {
    let is_odd = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(is_odd) {
        return text;
    }
    let escape = |c: char| {
        if is_odd(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
    };
    text.chars().map(escape).collect()
}

/// Maps items on as many threads as there are cores; results in the order of the items.
pub(super) fn on_all_cores<T: Sync, R: Send>(
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
