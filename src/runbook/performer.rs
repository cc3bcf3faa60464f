//! What the engine needs of whoever runs it: verbs, requests, and people. The command line
//! is the one that does; tests have others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::Http;
use crate::error::Result;
use crate::signal::Cancel;

/// What doing something twice, or leaving off in the middle of it, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It changes nothing, and may be done as often as one likes.
    Reads,
    /// It changes something, as a journaled run of its own or so that the same twice is as
    /// good as once: after an interruption it is gone on with.
    Resumes,
    /// It changes something, and nobody can tell whether it was done when it was interrupted.
    Unknown,
}

/// Something to do, with every expression filled in.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// A verb of the command line, as it is written there, without the program's name.
    Verb {
        /// Its words, such as `ops suspend-tenant`.
        path: String,
        /// What follows them.
        arguments: Vec<String>,
        /// Whether the verb can show what it would do.
        rehearses: bool,
    },
    /// A request.
    Http(Http),
}

impl Work {
    /// As people write it.
    pub fn shown(&self) -> String {
        match self {
            Self::Verb { path, arguments, .. } => {
                // What keeps words from being flags is left out where none looks like one.
                let end = arguments.iter().position(|word| word == "--");
                let after = end.map_or(&[][..], |end| &arguments[end + 1..]);
                let plain = after.iter().all(|word| !word.starts_with('-'));
                let shown = arguments.iter().filter(|word| !(plain && *word == "--"));
                let words: Vec<String> = shown.map(|word| quoted(word)).collect();
                format!("platformctl {path} {}", words.join(" ")).trim_end().to_owned()
            }
            Self::Http(Http { url, method, .. }) => {
                let method = serde_json::to_value(method).unwrap_or_default();
                format!("{} {url}", method.as_str().unwrap_or("GET"))
            }
        }
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A verb that is ready to be run, or linted.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The verb.
    pub work: Work,
    /// What doing it twice comes to.
    pub effect: Effect,
}

/// For whom something is done.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The run; none in a dry run.
    pub run: Option<&'a str>,
    /// The step, or `undo STEP`.
    pub step: &'a str,
    /// Whether an earlier try may have begun it, so that a run of its own is looked for and
    /// gone on with.
    pub begun: bool,
    /// Whether it is only shown what would be done.
    pub rehearse: bool,
    /// Raised when it has to stop.
    pub cancel: Cancel,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Performed {
    /// Its report, as data.
    pub output: Value,
    /// The run of its own that it had.
    pub run: Option<String>,
}

/// What a person is asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The run.
    pub run: String,
    /// The runbook's id.
    pub runbook: String,
    /// Who runs it.
    pub by: String,
    /// The step.
    pub step: String,
    /// The number of the request in the run's journal.
    pub number: u64,
    /// What to look at, or to do.
    pub text: String,
    /// The roles of whom one may answer; empty: anybody's.
    pub from: Vec<String>,
    /// What has to be said, for something that a person does.
    pub evidence: Option<String>,
    /// Whether whoever runs it may not answer.
    pub four_eyes: bool,
    /// Until when, in RFC 3339.
    pub until: Option<String>,
}

impl Request {
    /// Whether the one called `who` is the one who asks: by user and machine, which stand at
    /// the end of the name of somebody who is logged in.
    pub fn is_by(&self, who: &str) -> bool {
        is_same_person(&self.by, who)
    }
}

/// Whether two names, as runs and replies have them, are one person's.
pub fn is_same_person(one: &str, other: &str) -> bool {
    let here = |name: &str| name.rsplit(", ").next().unwrap_or(name).to_owned();
    here(one) == here(other)
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Whether it was granted, or done.
    pub granted: bool,
    /// Who said so.
    pub by: String,
    /// The roles that they have.
    pub roles: Vec<String>,
    /// When: RFC 3339.
    pub at: String,
    /// What they said, or the evidence.
    pub evidence: Option<String>,
}

/// A run is to be given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abandon {
    /// Who wants it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Whether what was done is undone first.
    pub undo: bool,
}

/// Whoever carries steps out.
pub trait Performer {
    /// The verb of a path with these arguments. An error when there is none, or when it does
    /// not take them. Does nothing.
    fn prepare(&self, path: &str, arguments: &Value) -> Result<Prepared>;

    /// Does it.
    fn perform(&self, work: &Work, call: &Call<'_>) -> impl Future<Output = Result<Performed>>;

    /// What a person said to a request; none: nothing yet.
    fn ask(&self, request: &Request) -> impl Future<Output = Result<Option<Reply>>>;

    /// Whether to do again what was interrupted: true again, false leave it out, none: there
    /// is nobody to ask.
    fn again(&self, step: &str, what: &str) -> impl Future<Output = Result<Option<bool>>>;

    /// Whether somebody wants the run to be given up.
    fn abandoned(&self) -> impl Future<Output = Result<Option<Abandon>>>;

    /// Says something to whoever watches.
    fn say(&self, line: &str);
}
