//! The catalogue of rules that are code: what holds between stacks, or of a template as a
//! whole, and cannot be said in a rule file.
//!
//! A new one adds its [`RuleInfo`] to [`catalogue`] and gives its findings, made with
//! `Finding::new`, to `check_with`; `explain`, `--only`, `--skip`, exemptions, baselines
//! and every report then know it.

use super::rules::RuleInfo;
use super::{exemptions, template};

/// Every rule that is code.
pub fn catalogue() -> Vec<RuleInfo> {
    let mut rules = exemptions::own_rules();
    rules.extend(template::own_rules());
    rules
}
