//! What a writer says: the page's body, the message and who it is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{InvalidValue, ids::string_value, limits};

/// Text of a page, at most [`limits::BODY`] bytes of UTF-8; may be empty.
///
/// `Debug` shows the length alone, so that no body ends up in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Body(String);

impl Body {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Body {
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        if value.len() > limits::BODY {
            let rule = format!("must have at most {} bytes", limits::BODY);
            return Err(InvalidValue::new("page body", rule));
        }
        Ok(Self(value))
    }
}

impl FromStr for Body {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        Self::try_from(value.to_owned())
    }
}

impl From<Body> for String {
    fn from(value: Body) -> Self {
        value.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// Why a page changed: 1 to [`limits::MESSAGE`] bytes, not only white space, no
/// control characters but line feed and tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Message(String);
string_value!(Message);

impl Message {
    fn check(value: &str) -> Result<(), InvalidValue> {
        let invalid = |rule: String| Err(InvalidValue::new("message", rule));
        if value.trim().is_empty() {
            return invalid("must not be empty".into());
        }
        if value.len() > limits::MESSAGE {
            return invalid(format!("must have at most {} bytes", limits::MESSAGE));
        }
        match value.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            Some(c) => invalid(format!("must not contain {c:?}")),
            None => Ok(()),
        }
    }
}

/// Who wrote a page. The request says it and the store does not check it; the
/// caller must be somebody who may speak for the author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// The author's name.
    pub name: AuthorName,
    /// The author's e-mail address.
    pub email: AuthorEmail,
}

impl Author {
    /// Makes an author from plain text.
    pub fn new(name: &str, email: &str) -> Result<Self, InvalidValue> {
        Ok(Self { name: name.parse()?, email: email.parse()? })
    }
}

/// An author's name: 1 to [`limits::AUTHOR_NAME`] bytes, on one line, without
/// `<` and `>` (git's delimiters) and without white space at either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorName(String);
string_value!(AuthorName);

impl AuthorName {
    fn check(value: &str) -> Result<(), InvalidValue> {
        check_identity("author name", value, limits::AUTHOR_NAME)
    }
}

/// An author's e-mail address: 3 to [`limits::AUTHOR_EMAIL`] bytes with an `@`
/// inside, no white space, `<` or `>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorEmail(String);
string_value!(AuthorEmail);

impl AuthorEmail {
    fn check(value: &str) -> Result<(), InvalidValue> {
        check_identity("author e-mail", value, limits::AUTHOR_EMAIL)?;
        if value.contains(char::is_whitespace) {
            return Err(InvalidValue::new("author e-mail", "must not contain white space"));
        }
        match value.split_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(()),
            _ => Err(InvalidValue::new("author e-mail", "must have the form name@domain")),
        }
    }
}

/// The rules that names and addresses share; they are those of git's ident line.
fn check_identity(what: &'static str, value: &str, limit: usize) -> Result<(), InvalidValue> {
    let invalid = |rule: String| Err(InvalidValue::new(what, rule));
    if value.is_empty() || value.len() > limit {
        return invalid(format!("must have 1 to {limit} bytes"));
    }
    if value.trim() != value {
        return invalid("must not start or end with white space".into());
    }
    match value.chars().find(|c| c.is_control() || matches!(c, '<' | '>' | '\u{2028}' | '\u{2029}'))
    {
        Some(c) => invalid(format!("must not contain {c:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_bounded_and_never_shown() {
        assert!(Body::try_from("x".repeat(limits::BODY)).is_ok());
        assert!(Body::try_from("x".repeat(limits::BODY + 1)).is_err());
        let body: Body = "secret".parse().unwrap();
        assert_eq!(format!("{body:?}"), "Body(6 bytes)");
    }

    #[test]
    fn messages() {
        assert!("Subject\n\n\tbody".parse::<Message>().is_ok());
        for message in ["", " \n", "a\0b", "a\rb", "\u{1b}[31m"] {
            assert!(message.parse::<Message>().is_err(), "{message:?} must be refused");
        }
        assert!("x".repeat(limits::MESSAGE).parse::<Message>().is_ok());
        assert!("x".repeat(limits::MESSAGE + 1).parse::<Message>().is_err());
    }

    #[test]
    fn authors() {
        assert!(Author::new("Zoë O'Neil", "zoe@example.com").is_ok());
        for name in ["", " a", "a ", "a\nb", "a <b>", "a\0", "a\u{2028}b"] {
            assert!(Author::new(name, "a@b").is_err(), "{name:?} must be refused");
        }
        for email in ["", "a", "@b", "a@", "a b@c", "<a@b>", "a@b\n"] {
            assert!(Author::new("a", email).is_err(), "{email:?} must be refused");
        }
        assert!(Author::new(&"x".repeat(limits::AUTHOR_NAME + 1), "a@b").is_err());
    }
}
