//! Answers the API's requests about tenants and what is theirs.
//!
//! * `router` — from an event of API Gateway to an answer: callers are checked against
//!   the list of routes once more, and each request is logged
//! * `extract`, `problem` — what comes in, and what went wrong
//! * `tenants` — tenants and their API keys; what is done in several steps is resumable
//! * `agents`, `jobs`, `webhooks`, `export` — what is a tenant's
//! * `platform` — what operators ask for
//! * `services` — what it needs of others, and `aws` how AWS gives it

#![forbid(unsafe_code)]

mod agents;
mod app;
pub mod aws;
mod caller;
mod export;
mod extract;
mod jobs;
mod platform;
mod problem;
mod record;
mod router;
pub mod services;
mod settings;
mod tenants;
mod webhooks;

pub use app::App;
pub use router::service;
pub use settings::Settings;
