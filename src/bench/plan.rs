//! What is to be measured, as plain values.

use serde::{Deserialize, Serialize};

/// How calls follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Load {
    /// So many callers, each of whom calls again when it was answered. A slow answer holds
    /// the caller up: the load falls when the service slows down.
    Closed {
        /// How many calls are under way at a time.
        in_flight: usize,
    },
    /// Calls at fixed times, however long answers take, as independent users make them. Times
    /// are measured from when a call was due, so that what waited behind a slow answer counts
    /// as slow too (no coordinated omission).
    Open {
        /// Calls a second.
        per_second: f64,
    },
}

/// One part of a plan: calls of the same kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name, unique in the plan, such as `warm-read-1000`.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// What is called, in turn: `read`, or several in a mixed phase.
    pub operations: Vec<String>,
    /// How many calls are measured.
    pub count: usize,
    /// How many calls are made before, measured apart.
    pub warm_up: usize,
    /// How calls follow each other.
    pub load: Load,
    /// Whether a new execution environment is forced before each call.
    #[serde(default)]
    pub cold: bool,
    /// How many pages the repository is to have, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Memory of the function in MB during the phase, where it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
}

impl Phase {
    /// Calls of one operation, one after another.
    pub fn sequential(name: &str, title: &str, operation: &str, count: usize) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            operations: vec![operation.to_owned()],
            count,
            warm_up: 0,
            load: Load::Closed { in_flight: 1 },
            cold: false,
            pages: None,
            memory_mb: None,
        }
    }

    /// With so many calls before, measured apart.
    pub fn warmed(mut self, calls: usize) -> Self {
        self.warm_up = calls;
        self
    }

    /// With so many calls under way at a time.
    pub fn at_once(mut self, in_flight: usize) -> Self {
        self.load = Load::Closed { in_flight: in_flight.max(1) };
        self
    }

    /// With calls at fixed times.
    pub fn at_rate(mut self, per_second: f64) -> Self {
        self.load = Load::Open { per_second };
        self
    }

    /// On a repository with so many pages.
    pub fn on_pages(mut self, pages: u64) -> Self {
        self.pages = Some(pages);
        self
    }

    /// With a new execution environment before each call.
    pub fn forced_cold(mut self) -> Self {
        self.cold = true;
        self
    }

    /// What its `index`-th call does.
    pub fn operation(&self, index: usize) -> &str {
        let count = self.operations.len().max(1);
        self.operations.get(index % count).map_or("", String::as_str)
    }

    /// All calls that it makes.
    pub fn calls(&self) -> usize {
        self.count + self.warm_up
    }
}

/// What is to be measured, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The phases.
    pub phases: Vec<Phase>,
}

impl Plan {
    /// All calls that it makes.
    pub fn calls(&self) -> usize {
        self.phases.iter().map(Phase::calls).sum()
    }
}
