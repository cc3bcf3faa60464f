//! Preparing a commit: everything of it that does not depend on others.
//!
//! A commit is three new files: the pack of its objects, the pack's index, and the
//! small file that will be the reference. On a network file system each of
//! them is two or three round trips that wait for the server, so all three are written
//! at the same time; and the index gets its name while the place in history is claimed.

use std::{io, thread};

use gix::hash::ObjectId;

use crate::{
    beside::beside,
    error::{Error, Result},
    files::Temporary,
    layout::Layout,
    objects::Objects,
    pack::{self, Packed},
    steps::{Observer, Step},
};

/// A commit whose objects are durable and which only lacks its place in history.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    layout: &'a Layout,
    pub(crate) commit: ObjectId,
    /// The pack's index, without its name.
    index: Temporary<'a>,
    /// Holds the commit's id, to become the reference.
    pub(crate) reference: Temporary<'a>,
}

impl<'a> Prepared<'a> {
    /// Writes the files of `commit`, and makes them and the pack's name durable. `None` if
    /// its pack is there: see [`write_pack`].
    pub(crate) fn write(
        layout: &'a Layout,
        commit: ObjectId,
        packed: &Packed,
        observer: &dyn Observer,
    ) -> Result<Option<Self>> {
        let temporary = layout.temporary()?;
        let (pack, index, reference) = thread::scope(|scope| {
            let index = beside(scope, move || {
                let index = Temporary::write(temporary, &packed.index);
                observer.reached(Step::IndexWritten);
                index
            });
            let reference = beside(scope, move || {
                let file = Temporary::write(temporary, format!("{commit}\n").as_bytes());
                observer.reached(Step::ReferencePrepared);
                file
            });
            let pack = write_pack(layout, commit, &packed.pack);
            observer.reached(Step::PackWritten);
            (pack, index.wait(), reference.wait())
        });
        if !pack? {
            return Ok(None);
        }
        layout.packs.sync()?;
        observer.reached(Step::ObjectsDurable);
        Ok(Some(Self { layout, commit, index: index?, reference: reference? }))
    }

    /// Does `claim`, and gives the index its name meanwhile: not before the pack is
    /// complete, as git believes an index; and before the reference names the commit.
    pub(crate) fn index_beside<T>(
        &self,
        observer: &dyn Observer,
        claim: impl FnOnce() -> T,
    ) -> (T, Result<()>) {
        thread::scope(|scope| {
            let indexed = beside(scope, || {
                name_index(self.layout, &self.commit, &self.index)?;
                observer.reached(Step::Indexed);
                Ok(())
            });
            (claim(), indexed.wait())
        })
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

/// Gives the index of the pack of `commit` its name.
fn name_index(layout: &Layout, commit: &ObjectId, index: &Temporary<'_>) -> Result<()> {
    let name = format!("{}.idx", pack::name_of(commit));
    index
        .rename(&layout.packs, &name)
        .map_err(Error::io("rename to", layout.packs.path_of(&name)))?;
    layout.packs.sync()
}

/// Makes the index of the pack of `commit`, if it has a pack without one: its writer may
/// have been killed after the claim. Git must be able to read whatever the reference names.
pub(crate) fn complete(layout: &Layout, objects: &Objects, commit: &ObjectId) -> Result<()> {
    if layout.packs.has(&format!("{}.idx", pack::name_of(commit)))? {
        return Ok(());
    }
    let Some(pack) = objects.pack_of(commit)? else { return Ok(()) };
    let index = Temporary::write(layout.temporary()?, &pack::index_of(&pack)?)?;
    name_index(layout, commit, &index)
}

/// Writes a pack under its final name, where git does not look before there is an index.
///
/// `false` if it is there: another writer was about to make the same commit, bit by bit, in
/// this very second. That one may be at work, or was killed. What else is in its pack is not
/// known, and an index must fit its pack. So whoever is second tries again, and finds the
/// commit in place, or makes one of the next second.
fn write_pack(layout: &Layout, commit: ObjectId, bytes: &[u8]) -> Result<bool> {
    let name = format!("{}.pack", pack::name_of(&commit));
    match layout.packs.create(&name, bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("write", layout.packs.path_of(&name))(error)),
    }
}
