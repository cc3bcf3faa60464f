//! Exemptions: findings that someone answers for, until a date.
//!
//! An exemption names the rule, where it applies, an owner, a reason and an
//! expiry. It hides nothing: exempt findings are counted and listed, and an
//! exemption that expired or names no rule is a finding itself.
//!
//! Nobody can prolong an embedded one in a binary that is installed already. An expired
//! one still covers what it covered, and is a warning: the check fails for no calendar.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::finding::{Finding, Severity};
use super::rules::{RuleInfo, RuleSet};
use crate::error::{Context, Error, Place, Result};

const EMBEDDED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/guard/exemptions.yaml"));
const EMBEDDED_NAME: &str = "guard/exemptions.yaml";
const EXPIRED: &str = "exemption-expired";
const UNKNOWN_RULE: &str = "exemption-unknown-rule";
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A finding that is accepted until a date.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// Id of the rule.
    pub rule: String,
    /// Name of the stack, or `*`.
    pub stack: String,
    /// Logical id of the resource, or `*`.
    pub resource: String,
    /// Only in the policy statement of this `Sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Only in a policy statement that allows nothing but these actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Only in a policy statement with a condition on each of these keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Who answers for it.
    #[serde(deserialize_with = "not_blank")]
    pub owner: String,
    /// Why it is right.
    #[serde(deserialize_with = "not_blank")]
    pub reason: String,
    /// The last day on which it holds.
    #[serde(deserialize_with = "date", serialize_with = "write_date")]
    pub expires: Date,
    /// The file that it stands in.
    #[serde(skip)]
    pub file: String,
    /// Whether it came with platformctl.
    #[serde(skip)]
    pub embedded: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    exemptions: Vec<Exemption>,
}

/// The exemptions of one check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exemptions(Vec<Exemption>);

impl Exemptions {
    /// The ones that come with platformctl, for the stacks that come with it.
    pub fn embedded() -> Result<Self> {
        let mut embedded = Self::default().with_text(EMBEDDED_NAME, EMBEDDED)?;
        embedded.0.iter_mut().for_each(|exemption| exemption.embedded = true);
        Ok(embedded)
    }

    /// Adds the ones of a file.
    pub fn with_file(self, path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        self.with_text(&name, &text)
    }

    /// Adds the ones of a file's text. One with the rule and the place of an
    /// earlier one replaces it, so that an embedded one can be prolonged.
    pub fn with_text(mut self, name: &str, text: &str) -> Result<Self> {
        let file: File = serde_yaml::from_str(text).map_err(|error| {
            let (line, column) =
                error.location().map_or((0, 0), |place| (place.line(), place.column()));
            let place = Place { file: name.to_owned(), line, column, field: String::new() };
            let mut message = error.to_string();
            message.truncate(message.find(" at line ").unwrap_or(message.len()));
            Error::usage(message).at(place).hint(
                "an exemption has rule, stack, resource, owner, reason and expires (2027-06-30)",
            )
        })?;
        for mut exemption in file.exemptions {
            name.clone_into(&mut exemption.file);
            self.0.retain(|other| other.place() != exemption.place());
            self.0.push(exemption);
        }
        Ok(self)
    }

    /// Every exemption, in the order of the files.
    pub fn all(&self) -> &[Exemption] {
        &self.0
    }

    /// The exemption that covers a finding on this day.
    pub(super) fn covering(
        &self,
        finding: &Finding,
        statement: Option<&Value>,
        today: Date,
    ) -> Option<&Exemption> {
        let holds = |it: &&Exemption| it.embedded || it.expires >= today;
        self.0.iter().filter(holds).find(|it| it.covers(finding, statement))
    }

    /// Findings about the exemptions themselves.
    pub(super) fn faults(&self, rules: &RuleSet, today: Date) -> Vec<Finding> {
        let mut faults = Vec::new();
        for exemption in &self.0 {
            let is_code = || super::rules_of_code().iter().any(|rule| rule.id == exemption.rule);
            if rules.get(&exemption.rule).is_none() && !is_code() {
                faults.push(exemption.fault(
                    &unknown_rule(),
                    "rule",
                    &exemption.rule,
                    "the id of a rule",
                ));
            } else if exemption.expires < today {
                let wanted = format!("{today} or later");
                let rule = if exemption.embedded { outdated() } else { expired() };
                faults.push(exemption.fault(
                    &rule,
                    "expires",
                    &exemption.expires.to_string(),
                    &wanted,
                ));
            }
        }
        faults
    }
}

impl Exemption {
    /// What tells exemptions apart.
    fn place(&self) -> (&str, &str, &str, Option<&str>, [&[String]; 2]) {
        let within = [self.actions.as_slice(), &self.conditions];
        (&self.rule, &self.stack, &self.resource, self.statement.as_deref(), within)
    }

    fn covers(&self, finding: &Finding, statement: Option<&Value>) -> bool {
        let matches = |pattern: &str, name: &str| pattern == "*" || pattern == name;
        self.rule == finding.rule
            && matches(&self.stack, &finding.stack)
            && matches(&self.resource, &finding.resource)
            && self.statement.as_ref().is_none_or(|sid| finding.statement.as_ref() == Some(sid))
            && (self.actions.is_empty() || statement.is_some_and(|it| self.allows_all_of(it)))
            && (self.conditions.is_empty() || statement.is_some_and(|it| self.has_conditions(it)))
    }

    /// Whether a statement has a condition on every key that the exemption asks for.
    fn has_conditions(&self, statement: &Value) -> bool {
        let has = |wanted: &String| {
            let operators = statement["Condition"].as_object().into_iter().flatten();
            let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
            keys.any(|(key, _)| key.eq_ignore_ascii_case(wanted))
        };
        self.conditions.iter().all(has)
    }

    /// Whether every action of a statement is one of the exempt ones.
    fn allows_all_of(&self, statement: &Value) -> bool {
        let listed = |action: &Value| {
            action.as_str().is_some_and(|action| {
                self.actions.iter().any(|exempt| exempt.eq_ignore_ascii_case(action))
            })
        };
        match &statement["Action"] {
            Value::Array(actions) => !actions.is_empty() && actions.iter().all(listed),
            action => listed(action),
        }
    }

    fn fault(&self, rule: &RuleInfo, property: &str, found: &str, wanted: &str) -> Finding {
        Finding {
            rule: rule.id.clone(),
            severity: rule.severity,
            stack: self.stack.clone(),
            resource: self.resource.clone(),
            resource_type: String::new(),
            property: property.to_owned(),
            statement: self.statement.clone(),
            found: found.to_owned(),
            wanted: wanted.to_owned(),
            why: format!("{} Rule {}, owner {}.", rule.why, self.rule, self.owner),
            fix: format!("{} It stands in {}.", rule.fix, self.file),
            file: self.file.clone(),
            source: None,
        }
    }
}

/// The rules about exemptions, which are code and not in a rule file.
pub(super) fn own_rules() -> Vec<RuleInfo> {
    vec![expired(), unknown_rule()]
}

fn expired() -> RuleInfo {
    own_rule(
        EXPIRED,
        "Exemptions have not expired",
        "Nobody has looked at this exemption since it expired, and it no longer covers anything.",
        "Review it: remove it, or give it a later date.",
    )
}

/// The same rule, about an exemption that came with platformctl.
fn outdated() -> RuleInfo {
    RuleInfo {
        severity: Severity::Warning,
        why: "Nobody has looked at this exemption since it expired; it came with platformctl, \
              and still holds."
            .to_owned(),
        fix: "Install a newer platformctl, or prolong it in an exemptions file of your own."
            .to_owned(),
        ..expired()
    }
}

fn unknown_rule() -> RuleInfo {
    own_rule(
        UNKNOWN_RULE,
        "Exemptions name a rule that exists",
        "The exemption covers nothing: it is misspelt, or its rule is gone.",
        "Correct the id (`platformctl explain` lists them) or remove the exemption.",
    )
}

fn own_rule(id: &str, title: &str, why: &str, fix: &str) -> RuleInfo {
    RuleInfo::of_code(id, EMBEDDED_NAME, title, why, fix, Severity::Error)
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    Date::parse(&text, DATE)
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is no date; expected YYYY-MM-DD")))
}

fn not_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?.trim().to_owned();
    if text.is_empty() {
        return Err(serde::de::Error::custom("an exemption needs an owner and a reason"));
    }
    Ok(text)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn write_date<S: serde::Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}
