//! What the engine says about one template: its JSON report, read into plain values.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::Verdict;

/// One template's report.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    not_compliant: Vec<Clause>,
    /// Names of rules that did not apply.
    not_applicable: BTreeSet<String>,
    /// Names of rules that passed.
    compliant: BTreeSet<String>,
}

/// One value that a rule refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Refusal<'a> {
    /// Name of the rule, as in its file.
    pub(super) rule: &'a str,
    /// The message of the clause, or empty.
    pub(super) message: &'a str,
    /// `/Resources/FileSystem/Properties`: as far as the template goes.
    pub(super) path: &'a str,
    /// `Encrypted`: what is missing below `path`; empty when the value is there.
    pub(super) missing: &'a str,
    /// The value at `path`, when nothing is missing.
    pub(super) found: Option<&'a Value>,
    /// What it was compared with, when that is one value.
    pub(super) expected: Option<&'a Value>,
}

#[derive(Debug, Deserialize)]
enum Clause {
    Rule(RuleReport),
    Block(BlockReport),
    Disjunctions(Disjunctions),
    #[serde(rename = "Clause")]
    Check(Check),
}

#[derive(Debug, Deserialize)]
struct RuleReport {
    name: String,
    messages: Messages,
    checks: Vec<Clause>,
}

#[derive(Debug, Deserialize)]
struct Disjunctions {
    checks: Vec<Clause>,
}

#[derive(Debug, Deserialize)]
struct BlockReport {
    messages: Messages,
    unresolved: Option<Unresolved>,
}

/// The engine's own words (`error_message`) are left out: they quote values in full.
#[derive(Debug, Default, Deserialize)]
struct Messages {
    custom_message: Option<String>,
}

#[derive(Debug, Deserialize)]
enum Check {
    Unary(Report),
    Binary(Report),
}

#[derive(Debug, Deserialize)]
struct Report {
    context: String,
    messages: Messages,
    check: Operands,
}

/// The unary and binary checks of the engine share the names of their variants.
#[derive(Debug, Deserialize)]
enum Operands {
    UnResolved(MissingOperand),
    Resolved(Compared),
    InResolved(ComparedWithMany),
    UnResolvedContext(IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct MissingOperand {
    value: Unresolved,
}

#[derive(Debug, Deserialize)]
struct Unresolved {
    traversed_to: Located,
    remaining_query: String,
}

#[derive(Debug, Deserialize)]
struct Compared {
    #[serde(alias = "value")]
    from: Located,
    to: Option<Located>,
}

#[derive(Debug, Deserialize)]
struct ComparedWithMany {
    from: Located,
    to: Vec<Located>,
}

#[derive(Debug, Deserialize)]
struct Located {
    path: String,
    value: Value,
}

impl Outcome {
    /// What is said of a template that has nothing of the rules' kind.
    pub(super) fn skipped(rules: impl Iterator<Item = String>) -> Self {
        let not_compliant = Vec::new();
        Self { not_compliant, not_applicable: rules.collect(), compliant: BTreeSet::new() }
    }

    /// Rules by name, with what they say.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = (&str, Verdict)> {
        let passed = self.compliant.iter().map(|name| (name.as_str(), Verdict::Pass));
        let skipped = self.not_applicable.iter().map(|name| (name.as_str(), Verdict::Skip));
        let failed = self.not_compliant.iter().filter_map(|clause| match clause {
            Clause::Rule(rule) => Some((rule.name.as_str(), Verdict::Fail)),
            _ => None,
        });
        passed.chain(skipped).chain(failed)
    }

    /// Every refused value, flat; each failed rule has at least one.
    pub(super) fn refusals(&self) -> Vec<Refusal<'_>> {
        let mut refusals = Vec::new();
        for clause in &self.not_compliant {
            let Clause::Rule(rule) = clause else { continue };
            let before = refusals.len();
            for check in &rule.checks {
                flatten(&rule.name, check, &mut refusals);
            }
            if refusals.len() == before {
                // The engine failed the rule and did not say on what.
                refusals.push(Refusal::of(&rule.name, &rule.messages));
            }
        }
        refusals
    }
}

impl<'a> Refusal<'a> {
    fn of(rule: &'a str, messages: &'a Messages) -> Self {
        let message = messages.custom_message.as_deref().unwrap_or_default();
        Self { rule, message, path: "", missing: "", found: None, expected: None }
    }

    fn missing(self, unresolved: &'a Unresolved) -> Self {
        Self { path: &unresolved.traversed_to.path, missing: &unresolved.remaining_query, ..self }
    }

    fn found(self, from: &'a Located, expected: Option<&'a Located>) -> Self {
        let expected = expected.map(|to| &to.value);
        Self { path: &from.path, found: Some(&from.value), expected, ..self }
    }
}

fn flatten<'a>(rule: &'a str, clause: &'a Clause, refusals: &mut Vec<Refusal<'a>>) {
    match clause {
        Clause::Rule(RuleReport { checks, .. }) => {
            for check in checks {
                flatten(rule, check, refusals);
            }
        }
        Clause::Disjunctions(any) => {
            let start = refusals.len();
            for check in &any.checks {
                flatten(rule, check, refusals);
            }
            // The message stands after the last alternative and speaks for all of them.
            let alternatives = &mut refusals[start..];
            let mut messages = alternatives.iter().rev().map(|it| it.message);
            let message = messages.find(|message| !message.is_empty()).unwrap_or_default();
            for alternative in alternatives.iter_mut().filter(|it| it.message.is_empty()) {
                alternative.message = message;
            }
        }
        Clause::Block(block) => {
            let refusal = Refusal::of(rule, &block.messages);
            refusals.push(match &block.unresolved {
                Some(unresolved) => refusal.missing(unresolved),
                None => refusal,
            });
        }
        Clause::Check(Check::Unary(report) | Check::Binary(report)) => {
            let refusal = Refusal::of(rule, &report.messages);
            refusals.push(match &report.check {
                Operands::UnResolved(operand) => refusal.missing(&operand.value),
                Operands::Resolved(both) => refusal.found(&both.from, both.to.as_ref()),
                // A filter on keys (`Resources[ keys not in … ]`) is reported like a
                // clause, at the map itself and without a context: not a refusal.
                Operands::InResolved(_) if report.context.is_empty() => return,
                Operands::InResolved(both) => {
                    let only = both.to.first().filter(|_| both.to.len() == 1);
                    refusal.found(&both.from, only)
                }
                Operands::UnResolvedContext(_) => refusal,
            });
        }
    }
}
