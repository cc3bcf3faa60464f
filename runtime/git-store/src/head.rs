//! The head of a repository, and how it moves without locks.
//!
//! # Why not git's own way
//!
//! Git moves a reference under `main.lock`. A Lambda that is killed (time-out,
//! out of memory, crash) leaves that file behind, and nobody can tell a dead
//! owner from a slow one. Advisory locks on NFS have lease times and failure
//! modes of their own. The only primitive used here is one that NFS makes
//! atomic on the server: making a name, which fails if the name exists. The name
//! is that of a symbolic link (nobody ever follows it), because that comes into
//! being together with its content, in one round trip.
//!
//! # The protocol
//!
//! Every commit has at most one *successor*, and whoever names it first wins:
//!
//! ```text
//! platform/claims/<C>     says the id of the commit that follows C
//! platform/claims/root    says the id of the first commit
//! refs/heads/main         holds the id of some commit of the chain
//! ```
//!
//! (In a repository that is older than packs, claims are files in
//! `platform/successors/<first two digits of C>`, made with `link(2)`, where former
//! versions of the store look for them, too. Old and new versions may write to it at
//! once: they compete for the same names.)
//!
//! *Finding the head*: start at what `refs/heads/main` says (or at `root` if
//! there is no such file) and follow the successors until there is none.
//!
//! *Writing*, with C the head that was found:
//!
//! 1. Store the objects of the new commit D, whose only parent is C, in a pack; make
//!    its content and its name durable.
//! 2. Write the pack's index and D's id to temporary files; make them durable. (1 and 2
//!    are done at the same time; see [`crate::prepare`].)
//! 3. *Claim*: make `claims/C`, which says D. If the name exists, another writer was
//!    first: its commit is the new head; remove D's pack, and go back to finding the
//!    head.
//! 4. Make the claim's name durable. At the same time as 3 and 4, give the index its
//!    name, and make that durable.
//! 5. *Publish*: rename the temporary file to `refs/heads/main`.
//! 6. If D has a successor by now, publish the end of the chain instead; repeat.
//! 7. Answer.
//!
//! Whoever follows a claim to a commit that the reference does not lead to makes the
//! index of its pack first, should it have none.
//!
//! A writer that was alone so far need not find the head: see [`crate::lead`].
//!
//! # Why no write is lost
//!
//! * **The history is a line.** The claims form a function from commits to
//!   successors, as one writer gets through for each name; claims are
//!   never changed or deleted. A commit id contains its parent's id, so the
//!   chain has no cycle. Following it checks that each commit's parent is the
//!   one that it claims to follow.
//! * **The reference cannot lose a commit.** It only ever holds members of the
//!   chain (a commit is published after it is claimed), and every member leads
//!   to the head. A slow writer may move the reference *back*; that makes the
//!   way to the head longer, not different.
//! * **The reference recovers.** Whoever publishes X looks for X's successor
//!   afterwards. If there is one, it publishes again (6). If there is none yet,
//!   whoever claims it later publishes later. So when no writer is at work and
//!   none was killed, the reference is the head. After a kill between 3 and 5
//!   the next reader or writer publishes the head.
//! * **A kill blocks nobody**, but for who wants to make the same commit, bit by bit, in the
//!   same second: until that is over. Before 3 it leaves a pack that no commit of the
//!   chain refers to and temporary files. After 3 the commit is part of history,
//!   complete. There is nothing to release or to time out.
//! * **Nothing that is needed is removed.** A pack is removed by its own writer when
//!   another commit has D's place after C, or by maintenance when it finds a claim
//!   on C for another commit than D, or D's objects durable in a consolidated pack
//!   (see [`crate::maintain`]). As claims are never changed, the first two mean that
//!   D has no place in the chain and can never get one. Of two writers of the very same
//!   D (same parent, second, author and text) the second finds D's pack, and tries again
//!   until the first has claimed, or the second is over.
//! * **Git sees every commit that the reference names.** Pack and index have their names
//!   and bytes before 5; those of a commit before D, whose writer did not come so far, got
//!   them when D's writer followed its claim. Git takes a pack without index for none.
//! * **Power failures.** When a claim becomes visible its commit's objects are
//!   durable (1 before 3). When a write is answered, every link of the chain up
//!   to it is durable: its own by 4; those before it either because their
//!   writer published them (4 before 5), or because whoever follows an
//!   unpublished one makes it durable first. The reference may fall back to an
//!   older value, from which the chain leads forward again; its content is
//!   durable before its name (2 before 5), so it is never empty.
//! * **A lost answer.** If the server's answer is lost and the client
//!   repeats the call, it sees its own claim as taken. Hence the content
//!   decides: a claim that holds D's id is D's.
//!
//! A failure after the claim is no failure of the write unless its durability is
//! in doubt: an error in 5 or 6 is logged, and the next operation repairs it.
//!
//! # What must not happen
//!
//! Nothing but this protocol may move `refs/heads/main`: no push into the
//! repository, no reset. The claims must be kept as long as the repository.
//! `git gc` is possible, though [`crate::maintain`] does all that is needed; it is safe after an `init` (which repairs the reference) and with its
//! default expiry of two weeks; `--prune=now` could delete the objects of a
//! commit that is about to be claimed.
//!
//! # Caches of NFS clients
//!
//! A client may believe for some seconds that a name does not exist, or that it is
//! still that of a file which has lost it, after another client has made or moved it.
//! Of the latter a client learns when it opens the file, for a file without a name is
//! stale (`ESTALE`), and Linux then looks the name up anew. So *the reference must not
//! have a second name*: a reader would get the head of half a minute ago. (It had one:
//! the claim was a hard link to it. A simulated EFS with two clients showed it.) As it
//! is, a reader sees every commit that was published before it asked. Of a commit that
//! was claimed and not published, because its writer was killed or is not so far, it may
//! hear some seconds late. A writer is never misled: the server decides on claims.

use std::thread;

use gix::hash::{Kind as HashKind, ObjectId};
use runtime_core::names::DEFAULT_BRANCH;

use crate::{
    beside::beside,
    commit::Commit,
    error::{Error, Result},
    files::Temporary,
    layout::{self, ID_FILE, Layout, REFERENCE},
    objects::Objects,
    prepare::{self, Prepared},
    steps::{Observer, Step},
};

/// Bound on `packed-refs`, in bytes. We have one branch; an import may add tags.
const PACKED_REFS: u64 = 4 * 1024 * 1024;
/// Rounds of step 6. Each one means that another writer has made progress, and
/// that writer looks after the reference as well.
const SETTLE_ROUNDS: u32 = 16;

/// The head, as found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// The last commit of the chain; `None` in an empty repository.
    pub(crate) id: Option<ObjectId>,
    /// Whether the reference lags behind it.
    pub(crate) lags: bool,
}

/// How an attempt to move the head ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// The commit has its place. It leads if the reference names it, and no other commit
    /// followed so far.
    Won { leads: bool },
    /// Another commit has the place.
    Lost,
}

/// The head of one repository.
pub(crate) struct Head<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) objects: &'a Objects,
    pub(crate) observer: &'a dyn Observer,
}

impl Head<'_> {
    /// Finds the head: one read and one failing look-up if the reference is
    /// up to date.
    pub(crate) fn find(&self) -> Result<Found> {
        let published = self.published()?;
        let Some(head) = published.filter(|head| !self.objects.knows(head)) else {
            let id = self.follow(published)?;
            return Ok(Found { id, lags: id != published });
        };
        // Whoever asks for the head goes on with the commit; most likely it is this one.
        let id = thread::scope(|scope| {
            let read = beside(scope, || self.objects.recent_commit(&head).map(drop));
            let id = self.follow(published);
            read.wait().and(id)
        })?;
        Ok(Found { id, lags: id != published })
    }

    /// Tries to put the commit of `prepared` after `parent`. If it is lost, its objects
    /// are removed.
    pub(crate) fn advance(
        &self,
        parent: Option<ObjectId>,
        prepared: Prepared<'_>,
    ) -> Result<Moved> {
        let commit = prepared.commit;
        let (claimed, indexed) =
            prepared.index_beside(self.observer, || self.claim(parent, &commit));
        if !claimed? {
            prepared.discard();
            return Ok(Moved::Lost);
        }
        // The write is done. What follows keeps the reference up to date.
        let published = indexed.and_then(|()| {
            let rename = prepared.reference.rename(&self.layout.heads, REFERENCE);
            rename.map_err(Error::io("rename to", self.layout.heads.path_of(REFERENCE)))
        });
        if let Err(error) = published {
            tracing::warn!(%error, "failed to publish the head; the next operation will");
            return Ok(Moved::Won { leads: false });
        }
        self.observer.reached(Step::Published);
        Ok(Moved::Won { leads: self.settle(commit) })
    }

    /// Claims the place after `parent`, durably. `false` if another commit has it.
    fn claim(&self, parent: Option<ObjectId>, commit: &ObjectId) -> Result<bool> {
        let claims = &self.layout.claims;
        if !claims.make(parent.as_ref(), commit, self.layout)? && self.taken_by(parent)? != *commit
        {
            return Ok(false);
        }
        self.observer.reached(Step::Claimed);
        claims.sync(parent.as_ref())?;
        self.observer.reached(Step::ClaimDurable);
        Ok(true)
    }

    /// Brings a reference that lags up to `head`. Failures are logged: the
    /// caller has its result, and the next operation will try again.
    pub(crate) fn repair(&self, head: ObjectId) {
        match self.publish(head) {
            Ok(()) => {
                self.settle(head);
            }
            Err(error) => tracing::warn!(%error, "failed to repair the reference"),
        }
    }

    /// Step 6: after `published` was published, follows its successors. Whether there are
    /// none.
    fn settle(&self, mut published: ObjectId) -> bool {
        let mut leads = true;
        for _ in 0..SETTLE_ROUNDS {
            match self.follow(Some(published)) {
                Ok(Some(head)) if head != published => {
                    leads = false;
                    if let Err(error) = self.publish(head) {
                        tracing::warn!(%error, "failed to publish the head");
                        break;
                    }
                    published = head;
                }
                Ok(_) => return leads,
                Err(error) => {
                    tracing::warn!(%error, "failed to follow the chain");
                    break;
                }
            }
        }
        false
    }

    fn publish(&self, head: ObjectId) -> Result<()> {
        // A new file each time: a rename between two names of one file does nothing.
        Temporary::write(self.layout.temporary()?, format!("{head}\n").as_bytes())?
            .rename(&self.layout.heads, REFERENCE)
            .map_err(Error::io("rename to", self.layout.heads.path_of(REFERENCE)))
    }

    /// The last commit of the chain that starts at `from`, or at the root.
    fn follow(&self, from: Option<ObjectId>) -> Result<Option<ObjectId>> {
        let mut head = from;
        while let Some(next) = self.successor(head)? {
            self.check_link(head, next)?;
            // Its writer may have died before it came to this; we build on it.
            if !self.layout.claims.are_in_one_folder() {
                self.layout.claims.sync(head.as_ref())?;
            }
            prepare::complete(self.layout, self.objects, &next)?;
            head = Some(next);
        }
        if head != from && self.layout.claims.are_in_one_folder() {
            self.layout.claims.sync(None)?;
        }
        Ok(head)
    }

    fn check_link(&self, parent: Option<ObjectId>, next: ObjectId) -> Result<()> {
        let data = self.objects.recent_commit(&next)?;
        if Commit::parse(&next, &data)?.parent() == parent {
            return Ok(());
        }
        Err(Error::Corrupt(format!("commit {next} does not follow the one it was put after")))
    }

    /// The commit that follows `commit`, or the first one.
    pub(crate) fn successor(&self, commit: Option<ObjectId>) -> Result<Option<ObjectId>> {
        parse(self.layout.claims.read(commit.as_ref())?, "a claim")
    }

    /// The winner's commit, after it was found to be claimed.
    fn taken_by(&self, parent: Option<ObjectId>) -> Result<ObjectId> {
        if let Some(id) = self.successor(parent)? {
            return Ok(id);
        }
        self.layout.claims.refresh(parent.as_ref());
        self.successor(parent)?
            .ok_or_else(|| Error::Corrupt("a claim exists and cannot be found".to_owned()))
    }

    /// What the reference says. `git gc` moves it to `packed-refs`.
    fn published(&self) -> Result<Option<ObjectId>> {
        let published = self.layout.heads.read(REFERENCE, ID_FILE)?;
        if let Some(id) = parse(published, "the reference")? {
            return Ok(Some(id));
        }
        let Some(packed) = self.layout.root.read(layout::PACKED_REFS, PACKED_REFS)? else {
            return Ok(None);
        };
        let name = format!("refs/heads/{DEFAULT_BRANCH}");
        String::from_utf8_lossy(&packed)
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(_, reference)| *reference == name)
            .map(|(id, _)| parse_id(id.as_bytes(), "packed-refs"))
            .transpose()
    }
}

fn parse(bytes: Option<Vec<u8>>, place: &str) -> Result<Option<ObjectId>> {
    bytes.map(|bytes| parse_id(bytes.trim_ascii_end(), place)).transpose()
}

fn parse_id(hex: &[u8], place: &str) -> Result<ObjectId> {
    match ObjectId::from_hex(hex) {
        Ok(id) if id.kind() == HashKind::Sha1 => Ok(id),
        _ => Err(Error::Corrupt(format!("{place} holds no commit id"))),
    }
}
