//! Synthesis from the outside.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../../codegen/mod.rs"]
mod codegen;
mod compile;
mod consistency;
mod platform;
mod snapshots;
mod spec_errors;
mod specs;
mod toolkit;
mod vendored;
