//! The authoriser against real keys, a server of keys on this machine, and everything
//! that somebody could send it.

#![allow(clippy::unwrap_used)]

mod forms;
mod issuers;
mod lambda;
mod machines;
mod mutations;
mod routes;
mod service;
mod support;
mod tokens;
