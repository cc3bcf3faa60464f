//! Runbooks carried out by a recording stand-in: order, undo, retries, time limits, people,
//! and a crash at every record of the journal.

mod engine;
mod faults;
mod files;
mod stand_in;
