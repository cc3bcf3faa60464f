//! The queues of work: who takes from each, and how often it is tried.

use crate::functions::Function;

/// Message attribute of a dead letter that was moved back to its queue: how often that
/// happened, as a number.
pub const REDRIVE_COUNT: &str = "platformctl.redrive-count";

/// Message attribute of a dead letter that was moved back to its queue: the run that did,
/// a slash, and the id of the message it is a copy of. A copy that was made twice has the
/// same text here both times, so that who takes it can tell.
pub const REDRIVE_OF: &str = "platformctl.redrive-of";

/// A queue of work. Each has a queue of dead letters beside it, called
/// [`dead_letters`](Queue::dead_letters).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Its short name; a deployed one is called `<project>-<environment>-<name>`, with
    /// `.fifo` behind it where order matters.
    pub name: &'static str,
    /// What a message is, for descriptions.
    pub holds: &'static str,
    /// Whether messages of a group arrive in order, and each once.
    pub ordered: bool,
    /// Who takes from it.
    pub consumer: Function,
    /// Environment variable in which senders find its URL.
    pub url_variable: &'static str,
    /// How often a message is tried before it is a dead letter.
    pub attempts: u8,
}

impl Queue {
    /// The end of its physical name: `.fifo` is part of the name where order matters.
    pub fn suffix(&self) -> &'static str {
        if self.ordered { ".fifo" } else { "" }
    }

    /// The short name of the queue of its dead letters, which is of the same kind. The
    /// function of the same name has dead letters of its own.
    pub fn dead_letters(&self) -> String {
        format!("{}-queue-dead-letters", self.name)
    }
}

/// Asynchronous jobs. They know nothing of each other, and so need no order.
pub const JOBS: Queue = Queue {
    name: "jobs",
    holds: "Asynchronous jobs to run",
    ordered: false,
    consumer: Function::Jobs,
    url_variable: "JOBS_QUEUE_URL",
    attempts: 3,
};

/// Deliveries of webhooks. In no order: one that has to be tried again would hold up
/// all after it. A delivery says when its event happened.
pub const WEBHOOKS: Queue = Queue {
    name: "webhooks",
    holds: "Webhook deliveries to make",
    ordered: false,
    consumer: Function::Webhooks,
    url_variable: "WEBHOOKS_QUEUE_URL",
    attempts: 5,
};

/// Changes of tenants, in order for each tenant: its id is the message group. A tenant
/// that is made and deleted must not be deleted and made.
pub const PROVISIONING: Queue = Queue {
    name: "provisioning",
    holds: "Tenants to make, change and delete",
    ordered: true,
    consumer: Function::Provisioner,
    url_variable: "PROVISIONING_QUEUE_URL",
    attempts: 5,
};

/// Every queue.
pub const ALL: [Queue; 3] = [JOBS, WEBHOOKS, PROVISIONING];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_unique() {
        let names: std::collections::BTreeSet<_> =
            ALL.iter().flat_map(|queue| [queue.name, queue.url_variable]).collect();
        assert_eq!(names.len(), 2 * ALL.len());
    }
}
