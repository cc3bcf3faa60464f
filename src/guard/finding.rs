//! A finding: what a rule refused, where, and what to do about it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Longer strings are cut: a finding goes into logs and build artefacts.
const MAX_TEXT: usize = 80;
/// Longer objects are cut.
const MAX_VALUE: usize = 120;
/// What stands in place of a value that may be secret.
const MASKED: &str = "(hidden)";

/// Whether a finding fails the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The check fails.
    Error,
    /// Shown; the check passes.
    Warning,
    /// Shown; the check passes.
    Note,
}

impl Severity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "note" => Some(Self::Note),
            _ => None,
        }
    }

    /// `error`, `warning` or `note`; SARIF uses the same words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One violation of one rule by one property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `efs-encrypted-at-rest`.
    pub rule: String,
    /// Whether it fails the check.
    pub severity: Severity,
    /// `efs`.
    pub stack: String,
    /// Logical id in the stack's template, such as `FileSystem`.
    pub resource: String,
    /// `AWS::EFS::FileSystem`.
    pub resource_type: String,
    /// Dotted path below `Properties`: `Encrypted`, `Policies.0.PolicyDocument`.
    pub property: String,
    /// `Sid` of the policy statement that the property is in, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The value that was found, short and masked; `nothing` when it is missing.
    pub found: String,
    /// The value or values that pass; empty when the rule does not say.
    pub wanted: String,
    /// What goes wrong.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// The rule's file.
    pub file: String,
}

impl Finding {
    /// A finding of a rule that is code, for `check_with`. `rule` is an id of
    /// `catalogue()`; empty texts mean that there is nothing to say.
    #[expect(clippy::too_many_arguments, reason = "every one is a field, and required")]
    pub fn new(
        rule: impl Into<String>,
        severity: Severity,
        stack: impl Into<String>,
        resource: impl Into<String>,
        resource_type: impl Into<String>,
        property: impl Into<String>,
        found: impl Into<String>,
        wanted: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.into(),
            severity,
            stack: stack.into(),
            resource: resource.into(),
            resource_type: resource_type.into(),
            property: property.into(),
            statement: None,
            found: found.into(),
            wanted: wanted.into(),
            why: why.into(),
            fix: fix.into(),
            file: String::new(),
        }
    }

    /// `efs / FileSystem / Encrypted`, without what is not known.
    pub fn place(&self) -> String {
        let statement = self.statement.as_ref().map(|sid| format!("statement {sid}"));
        [
            Some(self.stack.as_str()),
            Some(self.resource.as_str()),
            Some(self.property.as_str()),
            statement.as_deref(),
        ]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" / ")
    }

    /// `found false, wanted true`.
    pub fn difference(&self) -> String {
        if self.wanted.is_empty() {
            format!("found {}", self.found)
        } else {
            format!("found {}, wanted {}", self.found, self.wanted)
        }
    }

    /// Order of reports.
    pub(super) fn key(&self) -> (&str, &str, &str, &str) {
        (&self.stack, &self.resource, &self.rule, &self.property)
    }
}

/// A value for people: short, and masked where its name says that it is secret.
pub(super) fn show(value: &Value, secret: bool) -> String {
    if secret && !value.is_boolean() && !value.is_null() {
        return MASKED.to_owned();
    }
    shorten(&mask(value).to_string(), MAX_VALUE)
}

/// Cuts long text at a character boundary and says how long it was.
pub(super) fn shorten(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let start: String = text.chars().take(most).collect();
    format!("{start}… ({length} characters)")
}

/// Whether a key's name says that its value is secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 8] =
        ["password", "passwd", "secret", "token", "apikey", "api_key", "credential", "privatekey"];
    // These name or describe a secret and do not hold one.
    const HARMLESS: [&str; 4] = ["arn", "id", "name", "type"];
    let name = name.to_ascii_lowercase();
    let compact = name.replace('-', "_");
    WORDS.iter().any(|word| compact.contains(word))
        && !HARMLESS.iter().any(|end| name.ends_with(end))
}

/// Whether the text looks like key material, whatever its name.
fn is_secret_text(text: &str) -> bool {
    let access_key = (text.starts_with("AKIA") || text.starts_with("ASIA")) && text.len() >= 20;
    access_key || text.contains("-----BEGIN") || text.starts_with("ghp_") || text.starts_with("eyJ")
}

fn mask(value: &Value) -> Value {
    match value {
        Value::String(text) if is_secret_text(text) => Value::from(MASKED),
        Value::String(text) => Value::from(shorten(text, MAX_TEXT)),
        Value::Array(list) => list.iter().map(mask).collect(),
        Value::Object(map) => {
            let named_secret = names_secret(value);
            map.iter()
                .map(|(key, value)| {
                    let secret = is_secret_name(key) || (named_secret && key == "Value");
                    let masked = if secret { Value::from(MASKED) } else { mask(value) };
                    (key.clone(), masked)
                })
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        plain => plain.clone(),
    }
}

/// `{"Name": "DB_PASSWORD", "Value": …}`.
pub(super) fn names_secret(value: &Value) -> bool {
    ["Name", "Key"].iter().any(|key| value[key].as_str().is_some_and(is_secret_name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_and_long_text_is_cut() {
        assert_eq!(show(&json!("hunter2"), true), "(hidden)");
        assert_eq!(
            show(&json!({ "DbPassword": "hunter2", "Port": 1 }), false),
            r#"{"DbPassword":"(hidden)","Port":1}"#
        );
        assert_eq!(
            show(&json!([{ "Name": "API_TOKEN", "Value": "hunter2" }]), false),
            r#"[{"Name":"API_TOKEN","Value":"(hidden)"}]"#
        );
        assert_eq!(show(&json!("AKIAIOSFODNN7EXAMPLE"), false), "\"(hidden)\"");
        let long = show(&json!("x".repeat(500)), false);
        assert!(long.contains("(500 characters)") && long.len() < 150, "{long}");
        assert_eq!(show(&json!(false), true), "false");
        assert!(!is_secret_name("SecretArn"));
    }
}
