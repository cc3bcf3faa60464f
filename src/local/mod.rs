//! The local platform: a managed AWS emulator on a loopback port.
//!
//! [`LocalPlatform`] makes the emulator's Python environment on first use,
//! starts it detached with our launcher (the files under `launcher/`), finds it
//! again, stops it and clears its state. Everything it owns is in two folders:
//! `<state>/local` and `<cache>/emulator`. A process is only ever signalled
//! after it was recognised as ours. What the emulator accepts without doing
//! anything is listed by [`LocalPlatform::recorded_only_types`].

mod emulator;
pub mod issuer;
mod launcher;
mod paths;
mod probe;
mod process;
mod python;
mod record;
mod venv;

pub use emulator::LocalPlatform;
pub use paths::Paths;
pub use record::Running;

/// The account that the emulator runs everything in. Twelve zeros cannot be a
/// real account.
pub const ACCOUNT: &str = "000000000000";
/// The access key of [`ACCOUNT`]: the emulator reads the account from it.
pub const ACCESS_KEY_ID: &str = ACCOUNT;
/// The secret that goes with [`ACCESS_KEY_ID`]; the emulator ignores it.
pub const SECRET_ACCESS_KEY: &str = "local";
/// The emulator's version, pinned because the launcher uses its internals.
pub const EMULATOR: &str = "ministack 1.5.33";
