//! Where platformctl keeps what it must not lose, and what it can make again.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::error::{Error, Result};

/// The two folders of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// State: the local platform, its data and its log.
    pub state: PathBuf,
    /// Cache: the emulator's Python environment, shared by all states.
    pub cache: PathBuf,
}

impl Paths {
    /// `PLATFORMCTL_STATE_DIR` and `PLATFORMCTL_CACHE_DIR`, else the folders of
    /// the XDG base directory specification.
    pub fn from_env() -> Result<Self> {
        let folder = |name| std::env::var_os(name).map(PathBuf::from);
        Self::resolve(folder("PLATFORMCTL_STATE_DIR"), folder("PLATFORMCTL_CACHE_DIR"))
    }

    /// As [`Paths::from_env`], with the two variables given. An empty one
    /// counts as unset; a relative one is made absolute.
    pub fn resolve(state: Option<PathBuf>, cache: Option<PathBuf>) -> Result<Self> {
        let given = |folder: Option<PathBuf>| folder.filter(|path| !path.as_os_str().is_empty());
        let (state, cache) = (given(state), given(cache));
        let (state, cache) = match (state, cache) {
            (Some(state), Some(cache)) => (state, cache),
            (state, cache) => {
                let user = Xdg::new().map_err(|error| {
                    Error::failed("no folder for state and cache: the home directory is unknown")
                        .hint("set HOME, or PLATFORMCTL_STATE_DIR and PLATFORMCTL_CACHE_DIR")
                        .caused_by(error)
                })?;
                let of_user = user.state_dir().unwrap_or_else(|| user.data_dir());
                (
                    state.unwrap_or_else(|| of_user.join("platformctl")),
                    cache.unwrap_or_else(|| user.cache_dir().join("platformctl")),
                )
            }
        };
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Ok(Self { state: absolute(state), cache: absolute(cache) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_folders_win_and_become_absolute() {
        let paths = Paths::resolve(Some("/a/state".into()), Some("cache".into())).unwrap();
        assert_eq!(paths.state, PathBuf::from("/a/state"));
        assert!(paths.cache.is_absolute() && paths.cache.ends_with("cache"));
    }

    #[test]
    fn empty_variables_count_as_unset() {
        let paths = Paths::resolve(Some("".into()), Some("/c".into())).unwrap();
        assert!(paths.state.ends_with("platformctl"), "{paths:?}");
    }
}
