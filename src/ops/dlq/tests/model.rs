//! Queues in memory that do what SQS may do: deliver twice, hide and show again, refuse, say
//! nothing; and a process that is killed at any request and at any line of its journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::journal::{Entry, StepOutcome};
use crate::ops::dlq::{
    Attribute, BATCH, Broker, Depth, History, Ledger, Letter, MOST_ATTRIBUTES, Outgoing, Receipt,
    Refusal, SendError,
};

/// An ordered queue knows a deduplication id for so long.
const DEDUPLICATION_MS: u64 = 5 * 60 * 1000;

/// Shared by the broker, the ledger and the test.
#[derive(Debug, Clone)]
pub struct Model(Arc<Mutex<World>>);

#[derive(Debug)]
pub struct World {
    pub rng: StdRng,
    pub now: u64,
    pub ordered: bool,
    pub dead: Vec<Dead>,
    pub target: Vec<Outgoing>,
    pub archive: BTreeMap<String, String>,
    pub ledger: Vec<Entry>,
    /// Requests and journal lines until the process is killed.
    pub fuel: Option<u64>,
    pub killed: bool,
    /// Requests until one fails, after its effect, in a process that lives on.
    pub fails_in: Option<u64>,
    pub faults: Faults,
    /// Requests that failed and may have been taken.
    pub unsure: u64,
    /// Messages that come back once they are moved, by the id of the original.
    pub poison: BTreeSet<String>,
    /// How many messages the target handles each time that it is looked at.
    pub handles: usize,
    pub waiting: usize,
    known: HashMap<String, u64>,
    receipts: u64,
}

/// Each one in how many; zero: never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// A hidden message is delivered nevertheless.
    pub twice: u32,
    /// A deleted message appears again.
    pub undeleted: u32,
    /// A message of a batch is not deleted.
    pub left: u32,
    /// A message of a batch is refused.
    pub refused: u32,
    /// A request fails: taken or not, nobody knows.
    pub silent: u32,
    /// A request fails certainly, and may be tried again.
    pub throttled: u32,
    /// What is read from the archive is cut short.
    pub torn: u32,
}

impl Faults {
    pub const SOME: Self =
        Self { twice: 40, undeleted: 60, left: 40, refused: 0, silent: 15, throttled: 20, torn: 0 };
}

#[derive(Debug, Clone)]
pub struct Dead {
    pub letter: Letter,
    pub hidden_until: u64,
}

impl World {
    fn one_in(&mut self, many: u32) -> bool {
        many > 0 && self.rng.random_range(0..many) == 0
    }

    /// Whether the process is killed by this request: before it has an effect, or after.
    fn dies(&mut self) -> Option<bool> {
        let fuel = self.fuel.as_mut()?;
        *fuel = fuel.saturating_sub(1);
        (*fuel == 0).then(|| {
            self.killed = true;
            self.rng.random_bool(0.5)
        })
    }

    pub fn is_dead_letter(&self, id: &str) -> bool {
        self.dead.iter().any(|it| it.letter.id == id)
    }

    fn receive(&mut self, want: usize, hide: Duration) -> Vec<Letter> {
        assert!((1..=BATCH).contains(&want));
        let now = self.now;
        let mut indices: Vec<usize> = (0..self.dead.len()).collect();
        if !self.ordered {
            indices.shuffle(&mut self.rng);
        }
        let busy: BTreeSet<String> = self
            .dead
            .iter()
            .filter(|it| self.ordered && it.hidden_until > now)
            .filter_map(|it| it.letter.group().map(str::to_owned))
            .collect();
        let mut received = Vec::new();
        for index in indices {
            let twice = !self.ordered && self.one_in(self.faults.twice);
            let dead = &mut self.dead[index];
            let blocked = dead.letter.group().is_some_and(|group| busy.contains(group));
            if received.len() == want || blocked || dead.hidden_until > now && !twice {
                continue;
            }
            self.receipts += 1;
            dead.letter.handle = format!("receipt {}", self.receipts);
            dead.hidden_until = now + u64::try_from(hide.as_millis()).unwrap();
            received.push(dead.letter.clone());
        }
        received
    }

    fn take(&mut self, message: &Outgoing) {
        assert!(message.attributes.len() <= MOST_ATTRIBUTES);
        if let Some(id) = message.deduplication.clone().filter(|_| self.ordered) {
            assert!(message.group.is_some());
            let known = self.known.get(&id).is_some_and(|at| self.now - at < DEDUPLICATION_MS);
            if known {
                return;
            }
            self.known.insert(id, self.now);
        }
        self.target.push(message.clone());
        self.waiting += 1;
        let origin = message.id.split('+').next().unwrap_or(&message.id).to_owned();
        if self.poison.contains(&origin) {
            let mut letter = letter(&format!("{origin}+{}", self.target.len()), &message.body);
            letter.attributes.clone_from(&message.attributes);
            self.dead.push(Dead { letter, hidden_until: 0 });
            self.waiting -= 1;
        }
    }
}

pub fn letter(id: &str, body: &str) -> Letter {
    Letter {
        id: id.to_owned(),
        handle: String::new(),
        body: body.to_owned(),
        system: BTreeMap::new(),
        attributes: [("own".to_owned(), Attribute::text("kept"))].into(),
    }
}

fn killed() -> Error {
    Error::failed("killed")
}

impl Model {
    pub fn new(seed: u64, ordered: bool) -> Self {
        Self(Arc::new(Mutex::new(World {
            rng: StdRng::seed_from_u64(seed),
            now: 1_800_000_000_000,
            ordered,
            dead: Vec::new(),
            target: Vec::new(),
            archive: BTreeMap::new(),
            ledger: Vec::new(),
            fuel: None,
            killed: false,
            fails_in: None,
            faults: Faults::default(),
            unsure: 0,
            poison: BTreeSet::new(),
            handles: 0,
            waiting: 0,
            known: HashMap::new(),
            receipts: 0,
        })))
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, letter: Letter) {
        self.world().dead.push(Dead { letter, hidden_until: 0 });
    }

    /// The process is gone; another one may begin.
    pub fn next_process(&self, fuel: Option<u64>) -> History {
        let mut world = self.world();
        world.killed = false;
        world.fuel = fuel;
        History::read(&world.ledger)
    }

    /// One request: its effect, unless the process is dead or dies before it.
    async fn request<T>(&self, effect: impl FnOnce(&mut World) -> T) -> Result<T> {
        let pauses = self.world().rng.random_range(0..3);
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
        let mut world = self.world();
        if world.killed {
            return Err(killed());
        }
        if let Some(left) = world.fails_in {
            world.fails_in = left.checked_sub(1);
            if left == 0 {
                effect(&mut world);
                return Err(Error::failed("no answer"));
            }
        }
        match world.dies() {
            None => Ok(effect(&mut world)),
            Some(after) => {
                if after {
                    effect(&mut world);
                }
                Err(killed())
            }
        }
    }
}

impl Broker for Model {
    async fn receive(&self, count: usize, hide: Duration, wait: Duration) -> Result<Vec<Letter>> {
        let received = self.request(|world| world.receive(count, hide)).await?;
        if received.is_empty() {
            self.pause(wait).await;
        }
        Ok(received)
    }

    async fn release(&self, letters: &[Receipt]) -> Result<()> {
        assert!(!letters.is_empty() && letters.len() <= BATCH);
        self.request(|world| {
            let now = world.now;
            for (_, handle) in letters {
                let found = world.dead.iter_mut().find(|it| it.letter.handle == *handle);
                if let Some(found) = found {
                    found.hidden_until = now;
                }
            }
        })
        .await
    }

    async fn delete(&self, letters: &[Receipt]) -> Result<Vec<String>> {
        assert!(!letters.is_empty() && letters.len() <= BATCH);
        self.request(|world| {
            let mut left = Vec::new();
            for (id, handle) in letters {
                let index = world.dead.iter().position(|it| it.letter.handle == *handle);
                let fails = world.one_in(world.faults.left);
                let Some(index) = index.filter(|_| !fails) else {
                    left.push(id.clone());
                    continue;
                };
                // It says that it is deleted, and is delivered once more.
                if !world.one_in(world.faults.undeleted) {
                    world.dead.remove(index);
                }
            }
            left
        })
        .await
    }

    async fn send(&self, request: &[Outgoing]) -> Result<Vec<Refusal>, SendError> {
        assert!(!request.is_empty() && request.len() <= BATCH);
        let failed =
            |unsure| SendError { unsure, passing: true, error: Error::failed("no answer") };
        let answer = self.request(|world| {
            if world.one_in(world.faults.throttled) {
                return Err(failed(false));
            }
            let silent = world.one_in(world.faults.silent);
            if silent {
                world.unsure += 1;
                if world.rng.random_bool(0.5) {
                    return Err(failed(true));
                }
            }
            let mut refusals = Vec::new();
            for message in request {
                if world.one_in(world.faults.refused) {
                    refusals.push(Refusal { id: message.id.clone(), reason: "no".to_owned() });
                } else {
                    world.take(message);
                }
            }
            if silent { Err(failed(true)) } else { Ok(refusals) }
        });
        answer.await.unwrap_or_else(|error| Err(SendError { unsure: true, passing: false, error }))
    }

    async fn depth(&self) -> Result<Depth> {
        self.request(|world| {
            let hidden = world.dead.iter().filter(|it| it.hidden_until > world.now).count() as u64;
            Depth { visible: world.dead.len() as u64 - hidden, hidden, delayed: 0 }
        })
        .await
    }

    async fn target_depth(&self) -> Result<Depth> {
        self.request(|world| {
            let visible = world.waiting as u64;
            world.waiting = world.waiting.saturating_sub(world.handles);
            Depth { visible, ..Depth::default() }
        })
        .await
    }

    async fn store(&self, key: &str, text: &str) -> Result<()> {
        self.request(|world| {
            world.archive.insert(key.to_owned(), text.to_owned());
        })
        .await
    }

    async fn stored(&self, key: &str) -> Result<String> {
        self.request(|world| {
            let torn = world.one_in(world.faults.torn);
            let text = &world.archive[key];
            if torn { text[..text.len() / 2].to_owned() } else { text.clone() }
        })
        .await
    }

    async fn pause(&self, time: Duration) {
        tokio::task::yield_now().await;
        self.world().now += u64::try_from(time.as_millis()).unwrap();
    }

    fn now(&self) -> u64 {
        self.world().now
    }
}

impl Ledger for Model {
    fn intent(&self, action: &str, target: &str, detail: Value) -> Result<u64> {
        let id = self.world().ledger.len() as u64 + 1;
        let (action, target) = (action.to_owned(), target.to_owned());
        self.note(Entry::Intent { id, action, target, detail })?;
        Ok(id)
    }

    fn outcome(&self, id: u64, outcome: StepOutcome, detail: Value) -> Result<()> {
        self.note(Entry::Outcome { id, outcome, detail })
    }
}

impl Model {
    fn note(&self, entry: Entry) -> Result<()> {
        let mut world = self.world();
        if world.killed {
            return Err(killed());
        }
        match world.dies() {
            None => {
                world.ledger.push(entry);
                Ok(())
            }
            Some(after) => {
                if after {
                    world.ledger.push(entry);
                }
                Err(killed())
            }
        }
    }
}
