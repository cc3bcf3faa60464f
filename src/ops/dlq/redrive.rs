//! Moves dead letters back by copying: each is sent to its queue, and deleted once it is
//! there.
//!
//! A request's intent is on disk before it is sent, and its outcome before the dead letters
//! are deleted. So whatever kills the run, a dead letter is in its queue, in the archive or
//! still here; and only the requests that were under way then are in doubt. Their messages
//! are sent again, which makes at most so many duplicates: ten for each worker.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::broker::{Broker, Receipt, Refusal};
use super::ledger::{History, Ledger};
use super::letter::Letter;
use super::mark::BATCH;
use super::orders::{Orders, Redriven};
use super::pace::Pace;
use super::pile::{self, Kept, Pile};
use crate::error::{Error, Result};
use crate::event::Events;
use crate::failpoint;
use crate::signal::Cancel;

/// How long a receive waits for a first message. Above zero, SQS asks all of its servers.
const WAIT: Duration = Duration::from_secs(1);

/// How often in a row a run waits longer because it deleted something once more.
const LONGER: u32 = 10;

/// A worker ends when it received nothing this often in a row.
const QUIET: usize = 1;

/// A redrive under way.
#[derive(Debug)]
pub struct Redriver<B, L> {
    pub(super) broker: Arc<B>,
    pub(super) ledger: Arc<L>,
    pub(super) orders: Orders,
    pub(super) events: Events,
    pub(super) cancel: Cancel,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub history: History,
    /// In the hands of a worker.
    pub in_hand: HashSet<String>,
    /// Those that stay.
    pub kept: HashMap<String, Kept>,
    /// Groups of which a message stays: what is behind it stays too.
    pub closed: HashSet<String>,
    /// How many may still be moved or put aside.
    pub budget: u64,
    /// Those that were moved and put aside by this attempt.
    pub done: u64,
    /// How often SQS was asked to delete one, whether it did or not.
    pub deletions: u64,
    pub refusals: Vec<Refusal>,
    pace: Pace,
    stopped: bool,
}

/// How a step of a worker went.
enum Step {
    /// There was something to do.
    Done,
    /// It saw nothing but what stays, and had seen it before.
    Stale,
    /// It received nothing.
    Nothing,
    /// As many were moved as may be.
    Full,
}

impl<B: Broker, L: Ledger> Redriver<B, L> {
    /// Goes on from `history`; a new run has an empty one.
    pub fn new(
        broker: Arc<B>,
        ledger: Arc<L>,
        orders: Orders,
        history: History,
        (events, cancel): (Events, Cancel),
    ) -> Self {
        let before = history.sent_count() + history.archived_count();
        let budget = orders.max.map_or(u64::MAX, |max| max.saturating_sub(before));
        let state = Mutex::new(State {
            history,
            in_hand: HashSet::new(),
            kept: HashMap::new(),
            closed: HashSet::new(),
            budget,
            done: 0,
            deletions: 0,
            refusals: Vec::new(),
            pace: Pace::new(orders.rate),
            stopped: false,
        });
        Self { broker, ledger, orders, events, cancel, state }
    }

    /// Moves what is meant, until there is no more. What stays is put back, also after an
    /// error and after Ctrl-C.
    pub async fn run(self: &Arc<Self>) -> Result<Redriven> {
        let result = self.until_empty().await;
        self.put_back_kept().await;
        let hidden = result?;
        self.cancel.check()?;
        self.report(hidden).await
    }

    /// Moves up to `count` messages with one worker, for a canary. Returns how many.
    pub(super) async fn some(self: &Arc<Self>, count: u64) -> Result<u64> {
        let (budget, before) = {
            let mut state = self.state();
            let budget = state.budget;
            state.budget = budget.min(count);
            (budget, state.done)
        };
        let result = self.sweep(1).await;
        let mut state = self.state();
        let moved = state.done - before;
        state.budget = budget.saturating_sub(moved);
        result.map(|()| moved)
    }

    /// Sweeps until nothing is left that could be moved. Messages that a killed run had in
    /// hand are hidden for a while: they are waited for. Returns how many stayed hidden.
    async fn until_empty(self: &Arc<Self>) -> Result<u64> {
        let patience = self.orders.hide + Duration::from_secs(5);
        let (mut waited, mut longer) = (Duration::ZERO, 0);
        let mut calm = false;
        loop {
            let (before, deletions) = {
                let state = self.state();
                (state.done, state.deletions)
            };
            self.sweep(self.orders.workers).await?;
            if self.cancel.is_cancelled() || self.state().budget == 0 {
                return Ok(0);
            }
            let depth = self.broker.depth().await?;
            let now = self.broker.now();
            let (kept, ours, done, again) = {
                let state = self.state();
                let ours = state.kept.values().filter(|it| it.until > now).count() as u64;
                (state.kept.len() as u64, ours, state.done, state.deletions > deletions)
            };
            // What is behind a message that stays cannot be received while it is in hand, nor
            // told from what can: then a sweep that finds nothing has to tell.
            let blocked = self.orders.ordered && kept > 0;
            let more = !blocked && depth.total() > kept;
            let hidden = depth.hidden.saturating_sub(ours);
            if hidden == 0 && !more {
                if !blocked || calm && done == before {
                    return Ok(0);
                }
                calm = true;
                continue;
            }
            calm = false;
            // SQS may not delete what it is asked to, and may deliver what it has deleted:
            // whoever deletes that once more has to wait for as long once more.
            longer = if done > before { 0 } else { longer + u32::from(again) };
            if done > before || again && longer <= LONGER {
                waited = Duration::ZERO;
            }
            if waited >= patience {
                return Ok(hidden);
            }
            if waited.is_zero() && hidden > 0 {
                self.events.info(format!(
                    "waiting up to {} s for {hidden} messages that were received and not put back",
                    patience.as_secs()
                ));
            }
            waited += WAIT;
            self.wait(WAIT).await;
        }
    }

    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = self.broker.pause(time) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    /// Lets `workers` work until they find nothing. The first error ends all of them, each
    /// after its batch.
    async fn sweep(self: &Arc<Self>, workers: usize) -> Result<()> {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..workers.max(1) {
            let own = Arc::clone(self);
            tasks.spawn(async move { own.work(workers).await });
        }
        let mut first = None;
        while let Some(ended) = tasks.join_next().await {
            let ended = ended.unwrap_or_else(|error| {
                Err(Error::failed("a worker of the redrive panicked").caused_by(error))
            });
            if let Err(error) = ended {
                self.state().stopped = true;
                first = first.or(Some(error));
            }
        }
        self.state().stopped = false;
        first.map_or(Ok(()), Err)
    }

    async fn work(&self, workers: usize) -> Result<()> {
        let (mut quiet, mut stale) = (0, 0);
        loop {
            if self.cancel.is_cancelled() || self.state().stopped {
                return Ok(());
            }
            match self.step().await? {
                Step::Done => (quiet, stale) = (0, 0),
                Step::Stale => stale += 1,
                Step::Nothing => quiet += 1,
                Step::Full => return Ok(()),
            }
            // What stays appears again once its time is over, before what is behind it.
            let patience = QUIET + self.state().kept.len() / BATCH / workers;
            if quiet >= QUIET || stale > patience {
                return Ok(());
            }
        }
    }

    async fn step(&self) -> Result<Step> {
        let (want, pause) = {
            let now = self.broker.now();
            let mut state = self.state();
            let want = state.budget.min(BATCH as u64);
            (want, state.pace.take(want, now))
        };
        if want == 0 {
            return Ok(Step::Full);
        }
        if !pause.is_zero() {
            self.wait(pause).await;
        }
        let received = if self.cancel.is_cancelled() {
            Vec::new()
        } else {
            let want = usize::try_from(want).unwrap_or(BATCH);
            self.broker.receive(want, self.orders.hide, WAIT).await?
        };
        if received.is_empty() {
            self.state().pace.give_back(want);
            return Ok(Step::Nothing);
        }
        failpoint::hit("dlq.received", &self.cancel).await;
        let pile = self.sort(received)?;
        let unused = want.saturating_sub((pile.send.len() + pile.quarantine.len()) as u64);
        self.state().pace.give_back(unused);
        let result = self.carry_out(&pile).await;
        self.put_down(&pile, result.is_err()).await;
        result?;
        self.say();
        Ok(if pile.is_stale() { Step::Stale } else { Step::Done })
    }

    /// Decides what happens to each message, and takes it in hand.
    fn sort(&self, letters: Vec<Letter>) -> Result<Pile> {
        let selector = self.orders.selection.selector()?;
        pile::sort(&mut self.state(), letters, &selector, &self.orders, self.broker.now())
    }

    /// What is left of a pile goes back: at once after an error, so that nobody has to wait.
    async fn put_down(&self, pile: &Pile, failed: bool) {
        let receipts: Vec<Receipt> = {
            let mut state = self.state();
            for (id, _) in pile.receipts() {
                state.in_hand.remove(&id);
            }
            let open = |id: &String| !state.history.deleted.contains(id);
            let back = pile.receipts().filter(|(id, _)| failed && open(id));
            back.chain(pile.over.iter().cloned()).collect()
        };
        if !receipts.is_empty() {
            // They come back by themselves as well, only later.
            let _ = self.broker.release(&receipts).await;
        }
    }

    async fn put_back_kept(&self) {
        let kept: Vec<Receipt> = {
            let state = self.state();
            state.kept.iter().map(|(id, it)| (id.clone(), it.handle.clone())).collect()
        };
        for batch in kept.chunks(BATCH) {
            if self.broker.release(batch).await.is_err() {
                break;
            }
        }
    }

    fn say(&self) {
        let (done, kept) = {
            let state = self.state();
            (state.done, state.kept.len())
        };
        let stays = if kept == 0 { String::new() } else { format!(", {kept} stay") };
        self.events.progress(TASK, done, format!("{done} moved{stays}"));
    }

    async fn report(&self, hidden: u64) -> Result<Redriven> {
        let depth = self.broker.depth().await?;
        let state = self.state();
        let mut kept = BTreeMap::new();
        for it in state.kept.values() {
            *kept.entry(it.why.name()).or_insert(0) += 1;
        }
        let named = state.refusals.iter();
        Ok(Redriven {
            moved: state.history.sent_count(),
            quarantined: state.history.archived_count(),
            kept,
            possible_duplicates: state.history.resent,
            in_doubt: state.history.doubtful_count(),
            left: depth.total(),
            hidden,
            refusals: named.map(|it| format!("{}: {}", it.id, it.reason)).collect(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked left nothing half done: each change is one statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that events are about.
pub const TASK: &str = "dlq.redrive";
