//! Finds the workspace that the Lambda crates are in.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The workspace root: the given folder, else `CARGO_MANIFEST_DIR` (set by `cargo
/// run`), else the nearest folder from `start` upwards that has the Lambda crates.
pub fn find_source(given: Option<&Path>, start: &Path) -> Result<PathBuf> {
    if let Some(folder) = given {
        return if is_source(folder) {
            Ok(folder.to_owned())
        } else {
            Err(Error::usage(format!(
                "{} is not platformctl's source: it has no runtime/git-store",
                folder.display()
            )))
        };
    }
    let from_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    from_cargo
        .iter()
        .map(PathBuf::as_path)
        .chain(start.ancestors())
        .find(|folder| is_source(folder))
        .map(Path::to_owned)
        .ok_or_else(|| {
            Error::usage("platformctl's source, with the Lambda crates, is not here")
                .hint("name it with `--source DIR` or PLATFORMCTL_SOURCE")
                .hint("or name a folder with built zips with `--artefacts DIR`")
        })
}

fn is_source(folder: &Path) -> bool {
    folder.join("runtime/git-store/Cargo.toml").is_file() && folder.join("Cargo.toml").is_file()
}
