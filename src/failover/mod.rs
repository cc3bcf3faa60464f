//! Moving agents to another region: whether they can run there, the switch under a fenced
//! lock, proof by real calls, and the way back; and what others asked for.

mod mirror;
mod preflight;
mod requests;
mod switch;
mod verify;

pub use mirror::Mirror;
pub use preflight::{Check, Preflight};
pub use requests::Requests;
pub use switch::{Switch, Switched};
pub use verify::{Called, Probe, probes};
