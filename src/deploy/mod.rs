//! Runs a plan: stacks in dependency order, independent ones in parallel, each
//! through a change set; journaled, resumable, and reported as events.

mod artefacts;
mod bucket;
mod change_set;
mod dag;
mod deployed;
mod destroy;
mod engine;
mod observe;
mod planner;
mod root_cause;
mod waiter;

pub use artefacts::{Artefacts, Upload};
pub use bucket::{bucket_exists, delete_bucket};
pub use dag::{Dag, Outcome as NodeOutcome, run as run_dag};
pub use deployed::{DeployedStack, StackStatus};
pub use destroy::{DestroyReport, DestroyedStack, destroy, destroy_order, refuse_protected};
pub use engine::{ARTEFACTS, Engine, needs};
pub use observe::{LiveResource, LiveStack, live_resources, observe};
pub use planner::PlannedStack;
pub use root_cause::{Failure, root_cause};
