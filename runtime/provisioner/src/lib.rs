//! Makes, changes and deletes the stacks of siloed tenants, and takes away what tenants
//! had 30 days after they were deleted.
//!
//! A message of the queue names a tenant; what is to be done stands in the tenant's
//! record, and so does how far it is. Each call does as much as its time allows: what is
//! still under way is gone on with by the next one, at the latest by the schedule. A
//! stack that could not be made is recorded with its first failure, and not tried again
//! until somebody changes the tenant.
#![forbid(unsafe_code)]

mod data;
mod formation;
mod outcome;
mod records;
mod service;
mod stack;
mod work;

pub use data::{Data, Own, Stores};
pub use formation::{CloudFormation, Formation, FormationError, StackRequest, Started};
pub use outcome::{Outcome, Settled};
pub use records::{RecordError, Records, Table};
pub use service::Service;
pub use stack::{Kind, StackState, kind};
pub use work::{Clock, Provisioner, System};
