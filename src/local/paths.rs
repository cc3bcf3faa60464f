//! Where platformctl keeps what it must not lose, and what it can make again.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

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

    /// Makes the state folder, which only this user may read. One that exists
    /// keeps the mode that it has.
    pub fn make_state(&self) -> Result<()> {
        make_private(&self.state)
    }
}

/// Makes `folder` and what is missing above it with the mode that the XDG base
/// directory specification wants: journals, reports and logs go there.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| unusable(folder, error))
}

pub(crate) fn unusable(folder: &Path, error: std::io::Error) -> Error {
    Error::failed(format!("the state folder {} cannot be used", folder.display()))
        .hint("make it writable, or set PLATFORMCTL_STATE_DIR to a folder that is")
        .caused_by(error)
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
    fn only_the_user_may_read_a_new_state_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let base = tempfile::tempdir().unwrap();
        let state = base.path().join("local/state");
        let paths = Paths { state: state.clone(), cache: base.path().join("cache") };
        paths.make_state().unwrap();
        assert_eq!((mode(&state), mode(state.parent().unwrap())), (0o700, 0o700));
        // What is there already is the user's own decision.
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o750)).unwrap();
        paths.make_state().unwrap();
        assert_eq!(mode(&state), 0o750);
        std::fs::write(state.join("file"), "").unwrap();
        let error = Paths { state: state.join("file"), ..paths }.make_state().unwrap_err();
        assert!(error.hints()[0].contains("PLATFORMCTL_STATE_DIR"));
    }

    #[test]
    fn empty_variables_count_as_unset() {
        let paths = Paths::resolve(Some("".into()), Some("/c".into())).unwrap();
        assert!(paths.state.ends_with("platformctl"), "{paths:?}");
    }
}
