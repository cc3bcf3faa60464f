//! What several stacks make: "our Lambda", bucket and queue, and what watches over them.

pub(crate) mod bucket;
pub(crate) mod digest;
pub mod function;
pub(crate) mod queue;
pub(crate) mod role;
pub(crate) mod turn;
pub mod watch;
