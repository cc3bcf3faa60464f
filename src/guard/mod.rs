//! The policy gate: rules over synthesized templates, exemptions, findings and reports.
//!
//! [`check`] folds what is constant in each template, evaluates the rules on it
//! through cfn-guard (named in `engine` alone), turns every refused value into a
//! [`Finding`] and sets aside what an [`Exemption`] covers. It is pure: the date
//! is a parameter, and reports are strings.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;
use time::Date;

mod baseline;
mod batch;
mod document;
mod engine;
mod examples;
mod exemptions;
mod finding;
mod fold;
pub mod invariants;
mod message;
mod outcome;
pub mod report;
mod rules;
pub mod template;
mod verdicts;

pub use baseline::{Baseline, Known};
pub use examples::{Examples, examples};
pub use exemptions::{Exemption, Exemptions};
pub use finding::{Finding, Severity, Source};
pub use report::{CheckReport, Exempted};
pub use rules::{RuleInfo, RuleSet, rules};
pub use verdicts::Verdict;

use crate::error::{Error, Result};
use batch::Judged;
use message::Message;
use outcome::Refusal;
use verdicts::Verdicts;

/// Checks templates, given with the names of their stacks.
pub fn check(
    templates: &[(&str, &Value)],
    rules: &RuleSet,
    exemptions: &Exemptions,
    today: Date,
) -> Result<CheckReport> {
    check_with(templates, rules, exemptions, today, Vec::new())
}

/// As [`check`], with findings of rules that are code (see [`invariants`]). Exemptions
/// cover them as they cover others.
pub fn check_with(
    templates: &[(&str, &Value)],
    rules: &RuleSet,
    exemptions: &Exemptions,
    today: Date,
    extra: Vec<Finding>,
) -> Result<CheckReport> {
    let started = Instant::now();
    let by_name = rules.by_name();
    let mut findings = exemptions.faults(rules, today);
    let mut exempted = Vec::new();
    let mut verdicts = Verdicts::default();
    let mut take = |finding: Finding, statement: Option<&Value>| match exemptions
        .covering(&finding, statement, today)
    {
        Some(exemption) => exempted.push(Exempted { finding, exemption: exemption.clone() }),
        None => findings.push(finding),
    };
    for finding in extra {
        take(finding, None);
    }
    for Judged { stacks, template, outcomes } in batch::judge(templates, rules)? {
        let judged = outcomes.iter().flat_map(|it| it.outcome.verdicts());
        let judged = judged.map(|(name, verdict)| (rules::id_of(name), verdict));
        verdicts.add(&stacks, judged.filter(|(id, _)| rules.is_on(id)));
        for seen in &outcomes {
            for refusal in seen.outcome.refusals() {
                let path = seen.path(refusal.path);
                let refusal = Refusal { path: &path, ..refusal };
                let (finding, statement) = finding_of(&template, &by_name, &refusal);
                for stack in &*stacks {
                    take(Finding { stack: (*stack).to_owned(), ..finding.clone() }, statement);
                }
            }
        }
    }
    findings.retain(|finding| rules.is_on(&finding.rule));
    exempted.retain(|it| rules.is_on(&it.finding.rule));
    // The same value can be refused by several clauses, and in several outcomes of an `Fn::If`.
    findings.sort_by(|a, b| a.key().cmp(&b.key()));
    findings.dedup_by(|a, b| a.key() == b.key());
    exempted.sort_by(|a, b| a.finding.key().cmp(&b.finding.key()));
    exempted.dedup_by(|a, b| a.finding.key() == b.finding.key());
    let mut catalogue = rules.rules().to_vec();
    catalogue.extend(rules_of_code());
    catalogue.retain(|rule| rules.is_on(&rule.id));
    Ok(CheckReport {
        findings,
        exempted,
        baselined: Vec::new(),
        fixed: Vec::new(),
        rules: rules.number_on(),
        stacks: templates.len(),
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        catalogue,
        checked: templates.iter().map(|(stack, _)| (*stack).to_owned()).collect(),
        verdicts,
    })
}

/// Every rule that a finding can name: those of the embedded files, and those that are code.
pub fn catalogue() -> Vec<RuleInfo> {
    let mut all = rules();
    all.extend(rules_of_code());
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn rules_of_code() -> Vec<RuleInfo> {
    invariants::catalogue()
}

/// There is no rule of this id; says which is nearest.
pub fn unknown_rule<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let nearest =
        known.max_by(|a, b| strsim::jaro_winkler(id, a).total_cmp(&strsim::jaro_winkler(id, b)));
    let error = Error::usage(format!("there is no rule {id}"));
    match nearest {
        Some(nearest) => {
            error.hint(format!("did you mean `{nearest}`? `platformctl explain` lists all"))
        }
        None => error,
    }
}

/// What each rule says about one template, by rule id. Exemptions play no part.
pub fn verdicts(template: &Value, rules: &RuleSet) -> Result<BTreeMap<String, Verdict>> {
    let report = check(&[("", template)], rules, &Exemptions::default(), Date::MIN)?;
    Ok(report.verdicts.of("").map(|(rule, verdict)| (rule.to_owned(), verdict)).collect())
}

/// A template as the rules see it: one value for each outcome of its conditions. For
/// comparisons with other engines.
pub fn folded(template: &Value) -> Vec<Value> {
    fold::fold(template)
}

/// The finding of a refused value, without its stack, and the policy statement that the
/// value is in.
fn finding_of<'a>(
    template: &'a Value,
    rules: &BTreeMap<&str, &RuleInfo>,
    refusal: &Refusal<'_>,
) -> (Finding, Option<&'a Value>) {
    let rule = rules.get(refusal.rule);
    let message = Message::parse(refusal.message);
    let place = Place::of(template, refusal);
    let found = match (&message.found, refusal.found) {
        (Some(words), _) => words.clone(),
        (None, Some(value)) => finding::show(value, place.secret),
        (None, None) => "nothing".to_owned(),
    };
    let inherited = rule.map(|rule| rule.wanted.clone()).filter(|wanted| !wanted.is_empty());
    let compared = || refusal.expected.map(|value| finding::show(value, place.secret));
    let why = message
        .why
        .or_else(|| Some(message.text).filter(|text| !text.is_empty()))
        .or_else(|| rule.map(|rule| rule.why.clone()).filter(|why| !why.is_empty()));
    let finding = Finding {
        rule: rules::id_of(refusal.rule),
        severity: rule.map_or(Severity::Error, |rule| rule.severity),
        stack: String::new(),
        resource: place.resource,
        resource_type: place.resource_type,
        property: message.property.unwrap_or(place.property),
        statement: place.statement.and_then(|it| it["Sid"].as_str()).map(str::to_owned),
        found,
        wanted: message.wanted.or(inherited).or_else(compared).unwrap_or_default(),
        why: why.unwrap_or_else(|| "The rule says nothing about itself.".to_owned()),
        fix: message.fix.or_else(|| rule.map(|rule| rule.fix.clone())).unwrap_or_default(),
        file: rule.map(|rule| rule.file.clone()).unwrap_or_default(),
        source: None,
    };
    (finding, place.statement)
}

/// Where in a template a refused value is.
struct Place<'a> {
    resource: String,
    resource_type: String,
    property: String,
    /// The value, or one around it, has a name that says it is secret.
    secret: bool,
    statement: Option<&'a Value>,
}

impl<'a> Place<'a> {
    fn of(template: &'a Value, refusal: &Refusal<'_>) -> Self {
        let mut keys = refusal.path.split('/').filter(|key| !key.is_empty());
        let mut at = template;
        let mut secret = false;
        let mut statement = None;
        let mut path = Vec::new();
        let in_resources = refusal.path.starts_with("/Resources");
        if in_resources {
            keys.next();
            at = &template["Resources"];
        }
        let resource = if in_resources { keys.next().unwrap_or_default() } else { "" };
        if !resource.is_empty() {
            at = &at[resource];
        }
        let resource_type = at["Type"].as_str().unwrap_or_default().to_owned();
        for key in keys {
            secret |= finding::is_secret_name(key) || finding::names_secret(at);
            at = match key.parse::<usize>() {
                Ok(index) if at.is_array() => &at[index],
                _ => &at[key],
            };
            if at["Effect"].is_string() {
                statement = Some(at);
            }
            path.push(key.to_owned());
        }
        path.extend(missing_keys(refusal.missing));
        if path.first().is_some_and(|key| key == "Properties") {
            path.remove(0);
        }
        Self {
            resource: resource.to_owned(),
            resource_type,
            property: path.join("."),
            secret,
            statement,
        }
    }
}

/// `Properties.Tags[*]. (filter-clauses).Key` is `Properties`, `Tags`, `Key`.
fn missing_keys(query: &str) -> impl Iterator<Item = String> {
    query
        .split('.')
        .map(|part| part.replace("[*]", "").trim().trim_matches('\'').to_owned())
        .filter(|part| !part.is_empty() && !part.starts_with('('))
}
