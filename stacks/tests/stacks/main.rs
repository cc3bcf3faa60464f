//! Synthesis from the outside.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod agents;
mod alarms;
#[path = "../../codegen/mod.rs"]
mod codegen;
mod compile;
mod consistency;
mod identity_errors;
mod platform;
mod snapshots;
mod spec_errors;
mod specs;
mod tenants;
mod toolkit;
mod vendored;
