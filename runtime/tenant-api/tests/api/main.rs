//! The API through its router, with every service in memory, and the calls that are made
//! to those of AWS.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod agents;
mod contract;
mod jobs;
mod logs;
mod memory;
mod operations;
mod platform;
mod saga;
mod sdk;
mod support;
mod tenants;
mod webhooks;
