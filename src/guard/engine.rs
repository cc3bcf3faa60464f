//! Runs rules over templates. The only file that names `cfn_guard`.
//!
//! It goes through the payload route of the `validate` command with in-memory
//! buffers: `cfn_guard::run_checks` cuts its output off at 8 KB, and the crate's
//! own evaluator is private. A file's rules are parsed once for all templates of a call.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cfn_guard::commands::Executable;
use cfn_guard::commands::validate::{OutputFormatType, ShowSummaryType};
use cfn_guard::utils::reader::{ReadBuffer, Reader};
use cfn_guard::utils::writer::{WriteBuffer, Writer};
use cfn_guard::{CommandBuilder, ValidateBuilder};
use serde_json::json;

use super::outcome::Outcome;
use super::rules::RuleFile;
use crate::error::{Error, Place, Result};

/// Some rules passed, some failed, none was malformed.
const FAILURE: i32 = 19;

/// Evaluates every rule of a file on every template; one outcome a template, in order.
pub(super) fn evaluate(file: &RuleFile, templates: &[&str]) -> Result<Vec<Outcome>> {
    if templates.is_empty() {
        return Ok(Vec::new());
    }
    let reason = match run(file, templates) {
        Ok((code, output)) if code == 0 || code == FAILURE => {
            return serde_json::from_str(&output).map_err(|error| {
                Error::failed("cannot read the policy engine's output").caused_by(error)
            });
        }
        Ok((code, _)) => format!("exit code {code}"),
        Err(reason) => reason,
    };
    let place = Place { file: file.name.clone(), line: 0, column: 0, field: String::new() };
    Err(Error::usage(format!("cannot evaluate the rules: {reason}")).at(place))
}

/// Refuses a malformed rule file, with its line and column.
pub(super) fn check_syntax(file: &RuleFile) -> Result<()> {
    let mut writer = buffers().map_err(Error::failed)?;
    // Without a template the engine parses the rules and does nothing else.
    let complaint = match execute(file, &[], &mut writer) {
        Ok(0) => return Ok(()),
        Ok(_) => writer.err_to_stripped().unwrap_or_default(),
        Err(reason) => reason,
    };
    Err(malformed(&file.name, &complaint))
}

/// Runs the engine; gives its exit code and what it wrote.
fn run(file: &RuleFile, templates: &[&str]) -> std::result::Result<(i32, String), String> {
    let mut writer = buffers()?;
    let code = execute(file, templates, &mut writer)?;
    let output = writer.into_string().map_err(|error| error.to_string())?;
    Ok((code, output))
}

fn execute(
    file: &RuleFile,
    templates: &[&str],
    writer: &mut Writer,
) -> std::result::Result<i32, String> {
    let payload = json!({ "rules": [file.text], "data": templates }).to_string();
    let mut reader = Reader::new(ReadBuffer::Cursor(Cursor::new(payload.into_bytes())));
    let command = ValidateBuilder::default()
        .payload(true)
        .structured(true)
        .output_format(OutputFormatType::JSON)
        .show_summary(vec![ShowSummaryType::None])
        .try_build()
        .map_err(|error| error.to_string())?;
    // A rule of the user's own can reach an `unreachable!` of the engine.
    catch_unwind(AssertUnwindSafe(|| command.execute(writer, &mut reader)))
        .map_err(|_| "the engine panicked on this input".to_owned())?
        .map_err(|error| error.to_string())
}

fn buffers() -> std::result::Result<Writer, String> {
    Writer::new_with_err(WriteBuffer::Vec(Vec::new()), WriteBuffer::Vec(Vec::new()))
        .map_err(|error| format!("cannot start the policy engine: {error}"))
}

/// Turns the parser's complaint (`… at line 3 at column 7, when handling …`) into an error at that place.
fn malformed(file: &str, complaint: &str) -> Error {
    let number_after = |word: &str| -> usize {
        let rest = complaint.split_once(word).map_or("", |(_, rest)| rest);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    };
    let place = Place {
        file: file.to_owned(),
        line: number_after(" at line "),
        column: number_after(" at column "),
        field: String::new(),
    };
    let near = complaint
        .split_once("fragment ")
        .or_else(|| complaint.split_once("remaining "))
        .and_then(|(_, rest)| rest.lines().next())
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let message = match near {
        Some(text) => format!("not a cfn-guard rule, near `{}`", super::finding::shorten(text, 60)),
        None => "not a cfn-guard rule".to_owned(),
    };
    Error::usage(message)
        .at(place)
        .hint("`guard/README.md` shows a rule; the language is cfn-guard 3's")
}
