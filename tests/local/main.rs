//! Tests of the local platform, and of platformctl on it. They share the emulator's
//! environment in the user's cache folder and keep their state in temporary folders.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod api;
mod approvals;
mod bench;
mod destroyed;
mod dlq;
mod emulator;
mod emulator_killed;
mod failing;
mod failover;
mod first_light;
mod interrupted;
mod isolation;
mod issuer;
mod killed;
mod large;
mod leases;
mod places;
mod platform;
mod runbooks;
mod runbooks_killed;
mod seen;
mod strangers;
mod two_regions;
mod writers;
