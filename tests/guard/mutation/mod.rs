//! Proof by mutation: weaken every property that security rests on, in every template
//! that we make, and see that a rule notices.
//!
//! [`table`] says which properties these are and how each is weakened, [`policies`] does
//! the same for statements of policies. What no rule notices is a survivor: it is named
//! with a reason in `survivors.yaml`, or the test fails. [`coverage`] sees to it that no
//! new property slips by.
//!
//! The short version mutates one resource of each kind in a stack, beside those it is
//! connected with. `PLATFORMCTL_TEST_FULL=1` mutates all of them, in whole templates. What
//! no rule notices is then shown to the invariants, in its whole environment.

mod coverage;
mod mutant;
mod policies;
mod report;
mod sources;
mod survivors;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use platformctl::guard::invariants::invariants;
use platformctl::guard::{Exemption, Exemptions, Finding, RuleSet, check};
use serde_json::Value;
use stacks::StackTemplate;

use crate::TODAY;
use mutant::Mutant;
use report::Tally;
use sources::Environment;

/// Mutants that are looked at together: enough for equal parts to be met again, few enough
/// for the memory.
const BATCH: usize = 500;

pub(crate) fn full() -> bool {
    std::env::var_os("PLATFORMCTL_TEST_FULL").is_some_and(|value| value == "1")
}

#[test]
fn every_weakened_property_is_noticed() {
    let environments = sources::environments();
    let mutants = mutant::all(&environments);
    let mut noticed: Vec<BTreeSet<String>> = mutants.chunks(BATCH).flat_map(caught).collect();
    let passed: Vec<usize> =
        (0..mutants.len()).filter(|index| noticed[*index].is_empty()).collect();
    let before = on_all_cores(&environments, |it| violated(&it.stacks));
    let invariants = on_all_cores(&passed, |index| {
        noticed_by_invariants(&mutants[*index], &environments, &before)
    });
    for (index, rules) in passed.into_iter().zip(invariants) {
        noticed[index] = rules;
    }
    let mut tally = Tally::default();
    let mut survivors = Vec::new();
    for (mutant, rules) in mutants.iter().zip(&noticed) {
        if rules.is_empty() {
            survivors.push(mutant);
        }
        tally.count(mutant.class, rules);
    }
    let listed = survivors::listed();
    let (expected, unexpected): (Vec<&Mutant>, Vec<&Mutant>) =
        survivors.iter().partition(|mutant| listed.iter().any(|it| it.covers(mutant)));
    let text = tally.text(mutants.len(), &expected, &unexpected);
    let file = report::write(&text);
    assert!(
        unexpected.is_empty(),
        "no rule notices these; write one, or give a reason in survivors.yaml:\n{}\n({})",
        report::lines(&unexpected),
        file.display()
    );
    if full() {
        let stale: Vec<_> =
            listed.iter().filter(|it| !survivors.iter().any(|mutant| it.covers(mutant))).collect();
        assert!(stale.is_empty(), "these survive no longer, remove them: {stale:#?}");
    }
}

#[test]
fn every_property_that_looks_relevant_is_in_a_table() {
    let missing = coverage::missing(&sources::environments());
    assert!(
        missing.is_empty(),
        "mutate these in table.rs, or say why not in coverage.rs:\n{}",
        missing.join("\n")
    );
}

/// Maps items on as many threads as there are cores; results in the order of the items.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(index)
        {
            done.push((index, work(item)));
        }
        done
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(run)).collect();
        started.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The rules that each mutant breaks and its original does not.
fn caught(mutants: &[Mutant]) -> Vec<BTreeSet<String>> {
    let mut originals: Vec<&Arc<Value>> = Vec::new();
    for mutant in mutants {
        // Mutants of one resource follow each other.
        if originals.last().is_none_or(|last| !Arc::ptr_eq(last, &mutant.original)) {
            originals.push(&mutant.original);
        }
    }
    let mutated: Vec<Value> = mutants.iter().map(|it| it.of(&it.original)).collect();
    let all: Vec<&Value> = originals.iter().map(|it| &***it).chain(&mutated).collect();
    let names: Vec<String> = (0..all.len()).map(|index| index.to_string()).collect();
    let templates: Vec<(&str, &Value)> =
        names.iter().map(String::as_str).zip(all.iter().copied()).collect();
    let report = check(&templates, &RuleSet::embedded(), &Exemptions::default(), TODAY);
    let report = report.expect("a report");
    let mut found: BTreeMap<&str, Vec<Key<'_>>> = BTreeMap::new();
    for finding in &report.findings {
        found.entry(&finding.stack).or_default().push(Key::of(finding));
    }
    let exemptions = Exemptions::embedded().expect("exemptions");
    // What the check of the real stack would show.
    let shown = |at: usize, mutant: &Mutant| -> BTreeSet<&Key<'_>> {
        let findings = found.get(names[at].as_str()).into_iter().flatten();
        let hidden = |key: &Key<'_>| {
            exemptions.all().iter().any(|exemption| hides(exemption, key, mutant, all[at]))
        };
        findings.filter(|key| !hidden(key)).collect()
    };
    let mut original = 0;
    mutants
        .iter()
        .enumerate()
        .map(|(index, mutant)| {
            if !Arc::ptr_eq(originals[original], &mutant.original) {
                original += 1;
            }
            let before = shown(original, mutant);
            let after = shown(originals.len() + index, mutant);
            after.difference(&before).map(|key| key.rule.to_owned()).collect()
        })
        .collect()
}

/// What makes two findings the same one. The value that was found is part of it: a
/// property that was refused before may be refused for another reason now.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    rule: &'a str,
    resource: &'a str,
    property: &'a str,
    statement: Option<&'a str>,
    found: &'a str,
}

impl<'a> Key<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: &finding.rule,
            resource: &finding.resource,
            property: &finding.property,
            statement: finding.statement.as_deref(),
            found: &finding.found,
        }
    }
}

/// Whether an embedded exemption would hide the finding in the real stack.
fn hides(exemption: &Exemption, key: &Key<'_>, mutant: &Mutant, template: &Value) -> bool {
    let matches = |pattern: &str, name: &str| pattern == "*" || pattern == name;
    let has = |list: &[String], name: &str| list.iter().any(|it| it.eq_ignore_ascii_case(name));
    let within = || statement_at(template, key);
    exemption.rule == key.rule
        && matches(&exemption.stack, &mutant.stack)
        && matches(&exemption.resource, key.resource)
        && exemption.statement.as_deref().is_none_or(|sid| key.statement == Some(sid))
        && (exemption.actions.is_empty()
            || policies::actions(within())
                .is_some_and(|actions| actions.iter().all(|it| has(&exemption.actions, it))))
        && exemption.conditions.iter().all(|wanted| {
            let operators = within()["Condition"].as_object().into_iter().flatten();
            let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
            keys.any(|(key, _)| key.eq_ignore_ascii_case(wanted))
        })
}

/// The statement that a finding's property lies in.
fn statement_at<'a>(template: &'a Value, key: &Key<'_>) -> &'a Value {
    let mut at = &template["Resources"][key.resource]["Properties"];
    for part in key.property.split('.') {
        at = match part.parse::<usize>() {
            Ok(index) if at.is_array() => &at[index],
            // A single statement is a list of one for the rules.
            Ok(0) => at,
            _ => &at[part],
        };
        if at["Effect"].is_string() {
            return at;
        }
    }
    &Value::Null
}

/// What the invariants find in an environment: rule, place and value.
fn violated(stacks: &[StackTemplate]) -> BTreeSet<(String, String, String)> {
    let place = |it: Finding| (it.rule.clone(), it.place(), it.found);
    invariants(stacks).into_iter().map(place).collect()
}

/// What the invariants find in the environment with the mutant, and did not find before.
fn noticed_by_invariants(
    mutant: &Mutant,
    environments: &[Environment],
    before: &[BTreeSet<(String, String, String)>],
) -> BTreeSet<String> {
    let mut stacks = environments[mutant.environment].stacks.clone();
    let whole = mutant.of(stacks[mutant.index].template.as_value());
    stacks[mutant.index].template = serde_json::from_value(whole).expect("a template");
    let after = violated(&stacks);
    after.difference(&before[mutant.environment]).map(|(rule, ..)| rule.clone()).collect()
}
