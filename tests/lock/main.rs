//! The fenced lease: its protocol in a simulated world, and its stores request by request.

#![expect(clippy::expect_used, reason = "a test that cannot go on should panic")]

mod kept;
mod simulation;
mod stores;
mod wire;
