//! Reads JSON and YAML that somebody else wrote: every value knows its line and column,
//! and no input takes more than bounded time, memory or stack.
//!
//! Short-form intrinsics (`!Ref`, `!GetAtt a.b`) become what they mean (`Fn::GetAtt`).
//! Plain scalars are read as YAML 1.1 does, since CloudFormation does: `yes` is true and
//! `026` is 22. Aliases and merge keys are expanded up to [`MAX_EXPANDED`] bytes, and a
//! key that stands twice in one mapping is refused.

mod build;
mod json;
mod scalar;
mod yaml;

use serde_json::{Map, Value};

use crate::error::{Error, Place, Result};

/// Deeper nesting is refused; the deepest template in use has some 20 levels.
pub(super) const MAX_DEPTH: usize = 100;
/// What aliases may add to a document, in bytes: as much as a template may have.
pub(super) const MAX_EXPANDED: usize = 1 << 20;

/// Where a value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
}

impl Mark {
    /// The mark as an error's place.
    pub(super) fn place(self, file: &str, field: &str) -> Place {
        let Self { line, column } = self;
        Place { file: file.to_owned(), line, column, field: field.to_owned() }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Text, a number, a boolean or null.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_mark: Mark,
    pub(super) value: Node,
}

impl Node {
    /// Parses a document called `file`: JSON when it is, YAML otherwise.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(at) = text.find('\0') {
            let line = text[..at].matches('\n').count() + 1;
            return Err(Error::usage("this is no text: it has a zero byte")
                .at(Mark { line, column: 1 }.place(file, ""))
                .hint("is this the right file? In UTF-16, save it as UTF-8"));
        }
        let begins_as_json = text.trim_start().starts_with(['{', '[']);
        if !begins_as_json {
            return yaml::parse(file, text);
        }
        let has_extension = |wanted: &str| {
            let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
            extension.eq_ignore_ascii_case(wanted)
        };
        match json::check(file, text) {
            Ok(()) => json::parse(file, text),
            Err(error) if has_extension("json") => Err(error),
            // YAML has braces too. When it is neither, JSON was probably meant.
            Err(error) => match yaml::parse(file, text) {
                Err(_) if !has_extension("yaml") && !has_extension("yml") => Err(error),
                parsed => parsed,
            },
        }
    }

    /// The value of a key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key of a mapping, with its place.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The keys of a mapping; none when it is no mapping.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none when it is no list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What it is, for people: `a list`.
    pub(super) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Map(_) => "a mapping",
            Kind::List(_) => "a list",
            Kind::Scalar(Value::Null) => "nothing",
            Kind::Scalar(Value::String(_)) => "a text",
            Kind::Scalar(Value::Bool(_)) => "a boolean",
            Kind::Scalar(_) => "a number",
        }
    }

    /// The value without places.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => {
                let pairs = entries.iter().map(|it| (it.key.clone(), it.value.to_value()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

/// Nesting that no template has, and that would exhaust the stack of whoever reads it.
fn too_deep(file: &str, mark: Mark) -> Error {
    Error::usage(format!("nested more than {MAX_DEPTH} levels deep"))
        .at(mark.place(file, ""))
        .hint("no CloudFormation template needs that; is this the right file?")
}

#[cfg(test)]
mod tests;
