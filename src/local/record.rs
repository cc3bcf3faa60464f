//! What is written down about a running emulator.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::{Context, Result};

/// A running local platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Where it answers (`http://127.0.0.1:4566`).
    pub endpoint: String,
    /// Its port on the loopback interface.
    pub port: u16,
    /// The emulator's process.
    pub pid: u32,
    /// When it was started.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
}

/// The record of one start; lives as long as its process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) pid: u32,
    pub(crate) port: u16,
    /// Random; on the process's command line and in its answers.
    pub(crate) instance: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) started: OffsetDateTime,
}

impl Record {
    /// The record in `file`; none when it is missing or unreadable, because a
    /// record that cannot be read cannot prove that a process is ours.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Writes the record so that a reader sees all of it or none.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(self).context("failed to write the emulator record")?;
        let partial = file.with_extension("partial");
        fs::write(&partial, text)
            .and_then(|()| fs::rename(&partial, file))
            .with_context(|| format!("failed to write {}", file.display()))
    }

    /// Removes the record; a missing one is fine.
    pub(crate) fn remove(file: &Path) -> Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", file.display()))
            }
            _ => Ok(()),
        }
    }

    /// What callers see of it.
    pub(crate) fn running(&self) -> Running {
        Running {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            port: self.port,
            pid: self.pid,
            started: self.started,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("emulator.json");
        assert_eq!(Record::read(&file), None);
        let record = Record {
            pid: 7,
            port: 4566,
            instance: "abc".into(),
            started: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(),
        };
        record.write(&file).unwrap();
        assert_eq!(Record::read(&file), Some(record.clone()));
        assert_eq!(record.running().endpoint, "http://127.0.0.1:4566");
        fs::write(&file, "{\"pid\": 7").unwrap();
        assert_eq!(Record::read(&file), None);
        Record::remove(&file).unwrap();
        Record::remove(&file).unwrap();
    }
}
