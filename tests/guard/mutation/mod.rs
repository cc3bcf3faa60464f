//! Proof by mutation: weaken every property that security rests on, in every template
//! that we make, and see that a rule notices.
//!
//! [`table`] says which properties these are and how each is weakened, [`policies`] does
//! the same for statements of policies. What no rule notices is a survivor: it is named
//! with a reason in `survivors.yaml`, or the test fails. [`coverage`] sees to it that no
//! new property slips by.
//!
//! The short version mutates one resource of each kind in a stack, beside those it is
//! connected with. `PLATFORMCTL_TEST_FULL=1` mutates all of them, in whole templates.

mod coverage;
mod mutant;
mod policies;
mod report;
mod sources;
mod survivors;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use platformctl::guard::{CheckReport, Exemption, Exemptions, Finding, RuleSet, check};
use serde_json::Value;

use crate::TODAY;
use mutant::Mutant;
use report::Tally;

/// A check that is no rule: what it finds in the templates of one environment.
pub(crate) type Invariant = fn(&[(&str, &Value)]) -> Vec<String>;

/// Checks that look at several templates at once. They are asked about what the rules
/// let pass. Add a function here to let its invariant kill mutants.
const INVARIANTS: &[(&str, Invariant)] = &[];

pub(crate) fn full() -> bool {
    std::env::var_os("PLATFORMCTL_TEST_FULL").is_some_and(|value| value == "1")
}

#[test]
fn every_weakened_property_is_noticed() {
    let environments = sources::environments();
    let mutants = mutant::all(&environments);
    let caught = caught(&mutants);
    let mut tally = Tally::default();
    let mut survivors = Vec::new();
    for (mutant, mut rules) in mutants.iter().zip(caught) {
        if rules.is_empty() {
            rules = noticed_by_invariants(mutant, &environments[mutant.environment]);
        }
        if rules.is_empty() {
            survivors.push(mutant);
        }
        tally.count(mutant.class, &rules);
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

/// The rules that each mutant breaks and its original does not.
fn caught(mutants: &[Mutant]) -> Vec<BTreeSet<String>> {
    let names: Vec<String> = (0..mutants.len()).map(|index| index.to_string()).collect();
    let mut originals: BTreeMap<String, String> = BTreeMap::new();
    for mutant in mutants {
        let next = format!("o{}", originals.len());
        originals.entry(mutant.original.to_string()).or_insert(next);
    }
    let parsed: Vec<(&str, Value)> = originals
        .iter()
        .map(|(text, name)| (name.as_str(), serde_json::from_str(text).expect("a template")))
        .collect();
    let mut templates: Vec<(&str, &Value)> =
        parsed.iter().map(|(name, template)| (*name, template)).collect();
    templates.extend(names.iter().map(String::as_str).zip(mutants.iter().map(|it| &it.mutated)));
    let report = check(&templates, &RuleSet::embedded(), &Exemptions::default(), TODAY);
    let report: CheckReport = report.expect("a report");
    let mut found: BTreeMap<&str, BTreeSet<Key<'_>>> = BTreeMap::new();
    for finding in &report.findings {
        found.entry(&finding.stack).or_default().insert(Key::of(finding));
    }
    let exemptions = Exemptions::embedded().expect("exemptions");
    let none = BTreeSet::new();
    mutants
        .iter()
        .zip(&names)
        .map(|(mutant, name)| {
            let before = found.get(originals[&mutant.original.to_string()].as_str());
            let before = before.unwrap_or(&none);
            let after = found.get(name.as_str()).unwrap_or(&none);
            let counts = |key: &&Key<'_>| {
                !exemptions.all().iter().any(|exemption| hides(exemption, key, mutant))
            };
            after.difference(before).filter(counts).map(|key| key.rule.to_owned()).collect()
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
fn hides(exemption: &Exemption, key: &Key<'_>, mutant: &Mutant) -> bool {
    let matches = |pattern: &str, name: &str| pattern == "*" || pattern == name;
    exemption.rule == key.rule
        && matches(&exemption.stack, &mutant.stack)
        && matches(&exemption.resource, key.resource)
        && exemption.statement.as_deref().is_none_or(|sid| key.statement == Some(sid))
        && (exemption.actions.is_empty() || {
            let statement = statement_at(mutant, key);
            policies::actions(statement).is_some_and(|actions| {
                actions.iter().all(|action| {
                    exemption.actions.iter().any(|exempt| exempt.eq_ignore_ascii_case(action))
                })
            })
        })
}

/// The statement that a finding's property lies in.
fn statement_at<'a>(mutant: &'a Mutant, key: &Key<'_>) -> &'a Value {
    let mut at = &mutant.mutated["Resources"][key.resource]["Properties"];
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

/// What the invariants find in the environment with the mutant, and did not find before.
fn noticed_by_invariants(mutant: &Mutant, environment: &sources::Environment) -> BTreeSet<String> {
    let originals: Vec<(&str, &Value)> =
        environment.stacks.iter().map(|(name, template)| (name.as_str(), template)).collect();
    let whole = mutant.in_whole(&environment.stacks[mutant.index].1);
    let mut mutated = originals.clone();
    mutated[mutant.index].1 = &whole;
    INVARIANTS
        .iter()
        .filter(|(_, invariant)| {
            let before: BTreeSet<String> = invariant(&originals).into_iter().collect();
            invariant(&mutated).iter().any(|finding| !before.contains(finding))
        })
        .map(|(name, _)| (*name).to_owned())
        .collect()
}
