//! Messages in groups: what they have in common, and how many, how old.

use std::collections::BTreeMap;

use runtime_core::telemetry::{redact, redact_value};
use serde::Serialize;
use serde_json::Value;

use super::letter::Letter;
use crate::http::printable;
use crate::journal::Mask;

/// Characters of a sample's body and of an error message.
const BODY: usize = 2000;
const MESSAGE: usize = 300;

/// What messages are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// What went wrong.
    Error,
    /// The function that could not handle it.
    Function,
    /// Whom it is about.
    Tenant,
    /// How long ago it was first sent.
    Age,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Error, Self::Function, Self::Tenant, Self::Age];

    /// As it is written on the command line and stands above a column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Function => "function",
            Self::Tenant => "tenant",
            Self::Age => "age",
        }
    }
}

/// Messages with something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they have in common, by [`By::name`]; none: the messages do not say.
    pub keys: BTreeMap<&'static str, Option<String>>,
    /// How many.
    pub count: usize,
    /// How long ago the first of them was sent, in seconds.
    pub oldest_seconds: Option<u64>,
    /// How long ago the last of them was sent, in seconds.
    pub newest_seconds: Option<u64>,
    /// How often the one that was moved back most often was.
    pub most_redrives: u64,
}

/// One message, fit to be shown: without what looks like a secret or names a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Its id.
    pub id: String,
    /// How long ago it was first sent, in seconds.
    pub age_seconds: Option<u64>,
    /// How often it was received, about.
    pub receive_count: u64,
    /// How often it was moved back.
    pub redrive_count: u64,
    /// Its message group.
    pub group: Option<String>,
    /// Whom it is about.
    pub tenant: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What was said about it.
    pub error_message: Option<String>,
    /// The body, masked and cut.
    pub body: Value,
}

/// The groups of `letters`, largest first. `function`: who handles what this queue holds,
/// for letters that do not say.
pub fn groups(letters: &[Letter], by: &[By], function: Option<&str>, now_ms: u64) -> Vec<Group> {
    let mut found: BTreeMap<Vec<Option<String>>, Group> = BTreeMap::new();
    for letter in letters {
        let body = letter.json();
        let age = letter.age_seconds(now_ms);
        let key = |by: &By| match by {
            By::Error => letter.error(&body).map(|text| shown(&text, 80)),
            By::Function => {
                letter.function(&body).map(|text| shown(&text, 80)).or(function.map(str::to_owned))
            }
            By::Tenant => letter.tenant(&body),
            By::Age => age.map(|age| age_class(age).to_owned()),
        };
        let keys: Vec<_> = by.iter().map(key).collect();
        let group = found.entry(keys.clone()).or_insert_with(|| Group {
            keys: by.iter().map(|it| it.name()).zip(keys).collect(),
            count: 0,
            oldest_seconds: None,
            newest_seconds: None,
            most_redrives: 0,
        });
        group.count += 1;
        group.oldest_seconds = group.oldest_seconds.max(age);
        group.newest_seconds = match (group.newest_seconds, age) {
            (Some(newest), Some(age)) => Some(newest.min(age)),
            (newest, age) => newest.or(age),
        };
        group.most_redrives = group.most_redrives.max(letter.redrive_count());
    }
    let mut groups: Vec<Group> = found.into_values().collect();
    // Stable: equal ones stay in the order of their keys.
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// A message as it may be shown.
pub fn sample(letter: &Letter, now_ms: u64) -> Sample {
    let body = letter.json();
    Sample {
        id: letter.id.clone(),
        age_seconds: letter.age_seconds(now_ms),
        receive_count: letter.receive_count(),
        redrive_count: letter.redrive_count(),
        group: letter.group().map(|text| shown(text, 128)),
        tenant: letter.tenant(&body),
        error: letter.error(&body).map(|text| shown(&text, 80)),
        error_message: letter.error_message(&body).map(|text| shown(&text, MESSAGE)),
        body: masked(body),
    }
}

/// What somebody else wrote, fit for a terminal and without secrets.
fn shown(text: &str, most: usize) -> String {
    printable(&Mask::default().text(&redact("text", text)), most)
}

fn masked(body: Value) -> Value {
    // A text in a body is often JSON again: its names say what is secret there, too.
    let body = Mask::default().value(redact_value("body", opened(body, 3)));
    match body {
        Value::String(text) => printable(&text, BODY).into(),
        other => {
            let text = other.to_string();
            if text.chars().count() > BODY { printable(&text, BODY).into() } else { other }
        }
    }
}

/// `value` with the JSON within its texts read, `depth` times.
fn opened(value: Value, depth: u8) -> Value {
    match value {
        Value::String(text) if depth > 0 && text.trim_start().starts_with(['{', '[']) => {
            match serde_json::from_str(&text) {
                Ok(inner) => opened(inner, depth - 1),
                Err(_) => Value::String(text),
            }
        }
        Value::Array(items) => items.into_iter().map(|it| opened(it, depth)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, it)| (name, opened(it, depth))).collect()
        }
        other => other,
    }
}

fn age_class(seconds: u64) -> &'static str {
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0..HOUR => "under 1 h",
        HOUR..DAY => "1 h to 1 day",
        DAY..604_800 => "1 to 7 days",
        _ => "over 7 days",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::letter::Attribute;
    use super::super::letter::tests::letter;
    use super::*;

    const NOW: u64 = 10_000_000_000;

    fn failed(id: &str, tenant: &str, error: Option<&str>, seconds: u64) -> Letter {
        let mut letter = letter(id, &format!(r#"{{"tenant_id": "{tenant}"}}"#));
        letter.system.insert("SentTimestamp".into(), (NOW - seconds * 1000).to_string());
        if let Some(error) = error {
            letter.attributes.insert("ERROR_CODE".into(), Attribute::text(error));
        }
        letter
    }

    #[test]
    fn groups_are_counted_and_the_largest_comes_first() {
        let letters = [
            failed("1", "acme", Some("Timeout"), 10),
            failed("2", "globex", Some("Timeout"), 7200),
            failed("3", "globex", None, 100_000),
            failed("4", "globex", Some("Timeout"), 60),
        ];
        let by_error = groups(&letters, &[By::Error], None, NOW);
        assert_eq!(by_error.len(), 2);
        assert_eq!(by_error[0].keys, [("error", Some("Timeout".to_owned()))].into());
        assert_eq!((by_error[0].count, by_error[0].oldest_seconds), (3, Some(7200)));
        assert_eq!(by_error[0].newest_seconds, Some(10));
        assert_eq!(by_error[1].keys, [("error", None)].into());

        let both = groups(&letters, &[By::Tenant, By::Error], None, NOW);
        let counts: Vec<usize> = both.iter().map(|group| group.count).collect();
        assert_eq!(counts, [2, 1, 1]);
        assert_eq!(both[0].keys["tenant"].as_deref(), Some("globex"));

        let ages = groups(&letters, &[By::Age], None, NOW);
        let ages: Vec<_> = ages.iter().map(|it| (it.keys["age"].as_deref(), it.count)).collect();
        assert_eq!(
            ages,
            [(Some("under 1 h"), 2), (Some("1 h to 1 day"), 1), (Some("1 to 7 days"), 1)]
        );
        let functions = groups(&letters, &[By::Function], Some("jobs"), NOW);
        assert_eq!(functions[0].keys["function"].as_deref(), Some("jobs"));
        assert_eq!(groups(&letters, &[], None, NOW)[0].count, 4);
        assert!(groups(&[], &By::ALL, None, NOW).is_empty());
    }

    #[test]
    fn a_sample_has_no_secrets_and_names_nobody() {
        let inner = r#"{\"password\": \"hunter2x\", \"n\": 1}"#;
        let body = format!(
            r#"{{"tenant_id": "acme", "email": "ada@example.com", "note": "ask bob@example.com",
                "token": "abc", "inner": "{inner}", "key": "AKIAIOSFODNN7EXAMPLE"}}"#
        );
        let mut planted = letter("1", &body);
        let message = "no access for ada@example.com\u{1b}[2J";
        planted.attributes.insert("ERROR_MESSAGE".into(), Attribute::text(message));
        let sample = sample(&planted, NOW);
        let text = serde_json::to_string(&sample).expect("JSON");
        for secret in ["ada@", "bob@", "abc", "hunter2x", "AKIA", "\\u001b"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!(sample.tenant.as_deref(), Some("acme"));
        assert_eq!(sample.body["inner"]["n"], json!(1));
    }

    #[test]
    fn a_long_body_is_cut() {
        let long = letter("1", &"x".repeat(5000));
        let Value::String(body) = sample(&long, NOW).body else { panic!("a text") };
        assert_eq!(body.chars().count(), BODY + 1);
        let items: Vec<u32> = (0..2000).collect();
        let json = letter("1", &serde_json::to_string(&items).expect("JSON"));
        assert!(sample(&json, NOW).body.is_string());
        assert_eq!(sample(&letter("1", "[1]"), NOW).body, json!([1]));
    }
}
