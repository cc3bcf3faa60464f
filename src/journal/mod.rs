//! One append-only JSON Lines journal for every run that changes something.
//!
//! A run's file is `runs/<run id>.jsonl` in the state folder: one [`Record`] a line,
//! written and fsynced before the run goes on. An *intent* stands before each
//! mutation and an *outcome* after it, so that a crash leaves at most one intent
//! open. The file is locked while its run lives: an unfinished run whose file is
//! not locked has crashed, and `platformctl resume` goes on with it.

mod mask;
mod reader;
mod record;
mod run_id;
mod writer;

pub use mask::Mask;
pub use reader::{RunState, RunSummary, damaged, executed, find, list, read};
pub use record::{Entry, RECORD_VERSION, Record, RunStart, StepOutcome};
pub use run_id::RunId;
pub use writer::Journal;
