//! Commits: reading the fields that we need, and making new ones.

use std::time::{SystemTime, UNIX_EPOCH};

use gix::{
    actor::Signature,
    bstr::ByteSlice,
    date::Time,
    hash::{Kind as HashKind, ObjectId},
    objs::{self, CommitRef, Kind, WriteTo},
};
use runtime_core::pages::{self, HistoryEntry, limits};

use crate::{
    error::{Error, Result, commit_id},
    objects::NewObject,
};

/// Who commits: the platform does, on behalf of the author.
const COMMITTER: (&str, &str) = ("platform", "platform@localhost");

/// A stored commit.
pub(crate) struct Commit<'a> {
    id: ObjectId,
    inner: CommitRef<'a>,
}

impl<'a> Commit<'a> {
    pub(crate) fn parse(id: &gix::hash::oid, data: &'a [u8]) -> Result<Self> {
        let inner = CommitRef::from_bytes(data, HashKind::Sha1)
            .map_err(|error| Error::Corrupt(format!("commit {id}: {error}")))?;
        Ok(Self { id: id.to_owned(), inner })
    }

    /// The tree of pages.
    pub(crate) fn tree(&self) -> ObjectId {
        self.inner.tree()
    }

    /// The commit before it. Ours have one parent at most; of an imported merge
    /// the first one counts.
    pub(crate) fn parent(&self) -> Option<ObjectId> {
        self.inner.parents().next()
    }

    /// What `history` says about it. Text that is not UTF-8 is shown with
    /// replacement characters, and a message beyond the contract's limit is cut.
    pub(crate) fn describe(&self) -> Result<HistoryEntry> {
        let author = self
            .inner
            .author()
            .map_err(|error| Error::Corrupt(format!("commit {}: {error}", self.id)))?;
        let mut message = self.inner.message.trim_end().to_str_lossy().into_owned();
        message.truncate(message.floor_char_boundary(limits::MESSAGE));
        Ok(HistoryEntry {
            commit: commit_id(&self.id),
            name: author.name.to_str_lossy().into_owned(),
            email: author.email.to_str_lossy().into_owned(),
            time: author.seconds(),
            message,
        })
    }
}

/// Makes the commit of `tree` after `parent`, dated now (UTC).
pub(crate) fn create(
    tree: ObjectId,
    parent: Option<ObjectId>,
    author: &pages::Author,
    message: &pages::Message,
) -> Result<NewObject> {
    let time = Time::new(seconds_since_epoch(), 0);
    let signature =
        |name: &str, email: &str| Signature { name: name.into(), email: email.into(), time };
    let mut message = message.as_str().trim_end().to_owned();
    message.push('\n');
    let commit = objs::Commit {
        tree,
        parents: parent.into_iter().collect(),
        author: signature(author.name.as_str(), author.email.as_str()),
        committer: signature(COMMITTER.0, COMMITTER.1),
        encoding: None,
        message: message.into(),
        extra_headers: Vec::new(),
    };
    let mut data = Vec::new();
    commit.write_to(&mut data).map_err(Error::io("encode a commit", ""))?;
    NewObject::new(Kind::Commit, data)
}

fn seconds_since_epoch() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
