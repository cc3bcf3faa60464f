//! platformctl: the platform's infrastructure as code, and its operations.
//!
//! A platform.yaml goes one way: file → [`config::Settings`] → `StackSpec` →
//! templates → findings → [`plan::Plan`] → events → report. Every stage is a plain
//! value. Modules import along
//! `runtime/core ← stacks ← config ← guard ← plan ← deploy ← bootstrap ← cli`,
//! never back; `tests/layering.rs` holds them to it.

/// Clients bound to a region and to one place: AWS, an endpoint, the local platform.
pub mod aws;
/// The ordered, proved and resumable steps from an empty account to a platform.
pub mod bootstrap;
/// The Lambda crates, built into reproducible zips.
pub mod build;
/// One file a verb, a folder a noun: arguments, and what they set off.
pub mod cli;
/// platform.yaml: found, loaded, validated with line numbers, resolved to settings.
pub mod config;
/// Runs a plan: order, change sets, waiting, root causes; emits events.
pub mod deploy;
/// The one error type, and the published exit codes.
pub mod error;
/// What engines report while they work.
pub mod event;
/// Places where tests can hold a run.
pub mod failpoint;
/// Proves templates with embedded rules.
pub mod guard;
/// One append-only journal for every run that changes something.
pub mod journal;
/// The managed local platform.
pub mod local;
/// The lock that keeps two runs from changing one environment.
pub mod lock;
/// What a deploy would do, as a plain value.
pub mod plan;
/// Ctrl-C, told to every engine.
pub mod signal;
/// The only place that prints.
pub mod ui;
