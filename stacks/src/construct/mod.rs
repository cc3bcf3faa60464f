//! What several stacks make: "our Lambda", and what watches over it.

pub(crate) mod digest;
pub mod function;
mod role;
pub mod watch;
