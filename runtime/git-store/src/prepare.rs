//! Preparing a commit: everything of it that does not depend on others.
//!
//! A commit is three new files: the pack of its objects, the pack's index, and the
//! small file that will be the reference. On a network file system each of
//! them is two or three round trips that wait for the server, so all three are written
//! at the same time.

use std::{io, thread};

use gix::hash::ObjectId;

use crate::{
    error::{Error, Result},
    files::Temporary,
    layout::Layout,
    pack::{self, Packed},
    steps::{Observer, Step},
};

/// A commit whose objects are durable and which only lacks its place in history.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    layout: &'a Layout,
    pub(crate) commit: ObjectId,
    /// Holds the commit's id, to become the reference.
    pub(crate) reference: Temporary<'a>,
}

impl<'a> Prepared<'a> {
    /// Writes the files of `commit`, and makes them and their names durable.
    pub(crate) fn write(
        layout: &'a Layout,
        commit: ObjectId,
        packed: &Packed,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let (pack, index, reference) = thread::scope(|scope| {
            let index = beside(scope, move || {
                let index = Temporary::write(&layout.temporary, &packed.index);
                observer.reached(Step::IndexWritten);
                index
            });
            let reference = beside(scope, move || {
                let file = Temporary::write(&layout.temporary, format!("{commit}\n").as_bytes());
                observer.reached(Step::ReferencePrepared);
                file
            });
            let pack = write_pack(layout, commit, &packed.pack);
            observer.reached(Step::PackWritten);
            (pack, index.wait(), reference.wait())
        });
        pack?;
        let name = format!("{}.idx", pack::name_of(&commit));
        // Only now, and not before the pack is complete: git believes an index.
        index?
            .rename(&layout.packs, &name)
            .map_err(Error::io("rename to", layout.packs.path_of(&name)))?;
        layout.packs.sync()?;
        observer.reached(Step::ObjectsDurable);
        Ok(Self { layout, commit, reference: reference? })
    }

    /// Removes the objects, after another commit has got the place: this one can never
    /// have it, and nothing will name them. The reference's file goes by itself.
    pub(crate) fn discard(self) {
        let name = pack::name_of(&self.commit);
        for name in [format!("{name}.idx"), format!("{name}.pack")] {
            if let Err(error) = self.layout.packs.remove(&name) {
                tracing::debug!(%error, "left the pack of a commit without a place behind");
            }
        }
    }
}

/// Writes a pack under its final name, where git does not look before there is an index.
fn write_pack(layout: &Layout, commit: ObjectId, bytes: &[u8]) -> Result<()> {
    let name = format!("{}.pack", pack::name_of(&commit));
    let path = || layout.packs.path_of(&name);
    match layout.packs.create(&name, bytes) {
        // The same commit, bit by bit, of this very second: of another writer, or of one
        // that was killed. Its bytes are these, or will never be complete.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Temporary::write(&layout.temporary, bytes)?
                .rename(&layout.packs, &name)
                .map_err(Error::io("rename to", path()))
        }
        other => other.map_err(Error::io("write", path())),
    }
}

/// Work on a thread beside, or its result if there could be no thread.
enum Beside<'scope, T> {
    Thread(thread::ScopedJoinHandle<'scope, T>),
    Done(T),
}

fn beside<'scope, 'env, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    work: impl FnOnce() -> T + Send + Clone + 'scope,
) -> Beside<'scope, T> {
    match thread::Builder::new().spawn_scoped(scope, work.clone()) {
        Ok(handle) => Beside::Thread(handle),
        Err(error) => {
            tracing::warn!(%error, "failed to start a thread; going on without");
            Beside::Done(work())
        }
    }
}

impl<T> Beside<'_, T> {
    fn wait(self) -> T {
        match self {
            Self::Thread(handle) => {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            Self::Done(result) => result,
        }
    }
}
