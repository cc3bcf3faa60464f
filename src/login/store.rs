//! Where logins are kept: one file each, which only this user may read.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::Granted;
use crate::error::{Context as _, Error, Result};
use crate::http::Secret;

/// A token is not used in its last seconds: it could expire on the way.
const MARGIN: Duration = Duration::seconds(30);

/// Logins, by environment and issuer.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    environment: String,
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The issuer's address.
    pub issuer: String,
    /// Who it is, as far as the token says.
    pub who: String,
    /// When it was got.
    pub since: OffsetDateTime,
    /// The token.
    pub granted: Granted,
}

/// A login as it is written down.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    issuer: String,
    who: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires: OffsetDateTime,
    token: String,
}

const VERSION: u32 = 1;

/// Digits of an issuer's digest in the name of a file.
const DIGEST: usize = 16;

impl Login {
    /// Whether its token can still be used.
    pub fn is_good(&self) -> bool {
        OffsetDateTime::now_utc() + MARGIN < self.granted.expires
    }
}

impl Store {
    /// The logins of `environment` (`<project>-<environment>`) in the state folder.
    pub fn new(state: &Path, environment: &str) -> Self {
        Self { folder: state.join("logins"), environment: environment.to_owned() }
    }

    /// The login at `issuer`, good or not.
    pub fn find(&self, issuer: &str) -> Result<Option<Login>> {
        let login = read(&self.file(issuer))?;
        Ok(login.filter(|login| login.issuer == issuer))
    }

    /// Every login, good or not.
    pub fn all(&self) -> Result<Vec<Login>> {
        let mut logins = Vec::new();
        for file in self.files() {
            logins.extend(read(&file)?);
        }
        Ok(logins)
    }

    /// Forgets every login; says how many there were.
    pub fn forget_all(&self) -> Result<usize> {
        let files = self.files();
        for file in &files {
            fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(files.len())
    }

    /// The files of this environment, whatever is in them.
    fn files(&self) -> Vec<PathBuf> {
        let is_ours = |path: &Path| {
            let digest = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.strip_prefix(&self.environment)?.strip_prefix('-'))
                .and_then(|name| name.strip_suffix(".json"));
            // Another environment's name may begin with this one's.
            digest.is_some_and(|it| it.len() == DIGEST && it.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|it| it.path()).filter(|path| is_ours(path)).collect();
        files.sort();
        files
    }

    /// Keeps a login, instead of an earlier one at the same issuer.
    pub fn keep(&self, login: &Login) -> Result<()> {
        let file = self.file(&login.issuer);
        let kept = Kept {
            version: VERSION,
            issuer: login.issuer.clone(),
            who: login.who.clone(),
            since: login.since,
            expires: login.granted.expires,
            token: login.granted.token.expose().to_owned(),
        };
        let text = serde_json::to_vec(&kept).context("cannot serialize a login")?;
        let written = || -> std::io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            // Such a file is made for its owner alone, before anything is in it.
            let mut partial = tempfile::NamedTempFile::new_in(&self.folder)?;
            partial.write_all(&text)?;
            partial.as_file().sync_all()?;
            partial.persist(&file)?;
            Ok(())
        };
        written().with_context(|| format!("cannot write {}", file.display()))
    }

    fn file(&self, issuer: &str) -> PathBuf {
        let digest = format!("{:x}", Sha256::digest(issuer));
        let short = digest.get(..DIGEST).unwrap_or(&digest);
        self.folder.join(format!("{}-{short}.json", self.environment))
    }
}

/// The login in a file, if nobody else can read it.
fn read(file: &Path) -> Result<Option<Login>> {
    let meta = match fs::symlink_metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        meta => meta.with_context(|| format!("cannot read {}", file.display()))?,
    };
    let mode = meta.permissions().mode() & 0o777;
    if !meta.is_file() || mode & 0o077 != 0 {
        return Err(Error::failed(format!(
            "{} holds a token and can be read by others (mode {mode:o})",
            file.display()
        ))
        .hint("`platformctl logout`, then log in again; others may have the token"));
    }
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    // The parser's own message could quote the token.
    let kept: Kept = serde_json::from_slice(&text).map_err(|_| {
        Error::failed(format!("{} holds no login", file.display()))
            .hint("`platformctl logout`, then log in again")
    })?;
    if kept.version != VERSION {
        return Ok(None);
    }
    let granted = Granted { token: Secret::new(kept.token), expires: kept.expires };
    Ok(Some(Login { issuer: kept.issuer, who: kept.who, since: kept.since, granted }))
}
