//! The policy rules and the engine around them.

#[path = "guard/engine.rs"]
mod engine;
#[path = "guard/exemptions.rs"]
mod exemptions;
#[path = "guard/mutation/mod.rs"]
mod mutation;
#[path = "guard/parity.rs"]
mod parity;
#[path = "guard/reports.rs"]
mod reports;
#[path = "guard/rules.rs"]
mod rules;
#[path = "guard/stacks.rs"]
mod stacks_pass;

use platformctl::guard::{CheckReport, Exemptions, RuleSet, check};
use serde_json::Value;
use time::Date;
use time::macros::date;

/// The day on which the tests play.
const TODAY: Date = date!(2026 - 11 - 21);

/// Checks templates with the embedded rules and no exemptions.
fn checked(templates: &[(&str, &Value)]) -> CheckReport {
    check(templates, &RuleSet::embedded(), &Exemptions::default(), TODAY).expect("a report")
}
