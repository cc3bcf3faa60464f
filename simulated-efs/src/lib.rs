//! A folder, seen through a file system with the latency and the caching of Amazon EFS.
//!
//! [`SimulatedEfs::mount`] shows a *backing* folder at a *mount point*, through FUSE. All
//! goes through to the backing folder; on the way, operations are counted by kind
//! ([`Counts`]), and those that would ask the server take as long as the server would
//! ([`Profile`]). Several mounts of one backing folder are several clients of one file
//! system (several Lambdas): each has a cache of its own.
//!
//! ```no_run
//! use simulated_efs::{Cache, Profile, SimulatedEfs};
//!
//! let mounted = SimulatedEfs::mount("/srv/backing", "/mnt/efs", Profile::EFS_REGIONAL, Cache::Nfs)?;
//! let before = mounted.counts();
//! std::fs::read("/mnt/efs/page")?;
//! println!("{} round trips", mounted.counts().since(&before).round_trips());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What an operation costs
//!
//! AWS publishes two latencies, of reads and of writes, and none of metadata operations.
//! Where it meters operations, it puts reading metadata with reading data and changing
//! metadata with writing data (in General Purpose mode "read data or metadata consumes one
//! file operation, write data or update metadata consumes five":
//! <https://repost.aws/knowledge-center/linux-efs-performance-modes>). So do we. With
//! [`Cache::Nfs`]:
//!
//! | Operation | Round trips | Why |
//! |---|---|---|
//! | lookup, readlink, statfs | 1 read-like | one compound of `LOOKUP` and `GETATTR` |
//! | getattr, access | 1 read-like; none while the client holds the attributes | `GETATTR`, `ACCESS` |
//! | open | 1 read-like; write-like if it truncates | `OPEN`: EFS grants no delegations, so the client asks at each |
//! | opendir | 1 read-like | close-to-open holds for folders, too: `GETATTR` |
//! | readdir | 1 read-like per buffer; none for the answer "no more", or if the folder is unchanged since the client last listed it | `READDIR` |
//! | read | 1 read per request that the page cache does not answer | `READ` |
//! | write | none | the client gathers writes until fsync or close |
//! | fsync | 1 write per MiB that is not yet sent, at the same time, and 1 more (`COMMIT`) if that is more than 1 MiB; none if all is sent | a single `WRITE` is sent with `FILE_SYNC`, and needs no `COMMIT` |
//! | close | as fsync, then 1 read-like | close-to-open: writes are flushed; `CLOSE` is waited for |
//! | create, mkdir, symlink, link, rename, unlink, rmdir, setattr | 1 write-like | durable before they are answered |
//! | fsync of a folder, release | none | the former has nothing to do, nobody waits for the latter |
//!
//! What the client remembers, as Linux's NFS 4.1 client with default options: attributes
//! of a file for 3 s ([`Cache::FILE_ATTRIBUTES`]), attributes of a folder and the presence
//! *and absence* of names in it for 30 s ([`Cache::FOLDER_ATTRIBUTES`]), and the bytes of
//! a file until an open shows that the file has changed. Opening a folder that has changed
//! makes the client ask for its names again. A file that another client has removed is
//! stale (`ESTALE`); one that this client removed stays readable where it is open.
//!
//! # Where it differs from EFS
//!
//! * Where NFS sends one compound for looking up a name and opening it, FUSE makes two
//!   requests, and both are charged: opening what is not in the cache, and creating without
//!   `O_EXCL`, costs one read-like round trip too many. Not so where something gets a name
//!   (exclusive creation, mkdir, link, symlink, rename): the kernel always looks the name up
//!   right before, an NFS client never, and that look-up is not charged.
//! * Delays are constant: AWS's "as low as". No queueing, no throughput limit, no tail.
//! * Bytes come in requests of up to the kernel's readahead, not of up to 1 MiB.
//! * FUSE itself adds some 10 to 50 µs to each request, also to those that cost nothing.
//! * An fsync does not reach the backing folder's disk. All that was written survives the
//!   death of the process that wrote it and of this one; a crash of the machine is not
//!   modelled.
//! * Attributes do not age beyond the least time, locks are local to one mount, and an
//!   open file notices another client's changes only when it is opened again.
//!
//! Where FUSE is missing, [`trace`] counts a command's system calls with `strace`, under the
//! same names.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod attributes;
#[cfg(target_os = "linux")]
mod client;
mod counts;
#[cfg(target_os = "linux")]
mod delay;
#[cfg(target_os = "linux")]
mod filesystem;
mod mount;
#[cfg(target_os = "linux")]
mod nodes;
mod profile;
#[cfg(target_os = "linux")]
mod server;
pub mod trace;

pub use counts::{Class, Counts, Kind};
pub use mount::{Error, Mounted, SimulatedEfs};
pub use profile::{Cache, Profile, UnknownName};
