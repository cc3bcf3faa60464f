//! Queues of dead letters: looked at, moved back, emptied. Through SQS itself: the platform's
//! API may be what is down.
//!
//! | | |
//! |---|---|
//! | [`name`](parse) | Which queue is meant |
//! | [`Letter`] | A message, and what can be read off it |
//! | [`Selection`] | Which messages are meant |
//! | [`groups`], [`sample`] | What messages have in common, and how one may be shown |
//! | [`Broker`], [`Sqs`] | What the engines ask of SQS and S3 |
//! | [`Ledger`], [`History`] | What is written down, and read by who goes on |
//! | [`inspect`], [`Redriver`], [`Purger`], [`MoveTask`] | The engines |

mod again;
mod broker;
mod canary;
mod carry;
mod filter;
mod group;
mod inspect;
mod ledger;
mod letter;
mod mark;
mod name;
mod native;
mod orders;
mod pace;
mod pile;
mod purge;
mod queue;
mod redrive;
mod sqs;

pub use broker::{Broker, Depth, Receipt, Refusal, SendError};
pub use filter::{Selection, Selector};
pub use group::{By, Group, Sample, groups, sample};
pub use inspect::{Seen, TASK as INSPECT, inspect};
pub use ledger::{ARCHIVE, DELETE, Fate, History, Ledger, SEND};
pub use letter::{Attribute, Content, Letter, Origin};
pub use mark::{BATCH, MOST_ATTRIBUTES, Outgoing, copy, requests};
pub use name::{DeadLetters, Named, known, parse};
pub use native::{FASTEST, MoveTask, Moved};
pub use orders::{Orders, Redriven};
pub use pace::Pace;
pub use pile::{Preview, preview};
pub use purge::{Purged, Purger, TASK as PURGE};
pub use queue::{FoundQueue, all, find, find_target, sources};
pub use redrive::{Redriver, TASK as REDRIVE};
pub use sqs::Sqs;

#[cfg(test)]
mod tests;
