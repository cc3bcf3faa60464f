//! Operating the platform: tenants, through the platform's own API, with its checks and
//! its audit trail; and what has to work while that API is down.
//!
//! [`Api`] sends requests as the contract in [`runtime_core::api`] has them; [`tenants`],
//! [`reports`] and [`approvals`] say what they mean. [`dlq`] looks after
//! dead letters, through SQS itself; [`policy`] is what all of that needs on AWS.

mod api;
pub mod approvals;
pub mod dlq;
pub mod policy;
mod problem;
pub mod reports;
pub mod tenants;

pub use api::{Answered, Api, Call, Pace, REASON_HEADER, idempotency_key};

#[cfg(test)]
mod tests;
