//! Places where a test can hold a run, to kill it there. Debug builds only: a
//! release build has no way to be held.

use crate::signal::Cancel;

/// Names the place where the run is held.
pub const VARIABLE: &str = "PLATFORMCTL_TEST_HOLD_AT";

/// Names the file that is written when a run is held.
pub const HELD: &str = "PLATFORMCTL_TEST_HELD";

/// Waits until the run is killed or interrupted when the environment names this
/// place, in a debug build.
pub async fn hit(place: &str, cancel: &Cancel) {
    if cfg!(debug_assertions) && std::env::var(VARIABLE).is_ok_and(|named| named == place) {
        if let Ok(file) = std::env::var(HELD) {
            // Whoever waits for it says so when it does not come.
            let _ = std::fs::write(file, place);
        }
        cancel.cancelled().await;
    }
}
