//! How leases are taken, kept, used, given back and broken. Nothing here knows AWS, a
//! runtime or a clock but the given one.

use std::fmt;
use std::time::Duration;

use runtime_core::model::{Holder, LockName, OpsLock, Text, WriteId};

use super::machine::{Machine, Moment};
use super::store::{LeaseStore, Seen, StoreError, Version, Wrote};
use crate::error::Error;

/// The shortest and the longest pause between two looks at a lease that somebody holds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The pause after a request without an answer.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// How long whoever wants a lease at once tries to learn whether it has it.
const DOUBT: Duration = Duration::from_secs(20);

/// How long the holder relies on a lease of this length, from before it asked for it.
///
/// An observer waits for the whole lease, from after it saw it. The fifth between them is
/// for clocks that run differently: the two never believe different things, as long as no
/// clock is off by more than a tenth.
pub fn relied_on(lease: Duration) -> Duration {
    lease * 4 / 5
}

/// How often a lease of this length is renewed: three renewals may fail.
pub fn renewed_every(lease: Duration) -> Duration {
    lease / 5
}

/// The lease of a record.
pub fn lease_of(record: &OpsLock) -> Duration {
    Duration::from_secs(record.lease_seconds.into())
}

/// Whether a holder is known to be gone, without watching it.
pub type KnownDead = Box<dyn Fn(&Holder) -> bool + Send + Sync>;

/// What somebody wants.
pub struct Order {
    /// The lock.
    pub name: LockName,
    /// Who wants it, and why.
    pub holder: Holder,
    /// Seconds that it is to last, from each renewal: 1 to 3600.
    pub lease_seconds: u32,
    /// How long to wait for it. Zero: fail at once.
    pub wait: Duration,
    /// Holders that need not be watched: their process is known to be gone.
    pub known_dead: KnownDead,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("name", &self.name)
            .field("holder", &self.holder)
            .field("lease_seconds", &self.lease_seconds)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// Why a lease was not taken, or is no longer held.
#[derive(Debug)]
pub enum Failure {
    /// Somebody else holds it.
    Busy(Box<OpsLock>),
    /// It was held, and is not any more: somebody took it over, or broke it. `None`: even
    /// the record is gone.
    Lost(Option<Box<OpsLock>>),
    /// There is no such table or bucket.
    Missing(Error),
    /// The store will not.
    Refused(Error),
    /// In the time there was, the store did not say what became of a write. It may have
    /// been made.
    Doubt(Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(error) => Self::Missing(error),
            StoreError::Refused(error) => Self::Refused(error),
            StoreError::Unknown(error) => Self::Doubt(error),
        }
    }
}

/// Watches a record: has it been the same for a whole lease, on this machine's clock?
#[derive(Debug, Default)]
pub struct Watcher(Option<(WriteId, Moment)>);

impl Watcher {
    /// Takes note of what was read just now, at `now`, after the answer came: the moment of
    /// the read is not known better. Gives the moment from which on the holder is dead, if
    /// nothing changes.
    pub fn see(&mut self, record: &OpsLock, now: Moment) -> Moment {
        let since = match self.0 {
            Some((write, since)) if write == record.write => since,
            _ => now,
        };
        self.0 = Some((record.write, since));
        since + lease_of(record)
    }
}

/// Takes a lease, waiting for it as long as the order says.
pub async fn acquire<S: LeaseStore, M: Machine>(
    store: &S,
    machine: &M,
    order: &Order,
) -> Result<Held, Failure> {
    let deadline = machine.now() + order.wait;
    let mut watcher = Watcher::default();
    loop {
        let doubt = (machine.now() + DOUBT).max(deadline);
        let seen = read(store, machine, &order.name, doubt).await?;
        let now = machine.now();
        if let Some(Seen { record, .. }) = &seen
            && let Some(holder) = &record.holder
        {
            let dead_at = watcher.see(record, now);
            if now < dead_at && !(order.known_dead)(holder) {
                if now >= deadline {
                    return Err(Failure::Busy(Box::new(record.clone())));
                }
                let pause = (lease_of(record) / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                let next = now + pause / 2 + machine.jitter(pause / 2);
                machine.sleep_until(next.min(dead_at).min(deadline)).await;
                continue;
            }
        }
        let (holder, lease, write) = (order.holder.clone(), order.lease_seconds, machine.write());
        let record = match &seen {
            Some(seen) => seen.record.taken_by(holder, lease, write),
            None => OpsLock::first(order.name.clone(), holder, lease, write),
        };
        let sent = machine.now();
        let over = seen.map(|seen| seen.version);
        // Somebody was faster: what they wrote is looked at anew.
        if let Settled::Made(version) = settle(store, machine, &record, over, doubt).await? {
            let until = sent + relied_on(lease_of(&record));
            return Ok(Held { record, version, until });
        }
    }
}

/// Takes up a lease that this user took before, in another process, and renews it.
/// `token` is what says that it is the same: no two holders have the same one.
pub async fn adopt<S: LeaseStore, M: Machine>(
    store: &S,
    machine: &M,
    name: &LockName,
    token: u64,
) -> Result<Held, Failure> {
    let doubt = machine.now() + DOUBT;
    let seen = read(store, machine, name, doubt).await?;
    let Some(seen) = seen.filter(|seen| seen.record.token == token) else {
        return Err(Failure::Lost(None));
    };
    if seen.record.holder.is_none() {
        return Err(Failure::Lost(Some(Box::new(seen.record))));
    }
    let mut held = Held { record: seen.record, version: seen.version, until: doubt };
    held.renew(store, machine).await?;
    Ok(held)
}

/// Takes a lease away from a holder that is dead: watches it for a whole lease first.
/// `None`: nobody holds it. [`Failure::Busy`]: it is alive, its record changed.
pub async fn break_dead<S: LeaseStore, M: Machine>(
    store: &S,
    machine: &M,
    name: &LockName,
    known_dead: &KnownDead,
) -> Result<Option<OpsLock>, Failure> {
    let mut watcher = Watcher::default();
    let mut first = None;
    loop {
        let doubt = machine.now() + DOUBT;
        let seen = read(store, machine, name, doubt).await?;
        let now = machine.now();
        let Some(Seen { record, version }) = seen else { return Ok(None) };
        let Some(holder) = &record.holder else { return Ok(None) };
        if *first.get_or_insert(record.write) != record.write {
            return Err(Failure::Busy(Box::new(record)));
        }
        let dead_at = watcher.see(&record, now);
        if now < dead_at && !known_dead(holder) {
            machine.sleep_until((now + LONGEST_PAUSE).min(dead_at)).await;
            continue;
        }
        let free = record.released(machine.write());
        if let Settled::Made(_) = settle(store, machine, &free, Some(version), doubt).await? {
            return Ok(Some(record));
        }
    }
}

/// A lease that is held.
#[derive(Debug, Clone)]
pub struct Held {
    record: OpsLock,
    version: Version,
    until: Moment,
}

impl Held {
    /// The fencing token.
    pub fn token(&self) -> u64 {
        self.record.token
    }

    /// The record as it was last written.
    pub fn record(&self) -> &OpsLock {
        &self.record
    }

    /// Until when it can be relied on, on the clock of this machine.
    pub fn until(&self) -> Moment {
        self.until
    }

    /// When it is to be renewed next.
    pub fn renew_at(&self) -> Moment {
        let lease = lease_of(&self.record);
        (self.until + renewed_every(lease)).saturating_sub(relied_on(lease))
    }

    /// Makes it last for a whole lease again.
    pub async fn renew<S: LeaseStore, M: Machine>(
        &mut self,
        store: &S,
        machine: &M,
    ) -> Result<(), Failure> {
        let write = machine.write();
        self.change(store, machine, |record| record.renew(write)).await
    }

    /// Writes what the lock guards: not if the lease is somebody else's, however late that
    /// is noticed here. Renews it too.
    pub async fn set<S: LeaseStore, M: Machine>(
        &mut self,
        store: &S,
        machine: &M,
        value: Text<1, 200>,
    ) -> Result<(), Failure> {
        let write = machine.write();
        self.change(store, machine, |record| record.with_value(value.clone(), write)).await
    }

    /// Gives it back.
    pub async fn release<S: LeaseStore, M: Machine>(
        mut self,
        store: &S,
        machine: &M,
    ) -> Result<(), Failure> {
        // There is no use in giving back what is over.
        self.until = self.until.max(machine.now() + RETRY_PAUSE);
        let write = machine.write();
        self.change(store, machine, |record| record.released(write)).await
    }

    async fn change<S: LeaseStore, M: Machine>(
        &mut self,
        store: &S,
        machine: &M,
        next: impl Fn(&OpsLock) -> OpsLock,
    ) -> Result<(), Failure> {
        loop {
            let record = next(&self.record);
            let sent = machine.now();
            let over = Some(self.version.clone());
            match settle(store, machine, &record, over, self.until).await? {
                Settled::Made(version) => {
                    let until = sent + relied_on(lease_of(&record));
                    *self = Self { record, version, until };
                    return Ok(());
                }
                // With our token and a holder it is our own: a write of before, whose
                // answer did not come in time, or one that another process of ours made.
                Settled::Other(Some(seen))
                    if seen.record.token == self.token() && seen.record.holder.is_some() =>
                {
                    self.record = seen.record;
                    self.version = seen.version;
                }
                Settled::Other(seen) => {
                    return Err(Failure::Lost(seen.map(|seen| Box::new(seen.record))));
                }
            }
        }
    }
}

/// What became of a conditional write.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Settled {
    /// It was made.
    Made(Version),
    /// It was not, or was written over since; and will never be made any more, because
    /// what it wanted to replace is gone. This is what there is now.
    Other(Option<Seen>),
}

/// Writes, and finds out what became of it. An answer can be lost, and a request can
/// arrive late or twice: that does no harm, because all of them want to replace the same
/// version, and each version is there once.
async fn settle<S: LeaseStore, M: Machine>(
    store: &S,
    machine: &M,
    record: &OpsLock,
    over: Option<Version>,
    until: Moment,
) -> Result<Settled, Failure> {
    loop {
        let error = match store.write(record, over.as_ref()).await {
            Ok(Wrote::Done(version)) => return Ok(Settled::Made(version)),
            // Perhaps by this very write, when the client or the network sent it twice.
            Ok(Wrote::Conflict) => Error::failed("the record of the lease keeps changing"),
            Err(StoreError::Unknown(error)) => error,
            Err(error) => return Err(error.into()),
        };
        let seen = read(store, machine, &record.lock_name, until).await?;
        match seen {
            Some(seen) if seen.record.write == record.write => {
                return Ok(Settled::Made(seen.version));
            }
            seen if seen.as_ref().map(|seen| &seen.version) != over.as_ref() => {
                return Ok(Settled::Other(seen));
            }
            // It has not arrived, and may yet: the same again.
            _ if machine.now() >= until => return Err(Failure::Doubt(error)),
            _ => pause(machine, until).await,
        }
    }
}

/// Reads, again and again until `until` while there is no answer.
async fn read<S: LeaseStore, M: Machine>(
    store: &S,
    machine: &M,
    name: &LockName,
    until: Moment,
) -> Result<Option<Seen>, Failure> {
    loop {
        match store.read(name).await {
            Ok(seen) => return Ok(seen),
            Err(StoreError::Unknown(error)) if machine.now() >= until => {
                return Err(Failure::Doubt(error));
            }
            Err(StoreError::Unknown(_)) => pause(machine, until).await,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn pause<M: Machine>(machine: &M, until: Moment) {
    let pause = RETRY_PAUSE / 2 + machine.jitter(RETRY_PAUSE);
    machine.sleep_until((machine.now() + pause).min(until)).await;
}
