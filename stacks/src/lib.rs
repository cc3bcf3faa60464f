//! The platform's infrastructure as typed Rust: a [`StackSpec`](spec::StackSpec)
//! goes in, CloudFormation templates come out. Nothing here talks to AWS, and the
//! same spec gives the same bytes.
//!
//! [`cfn`] is the toolkit; every other public function makes one stack with it.
#![forbid(unsafe_code)]

pub mod agentcore;
pub mod artefacts;
pub mod budget;
pub mod cfn;
pub mod construct;
pub mod efs;
pub mod identity;
pub mod metrics;
pub mod network;
pub mod observability;
pub mod permissions;
pub mod platform;
pub mod spec;
pub mod tenant;

mod elsewhere;
mod environment;
mod error;
mod quotas;
mod subnets;
mod validate;

pub use cfn::{DeployParameter, DeployValue, StackTemplate, Template};
pub use environment::synthesize;
pub use error::{SpecError, SpecErrors};
