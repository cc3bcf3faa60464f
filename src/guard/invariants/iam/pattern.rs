//! Texts of policies and what they match: `*`, `?`, policy variables and holes.

use super::{HOLE, Request, Truth};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    One(char),
    /// Any character.
    AnyOne,
    /// Any characters, none included.
    Any,
    /// Some text that nobody knows yet.
    Unknown,
}

/// A text of a policy, made ready for one request.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Token>);

/// Whether `*` and `?` in a text match others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wild {
    /// They do.
    Card,
    /// They are what they are.
    No,
}

impl Pattern {
    /// Fills in the policy variables of `text`; `None` when the request has no value for
    /// one, and it no default: then the text matches nothing
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
    pub(super) fn new(text: &str, wild: Wild, request: &Request) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((variable, after)) =
                rest.strip_prefix("${").and_then(|rest| rest.split_once('}'))
            {
                // What stands in for a variable is no pattern.
                tokens.extend(value_of(variable, request)?.chars().map(Token::One));
                rest = after;
                continue;
            }
            tokens.push(match first {
                HOLE => Token::Unknown,
                '*' if wild == Wild::Card => Token::Any,
                '?' if wild == Wild::Card => Token::AnyOne,
                other => Token::One(other),
            });
            rest = &rest[first.len_utf8()..];
        }
        Some(Self(tokens))
    }

    /// Whether it matches. `Maybe` when that depends on what is not known.
    pub(super) fn matches(&self, text: &str) -> Truth {
        if !glob(&self.0, text) {
            return Truth::No;
        }
        let known = |token: &&Token| **token != Token::Unknown;
        if self.0.iter().all(|token| known(&token)) { Truth::Yes } else { Truth::Maybe }
    }

    /// Whether it matches part by part, as ARNs are compared: six parts, the last of
    /// which may have colons.
    pub(super) fn matches_arn(&self, text: &str) -> Truth {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let patterns: Vec<&[Token]> = self.0.splitn(6, |token| *token == Token::One(':')).collect();
        if parts.len() != 6 || patterns.len() != 6 {
            return self.matches(text);
        }
        let pairs = patterns.into_iter().zip(parts);
        Truth::all(pairs.map(|(pattern, part)| Self(pattern.to_vec()).matches(part)))
    }
}

/// The value of a policy variable such as `aws:PrincipalTag/team, 'none'`.
fn value_of(variable: &str, request: &Request) -> Option<String> {
    if let escaped @ ("*" | "?" | "$") = variable {
        return Some(escaped.to_owned());
    }
    let (key, default) = match variable.split_once(',') {
        Some((key, default)) => (key, Some(default.trim().trim_matches('\''))),
        None => (variable, None),
    };
    match request.context.get(&key.trim().to_ascii_lowercase()).map(Vec::as_slice) {
        Some([value]) => Some(value.clone()),
        // A key with many values cannot stand in a text.
        _ => default.map(str::to_owned),
    }
}

/// The usual two-pointer match: time in proportion to pattern times text at worst.
fn glob(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any | Token::Unknown) => {
                back = Some((p, t));
                p += 1;
            }
            Some(Token::AnyOne) => (p, t) = (p + 1, t + 1),
            Some(Token::One(wanted)) if *wanted == text[t] => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| matches!(token, Token::Any | Token::Unknown))
}
