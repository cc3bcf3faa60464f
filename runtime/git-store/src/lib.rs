//! Wiki pages as git commits on a network file system.
//!
//! A [`Store`] keeps one bare git repository for each wiki in a folder: on AWS
//! an EFS access point mounted into a Lambda, elsewhere any folder. There is no
//! working tree and no index; a write makes its objects and moves the branch.
//! Any git can clone and read the result.
//!
//! * `service` — an event comes in, a reply goes out
//! * `store` — finds repositories; [`Store::handle`] is the entry
//! * `write`, `read`, `history` — the operations
//! * `head` — how the branch moves without locks, and why no write is lost
//! * `objects`, `tree`, `commit` — git's objects
//! * `init`, `layout` — a repository's birth and its parts
//! * `files`, `cache`, `steps`, `error` — what the others stand on

#![forbid(unsafe_code)]

mod cache;
mod catalogue;
mod commit;
mod consolidate;
mod delta;
mod error;
mod files;
mod head;
mod history;
mod init;
mod layout;
mod leftovers;
mod maintain;
mod objects;
mod pack;
mod pack_file;
mod prepare;
mod read;
mod recent;
pub mod service;
mod steps;
mod store;
mod tree;
mod write;

pub use steps::{Observer, Step};
pub use store::{Options, Store};
