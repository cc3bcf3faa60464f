//! Signing in: tokens from whoever signs the platform's staff in, and where they are kept.
//!
//! [`discover`] finds an issuer's endpoints, [`device`] signs a person in by a code on
//! another device (RFC 8628), `client` signs a program in with its secret (RFC 6749,
//! 4.4), and a [`Store`] keeps what came of it. Tokens are [`Secret`]s: nothing here puts
//! one into an error or an event.

mod client;
mod device;
mod discovery;
mod grant;
mod store;

use std::time::Duration;

use time::OffsetDateTime;

use crate::http::Secret;

pub use client::client_credentials;
pub use device::{Clock, Prompt, device};
pub use discovery::{Endpoints, discover};
pub use grant::{claim_of, said_of};
pub use store::{Login, Store};

/// Who is asked for tokens, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The issuer's address: the `iss` of its tokens.
    pub issuer: String,
    /// The id by which the issuer knows platformctl.
    pub client_id: String,
    /// What is asked for, separated by spaces; empty: what the issuer gives by itself.
    pub scope: String,
    /// Whom the token is to be for, where the issuer wants that said.
    pub audience: Option<String>,
}

/// A token, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The token.
    pub token: Secret,
    /// When it is good no longer.
    pub expires: OffsetDateTime,
}

/// How long a token is taken to be good whose issuer does not say. Most give an hour.
const UNTOLD: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
