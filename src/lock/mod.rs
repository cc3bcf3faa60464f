//! Locks, so that no two runs change the same thing: one file for the runs of a machine,
//! and fenced leases for everybody.
//!
//! A [`LocalLock`] is a locked file. A *lease* is a record that everybody sees
//! ([`runtime_core::model::OpsLock`]), in `DynamoDB` or S3 ([`LeaseStore`]):
//!
//! * It is taken, renewed, changed and given back by conditional writes that name the
//!   version last seen. Of any number of writers one succeeds.
//! * Every holder has a *fencing token* greater than all before. What is guarded is
//!   written with it, and refused once a newer one was given.
//! * A holder that died is found out by watching: its record has not changed for a whole
//!   lease on the observer's own monotonic clock. No two clocks are ever compared.
//! * The answer to a write can be lost. Whoever did not hear it reads the record back, and
//!   knows its own write by the id in it.
//!
//! The protocol ([`protocol`]) knows neither AWS nor a clock: the [`Machine`] it runs on is
//! given, and a simulation (`tests/lock/simulation`) gives it one whose network, clocks and
//! processes fail in every way.

mod backend;
mod describe;
mod dynamodb;
mod holder;
mod lease;
mod local;
mod machine;
pub mod protocol;
mod s3;
mod store;

pub use backend::Backend;
pub use describe::{busy, explained, holder_lines, lost};
pub use dynamodb::DynamoDbLeases;
pub use holder::{Identity, run_id};
pub use lease::{Fence, Lease};
pub use local::{LocalHolder, LocalLock};
pub use machine::{Machine, Moment, System};
pub use s3::S3Leases;
pub use store::{LeaseStore, Seen, StoreError, Version, Wrote};
