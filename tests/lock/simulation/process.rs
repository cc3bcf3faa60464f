//! What a process does: takes the lease, works, writes what is guarded, gives it back.

use std::time::Duration;

use runtime_core::model::{Holder, LockName, LockWrite, OpsLock, RequestedId as _, WriteId};
use time::OffsetDateTime;

use super::Mutant;
use super::laws::Process;
use super::world::{Answer, Request, World};
use platformctl::error::Error;
use platformctl::lock::protocol::{self, Failure, Held, Order, lease_of};
use platformctl::lock::{LeaseStore, Machine, Moment, Seen, StoreError, Version, Wrote};

/// A process's machine and its way to the store.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) world: World,
    pub(super) process: Process,
    pub(super) mutant: Option<Mutant>,
}

impl Machine for Own {
    fn now(&self) -> Moment {
        self.world.state().shows(self.process)
    }

    async fn sleep_until(&self, moment: Moment) {
        self.world.sleep(self.process, moment).await;
    }

    fn write(&self) -> LockWrite {
        let mut state = self.world.state();
        let (high, low) = (state.dice.throw(), state.dice.throw());
        let id = WriteId::from_digest((u128::from(high) << 64 | u128::from(low)).to_be_bytes());
        LockWrite { id, at: self.wall(state.now, &state.nodes[state.homes[self.process]].clock) }
    }

    fn jitter(&self, most: Duration) -> Duration {
        self.world.state().dice.between(Duration::ZERO, most)
    }
}

impl Own {
    #[expect(clippy::unused_self, reason = "it is the process that looks at the wall")]
    fn wall(&self, now: Duration, clock: &super::clock::Clock) -> runtime_core::model::Timestamp {
        OffsetDateTime::from_unix_timestamp(clock.wall(now)).expect("a time").into()
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

impl LeaseStore for Own {
    async fn read(&self, _: &LockName) -> Result<Option<Seen>, StoreError> {
        let mut seen = match self.world.call(self.process, &Request::Read).await {
            Answer::Read(seen) => seen.map(|seen| *seen),
            _ => return Err(unknown()),
        };
        if let Some(Seen { record, .. }) = &mut seen {
            if self.is(Mutant::ComparesClocks) {
                let state = self.world.state();
                let wall = state.nodes[state.homes[self.process]].clock.wall(state.now);
                if wall - record.written_at.seconds() > record.lease_seconds.into() {
                    record.holder = None;
                }
            }
            if self.is(Mutant::WatchesHalfALease) {
                record.lease_seconds /= 2;
            }
        }
        Ok(seen)
    }

    async fn write(&self, record: &OpsLock, over: Option<&Version>) -> Result<Wrote, StoreError> {
        let mut record = Box::new(record.clone());
        if self.is(Mutant::KeepsTheToken) && record.renewed == 0 {
            record.token = record.token.saturating_sub(1).max(1);
        }
        let made = super::world::version(&record);
        let request = Request::Write { record, over: over.cloned() };
        match self.world.call(self.process, &request).await {
            Answer::Wrote(Wrote::Conflict) if self.is(Mutant::BelievesAConflict) => {
                Ok(Wrote::Done(made))
            }
            Answer::Wrote(wrote) => Ok(wrote),
            _ if self.is(Mutant::AssumesItWasMade) => Ok(Wrote::Done(made)),
            _ => Err(unknown()),
        }
    }
}

fn unknown() -> StoreError {
    StoreError::Unknown(Error::failed("no answer"))
}

/// Who a process is.
fn holder(process: Process, machine: usize) -> Holder {
    Holder {
        who: "ada".parse().expect("a name"),
        host: format!("machine-{machine}").parse().expect("a name"),
        job: "deploy".parse().expect("a job"),
        reason: "a simulation".parse().expect("a reason"),
        run_id: format!("run-{process}").parse().expect("a run"),
    }
}

/// What a process wants.
pub(super) fn order(process: Process, machine: usize, seconds: u32, wait: Duration) -> Order {
    let here = format!("machine-{machine}");
    Order {
        name: "deploy".parse().expect("a name"),
        holder: holder(process, machine),
        lease_seconds: seconds,
        wait,
        // A machine has one process at a time: a former one of it is dead.
        known_dead: Box::new(move |holder| holder.host.as_str() == here),
    }
}

/// Takes the lease and gives it back, for ever.
pub(super) async fn work(own: Own, machine: usize, seconds: u32) {
    let lease = Duration::from_secs(seconds.into());
    loop {
        let wait = lease * u32::try_from(own.world.state().dice.below(4)).unwrap_or(0);
        let order = order(own.process, machine, seconds, wait);
        match protocol::acquire(&own, &own, &order).await {
            Ok(held) => {
                own.world.state().laws.acquired(own.process, held.token());
                use_it(&own, held).await;
            }
            Err(Failure::Busy(_) | Failure::Doubt(_)) => {}
            Err(failure) => panic!("{failure:?}"),
        }
        let pause = own.jitter(lease / 2);
        own.sleep_until(own.now() + pause).await;
    }
}

async fn use_it(own: &Own, mut held: Held) {
    let (process, token, lease) = (own.process, held.token(), lease_of(held.record()));
    let rounds = own.world.state().dice.below(8);
    for round in 0..rounds {
        own.world.state().relies(process, token, held.until());
        let writes = own.world.state().dice.per_mille(400);
        let result = if writes {
            let value = format!("value-{process}-{token}-{round}");
            let text = value.parse().expect("a value");
            let result = held.set(own, own, text).await;
            if result.is_ok() {
                own.world.state().laws.set(&value);
            }
            result
        } else {
            own.sleep_until(held.renew_at()).await;
            held.renew(own, own).await
        };
        match result {
            Ok(()) => {}
            // Its time is not over: it tries again.
            Err(Failure::Doubt(_)) if own.now() < held.until() => {}
            Err(_) => return own.world.state().laws.relies_no_more(process),
        }
    }
    own.world.state().relies(process, token, held.until());
    let work = own.jitter(lease / 4);
    own.sleep_until((own.now() + work).min(held.until())).await;
    // Whoever gives it back does not rely on it any more; some forget to.
    let forgets = own.world.state().dice.per_mille(100);
    own.world.state().laws.relies_no_more(process);
    if !forgets {
        let _ = held.release(own, own).await;
    }
}
