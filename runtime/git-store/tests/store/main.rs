//! The store as its callers see it. Every test that writes ends with
//! `git fsck --strict`, by git itself.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(clippy::print_stderr, reason = "tests say what they skip, and campaigns their figures")]

mod campaign;
mod child;
mod concurrency;
mod crashes;
mod git;
mod interleavings;
mod lambda;
mod maintenance;
mod migration;
mod operations;
mod refusals;
mod round_trips;
mod support;
