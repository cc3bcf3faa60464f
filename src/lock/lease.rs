//! A lease that is kept: renewed in the background while the work that it guards goes on.

use std::sync::Mutex;
use std::sync::mpsc as blocking;
use std::time::Duration;

use runtime_core::model::{LockName, Text};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};

use super::describe::{explained, lost};
use super::machine::{Machine, System};
use super::protocol::{Failure, Held};
use super::store::{LeaseStore, Seen, StoreError};
use super::{Backend, describe};
use crate::error::{Error, Result};
use crate::signal::Canceller;

/// How long a lease that is dropped, in a panic or on the way out of an error, may take to
/// be given back.
const DROPPED: Duration = Duration::from_secs(5);

/// The pause after a renewal that failed at once.
const PAUSE: Duration = Duration::from_millis(500);

/// How often the record is asked for before the lock counts as unproved.
const READS: u32 = 5;

/// A lease that is renewed until it is given back. Dropped, it is given back too: whoever
/// panics blocks nobody. A process that is killed leaves it to run out.
#[derive(Debug)]
pub struct Lease<S = Backend> {
    what: String,
    name: LockName,
    token: u64,
    store: S,
    commands: Option<mpsc::UnboundedSender<Command>>,
    ended: Mutex<blocking::Receiver<()>>,
}

#[derive(Debug)]
enum Command {
    Set(Text<1, 200>, oneshot::Sender<Result<(), Failure>>),
    Leave(oneshot::Sender<Result<(), Failure>>),
    Release(oneshot::Sender<Result<(), Failure>>),
}

impl<S: LeaseStore + Clone + 'static> Lease<S> {
    /// Keeps `held` from now on. When it is lost, `canceller` is told: the work has to
    /// stop. `what` is locked: `the environment`.
    pub fn keep(store: S, held: Held, what: impl Into<String>, canceller: Canceller) -> Self {
        Self::keep_on(System, store, held, what, canceller)
    }

    /// As [`Lease::keep`], on another machine's clock.
    pub fn keep_on(
        machine: impl Machine + 'static,
        store: S,
        held: Held,
        what: impl Into<String>,
        canceller: Canceller,
    ) -> Self {
        let what = what.into();
        let (name, token) = (held.record().lock_name.clone(), held.token());
        let (commands, received) = mpsc::unbounded_channel();
        let (end, ended) = blocking::channel();
        let keeper = Keeper { machine, store: store.clone(), what: what.clone(), canceller };
        tokio::spawn(async move {
            keeper.keep(held, received).await;
            // Whoever waits is told; nobody may.
            let _ = end.send(());
        });
        Self { what, name, token, store, commands: Some(commands), ended: Mutex::new(ended) }
    }

    /// The fencing token.
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Proves, whenever it is asked, that the lease is still this one.
    pub fn fence(&self) -> Fence<S> {
        let Self { what, name, token, store, .. } = self;
        Fence { what: what.clone(), name: name.clone(), token: *token, store: store.clone() }
    }

    /// Writes the value that the lock guards.
    pub async fn set(&self, value: Text<1, 200>) -> Result<()> {
        self.ask(|reply| Command::Set(value, reply)).await
    }

    /// Gives it back; nothing, when that was done, or when it was left.
    pub async fn release(&self) -> Result<()> {
        if self.commands.as_ref().is_none_or(mpsc::UnboundedSender::is_closed) {
            return Ok(());
        }
        self.ask(Command::Release).await
    }

    /// Stops renewing it, and does not give it back: it was taken to outlive this process.
    pub async fn leave(&self) -> Result<()> {
        self.ask(Command::Leave).await
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), Failure>>) -> Command,
    ) -> Result<()> {
        let gone = || lost(&self.what, None);
        let (reply, answer) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or_else(gone)?;
        commands.send(command(reply)).map_err(|_| gone())?;
        let answered = answer.await.map_err(|_| gone())?;
        answered.map_err(|failure| explained(&self.what, failure))
    }
}

impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        // Nobody gives commands any more: the keeper gives the lease back.
        if self.commands.take().is_some()
            && let Ok(ended) = self.ended.lock()
        {
            // A runtime that is ending no longer gives it back; then it runs out.
            let wait = || {
                let _ = ended.recv_timeout(DROPPED);
            };
            match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
                // The keeper may be waiting for this very thread.
                Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
                // It cannot go on while this thread waits.
                Ok(_) => {}
                Err(_) => wait(),
            }
        }
    }
}

/// Renews a lease, and does with it what it is told.
struct Keeper<S, M> {
    machine: M,
    store: S,
    what: String,
    canceller: Canceller,
}

impl<S: LeaseStore, M: Machine> Keeper<S, M> {
    async fn keep(self, mut held: Held, mut commands: mpsc::UnboundedReceiver<Command>) {
        let (store, machine) = (&self.store, &self.machine);
        let mut is_lost = false;
        loop {
            let command = tokio::select! {
                command = commands.recv() => command,
                () = machine.sleep_until(held.renew_at()), if !is_lost => {
                    is_lost = !self.renewed(&mut held).await;
                    continue;
                }
            };
            match command {
                Some(Command::Set(value, reply)) => {
                    let result = held.set(store, machine, value).await;
                    if matches!(result, Err(Failure::Lost(_))) {
                        is_lost = true;
                        self.canceller.lose(self.lost());
                    }
                    // Nobody may be waiting any more.
                    let _ = reply.send(result);
                }
                Some(Command::Leave(reply)) => {
                    let _ = reply.send(Ok(()));
                    return;
                }
                Some(Command::Release(reply)) => {
                    let released = held.release(store, machine).await;
                    // That it was lost was said before.
                    let _ = reply.send(if is_lost { Ok(()) } else { released });
                    return;
                }
                None => {
                    let _ = held.release(store, machine).await;
                    return;
                }
            }
        }
    }

    /// Renews it; false: it is lost, and the work was told.
    async fn renewed(&self, held: &mut Held) -> bool {
        let (store, machine) = (&self.store, &self.machine);
        let until = held.until();
        let result = tokio::select! {
            result = held.renew(store, machine) => Some(result),
            () = machine.sleep_until(until) => None,
        };
        match result {
            Some(Ok(())) => return true,
            Some(Err(Failure::Lost(record))) => {
                let who = record.map(|record| describe::holder_lines(&record).join(", "));
                let who = who.map(|who| format!(" to somebody else: {who}")).unwrap_or_default();
                self.canceller.lose(format!("{}{who}", self.lost()));
                return false;
            }
            // It may yet be renewed in time.
            Some(Err(_)) if machine.now() < until => {
                machine.sleep_until((machine.now() + PAUSE).min(until)).await;
            }
            _ => {}
        }
        if machine.now() < until {
            return true;
        }
        self.canceller.lose(format!("{}: it could not be renewed in time", self.lost()));
        false
    }

    fn lost(&self) -> String {
        format!("the lock of {} was lost", self.what)
    }
}

/// Proves that a lease is still held, before something that the lease guards is done where
/// no store can check a token.
#[derive(Debug, Clone)]
pub struct Fence<S = Backend> {
    what: String,
    name: LockName,
    token: u64,
    store: S,
}

impl<S: LeaseStore> Fence<S> {
    /// The fencing token.
    pub fn token(&self) -> u64 {
        self.token
    }

    /// An error, when the lease is somebody else's or nobody's, or when nobody can tell.
    pub async fn check(&self) -> Result<()> {
        for _ in 1..READS {
            match self.store.read(&self.name).await {
                Err(StoreError::Unknown(_)) => tokio::time::sleep(PAUSE).await,
                read => return self.judged(read),
            }
        }
        self.judged(self.store.read(&self.name).await)
    }

    fn judged(&self, read: Result<Option<Seen>, StoreError>) -> Result<()> {
        let seen = read.map_err(|error| {
            let error = error.into_error();
            Error::failed(format!("it cannot be proved that the lock of {} is held", self.what))
                .caused_by(error)
        })?;
        let record = seen.map(|seen| seen.record);
        match &record {
            Some(record) if record.token == self.token && record.holder.is_some() => Ok(()),
            _ => Err(lost(&self.what, record.as_ref())),
        }
    }
}
