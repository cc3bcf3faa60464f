//! The issuer's files: written as a whole or not at all, and private where they have to be.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::error::{Context as _, Error, Result};
use crate::local::paths::make_private;

/// Reads a file that nobody else may read; none when it is not there.
pub(super) fn read_private(file: &Path) -> Result<Option<Vec<u8>>> {
    let meta = match fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        meta => meta.with_context(|| format!("cannot read {}", file.display()))?,
    };
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::failed(format!(
            "{} can be read by others (mode {mode:o}), and holds a private key",
            file.display()
        ))
        .hint(format!("`chmod 600 {}`, or `platformctl local rotate-keys`", file.display())));
    }
    fs::read(file).map(Some).with_context(|| format!("cannot read {}", file.display()))
}

/// Writes a file that only this user may read.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    write(file, bytes, 0o600)
}

/// Writes a file that says nothing secret, unless it says the same already.
pub(super) fn write_public(file: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value).context("cannot serialize a public file")?;
    text.push(b'\n');
    if fs::read(file).is_ok_and(|known| known == text) {
        return Ok(());
    }
    write(file, &text, 0o644)
}

fn write(file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    make_private(folder)?;
    let written = || -> std::io::Result<()> {
        // Such a file is made for its owner alone, before anything is in it.
        let mut partial = tempfile::NamedTempFile::new_in(folder)?;
        partial.write_all(bytes)?;
        partial.as_file().set_permissions(Permissions::from_mode(mode))?;
        partial.as_file().sync_all()?;
        partial.persist(file)?;
        Ok(())
    };
    written().with_context(|| format!("cannot write {}", file.display()))
}
