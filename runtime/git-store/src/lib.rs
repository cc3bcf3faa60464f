//! Wiki pages as git commits on a network file system.
//!
//! A [`Store`] keeps one bare git repository for each wiki in a folder: on AWS
//! an EFS access point mounted into a Lambda, elsewhere any folder. There is no
//! working tree and no index; a write makes its objects and moves the branch.
//! Any git can clone and read the result.
//!
//! A commit is one pack that is named after it, with its index, so that it is two files
//! whatever its number of objects, and whoever knows its id reads all of it at once. On
//! EFS an operation that reaches the server takes 0.25 ms to read and 1.6 to 2.7 ms to
//! write; `tests/store/round_trips.rs` pins their number, which does not depend on the
//! repository's size, and `benches/store` compares it with other designs and programs.
//! Thousands of packs make git slow, and cold reads of pages that were written since the
//! last maintenance: [`Request::Maintain`](runtime_core::pages::Request::Maintain) is
//! wanted once per 1,000 commits or so. The efs stack asks for it every hour.
//!
//! * `service` — an event comes in, a reply goes out
//! * `store` — finds repositories; [`Store::handle`] is the entry
//! * `write`, `read`, `history` — the operations
//! * `prepare`, `head` — a commit's files; how the branch moves without locks, and why
//!   no write is lost
//! * `lead` — when a writer need not ask for the head
//! * `objects`, `recent`, `run`, `tree`, `commit` — git's objects, and where they are
//! * `pack`, `pack_file`, `delta`, `loose` — git's packs, made and read; loose objects
//! * `maintain`, `consolidate`, `leftovers`, `catalogue` — few large packs for many
//!   small ones, safe beside all others
//! * `init`, `layout` — a repository's birth and its parts
//! * `files`, `beside`, `cache`, `steps`, `error` — what the others stand on

#![forbid(unsafe_code)]

mod beside;
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
mod lead;
mod leftovers;
mod loose;
mod maintain;
mod objects;
mod pack;
mod pack_file;
mod prepare;
mod read;
mod recent;
mod run;
pub mod service;
mod steps;
mod store;
mod tree;
mod write;

pub use steps::{Observer, Step};
pub use store::{Options, Store};
