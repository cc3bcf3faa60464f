//! Secrets never enter a journal, a report or an error: what looks like one is
//! replaced before anything is written. AWS error messages can quote secret
//! values, so free text is masked too.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands in a secret's place.
const STARS: &str = "***";

/// Values shorter than this are not taken for registered secrets: masking every
/// `test` in a text would hide more than it protects.
const SHORTEST_SECRET: usize = 8;

/// Keys whose value is a secret whatever it looks like.
static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(password|passwd|secret|token|credential|authori[sz]ation|api[-_]?key|private[-_]?key|access[-_]?key|passphrase|cookie)",
    )
});

/// Keys that match [`SECRET_KEY`] and name no secret.
static HARMLESS_KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)^(next_?token|client_?request_?token|fencing_?token|.*api_?key_?id|.*arn|.*name)$")
});

/// Text that is a secret wherever it stands; group 1, if any, is kept.
static SECRET_TEXT: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // AWS access key ids: 20 characters with a known prefix.
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        // JSON Web Tokens.
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        // HTTP authorisation.
        r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}",
        // Private keys in PEM form.
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
        // User information in URLs.
        r"([a-z][a-z0-9+.-]*://)[^/\s@]+@",
        // GitHub, GitLab, Slack and npm tokens.
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{20,})",
        // name=value and name: value, quoted or not.
        r#"(?i)((?:password|passwd|secret(?:_?access_?key)?|api[-_]?key|passphrase|x-amz-(?:signature|security-token))["']?\s*[=:]\s*["']?)[^\s"'&,;}]{4,}"#,
        // `token: …` is also how messages go on; what is no word there is a token.
        r#"(?i)(token(?:["']\s*[=:]|\s*=)\s*["']?)[^\s"'&,;}]{4,}"#,
        r#"(?i)(token\s*:\s*)[^\s"'&,;}]*[0-9_-][^\s"'&,;}]{3,}"#,
    ]
    .into_iter()
    .map(regex)
    .collect()
});

/// Emulators take an account for an access key id. Accounts are no secrets, and runs
/// are resumed by them.
fn is_account(value: &str) -> bool {
    value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether [`SECRET_KEY`] could match. Every command looks at its environment, and to compile
/// an expression takes a part of what a quick one takes as a whole.
fn may_be_secret(key: &str) -> bool {
    const PARTS: [&str; 7] = ["pass", "secret", "token", "credential", "authori", "key", "cookie"];
    let folded = key.to_ascii_lowercase();
    // Without regard to case, some letters that are not ASCII match ones that are.
    !key.is_ascii() || PARTS.iter().any(|part| folded.contains(part))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
}

/// What is masked: known shapes, and the literal secrets registered with it.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    literals: Vec<String>,
}

impl Mask {
    /// A mask that also knows the secrets in this process's environment.
    pub fn from_environment() -> Self {
        let literals = std::env::vars()
            .filter(|(key, value)| {
                value.len() >= SHORTEST_SECRET
                    && may_be_secret(key)
                    && SECRET_KEY.is_match(key)
                    && !HARMLESS_KEY.is_match(key)
                    && !is_account(value)
            })
            .map(|(_, value)| value)
            .collect();
        Self { literals }
    }

    /// Also masks `secret` wherever it stands.
    #[must_use]
    pub fn with_literal(mut self, secret: &str) -> Self {
        if secret.len() >= SHORTEST_SECRET {
            self.literals.push(secret.to_owned());
        }
        self
    }

    /// `text` without the secrets registered with this mask; what only looks like
    /// one stays.
    pub fn known(&self, text: &str) -> String {
        self.literals.iter().fold(text.to_owned(), |text, literal| text.replace(literal, STARS))
    }

    /// `text` without secrets.
    pub fn text(&self, text: &str) -> String {
        let mut masked = self.known(text);
        for pattern in SECRET_TEXT.iter() {
            let kept = |found: &Captures<'_>| {
                format!("{}{STARS}", found.get(1).map_or("", |kept| kept.as_str()))
            };
            masked = pattern.replace_all(&masked, kept).into_owned();
        }
        masked
    }

    /// `value` without secrets, at any depth.
    pub fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, field)| {
                    let secret = SECRET_KEY.is_match(&key) && !HARMLESS_KEY.is_match(&key);
                    let field = match field {
                        Value::String(_) | Value::Number(_) if secret => {
                            Value::String(STARS.into())
                        }
                        other => self.value(other),
                    };
                    (key, field)
                })
                .collect(),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_looked_at_first_lets_every_secret_key_through() {
        for key in [
            "DB_PASSWORD",
            "passwd",
            "Passphrase",
            "client-secret",
            "GITHUB_TOKEN",
            "CREDENTIALS",
            "Authorisation",
            "AUTHORIZATION",
            "API_KEY",
            "private-key",
            "accesskey",
            "Cookie",
            // A long s, and the sign of Kelvin.
            "pa\u{17f}\u{17f}word",
            "to\u{212a}en",
        ] {
            assert!(SECRET_KEY.is_match(key) && may_be_secret(key), "{key}");
        }
        assert!(!may_be_secret("LANG"));
    }

    /// Each planted secret, in the text it would stand in.
    const PLANTED: &[(&str, &str)] = &[
        ("AKIAIOSFODNN7EXAMPLE", "key AKIAIOSFODNN7EXAMPLE is not authorised"),
        ("wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
            "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        ),
        ("c2VjcmV0LXRva2Vu", "Authorization: Bearer c2VjcmV0LXRva2Vu"),
        ("hunter2x", "connect to postgres://app:hunter2x@db/x"),
        ("lonelysecret", "connect to https://lonelysecret@host/x"),
        ("glpat-abcdefghij0123456789", "push with glpat-abcdefghij0123456789"),
        (
            "MIIEpAIBAAKC",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC\n-----END RSA PRIVATE KEY-----",
        ),
        ("s3cr3tvalue", r#"Value {"password": "s3cr3tvalue"} is invalid"#),
        ("deadbeefdeadbeef", "https://b.s3/x?X-Amz-Signature=deadbeefdeadbeef&a=1"),
    ];

    #[test]
    fn planted_secrets_are_masked_in_text() {
        for (secret, text) in PLANTED {
            let masked = Mask::default().text(text);
            assert!(!masked.contains(secret), "{masked}");
            assert!(masked.contains(STARS), "{masked}");
        }
    }

    #[test]
    fn planted_secrets_are_masked_at_any_depth_and_by_key() {
        for (secret, text) in PLANTED {
            let value = json!({"a": [{"message": text}], "DbPassword": secret, "ApiKey": secret});
            let masked = Mask::default().value(value).to_string();
            assert!(!masked.contains(secret), "{masked}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let value = json!({
            "stack": "acme-dev-efs", "ApiKeyId": "f5c4f70f", "tokens": 3, "SecretArn": "arn:aws:secretsmanager:x",
            "text": "the token bucket is full", "fencing_token": 7, "keys": ["a", "b"],
        });
        let expected = json!({
            "stack": "acme-dev-efs", "ApiKeyId": "f5c4f70f", "tokens": STARS, "SecretArn": "arn:aws:secretsmanager:x",
            "text": "the token bucket is full", "fencing_token": 7, "keys": ["a", "b"],
        });
        assert_eq!(Mask::default().value(value), expected);
    }

    #[test]
    fn a_message_about_a_token_stays() {
        let text = "failed to load the session token: dispatch error";
        assert_eq!(Mask::default().text(text), text);
        assert_eq!(Mask::default().text("token=abc123def"), "token=***");
    }

    #[test]
    fn a_registered_literal_is_masked_and_a_short_one_is_not() {
        let mask = Mask::default().with_literal("correct horse").with_literal("test");
        assert_eq!(mask.text("say correct horse in the test"), "say *** in the test");
    }
}
