//! Tokens of users: what they are, and whether they are to be believed.
//!
//! * `strict` — encodings, read in one way
//! * `token` — a token's parts, before anything of it is believed
//! * `key` — public keys, and the one place where signatures are checked
//! * `claims` — what a token says, once it is known who says it

mod claims;
mod key;
pub(crate) mod strict;
mod token;

pub(crate) use claims::{Claims, SKEW_SECONDS};
pub(crate) use key::KeySet;
pub(crate) use token::{Token, kind_name};
