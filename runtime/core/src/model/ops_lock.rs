//! Fenced leases of operations.

use serde::{Deserialize, Serialize};

use super::{Invalid, Item, Key, LockName, PlatformItem, Revision, RunId, Text, Timestamp};
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
    /// Another with every renewal: the record changes, whatever clocks say.
    pub renewed: u64,
    /// When it was taken, by the holder's clock: for people alone.
    pub acquired_at: Timestamp,
}

impl OpsLock {
    /// The first lease of a lock.
    pub fn first(name: LockName, holder: Holder, lease_seconds: u32, now: Timestamp) -> Self {
        let token = 1;
        Self {
            lock_name: name,
            holder: Some(holder),
            token,
            lease_seconds,
            renewed: 0,
            acquired_at: now,
        }
    }

    /// The lease of the next holder.
    pub fn taken_by(&self, holder: Holder, lease_seconds: u32, now: Timestamp) -> Self {
        let token = self.token.saturating_add(1);
        Self { token, ..Self::first(self.lock_name.clone(), holder, lease_seconds, now) }
    }

    /// The lease, once more as long.
    pub fn renew(&self) -> Self {
        Self { renewed: self.renewed.wrapping_add(1), ..self.clone() }
    }

    /// Nobody's, with the token that was given last.
    pub fn released(&self) -> Self {
        Self { holder: None, ..self.renew() }
    }
}

impl Item for OpsLock {
    const TABLE: Table = OPS_LOCKS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.lock_name)
    }

    /// The token and the marker of the last renewal say what a revision would.
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
