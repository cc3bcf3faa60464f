//! The provisioner against a CloudFormation and a table in memory.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod data;
mod fakes;
mod requests;
mod work;
