//! The file system, mounted. Where it cannot be, each test says so and passes.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says why")]

mod clients;
mod costs;
mod endings;
mod model;
mod support;
