//! JSON with places. [`check`] refuses what is no JSON, with serde's line and column;
//! [`parse`] then only has to find the tokens.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::build::Builder;
use super::{Mark, Node, too_deep};
use crate::error::{Error, Result};

/// Refuses what is no JSON.
pub(super) fn check(file: &str, text: &str) -> Result<()> {
    let Err(error) = serde_json::from_str::<IgnoredAny>(text) else { return Ok(()) };
    let mark = Mark { line: error.line(), column: error.column() };
    let mut message = error.to_string();
    message.truncate(message.find(" at line ").unwrap_or(message.len()));
    if message.contains("recursion limit") {
        return Err(too_deep(file, mark));
    }
    Err(Error::usage(format!("malformed JSON: {message}"))
        .at(mark.place(file, ""))
        .hint("close every brace, bracket and quote, and put a comma between two entries"))
}

/// Parses text that [`check`] let pass.
pub(super) fn parse(file: &str, text: &str) -> Result<Node> {
    let mut builder = Builder::new(file);
    let mut cursor = Cursor { text, at: 0, mark: Mark { line: 1, column: 1 } };
    while let Some((token, mark)) = cursor.token() {
        match token {
            "{" => builder.begin_map(mark, None, 0)?,
            "[" => builder.begin_list(mark, None, 0)?,
            "}" | "]" => builder.end()?,
            "," | ":" => {}
            scalar => {
                // Checked before; a lone surrogate is the one thing that only shows here.
                let value: Value = serde_json::from_str(scalar).map_err(|error| {
                    Error::usage("malformed JSON text").at(mark.place(file, "")).caused_by(error)
                })?;
                builder.scalar(mark, value, None, 0)?;
            }
        }
    }
    builder.finish()
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    mark: Mark,
}

impl<'a> Cursor<'a> {
    /// The next token and its place.
    fn token(&mut self) -> Option<(&'a str, Mark)> {
        let rest = &self.text[self.at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.advance(blank);
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(rest.len()),
        };
        let mark = self.mark;
        self.advance(length);
        Some((&rest[..length], mark))
    }

    fn advance(&mut self, bytes: usize) {
        for c in self.text[self.at..self.at + bytes].chars() {
            if c == '\n' {
                self.mark = Mark { line: self.mark.line + 1, column: 1 };
            } else {
                self.mark.column += 1;
            }
        }
        self.at += bytes;
    }
}

/// Length of a string with its quotes, in bytes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
