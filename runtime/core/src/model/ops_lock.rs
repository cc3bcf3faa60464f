//! Fenced leases of operations.

use serde::{Deserialize, Serialize};

use super::{
    Invalid, Item, Key, LockName, PlatformItem, Revision, RunId, Text, Timestamp, WriteId,
};
use crate::tables::{OPS_LOCKS, Table};

/// Longest lease, in seconds. Whoever works longer renews it.
const LONGEST_LEASE: u32 = 3_600;

/// Who holds a lease, as the next one is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user or the function.
    pub who: Text<1, 200>,
    /// The machine.
    pub host: Text<1, 255>,
    /// What it does, such as `deploy`.
    pub job: Text<1, 100>,
    /// Why.
    pub reason: Text<1, 500>,
    /// The run.
    pub run_id: RunId,
}

/// What a lock guards, where that is one value, such as the runtime region.
///
/// It lies in the record of the lock, so that one conditional write checks the token and
/// changes the value: whoever lost the lease cannot change it, however late its request
/// arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// The value.
    pub value: Text<1, 200>,
    /// The token of the holder that wrote it.
    pub token: u64,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Text<1, 200>>,
    /// When it was written, by the holder's clock: for people alone.
    pub set_at: Timestamp,
}

/// The record of a lease.
///
/// A record is not deleted when the lease is given back, and has no `expires_at`: the
/// next token has to be greater than every one before. Whether a lease is stale is
/// judged by one who watches it: the record has not changed for a whole lease on the
/// observer's own clock. No two clocks are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpsLock {
    /// What is locked.
    pub lock_name: LockName,
    /// Who holds it; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// The fencing token, from 1, greater with every holder. What a holder guards is
    /// written only with the token that is the newest.
    pub token: u64,
    /// How long a lease lasts after it was taken or renewed.
    pub lease_seconds: u32,
    /// How often the holder renewed it.
    pub renewed: u64,
    /// Another with every write: the record changes, whatever clocks say, and whoever
    /// wrote without hearing an answer finds out whether the write was made.
    pub write: WriteId,
    /// When it was taken, by the holder's clock: for people alone.
    pub acquired_at: Timestamp,
    /// When it was last written, by the holder's clock: for people alone.
    pub written_at: Timestamp,
    /// What it guards, where that is one value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarded: Option<Guarded>,
}

/// One write of a lock's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockWrite {
    /// Its id; no two writes have the same.
    pub id: WriteId,
    /// When, by the writer's clock.
    pub at: Timestamp,
}

impl OpsLock {
    /// The first lease of a lock.
    pub fn first(name: LockName, holder: Holder, lease_seconds: u32, write: LockWrite) -> Self {
        Self {
            lock_name: name,
            holder: Some(holder),
            token: 1,
            lease_seconds,
            renewed: 0,
            write: write.id,
            acquired_at: write.at,
            written_at: write.at,
            guarded: None,
        }
    }

    /// The lease of the next holder. What the lock guards stays.
    pub fn taken_by(&self, holder: Holder, lease_seconds: u32, write: LockWrite) -> Self {
        let token = self.token.saturating_add(1);
        let guarded = self.guarded.clone();
        let first = Self::first(self.lock_name.clone(), holder, lease_seconds, write);
        Self { token, guarded, ..first }
    }

    /// The lease, once more as long.
    pub fn renew(&self, write: LockWrite) -> Self {
        let renewed = self.renewed.wrapping_add(1);
        Self { renewed, write: write.id, written_at: write.at, ..self.clone() }
    }

    /// The lease, once more as long, with a guarded value: another one, or the same under
    /// this holder's token.
    pub fn with_value(&self, value: Text<1, 200>, write: LockWrite) -> Self {
        let previous = self.guarded.as_ref().and_then(|guarded| {
            if guarded.value == value {
                guarded.previous.clone()
            } else {
                Some(guarded.value.clone())
            }
        });
        let guarded = Guarded { value, token: self.token, previous, set_at: write.at };
        Self { guarded: Some(guarded), ..self.renew(write) }
    }

    /// Nobody's, with the token that was given last.
    pub fn released(&self, write: LockWrite) -> Self {
        Self { holder: None, ..self.renew(write) }
    }
}

impl Item for OpsLock {
    const TABLE: Table = OPS_LOCKS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.lock_name)
    }

    /// The id of the last write says what a revision would.
    fn revision(&self) -> Option<Revision> {
        None
    }

    fn with_revision(self, _: Revision) -> Self {
        self
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.token == 0 {
            return Err(Invalid { what: "token", expected: "a number from 1 on" });
        }
        if !(1..=LONGEST_LEASE).contains(&self.lease_seconds) {
            return Err(Invalid { what: "lease_seconds", expected: "1 to 3600" });
        }
        Ok(())
    }
}

impl PlatformItem for OpsLock {}
