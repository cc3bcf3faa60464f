//! A lease that is kept in the background: renewed, lost, and given back however its
//! holder ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use platformctl::error::Error;
use platformctl::lock::protocol::{self, Failure, Order};
use platformctl::lock::{
    Lease, LeaseStore, Machine as _, Seen, StoreError, System, Version, Wrote,
};
use platformctl::signal::Cancel;
use runtime_core::model::{Holder, LockName, OpsLock};

/// A store that can be cut off.
#[derive(Debug, Clone, Default)]
struct Memory {
    record: Arc<Mutex<Option<OpsLock>>>,
    cut_off: Arc<AtomicBool>,
}

impl Memory {
    fn record(&self) -> OpsLock {
        self.record.lock().expect("a store").clone().expect("a record")
    }

    fn reached(&self) -> Result<(), StoreError> {
        if self.cut_off.load(Ordering::SeqCst) {
            return Err(StoreError::Unknown(Error::failed("no answer")));
        }
        Ok(())
    }

    /// Somebody else takes it.
    fn steal(&self) {
        let mut record = self.record.lock().expect("a store");
        let stolen =
            record.as_ref().expect("a record").taken_by(holder("thief"), 60, System.write());
        *record = Some(stolen);
    }
}

fn version(record: &OpsLock) -> Version {
    Version(record.write.to_string())
}

impl LeaseStore for Memory {
    async fn read(&self, _: &LockName) -> Result<Option<Seen>, StoreError> {
        self.reached()?;
        let record = self.record.lock().expect("a store").clone();
        Ok(record.map(|record| Seen { version: version(&record), record }))
    }

    async fn write(&self, new: &OpsLock, over: Option<&Version>) -> Result<Wrote, StoreError> {
        self.reached()?;
        let mut record = self.record.lock().expect("a store");
        if record.as_ref().map(version).as_ref() != over {
            return Ok(Wrote::Conflict);
        }
        *record = Some(new.clone());
        Ok(Wrote::Done(version(new)))
    }
}

fn holder(who: &str) -> Holder {
    Holder {
        who: who.parse().expect("who"),
        host: "desk".parse().expect("host"),
        job: "deploy".parse().expect("job"),
        reason: "a test".parse().expect("reason"),
        run_id: format!("run-of-{who}").parse().expect("run"),
    }
}

fn order(who: &str) -> Order {
    Order {
        name: "deploy".parse().expect("name"),
        holder: holder(who),
        lease_seconds: 1,
        wait: Duration::ZERO,
        known_dead: Box::new(|_| false),
    }
}

async fn take(store: &Memory) -> (Lease<Memory>, Cancel) {
    let held = protocol::acquire(store, &System, &order("ada")).await.expect("free");
    let (canceller, cancel) = Cancel::new();
    (Lease::keep(store.clone(), held, "the environment", canceller), cancel)
}

async fn cancelled(cancel: &Cancel) -> Error {
    let waited = tokio::time::timeout(Duration::from_secs(10), cancel.cancelled()).await;
    waited.expect("it is told");
    cancel.error()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_renewed_and_given_back() {
    let store = Memory::default();
    let (lease, cancel) = take(&store).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(store.record().renewed >= 2, "longer than a lease, and still held");
    assert!(matches!(
        protocol::acquire(&store, &System, &order("grace")).await,
        Err(Failure::Busy(_))
    ));
    lease.set("eu-west-1".parse().expect("a value")).await.expect("ours");
    lease.release().await.expect("ours");
    let record = store.record();
    assert_eq!((record.holder, record.guarded.expect("a value").token), (None, 1));
    assert!(!cancel.is_cancelled());
    let (next, _) = take(&store).await;
    assert_eq!(next.token(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_given_back_by_whoever_panics_or_returns_an_error() {
    let store = Memory::default();
    let own = store.clone();
    let task = tokio::spawn(async move {
        let (lease, _) = take(&own).await;
        assert_eq!(lease.token(), 0, "it panics while it holds the lease");
    });
    assert!(task.await.expect_err("a panic").is_panic());
    assert_eq!(store.record().holder, None);
    let own = store.clone();
    let fails = async move {
        let (_lease, _) = take(&own).await;
        Err::<(), _>(Error::failed("something else"))
    };
    assert!(fails.await.is_err());
    assert_eq!((store.record().holder, store.record().token), (None, 2));
    // Left on purpose, it stays.
    let (lease, _) = take(&store).await;
    lease.leave().await.expect("ours");
    drop(lease);
    assert!(store.record().holder.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_succeeded_is_told_and_writes_nothing_any_more() {
    let store = Memory::default();
    let (lease, cancel) = take(&store).await;
    let fence = lease.fence();
    fence.check().await.expect("ours");
    store.steal();
    let error = fence.check().await.expect_err("another's");
    assert_eq!((error.exit_code(), error.causes()[0].contains("thief")), (7, true));
    let set = lease.set("eu-west-1".parse().expect("a value")).await.expect_err("another's");
    assert_eq!(set.exit_code(), 7);
    let error = cancelled(&cancel).await;
    assert_eq!(error.exit_code(), 7);
    assert!(error.message().contains("the lock of the environment was lost"));
    lease.release().await.expect("there is nothing to give back");
    let record = store.record();
    assert_eq!((record.token, record.guarded), (2, None));
    assert_eq!(record.holder.expect("the thief").who.as_str(), "thief");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_renew_stops_before_others_may_begin() {
    let store = Memory::default();
    let (lease, cancel) = take(&store).await;
    store.cut_off.store(true, Ordering::SeqCst);
    let begun = std::time::Instant::now();
    let error = cancelled(&cancel).await;
    assert!(error.message().contains("could not be renewed in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // It comes back, and nobody had taken it.
    store.cut_off.store(false, Ordering::SeqCst);
    lease.release().await.expect("ours");
    assert_eq!(store.record().holder, None);
}
