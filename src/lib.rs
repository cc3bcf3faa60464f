//! platformctl: the platform's infrastructure as code, and its operations.
//!
//! A platform.yaml goes one way: file → [`config::Settings`] → `StackSpec` →
//! templates → findings → [`plan::Plan`] → events → report. Every stage is a plain
//! value. Modules import along
//! `runtime/core ← stacks ← config ← guard ← plan ← deploy ← bootstrap ← cli`,
//! never back; `tests/layering.rs` holds them to it.
//!
//! | Module | |
//! |---|---|
//! | [`aws`] | Clients bound to a region and to one place: AWS, an endpoint, the local platform |
//! | [`bench`](mod@bench) | Measures what is deployed: plans, samples, statistics, criteria, exports |
//! | [`bootstrap`] | The ordered, proved and resumable steps from an empty account to a platform |
//! | [`build`] | The Lambda crates, built into reproducible zips |
//! | [`cli`] | One file a verb, a folder a noun: arguments, and what they set off |
//! | [`config`] | platform.yaml: found, loaded, validated with line numbers, resolved to settings |
//! | [`deploy`] | Runs a plan: order, change sets, waiting, root causes; emits events |
//! | [`error`] | The one error type, and the published exit codes |
//! | [`event`] | What engines report while they work |
//! | [`failover`] | Moving agents to another region, and back |
//! | [`failpoint`] | Places where tests can hold a run |
//! | [`graph`] | Stacks, resources and what flows between them, and drawings of it |
//! | [`guard`] | Proves templates with embedded rules |
//! | [`http`] | Requests to the platform's API and to issuers: bounded, and never in the clear |
//! | [`journal`] | One append-only journal for every run that changes something |
//! | [`local`] | The managed local platform |
//! | [`lock`] | Locks that keep two runs, and two machines, from changing the same |
//! | [`login`] | Signing in as staff, and where tokens are kept |
//! | [`ops`] | Operating the platform: tenants, through its own API; dead letters, through SQS |
//! | [`plan`] | What a deploy would do, as a plain value |
//! | [`runbook`] | What operators do, as proved, journaled and resumable YAML |
//! | [`trace`] | Traces of X-Ray as one tree and as a picture |
//! | [`signal`] | Ctrl-C, told to every engine |
//! | [`ui`] | The only place that prints |

pub mod aws;
pub mod bench;
pub mod bootstrap;
pub mod build;
pub mod cli;
pub mod config;
pub mod deploy;
pub mod error;
pub mod event;
pub mod failover;
pub mod failpoint;
pub mod graph;
pub mod guard;
pub mod http;
pub mod journal;
pub mod local;
pub mod lock;
pub mod login;
pub mod ops;
pub mod plan;
pub mod runbook;
pub mod signal;
pub mod trace;
pub mod ui;
