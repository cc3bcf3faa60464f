//! What must not get into logs.

use serde_json::Value;

/// What stands in place of what was taken out.
pub const REDACTED: &str = "[redacted]";

/// Parts of names of fields that hold secrets or name people, in small letters and
/// without hyphens and underscores.
const NAMES: [&str; 14] = [
    "authorization",
    "authorisation",
    "token",
    "secret",
    "password",
    "passwd",
    "email",
    "apikey",
    "cookie",
    "credential",
    "privatekey",
    "accesskey",
    "signature",
    "idempotencykey",
];

/// A field's text as it may be logged: nothing of it if its name says that it is secret,
/// and without those of its words that look like secrets or addresses.
///
/// ```
/// use runtime_core::telemetry::redact;
///
/// assert_eq!(redact("Authorization", "Bearer abc"), "[redacted]");
/// assert_eq!(redact("message", "mail to ada@example.com failed"), "mail to [redacted] failed");
/// ```
pub fn redact(name: &str, text: &str) -> String {
    if is_secret(name) {
        return REDACTED.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The word after `Bearer` or `Basic` is a secret, whatever it looks like.
    let mut announced = false;
    while !rest.is_empty() {
        let end = rest.find(is_boundary).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !word.is_empty() {
            let secret = announced || looks_secret(word);
            out.push_str(if secret { REDACTED } else { word });
            announced = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        }
        let boundary = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..boundary]);
        rest = &after[boundary..];
    }
    out
}

/// The same for a value of JSON, with all that is in it. Numbers and yes or no stay: a
/// count of tokens is no token.
pub fn redact_value(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) => redact(name, &text).into(),
        Value::Array(_) | Value::Object(_) if is_secret(name) => REDACTED.into(),
        Value::Array(values) => values.into_iter().map(|it| redact_value(name, it)).collect(),
        Value::Object(fields) => {
            let redacted = fields.into_iter().map(|(name, value)| {
                let value = redact_value(&name, value);
                (name, value)
            });
            Value::Object(redacted.collect())
        }
        other => other,
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect();
    NAMES.iter().any(|it| plain.contains(it))
}

fn is_boundary(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`,;()[]{}<>=&?|\\".contains(c)
}

fn looks_secret(word: &str) -> bool {
    let word = word.trim_matches(|c: char| c == '.' || c == ':' || c == '!');
    is_address(word) || is_api_key(word) || is_web_token(word) || is_access_key(word)
}

fn is_address(word: &str) -> bool {
    let name = |part: &str| part.contains(char::is_alphanumeric);
    word.split_once('@').is_some_and(|(user, domain)| name(user) && name(domain))
}

/// Ours, and those of others that begin alike.
fn is_api_key(word: &str) -> bool {
    ["pk_", "sk_", "ghp_", "xoxb-", "whsec_"].iter().any(|start| word.contains(start))
}

/// A header of a JSON web token begins so: `{"` in base 64.
fn is_web_token(word: &str) -> bool {
    word.contains("eyJ") && word.matches('.').count() >= 2
}

/// Ids of keys of AWS, and secrets that have their form: 40 characters of base 64 with
/// digits, capitals and small letters.
fn is_access_key(word: &str) -> bool {
    let id = ["AKIA", "ASIA"].iter().any(|start| word.starts_with(start)) && word.len() >= 16;
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    let secret = word.len() == 40
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/' || b == b'+')
        && has(char::is_ascii_digit)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase);
    id || secret
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_whose_names_say_so_are_left_out() {
        for name in [
            "authorization",
            "Authorization",
            "x-api-key",
            "API_KEY",
            "apiKey",
            "token",
            "id_token",
            "nextToken",
            "secret",
            "clientSecret",
            "password",
            "email",
            "contactEmail",
            "set-cookie",
            "aws_secret_access_key",
            "X-Amz-Signature",
            "sessionCredentials",
            "Idempotency-Key",
        ] {
            assert_eq!(redact(name, "plain"), REDACTED, "{name}");
        }
        for name in ["message", "tenant", "key_id", "status", "path"] {
            assert_eq!(redact(name, "plain"), "plain", "{name}");
        }
    }

    #[test]
    fn words_that_look_like_secrets_are_left_out_wherever_they_stand() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc";
        let planted = [
            "ada@example.com",
            "pk_acme_0123456789ab_secret",
            "whsec_123",
            jwt,
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1".get(..40).unwrap_or_default(),
        ];
        for secret in planted {
            for text in [
                secret.to_owned(),
                format!("failed for {secret}: no"),
                format!("{{\"a\":\"{secret}\"}}"),
                format!("https://example.com/?x={secret}&y=1"),
                format!("<{secret}>"),
                format!("({secret})."),
            ] {
                let logged = redact("message", &text);
                assert!(!logged.contains(secret) && logged.contains(REDACTED), "{text} {logged}");
            }
        }
        assert_eq!(redact("message", "sent Bearer abc, then"), "sent Bearer [redacted], then");
        assert_eq!(redact("message", "basic\tdXNlcjpwdw=="), "basic\t[redacted]==");
        assert_eq!(redact("message", "a @ b, tenants/acme: 3 < 4"), "a @ b, tenants/acme: 3 < 4");
        assert_eq!(redact("message", "Größe ≠ 1"), "Größe ≠ 1");
    }

    #[test]
    fn values_are_searched_to_the_bottom() {
        let value = json!({
            "a": [{ "token": "x", "b": "ada@example.com" }, 3],
            "secrets": { "inner": "y" },
            "tokens": [1, "z"],
            "input_tokens": 12,
            "is_secret": true,
        });
        let logged = redact_value("event", value);
        assert_eq!(
            logged,
            json!({
                "a": [{ "token": REDACTED, "b": REDACTED }, 3],
                "secrets": REDACTED,
                "tokens": REDACTED,
                "input_tokens": 12,
                "is_secret": true,
            })
        );
    }
}
