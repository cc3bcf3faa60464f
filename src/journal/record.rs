//! The journal's schema. Versioned: readers accept what they do not know.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Kind};

/// Version of the schema; raised when a field changes its meaning.
pub const RECORD_VERSION: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`RECORD_VERSION`] of the writer.
    pub v: u32,
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// When it was written: RFC 3339, UTC.
    pub at: String,
    /// The run.
    pub run: String,
    /// What happened.
    pub entry: Entry,
}

/// How a run began: enough to begin it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// The verb, such as `deploy`.
    pub verb: String,
    /// The verb's arguments as it needs them again, without secrets.
    pub arguments: Value,
    /// Account, once it is known.
    pub account: Option<String>,
    /// Region.
    pub region: String,
    /// Project.
    pub project: String,
    /// Environment.
    pub environment: String,
    /// Whether on the local platform.
    pub local: bool,
    /// Who: the operating system's user and host.
    pub by: String,
    /// Why, where the verb asks for it.
    pub reason: Option<String>,
    /// Version of platformctl.
    pub version: String,
}

/// How a step or a mutation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// It failed.
    Failed,
    /// It was interrupted.
    Interrupted,
}

impl StepOutcome {
    /// The outcome of what ended with `error`.
    pub fn of(error: &Error) -> Self {
        if error.kind() == Kind::Interrupted { Self::Interrupted } else { Self::Failed }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The run began.
    RunStarted(RunStart),
    /// The run goes on after a crash, a failure or an interruption.
    RunResumed {
        /// Who resumed it.
        by: String,
    },
    /// A step began.
    StepStarted {
        /// Its name, unique in the run.
        step: String,
    },
    /// A step ended.
    StepFinished {
        /// Its name.
        step: String,
        /// How.
        outcome: StepOutcome,
        /// What later steps and the report need.
        detail: Value,
    },
    /// A mutation is about to be made.
    Intent {
        /// Number of the mutation in this run, from 1.
        id: u64,
        /// What is done, such as `cloudformation:ExecuteChangeSet`.
        action: String,
        /// What it is done to, such as a stack's name.
        target: String,
        /// Its parameters, masked.
        detail: Value,
    },
    /// A mutation was made, or not.
    Outcome {
        /// The intent's number.
        id: u64,
        /// How it ended.
        outcome: StepOutcome,
        /// What came of it, masked.
        detail: Value,
    },
    /// Something worth keeping that is neither.
    Note {
        /// One line.
        text: String,
    },
    /// The run was given up: nobody goes on with it.
    RunAborted {
        /// Who gave it up.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run ended.
    RunFinished {
        /// The process exit code.
        exit_code: u8,
        /// The error, when there was one.
        error: Option<String>,
    },
}
