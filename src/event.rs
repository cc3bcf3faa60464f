//! What engines report while they work. Engines emit events and never print;
//! `ui` decides how an event looks on a terminal, in a pipe or in JSON Lines.

use std::sync::Arc;

use serde::Serialize;

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The work was done.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// The work failed.
    Failed,
    /// The work was not tried, because something before it failed.
    Skipped,
}

/// How much attention a note deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Worth acting on.
    Warning,
}

/// One thing that happened. `id` names a task uniquely within a run
/// (`deploy.network`, `emulator.install`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A task began.
    Started {
        /// The task.
        id: String,
        /// What people read (`deploy network`).
        label: String,
        /// How many units of work it has, when that is known.
        total: Option<u64>,
    },
    /// A task went on.
    Progress {
        /// The task.
        id: String,
        /// Units of work done so far.
        done: u64,
        /// What it is doing now (`FileSystem CREATE_IN_PROGRESS`).
        detail: String,
    },
    /// A task ended.
    Finished {
        /// The task.
        id: String,
        /// How.
        outcome: Outcome,
        /// One line about the result (`12 resources`).
        detail: String,
    },
    /// Something to say outside any task.
    Note {
        /// How much attention it deserves.
        level: Level,
        /// One line, lowercase.
        text: String,
    },
}

/// Where events go. Cheap to clone; every engine takes one.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// Sends every event to `sink`.
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Drops every event.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// A task began.
    pub fn started(&self, id: &str, label: impl Into<String>, total: Option<u64>) {
        (self.0)(Event::Started { id: id.to_owned(), label: label.into(), total });
    }

    /// A task went on.
    pub fn progress(&self, id: &str, done: u64, detail: impl Into<String>) {
        (self.0)(Event::Progress { id: id.to_owned(), done, detail: detail.into() });
    }

    /// A task ended.
    pub fn finished(&self, id: &str, outcome: Outcome, detail: impl Into<String>) {
        (self.0)(Event::Finished { id: id.to_owned(), outcome, detail: detail.into() });
    }

    /// Something worth knowing.
    pub fn info(&self, text: impl Into<String>) {
        (self.0)(Event::Note { level: Level::Info, text: text.into() });
    }

    /// Something worth acting on.
    pub fn warn(&self, text: impl Into<String>) {
        (self.0)(Event::Note { level: Level::Warning, text: text.into() });
    }
}
