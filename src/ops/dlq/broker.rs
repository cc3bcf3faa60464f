//! What the engines ask of the queues and of the archive, and nothing more: tests put a
//! model in their place.

use std::time::Duration;

use serde::Serialize;

use super::letter::Letter;
use super::mark::Outgoing;
use crate::error::{Error, Result};

/// How many messages a queue has. SQS counts about, and late by up to a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Those that can be received.
    pub visible: u64,
    /// Those that somebody received and has neither deleted nor put back.
    pub hidden: u64,
    /// Those that are not delivered yet.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.visible + self.hidden + self.delayed
    }
}

/// A message of a batch that the service did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The dead letter's id.
    pub id: String,
    /// The service's code and message.
    pub reason: String,
}

/// A request that failed as a whole.
#[derive(Debug)]
pub struct SendError {
    /// Whether the messages may have been taken nevertheless: nobody answered.
    pub unsure: bool,
    /// Whether it may pass, as throttling does.
    pub passing: bool,
    /// What happened.
    pub error: Error,
}

/// A message in hand: id and handle.
pub type Receipt = (String, String);

/// A queue of dead letters, the queue that they go back to, and a place for archives.
pub trait Broker: std::fmt::Debug + Send + Sync + 'static {
    /// Takes up to ten dead letters and hides them from others. Waits for the first.
    fn receive(
        &self,
        count: usize,
        hide: Duration,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Letter>>> + Send;

    /// Puts up to ten dead letters back. Those whose time is over are back already.
    fn release(&self, letters: &[Receipt]) -> impl Future<Output = Result<()>> + Send;

    /// Deletes up to ten dead letters. Returns the ids of those that are still there.
    fn delete(&self, letters: &[Receipt]) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Whether a request has one message: where each is taken or not by itself, and nobody
    /// could tell of several which were.
    fn one_by_one(&self) -> bool {
        false
    }

    /// Sends one request to where dead letters go. Sent once: whoever sends again counts it.
    fn send(
        &self,
        request: &[Outgoing],
    ) -> impl Future<Output = Result<Vec<Refusal>, SendError>> + Send;

    /// How many dead letters there are.
    fn depth(&self) -> impl Future<Output = Result<Depth>> + Send;

    /// How many messages there are where dead letters go.
    fn target_depth(&self) -> impl Future<Output = Result<Depth>> + Send;

    /// Writes an object of the archive.
    fn store(&self, key: &str, text: &str) -> impl Future<Output = Result<()>> + Send;

    /// Reads an object of the archive.
    fn stored(&self, key: &str) -> impl Future<Output = Result<String>> + Send;

    /// Lets time pass.
    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Now, in milliseconds since 1970.
    fn now(&self) -> u64;
}
