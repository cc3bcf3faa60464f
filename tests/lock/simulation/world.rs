//! The world: time, machines, processes, a network and a store. One thing happens after
//! the other, in an order that the seed alone decides.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use runtime_core::model::OpsLock;

use super::clock::Clock;
use super::dice::Dice;
use super::laws::{Laws, Process};
use platformctl::lock::{Seen, Version, Wrote};

/// A process's client gives up after this, on the machine's clock.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The latest that a request arrives.
pub(super) const LATEST: Duration = Duration::from_secs(30);

/// A request to the store.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Read,
    Write { record: Box<OpsLock>, over: Option<Version> },
}

/// What a process waits for.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Read(Option<Box<Seen>>),
    Wrote(Wrote),
    /// No answer came, or one that says nothing.
    Nothing,
    /// It slept.
    Awake,
}

#[derive(Debug)]
enum Event {
    Answer { process: Process, wait: u64, answer: Answer },
    Awake { process: Process, wait: u64, until: Duration },
    Arrive { process: Process, wait: u64, request: Request },
    Trouble(Trouble),
}

/// What befalls a machine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// It stands still; with it its clock, or not.
    Pause { machine: usize, lasts: Duration, clock_too: bool },
    /// Nothing gets through between it and the store.
    Partition { machine: usize, lasts: Duration },
    /// Its process dies, and another begins.
    Crash { machine: usize },
    /// Its clock goes on with another pace.
    Drift { machine: usize, pace: f64 },
    /// All processes die, and the network is well from here on.
    End,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) clock: Clock,
    paused_until: Duration,
    partitioned_until: Duration,
    /// The process that runs on it.
    pub(super) process: Process,
}

/// How bad the network is, in cases of a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Network {
    pub(super) lost: u64,
    pub(super) twice: u64,
    pub(super) slow: u64,
    pub(super) late: u64,
    pub(super) silent: u64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Duration,
    pub(super) dice: Dice,
    pub(super) network: Network,
    pub(super) nodes: Vec<Node>,
    /// The machine of each process.
    pub(super) homes: Vec<usize>,
    pub(super) record: Option<OpsLock>,
    pub(super) laws: Laws,
    /// Whether beliefs must exclude each other: as long as clocks are nearly right.
    pub(super) exclusive: bool,
    /// Whether the store ignores the condition of writes: what must be noticed.
    pub(super) unconditional: bool,
    events: BTreeMap<(Duration, u64), Event>,
    numbers: u64,
    open: BTreeSet<u64>,
    answers: BTreeMap<u64, Answer>,
}

/// The world, seen from within and from without.
#[derive(Debug, Clone)]
pub(super) struct World(Arc<Mutex<State>>);

/// A process at work.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

impl World {
    pub(super) fn new(dice: Dice, network: Network, clocks: Vec<Clock>, exclusive: bool) -> Self {
        let node = |clock| Node {
            clock,
            paused_until: Duration::ZERO,
            partitioned_until: Duration::ZERO,
            process: usize::MAX,
        };
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            dice,
            network,
            nodes: clocks.into_iter().map(node).collect(),
            homes: Vec::new(),
            record: None,
            laws: Laws::default(),
            exclusive,
            unconditional: false,
            events: BTreeMap::new(),
            numbers: 0,
            open: BTreeSet::new(),
            answers: BTreeMap::new(),
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plan(&self, at: Duration, trouble: Trouble) {
        self.state().schedule(at, Event::Trouble(trouble));
    }

    /// Sends a request, and waits for an answer.
    pub(super) fn call(&self, process: Process, request: &Request) -> Wait {
        let mut state = self.state();
        let wait = state.wait();
        let clock = &state.nodes[state.homes[process]].clock;
        let limit = clock.at(clock.shows(state.now) + TIME_LIMIT);
        state.schedule(limit, Event::Answer { process, wait, answer: Answer::Nothing });
        let network = state.network;
        let copies = match state.dice.below(1_000) {
            throw if throw < network.lost => 0,
            throw if throw < network.lost + network.twice => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let at = state.now + state.delay();
            let request = request.clone();
            state.schedule(at, Event::Arrive { process, wait, request });
        }
        Wait { world: self.clone(), wait }
    }

    /// Waits until the clock of the process's machine shows `moment`.
    pub(super) fn sleep(&self, process: Process, moment: Duration) -> Wait {
        let mut state = self.state();
        let wait = state.wait();
        let at = state.nodes[state.homes[process]].clock.at(moment).max(state.now);
        state.schedule(at, Event::Awake { process, wait, until: moment });
        Wait { world: self.clone(), wait }
    }

    /// Runs until `ended`, or until a law is broken. `begin` makes the process of a machine.
    pub(super) fn run(
        &self,
        begin: &mut dyn FnMut(&Self, usize, Process) -> Task,
        ended: impl Fn(&State) -> bool,
    ) {
        let mut tasks: BTreeMap<Process, Task> = BTreeMap::new();
        let machines = self.state().nodes.len();
        for machine in 0..machines {
            self.begin(machine, &mut tasks, begin);
        }
        loop {
            let (wake, trouble) = {
                let mut state = self.state();
                if state.laws.broken.is_some() || ended(&state) {
                    return;
                }
                let Some(((at, _), event)) = state.events.pop_first() else { return };
                state.now = at;
                match event {
                    Event::Trouble(trouble) => (None, Some(trouble)),
                    other => (state.happen(other), None),
                }
            };
            if let Some(process) = wake {
                poll(process, &mut tasks);
            }
            if let Some(trouble) = trouble {
                self.befall(trouble, &mut tasks, begin);
            }
        }
    }

    fn begin(
        &self,
        machine: usize,
        tasks: &mut BTreeMap<Process, Task>,
        begin: &mut dyn FnMut(&Self, usize, Process) -> Task,
    ) {
        let process = {
            let mut state = self.state();
            let process = state.homes.len();
            state.homes.push(machine);
            let former = std::mem::replace(&mut state.nodes[machine].process, process);
            state.laws.relies_no_more(former);
            process
        };
        tasks.insert(process, begin(self, machine, process));
        poll(process, tasks);
    }

    fn befall(
        &self,
        trouble: Trouble,
        tasks: &mut BTreeMap<Process, Task>,
        begin: &mut dyn FnMut(&Self, usize, Process) -> Task,
    ) {
        let mut state = self.state();
        let now = state.now;
        match trouble {
            Trouble::Pause { machine, lasts, clock_too } => {
                let node = &mut state.nodes[machine];
                node.paused_until = node.paused_until.max(now + lasts);
                if clock_too {
                    node.clock.stop(now, now + lasts);
                }
            }
            Trouble::Partition { machine, lasts } => {
                let node = &mut state.nodes[machine];
                node.partitioned_until = node.partitioned_until.max(now + lasts);
            }
            Trouble::Drift { machine, pace } => state.nodes[machine].clock.drift(now, pace),
            Trouble::Crash { machine } => {
                let process = state.nodes[machine].process;
                drop(state);
                tasks.remove(&process);
                self.begin(machine, tasks, begin);
            }
            Trouble::End => {
                state.network = Network::default();
                let processes: Vec<_> = state.nodes.iter().map(|node| node.process).collect();
                for node in &mut state.nodes {
                    (node.paused_until, node.partitioned_until) = (now, now);
                    node.clock.drift(now, 1.0);
                }
                for process in processes {
                    state.laws.relies_no_more(process);
                }
                drop(state);
                tasks.clear();
                self.begin(0, tasks, begin);
            }
        }
    }
}

fn poll(process: Process, tasks: &mut BTreeMap<Process, Task>) {
    let mut context = Context::from_waker(Waker::noop());
    if let Some(task) = tasks.get_mut(&process)
        && task.as_mut().poll(&mut context).is_ready()
    {
        tasks.remove(&process);
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn wait(&mut self) -> u64 {
        let wait = self.number();
        self.open.insert(wait);
        wait
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        let number = self.number();
        self.events.insert((at, number), event);
    }

    fn delay(&mut self) -> Duration {
        let (slow, late) = (self.network.slow, self.network.late);
        let millis = Duration::from_millis;
        match self.dice.below(1_000) {
            throw if throw < late => self.dice.between(Duration::from_secs(2), LATEST),
            throw if throw < late + slow => self.dice.between(millis(50), millis(2_000)),
            _ => self.dice.between(millis(1), millis(50)),
        }
    }

    /// Which process goes on because of this.
    fn happen(&mut self, event: Event) -> Option<Process> {
        match event {
            Event::Answer { process, wait, answer } => {
                let home = self.homes[process];
                if !self.open.contains(&wait) || self.nodes[home].process != process {
                    return None;
                }
                let resumes = self.nodes[home].paused_until;
                if resumes > self.now {
                    self.schedule(resumes, Event::Answer { process, wait, answer });
                    return None;
                }
                self.open.remove(&wait);
                self.answers.insert(wait, answer);
                Some(process)
            }
            Event::Awake { process, wait, until } => {
                let clock = &self.nodes[self.homes[process]].clock;
                if clock.shows(self.now) < until {
                    // Its clock slowed down meanwhile.
                    let at = clock.at(until).max(self.now + Duration::from_micros(1));
                    self.schedule(at, Event::Awake { process, wait, until });
                    return None;
                }
                self.happen(Event::Answer { process, wait, answer: Answer::Awake })
            }
            Event::Arrive { process, wait, request } => {
                self.arrive(process, wait, request);
                None
            }
            Event::Trouble(_) => None,
        }
    }

    fn arrive(&mut self, process: Process, wait: u64, request: Request) {
        let cut = |state: &Self| state.nodes[state.homes[process]].partitioned_until > state.now;
        if cut(self) {
            return;
        }
        let answer = match request {
            Request::Read => {
                let seen = |record: &OpsLock| {
                    Box::new(Seen { record: record.clone(), version: version(record) })
                };
                Answer::Read(self.record.as_ref().map(seen))
            }
            Request::Write { record, over } => {
                let is = self.record.as_ref().map(version);
                if is == over || self.unconditional {
                    self.laws.written(process, self.record.as_ref(), &record);
                    let version = version(&record);
                    self.record = Some(*record);
                    Answer::Wrote(Wrote::Done(version))
                } else {
                    Answer::Wrote(Wrote::Conflict)
                }
            }
        };
        let (lost, silent) = (self.network.lost, self.network.silent);
        if self.dice.per_mille(lost) {
            return;
        }
        let answer = if self.dice.per_mille(silent) { Answer::Nothing } else { answer };
        let at = self.now + self.delay();
        self.schedule(at, Event::Answer { process, wait, answer });
    }

    /// What the clock of a process's machine shows.
    pub(super) fn shows(&self, process: Process) -> Duration {
        self.nodes[self.homes[process]].clock.shows(self.now)
    }

    /// A process relies on its lease.
    pub(super) fn relies(&mut self, process: Process, token: u64, until: Duration) {
        let Self { laws, nodes, homes, now, exclusive, .. } = self;
        laws.relies(process, token, until, *exclusive, |other, until| {
            nodes[homes[other]].clock.shows(*now) < until
        });
    }
}

/// As `DynamoDB` has it: the id of the write is the version.
pub(super) fn version(record: &OpsLock) -> Version {
    Version(record.write.to_string())
}

/// Waits for an answer.
pub(super) struct Wait {
    world: World,
    wait: u64,
}

impl Future for Wait {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Answer> {
        match self.world.state().answers.remove(&self.wait) {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}
