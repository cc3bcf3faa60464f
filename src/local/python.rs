//! Finding a Python that can run the emulator.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::{Error, Result};

/// The oldest Python that the emulator runs on.
const OLDEST: (u32, u32) = (3, 10);
/// Names to look for, the newest first; the plain names last.
const NAMES: &[&str] =
    &["python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"];

/// The first Python that is new enough: `explicit` and nothing else when it is
/// given, otherwise the first of the known names on the search path.
pub(crate) async fn find(explicit: Option<&Path>, search_path: &OsStr) -> Result<PathBuf> {
    if let Some(path) = explicit {
        return match version(path).await {
            Some(found) if found >= OLDEST => Ok(path.to_path_buf()),
            Some(found) => Err(too_old(path, found)),
            None => Err(Error::failed(format!("{} is not a Python 3", path.display()))
                .hint("PLATFORMCTL_PYTHON must name a Python 3.10 or newer")),
        };
    }
    let mut old = None;
    for name in NAMES {
        for folder in std::env::split_paths(search_path) {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            match version(&path).await {
                Some(found) if found >= OLDEST => return Ok(path),
                Some(found) => old = Some(too_old(&path, found)),
                None => {}
            }
        }
    }
    Err(old.unwrap_or_else(|| {
        Error::failed("no python3 found; the local emulator needs Python 3.10 or newer")
            .hint("install python3, or set PLATFORMCTL_PYTHON to one")
    }))
}

fn too_old(path: &Path, (major, minor): (u32, u32)) -> Error {
    Error::failed(format!(
        "{} is Python {major}.{minor}; the local emulator needs 3.10 or newer",
        path.display()
    ))
    .hint("install a newer python3, or set PLATFORMCTL_PYTHON to one")
}

async fn version(python: &Path) -> Option<(u32, u32)> {
    let output = Command::new(python)
        .args(["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    parse_version(std::str::from_utf8(&output.stdout).ok()?).filter(|_| output.status.success())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("3.9\n"), Some((3, 9)));
        assert!(parse_version("3.9") < Some(OLDEST) && parse_version("3.14") > Some(OLDEST));
        assert_eq!(parse_version("Python 3"), None);
        assert_eq!(parse_version(""), None);
    }

    #[tokio::test]
    async fn an_empty_search_path_is_explained() {
        let error = find(None, OsStr::new("/nonexistent")).await.unwrap_err();
        assert!(error.message().contains("no python3"), "{error}");
        assert!(error.hints()[0].contains("PLATFORMCTL_PYTHON"));
    }

    #[tokio::test]
    async fn an_explicit_python_is_not_replaced_by_another() {
        let error = find(Some(Path::new("/nonexistent/python")), OsStr::new("/usr/bin")).await;
        assert!(error.unwrap_err().message().contains("/nonexistent/python"));
    }
}
