//! Where the logs of libraries go, for `-v`.

use std::io;
use std::sync::Arc;

use super::display::Display;
use crate::journal::Mask;

/// stderr, above the live display and without secrets: libraries log whole
/// requests, and the addresses they go to.
#[derive(Debug, Clone)]
pub struct Logs {
    pub(super) mask: Mask,
    pub(super) display: Arc<Display>,
}

impl io::Write for Logs {
    /// One call is one log record, whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let record = self.mask.text(&String::from_utf8_lossy(bytes));
        self.display.line(record.trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
