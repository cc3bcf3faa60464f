//! Runs a plan: stacks in dependency order, independent ones in parallel, each
//! through a change set; journaled, resumable, and reported as events.

mod artefacts;
mod audit;
mod bucket;
mod change_set;
mod dag;
mod deployed;
mod destroy;
mod engine;
mod kept;
mod observe;
mod overall;
mod planner;
mod previous;
mod root_cause;
mod values;
mod waiter;

pub use artefacts::{Artefacts, Upload};
pub use audit::{audit_bucket, keep_journal};
pub use bucket::{bucket_exists, delete_bucket};
pub use dag::{Concurrency, Dag, Outcome as NodeOutcome, each, run as run_dag};
pub use deployed::{DeployedStack, StackStatus};
pub use destroy::{DestroyReport, DestroyedStack, Destroyer, destroy_order};
pub use engine::{ARTEFACTS, Engine, RUNTIME_ARTEFACTS, makes_bucket, needs};
pub use observe::{LiveResource, LiveStack, live_resources, observe};
pub use planner::PlannedStack;
pub use previous::{Kept, Why};
pub use root_cause::{Failure, root_cause};
