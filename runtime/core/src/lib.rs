//! The contract between the platform's Lambdas and its tools.
//!
//! Lambdas, stacks and the CLI meet here and nowhere else: the names of things
//! ([`names`], [`functions`], [`metrics`]), the tables ([`tables`]) and [`queues`], who
//! the tenants are ([`tenant`]), the HTTP API ([`api`]) and who calls it ([`auth`]), and
//! the requests and responses of each function ([`pages`] for
//! `git-store`). By itself the crate is plain data with validation; it does no input or
//! output, and depends on no SDK, so that synthesis stays light.
//!
//! Functions ask for more. Feature `models`: what the tables hold (`model`), API keys,
//! cursors and idempotency, still without an SDK. Feature `telemetry`: log lines and
//! metrics. Feature `aws`: `access`, the only way in which functions reach data. Feature
//! `testing`: tables, buckets and audit trails in memory, for tests of functions.
//!
//! Values are parsed once, when a request is decoded. A [`pages::PagePath`] or a
//! [`pages::Author`] that exists is valid, and nobody downstream checks again.

#[cfg(feature = "aws")]
pub mod access;
pub mod api;
pub mod auth;
pub mod caller;
pub mod functions;
pub mod messages;
pub mod metrics;
#[cfg(feature = "models")]
pub mod model;
pub mod names;
pub mod pages;
pub mod queues;
pub mod runtime_region;
pub mod tables;
#[cfg(feature = "telemetry")]
pub mod telemetry;
pub mod tenant;
