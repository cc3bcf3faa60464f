//! Where the records of leases are.

use runtime_core::model::{LockName, OpsLock};

use crate::error::Error;

/// Which version of a record a conditional write replaces, as the store names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it says.
    pub record: OpsLock,
    /// What a write names that is to replace it.
    pub version: Version,
}

/// What a conditional write did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrote {
    /// The record is written, and has this version.
    Done(Version),
    /// Nothing was written now: the record is no longer, or not yet, of the version named.
    /// That can be the work of this very write, sent before and thought lost.
    Conflict,
}

/// A request to a store failed.
#[derive(Debug)]
pub enum StoreError {
    /// There is no such table or bucket.
    Missing(Error),
    /// The store will not do it, however often it is asked.
    Refused(Error),
    /// Nobody knows whether it was done, or will yet be: there was no answer, or one that
    /// does not say.
    Unknown(Error),
}

impl StoreError {
    /// The error for people.
    pub fn into_error(self) -> Error {
        match self {
            Self::Missing(error) | Self::Refused(error) | Self::Unknown(error) => error,
        }
    }
}

/// A store of leases: reads what was written last, and writes only over what was seen.
pub trait LeaseStore: Send + Sync {
    /// Reads the record as it was written last; `None`: there is none yet.
    fn read(
        &self,
        name: &LockName,
    ) -> impl Future<Output = Result<Option<Seen>, StoreError>> + Send;

    /// Writes the record over the version last seen; `None`: over none. Made or not made,
    /// nothing between.
    fn write(
        &self,
        record: &OpsLock,
        over: Option<&Version>,
    ) -> impl Future<Output = Result<Wrote, StoreError>> + Send;
}
