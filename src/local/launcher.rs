//! The Python launcher, embedded in the binary and written out when needed.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Context, Result};

/// Exact versions of the emulator and everything it needs, with the hashes of all files that
/// the package index has for them: pip installs nothing else.
pub(crate) const REQUIREMENTS: &str = include_str!("launcher/requirements.txt");

/// How many packages [`REQUIREMENTS`] names.
pub(crate) fn packages() -> usize {
    REQUIREMENTS.lines().filter(|line| line.contains("==")).count()
}

const FILES: &[(&str, &str)] = &[
    ("main.py", include_str!("launcher/main.py")),
    ("alarms.py", include_str!("launcher/alarms.py")),
    ("callers.py", include_str!("launcher/callers.py")),
    ("calls.py", include_str!("launcher/calls.py")),
    ("contract.py", include_str!("launcher/contract.py")),
    ("durability.py", include_str!("launcher/durability.py")),
    ("functions.py", include_str!("launcher/functions.py")),
    ("gateway.py", include_str!("launcher/gateway.py")),
    ("issuer.py", include_str!("launcher/issuer.py")),
    ("network.py", include_str!("launcher/network.py")),
    ("plans.py", include_str!("launcher/plans.py")),
    ("recorded.py", include_str!("launcher/recorded.py")),
    ("reports.py", include_str!("launcher/reports.py")),
    ("services.py", include_str!("launcher/services.py")),
    ("storage.py", include_str!("launcher/storage.py")),
    ("traces.py", include_str!("launcher/traces.py")),
    ("types.json", include_str!("launcher/types.json")),
    ("workers.py", include_str!("launcher/workers.py")),
];

/// The first 12 hexadecimal digits of a SHA-256 over `parts`.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    format!("{:x}", hash.finalize()).chars().take(12).collect()
}

/// Writes the launcher below `folder`, named after its contents, and returns
/// its main file. Launchers of other versions are removed.
pub(crate) fn write(folder: &Path) -> Result<PathBuf> {
    let name = format!("launcher-{}", digest(FILES.iter().flat_map(|(name, text)| [*name, *text])));
    let place = folder.join(&name);
    let main = place.join("main.py");
    if !place.is_dir() {
        let partial = folder.join(format!("{name}.partial"));
        let write_all = || -> std::io::Result<()> {
            if partial.exists() {
                fs::remove_dir_all(&partial)?;
            }
            fs::create_dir_all(&partial)?;
            for (file, text) in FILES {
                fs::write(partial.join(file), text)?;
            }
            fs::rename(&partial, &place)
        };
        write_all().with_context(|| format!("failed to write {}", place.display()))?;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.file_name();
        if other.to_string_lossy().starts_with("launcher-") && other != *name {
            // A leftover costs some disk space and nothing else.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_exactly() {
        let joined = REQUIREMENTS.replace("\\\n", " ");
        for line in joined.lines() {
            let (name, rest) = line.split_once("==").unwrap_or_else(|| panic!("{line}"));
            assert!(!name.is_empty() && rest.starts_with(|c: char| c.is_ascii_digit()), "{line}");
            let (_, hashes) = rest.split_once(" --hash=sha256:").expect(name);
            for hash in hashes.split(" --hash=sha256:").map(str::trim) {
                let digits = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(digits, "{name}: {hash}");
            }
        }
        assert_eq!(joined.lines().count(), packages());
        assert!(REQUIREMENTS.contains("ministack==1.5.33 \\\n"));
    }

    #[test]
    fn every_launcher_file_is_embedded_and_written() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/local/launcher");
        let embedded: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
        for entry in fs::read_dir(&source).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let known = embedded.contains(&name.as_str()) || name == "requirements.txt";
            assert!(known || name.starts_with("__"), "{name} is not embedded");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("launcher-old")).unwrap();
        let main = write(folder.path()).unwrap();
        assert!(main.is_file() && !folder.path().join("launcher-old").exists());
        assert_eq!(write(folder.path()).unwrap(), main);
    }
}
