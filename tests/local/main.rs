//! Tests of the local platform. They share the emulator's environment in the
//! user's cache folder and keep their state in temporary folders.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod emulator;
