//! Files in `objects/pack` that no catalogue and no commit accounts for.
//!
//! A writer that was killed leaves the pack of a commit that has no place in history.
//! It may be removed when it can never get one: when there is a claim on the place after
//! its parent, for another commit. Claims are never changed, so that is final, however
//! slow the writer may be. A file from which no commit can be read was being written when
//! its writer died; it stays for a day, many times as long as any writer lives.
//!
//! Loose objects, which former versions of the store wrote, go as soon as a pack of the
//! catalogue has them. Packs that another program made (`git gc`, an import) are listed in the catalogue, so
//! that readers need not look for them.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use gix::hash::ObjectId;

use crate::{
    catalogue::Entry,
    commit::Commit,
    error::{Error, Result},
    maintain::{Maintenance, OURS},
    pack,
    pack_file::PackFile,
};

/// Age from which what maintenance has made and not listed has no owner any more.
const ABANDONED: Duration = Duration::from_hours(1);
/// Age from which an incomplete pack of a commit has none.
const INCOMPLETE: Duration = Duration::from_hours(24);

/// What there is of a pack.
#[derive(Debug, Default)]
struct Files {
    pack: bool,
    index: bool,
}

/// Lists packs of other programs, and removes what nobody needs.
pub(crate) fn clean(work: &mut Maintenance<'_>) -> Result<()> {
    let mut all: BTreeMap<String, Files> = BTreeMap::new();
    for name in work.repository.layout.packs.names()? {
        match name.rsplit_once('.') {
            Some((name, "pack")) => all.entry(name.to_owned()).or_default().pack = true,
            Some((name, "idx")) => all.entry(name.to_owned()).or_default().index = true,
            _ => {}
        }
    }
    let known = work.catalogue.known();
    let mut foreign = Vec::new();
    let mut catalogue = work.catalogue.clone();
    for (name, files) in &all {
        let commit = name.strip_prefix("pack-");
        let commit = commit.and_then(|id| ObjectId::from_hex(id.as_bytes()).ok());
        if known.contains(name) || commit.is_some_and(|id| work.walked.contains(&id)) {
            continue;
        }
        if work.is_over() {
            work.done.finished = false;
            return Ok(());
        }
        match commit {
            _ if name.starts_with(OURS) => {
                if !is_older(work, name, ABANDONED) {
                    continue;
                }
                if work.is_replaced(name)? {
                    work.remove_pack(name);
                } else {
                    catalogue.packs.push(Entry { name: name.clone(), ours: true });
                }
            }
            Some(id) if is_of_commit(work, name, files, &id)? => {
                clean_commit(work, name, &id)?;
            }
            _ if files.pack && files.index => {
                foreign.push(Entry { name: name.clone(), ours: false });
            }
            _ if is_older(work, name, INCOMPLETE) => work.remove_pack(name),
            _ => {}
        }
    }
    catalogue.packs.retain(|entry| all.contains_key(&entry.name));
    catalogue.packs.extend(foreign);
    if catalogue != work.catalogue && !work.list(catalogue)? {
        return Ok(());
    }
    clean_loose(work)
}

/// Removes loose objects that packs of the catalogue have, too. Those of this very
/// moment stay: an older version of the store may just have made them durable.
fn clean_loose(work: &mut Maintenance<'_>) -> Result<()> {
    let objects = work.repository.layout.objects.clone();
    let list = |path: &Path| fs::read_dir(path).map_err(Error::io("list", path));
    for shard in list(&objects)?.flatten() {
        let first = shard.file_name().to_string_lossy().into_owned();
        if first.len() != 2 || !shard.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        for file in list(&shard.path())?.flatten() {
            if work.is_over() {
                work.done.finished = false;
                return Ok(());
            }
            let name = format!("{first}{}", file.file_name().to_string_lossy());
            if let Ok(id) = ObjectId::from_hex(name.as_bytes())
                && is_old(&file.path(), ABANDONED)
                && work.is_consolidated(&id)?
                && fs::remove_file(file.path()).is_ok()
            {
                work.done.removed += 1;
            }
        }
    }
    Ok(())
}

/// Whether `name` is the pack of the commit `id`, and not one whose name only looks so.
fn is_of_commit(work: &Maintenance<'_>, name: &str, files: &Files, id: &ObjectId) -> Result<bool> {
    let folder = &work.repository.layout.packs;
    if files.pack && files.index {
        let pack = PackFile::open(folder, name)?;
        return Ok(pack.is_some_and(|pack| pack.offset(id).is_ok_and(|offset| offset.is_some())));
    }
    Ok(files.pack && read(work, id)?.is_some())
}

/// A commit in a pack of its own.
struct Alone {
    parent: Option<ObjectId>,
}

/// The commit `id` as its pack says; `None` if there is no such commit to be read.
fn read(work: &Maintenance<'_>, id: &ObjectId) -> Result<Option<Alone>> {
    let Some(bytes) = work.repository.objects.pack_of(id)? else { return Ok(None) };
    let Ok(objects) = pack::unpack(&bytes) else { return Ok(None) };
    let commit = objects.iter().find(|object| object.id == *id);
    let Some(commit) = commit else { return Ok(None) };
    Ok(Commit::parse(id, &commit.data).ok().map(|commit| Alone { parent: commit.parent() }))
}

/// Removes the pack of the commit `id`, unless it has a place in history or may still
/// get one.
fn clean_commit(work: &mut Maintenance<'_>, name: &str, id: &ObjectId) -> Result<()> {
    let Some(commit) = read(work, id)? else { return Ok(()) };
    let head = work.repository.head(work.observer);
    if head.successor(commit.parent)?.is_some_and(|successor| successor != *id) {
        work.remove_pack(name);
    }
    Ok(())
}

fn is_older(work: &Maintenance<'_>, name: &str, least: Duration) -> bool {
    ["pack", "idx"].iter().all(|extension| {
        let path = work.repository.layout.packs.path_of(&format!("{name}.{extension}"));
        !path.exists() || is_old(&path, least)
    })
}

fn is_old(path: &Path, least: Duration) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|file| file.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now().duration_since(modified).is_ok_and(|age| age > least)
    })
}
