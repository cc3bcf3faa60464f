//! Which messages are meant.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::letter::Letter;
use crate::error::{Error, Result};

/// Which messages are meant: those that meet all that is said. Nothing said means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// A `JMESPath` expression over [`Letter::document`] that has to hold.
    pub filter: Option<String>,
    /// The tenant they are about.
    pub tenant: Option<String>,
    /// First sent at least this long ago.
    pub older_than: Option<Duration>,
    /// First sent at most this long ago.
    pub newer_than: Option<Duration>,
}

/// A selection, ready to be asked. Made anew for each batch: the compiled expression stays
/// on its thread.
pub struct Selector<'a> {
    selection: &'a Selection,
    expression: Option<jmespath::Expression<'static>>,
}

impl Selection {
    /// Whether all messages are meant.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Ready to be asked. An error when the filter is no expression.
    pub fn selector(&self) -> Result<Selector<'_>> {
        let expression = self.filter.as_deref().map(compile).transpose()?;
        Ok(Selector { selection: self, expression })
    }
}

impl Selector<'_> {
    /// Whether a message is meant. An error when the filter cannot be evaluated.
    pub fn takes(&self, letter: &Letter, now_ms: u64) -> Result<bool> {
        let Selection { filter, tenant, older_than, newer_than } = self.selection;
        let age = letter.age_seconds(now_ms);
        // A message without a time is of no known age: neither older nor newer.
        let aged = older_than.is_none_or(|than| age.is_some_and(|age| age >= than.as_secs()))
            && newer_than.is_none_or(|than| age.is_some_and(|age| age <= than.as_secs()));
        let of_tenant = tenant
            .as_ref()
            .is_none_or(|tenant| letter.tenant(&letter.json()).as_ref() == Some(tenant));
        if !(aged && of_tenant) {
            return Ok(false);
        }
        let (Some(expression), Some(text)) = (&self.expression, filter) else { return Ok(true) };
        let found = expression
            .search(letter.document(now_ms))
            .map_err(|error| unusable(text, error.to_string()))?;
        Ok(found.is_truthy())
    }
}

fn compile(text: &str) -> Result<jmespath::Expression<'static>> {
    jmespath::compile(text).map_err(|error| unusable(text, error.to_string()))
}

fn unusable(text: &str, cause: String) -> Error {
    Error::usage(format!("--filter `{text}` cannot be used"))
        .caused_by(cause)
        .hint("the syntax is JMESPath (https://jmespath.org), over id, body, attributes, message_attributes, tenant, error, function, age_seconds, redrive_count and receive_count")
        .hint("texts stand in single quotes: --filter \"error == 'Timeout'\"")
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    const NOW: u64 = 1_000_000_000;

    fn sent(seconds_ago: u64, body: &str) -> Letter {
        let mut letter = letter("1", body);
        let at = NOW - seconds_ago * 1000;
        letter.system.insert("SentTimestamp".into(), at.to_string());
        letter
    }

    fn takes(selection: &Selection, letter: &Letter) -> bool {
        selection.selector().expect("a selector").takes(letter, NOW).expect("an answer")
    }

    fn filter(text: &str) -> Selection {
        Selection { filter: Some(text.to_owned()), ..Selection::default() }
    }

    #[test]
    fn nothing_said_means_all() {
        assert!(Selection::default().is_all());
        assert!(takes(&Selection::default(), &letter("1", "no json")));
        assert!(!filter("body").is_all());
    }

    #[test]
    fn all_that_is_said_has_to_hold() {
        let hour = Duration::from_hours(1);
        let old = sent(7200, r#"{"tenant_id": "acme", "n": 3}"#);
        let new = sent(60, r#"{"tenant_id": "globex", "n": 5}"#);
        let older = Selection { older_than: Some(hour), ..Selection::default() };
        let newer = Selection { newer_than: Some(hour), ..Selection::default() };
        assert!(takes(&older, &old) && !takes(&older, &new));
        assert!(takes(&newer, &new) && !takes(&newer, &old));
        let tenant = Selection { tenant: Some("acme".into()), ..Selection::default() };
        assert!(takes(&tenant, &old) && !takes(&tenant, &new));
        let both = Selection { tenant: Some("acme".into()), ..newer };
        assert!(!takes(&both, &old) && !takes(&both, &new));
        // Of no known age.
        assert!(!takes(&older, &letter("1", "x")) && !takes(&both, &letter("1", "x")));
    }

    #[test]
    fn a_filter_sees_body_attributes_and_facts() {
        let mut one = sent(90, r#"{"tenant_id": "acme", "n": 3, "tags": []}"#);
        one.attributes.insert("kind".into(), super::super::letter::Attribute::text("late"));
        for (text, expected) in [
            ("body.n == `3`", true),
            ("body.n > `3`", false),
            ("tenant == 'acme' && age_seconds >= `90`", true),
            ("message_attributes.kind == 'late'", true),
            ("attributes.SentTimestamp", true),
            ("error", false),
            ("body.tags", false),
            ("redrive_count == `0`", true),
        ] {
            assert_eq!(takes(&filter(text), &one), expected, "{text}");
        }
        assert!(takes(&filter("contains(body, 'lost')"), &letter("1", "it is lost")));
    }

    #[test]
    fn a_filter_that_is_none_is_a_usage_error() {
        let error = filter("body.[").selector().err().expect("an error");
        assert_eq!(error.exit_code(), 2);
        assert!(error.message().contains("body.["), "{error}");
        // Evaluated, it may fail as well: a number contains nothing.
        let selection = filter("contains(age_seconds, 'x')");
        let selector = selection.selector().expect("a selector");
        assert_eq!(selector.takes(&sent(1, "{}"), NOW).expect_err("a type").exit_code(), 2);
    }
}
