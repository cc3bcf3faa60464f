//! YAML with places and tags, from the parser's events. Its own tree builder is not
//! used: it recurses as deep as the input is nested and keeps the last of two equal keys.

use yaml_rust2::Event;
use yaml_rust2::parser::{Parser, Tag};
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

use serde_json::Value;

use super::build::Builder;
use super::{Mark, Node, scalar, too_deep};
use crate::error::{Error, Result};

/// Parses one document.
pub(super) fn parse(file: &str, text: &str) -> Result<Node> {
    refuse_line_separators(file, text)?;
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::new(file);
    let mut documents = 0;
    loop {
        let (event, marker) = parser.next_token().map_err(|error| malformed(file, &error))?;
        let mark = mark_of(&marker);
        match event {
            Event::DocumentStart => {
                documents += 1;
                if documents > 1 {
                    return Err(Error::usage("a second document begins here; expected one")
                        .at(mark.place(file, ""))
                        .hint("a template is one document: split the file at its `---`"));
                }
            }
            Event::MappingStart(anchor, tag) => {
                builder.begin_map(mark, short(file, mark, tag)?, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => {
                builder.begin_list(mark, short(file, mark, tag)?, anchor)?;
            }
            Event::MappingEnd | Event::SequenceEnd => builder.end()?,
            Event::Scalar(text, style, anchor, tag) => {
                let core = tag.as_ref().and_then(core_type);
                let value = match (core, style, &tag) {
                    // `on:` is a key called on.
                    _ if builder.expects_key() => Value::from(text),
                    (Some("str"), _, _) => Value::from(text),
                    (Some(_), _, _) | (None, TScalarStyle::Plain, None) => scalar::plain(&text),
                    _ => Value::from(text),
                };
                builder.scalar(mark, value, short(file, mark, tag)?, anchor)?;
            }
            Event::Alias(anchor) => builder.alias(mark, anchor)?,
            Event::StreamEnd => return builder.finish(),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
        }
    }
}

/// The name of a local tag such as `!GetAtt`; none for YAML's own (`!!str`).
fn short(file: &str, mark: Mark, tag: Option<Tag>) -> Result<Option<String>> {
    match tag {
        Some(tag) if tag.handle == "!" => Ok(Some(tag.suffix)),
        Some(tag) if core_type(&tag).is_none() => {
            Err(Error::usage(format!("tag {}{} is not known", tag.handle, tag.suffix))
                .at(mark.place(file, ""))
                .hint("expected an intrinsic function of CloudFormation, such as !Ref or !Sub"))
        }
        _ => Ok(None),
    }
}

fn core_type(tag: &Tag) -> Option<&str> {
    const TYPES: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];
    let is_core = tag.handle == "tag:yaml.org,2002:" && TYPES.contains(&tag.suffix.as_str());
    is_core.then_some(tag.suffix.as_str())
}

fn mark_of(marker: &Marker) -> Mark {
    Mark { line: marker.line(), column: marker.col() + 1 }
}

/// YAML 1.1 begins a new line at these characters and YAML 1.2 does not: what one reader
/// takes for a comment is a property to the other.
fn refuse_line_separators(file: &str, text: &str) -> Result<()> {
    let Some(at) = text.find(['\u{85}', '\u{2028}', '\u{2029}']) else { return Ok(()) };
    let line = text[..at].matches('\n').count() + 1;
    let before = text[..at].rsplit('\n').next().unwrap_or_default();
    let mark = Mark { line, column: before.chars().count() + 1 };
    Err(Error::usage("a Unicode line separator, which readers of YAML take differently")
        .at(mark.place(file, ""))
        .hint("write a plain line end, or an escape such as \"\\u2028\" within quotes"))
}

fn malformed(file: &str, error: &ScanError) -> Error {
    if error.info().contains("recursion limit") {
        return too_deep(file, mark_of(error.marker()));
    }
    let shown = Error::usage(format!("malformed YAML: {}", error.info()))
        .at(mark_of(error.marker()).place(file, ""));
    shown.hint("indent with spaces, and close every quote and bracket")
}
