//! What the observability stack is to watch.
//!
//! A stack that makes something that can fail says so; alarms and dashboards are made
//! from the list. They know things by their names, and so no stack depends on alarms.

use runtime_core::functions::Function;

/// Something that can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// A function.
    Function {
        /// Which one.
        function: Function,
        /// Its physical name.
        name: String,
        /// Its time limit in seconds.
        timeout_seconds: u32,
        /// Most concurrent executions.
        reserved_concurrency: u32,
    },
    /// A queue of events that could not be handled. It should be empty.
    DeadLetters {
        /// Its physical name.
        queue: String,
        /// What puts events there, such as `git-store`.
        of: String,
    },
    /// A queue of work. Its oldest message should be young.
    Queue {
        /// Its physical name.
        queue: String,
        /// What is in it, such as `jobs`.
        of: String,
    },
    /// A table.
    Table {
        /// Its physical name.
        name: String,
    },
    /// The agents' runtime. Its metrics are in its own region, and so are their alarms.
    Runtime {
        /// Its name, such as `acme_dev_agents`.
        name: String,
        /// The endpoint that is called, such as `live`.
        endpoint: String,
        /// Its region.
        region: String,
        /// How many sessions the account may have in the region at once.
        sessions_quota: u32,
    },
    /// A REST API.
    Api {
        /// Its name.
        name: String,
        /// The stage that is called.
        stage: String,
    },
}
