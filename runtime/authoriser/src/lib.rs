//! Decides who may call the API: the REQUEST authoriser of API Gateway.
//!
//! A request comes with a token of a user, an API key or an identity of AWS, and asks
//! for one method of one path. [`Authoriser::decide`] answers with who that is, or with
//! the one [`Reason`] why not. Nothing is believed before a signature or a hash has been
//! checked, and what cannot be checked is refused.
//!
//! * `service` — an event comes in, a policy goes out
//! * `decide` — the order of the questions
//! * `request` — what the gateway says of a request
//! * `jwt` — tokens of users
//! * `keys` — issuers' keys, fetched and remembered
//! * `machine` — tenants' programs: API keys, and identities of AWS
//! * `directory`, `dynamo` — tenants, remembered for some seconds
//! * `answer`, `log`, `reason` — what the gateway, operators and metrics hear
//! * `config`, `clock`, `fetch` — what the others stand on

#![forbid(unsafe_code)]

mod answer;
pub mod clock;
pub mod config;
mod decide;
pub mod directory;
pub mod dynamo;
pub mod fetch;
mod jwt;
pub mod keys;
mod log;
mod machine;
mod reason;
mod request;
pub mod service;

pub use decide::{Allowed, Authoriser, Refused};
pub use log::Log;
pub use reason::{Outcome, Reason};
pub use request::{Request, RequestContext};
