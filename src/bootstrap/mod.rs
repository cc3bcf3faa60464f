//! Takes an empty account to a smoke-tested platform: ordered steps, each proved
//! before the next begins, journaled so that a killed run goes on where it was.

mod actions;
mod pages;
mod policy;
mod report;
mod steps;
mod tenants;

pub use actions::{Functions, Platform, functions_of};
pub use policy::deploy_policies;
pub use report::{BootstrapReport, REPORT_FILE, REPORT_VERSION, StepReport};
pub use steps::{Executor, Step, StepResult, order, run, tenants_last, with_tenants};
pub use tenants::{ReachApi, seeds_tenants};
