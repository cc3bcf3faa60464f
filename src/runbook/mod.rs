//! Runbooks: what an operator does, written down as YAML, proved before it is run, and
//! carried out step by step under a journal.
//!
//! A file goes one way: text → [`Loaded`] → [`lint`] → [`Run`] (or [`rehearse`]) → journal →
//! [`report`]. The engine knows nothing of the command line: whoever runs it is a
//! [`Performer`].
//!
//! How a run is recorded (in the shared journal, `crate::journal`):
//!
//! | Record | When |
//! |---|---|
//! | `step_started ID` | before anything of a step is done |
//! | `intent runbook:do ID` | before each try of a verb or a request: what, and its [`Effect`] |
//! | `intent runbook:ask ID` | before people are asked: text, roles, until when |
//! | `outcome` | what came of it; with the output when it was done |
//! | `step_finished ID` | done; unchanged: left out; failed, perhaps with `continued` |
//! | `step_started undo`, `step_started undo ID` | while what was done is undone |
//!
//! A verb that is a run of its own has a journal of its own, which names this run and step;
//! it is gone on with by its own `resume`.

mod action;
mod engine;
mod express;
mod flow;
mod inputs;
mod lint;
mod load;
mod model;
mod people;
mod performer;
mod rehearse;
pub mod report;
mod span;
mod state;
mod steps;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use engine::{Choices, Run};
pub use flow::{Drawing, draw};
pub use inputs::{Known, resolve};
pub use lint::{Finding, lint, needs_reason, refuse};
pub use load::{Library, Loaded, load, parse};
pub use model::{Http as HttpRequest, Input, InputType, OnFailure, Runbook, Step, json_schema};
pub use performer::{
    Abandon, Call, Effect, Performed, Performer, Prepared, Reply, Request, Work, is_same_person,
    quoted,
};
pub use rehearse::{Fate, Rehearsed, rehearse, word as fate_word};
pub use span::Span;
pub use state::{History, Open, Settled, UNDO, undo_of};
