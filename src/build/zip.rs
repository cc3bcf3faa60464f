//! Zips with nothing in them that changes by itself: one entry, a fixed time.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::deploy::Upload;
use crate::error::{Context as _, Result};
use crate::plan::hex;

/// The file that a custom runtime starts
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html>).
const ENTRY: &str = "bootstrap";

/// Largest zip that Lambda accepts, unzipped: 250 MB.
const MAX_UNZIPPED: u64 = 250 << 20;

/// Zips `binary` as `<out>/<function>.zip`.
pub(super) fn zip_binary(binary: &Path, out: &Path, function: &str) -> Result<Upload> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let path = out.join(format!("{function}.zip"));
    let mark = out.join(format!("{function}.source"));
    let content =
        std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    if content.len() as u64 > MAX_UNZIPPED {
        let message = format!(
            "{function} has {} bytes; Lambda accepts at most {MAX_UNZIPPED}",
            content.len()
        );
        return Err(crate::error::Error::failed(message));
    }
    let source = hex(&Sha256::digest(&content));
    // Compressing the same binary again gives the same bytes: skip it.
    if path.is_file() && std::fs::read_to_string(&mark).is_ok_and(|made_from| made_from == source) {
        return describe(&path);
    }
    let temporary = tempfile::NamedTempFile::new_in(out).context("cannot make a temporary file")?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(temporary);
    writer.start_file(ENTRY, options).context("cannot write a zip")?;
    writer.write_all(&content).context("cannot write a zip")?;
    let temporary = writer.finish().context("cannot write a zip")?;
    temporary.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
    std::fs::write(&mark, source).with_context(|| format!("cannot write {}", mark.display()))?;
    describe(&path)
}

/// Digest and size of a zip.
pub(super) fn describe(path: &Path) -> Result<Upload> {
    let shown = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(shown)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).with_context(shown)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
    Ok(Upload { path: PathBuf::from(path), sha256: hex(&digest.finalize()), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_binary_gives_the_same_digest_anywhere() {
        let folder = tempfile::tempdir().expect("folder");
        let binary = folder.path().join("binary");
        std::fs::write(&binary, b"\x7fELF not really").expect("write");
        let first = zip_binary(&binary, &folder.path().join("a"), "f").expect("zip");
        let second = zip_binary(&binary, &folder.path().join("b"), "f").expect("zip");
        assert_eq!(first.sha256, second.sha256);
        std::fs::write(&binary, b"\x7fELF another").expect("write");
        let third = zip_binary(&binary, &folder.path().join("a"), "f").expect("zip");
        assert_ne!(first.sha256, third.sha256);
    }

    #[test]
    fn the_entry_is_an_executable_called_bootstrap() {
        let folder = tempfile::tempdir().expect("folder");
        let binary = folder.path().join("binary");
        std::fs::write(&binary, b"content").expect("write");
        let upload = zip_binary(&binary, folder.path(), "f").expect("zip");
        let mut archive =
            zip::ZipArchive::new(File::open(upload.path).expect("open")).expect("zip");
        let entry = archive.by_index(0).expect("entry");
        assert_eq!((entry.name(), entry.unix_mode()), (ENTRY, Some(0o100_755)));
    }
}
