//! Maintenance: few large packs instead of many small ones.
//!
//! Each commit leaves a pack of its own, which makes commits cheap, and git slow once
//! there are thousands: it opens the index of each. Maintenance puts the objects of many
//! commits into one pack, lists that in the catalogue, and removes the packs that it
//! replaces some time later. Packs that it made are put together in turn, so that each
//! has at least twice the objects of all that are newer: their number grows with the
//! logarithm of that of commits, and an object is copied as often.
//!
//! # Why it is safe
//!
//! It locks nothing and changes nothing that others write: neither claims nor the
//! reference. Beside any number of readers, writers and other maintenance,
//!
//! * *nothing is removed before it is durable elsewhere*: the new pack and its index, then
//!   their names, then the catalogue, and only a later request removes what was replaced,
//!   after [`Options::retention`](crate::Options::retention), and after it has looked
//!   itself whether the packs that the catalogue lists have the objects;
//! * *no commit loses its pack while it can still become one of the chain*: see
//!   [`crate::leftovers`];
//! * *a reader that knew a pack finds its objects again*: when a pack is gone, the
//!   catalogue is read anew, and in the end the folder is listed. Git does so by itself;
//! * *a kill leaves packs that are not listed*, which hold nothing that is not elsewhere.
//!   The next request does the work again, and removes them after an hour;
//! * *of two at once, the second to finish throws its pack away*, as the next version of
//!   the catalogue is not its own (see [`crate::catalogue`]).
//!
//! # Bounds
//!
//! Memory: a pack is made in memory, up to [`BATCH`] bytes of new objects, or up to
//! [`MERGE`] bytes when packs are put together. Time: the request's budget is looked at
//! after each commit; what was done until then is kept, and the next request goes on
//! below it. The head's own pack always stays, where readers look for it first.

use std::{
    collections::HashSet,
    fs,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use gix::{
    hash::ObjectId,
    objs::{Kind, tree::EntryKind},
};
use rand::seq::SliceRandom as _;
use runtime_core::{
    names::REPOSITORY_SUFFIX,
    pages::{Maintain, Maintained, WikiName},
};

use crate::{
    catalogue::{Catalogue, Entry, Retired, Span},
    commit::Commit,
    consolidate::Consolidation,
    error::{Error, Result},
    files::Temporary,
    leftovers,
    pack::{self, Packed, Unpacked},
    pack_file::PackFile,
    steps::{Observer, Part, Step, Stopwatch},
    store::{Repository, Store},
    tree,
};

/// Most bytes of new objects in one pack of a request.
const BATCH: usize = 48 * 1024 * 1024;
/// Most commits in one pack of a request.
const BATCH_COMMITS: usize = 8_192;
/// Most bytes of packs that are put together.
const MERGE: u64 = 128 * 1024 * 1024;
/// Fewer commits are left alone, unless they can be put to those of the last time.
const FEWEST: usize = 2;
/// How names of packs begin that were made here: a commit's id hardly ever does.
pub(crate) const OURS: &str = "pack-00000000";

impl Store {
    /// Maintains a wiki, or all of them: what went wrong with one is logged, and said
    /// when the others have had their turn.
    pub(crate) fn maintain(&self, request: &Maintain) -> Result<Maintained> {
        let deadline = Instant::now() + self.options.maintenance_budget;
        if let Some(wiki) = &request.wiki {
            return self.maintain_one(wiki, deadline);
        }
        let watch = Stopwatch::start();
        let mut wikis = self.wikis()?;
        // Whoever comes last when time is up is another one each time.
        wikis.shuffle(&mut rand::rng());
        let (mut all, mut failed) = (Maintained { finished: true, ..Maintained::default() }, None);
        for wiki in wikis {
            if Instant::now() >= deadline {
                all.finished = false;
                break;
            }
            match self.maintain_one(&wiki, deadline) {
                Ok(done) => {
                    all.commits += done.commits;
                    all.packs += done.packs;
                    all.removed += done.removed;
                    all.finished &= done.finished;
                }
                Err(error) => {
                    tracing::error!(%wiki, %error, "failed to maintain a wiki");
                    failed.get_or_insert(error);
                }
            }
        }
        let timings = watch.stop();
        failed.map_or(Ok(Maintained { timings, ..all }), Err)
    }

    /// The names of all wikis.
    fn wikis(&self) -> Result<Vec<WikiName>> {
        let mut wikis = Vec::new();
        for entry in fs::read_dir(self.root()).map_err(Error::io("list", self.root()))? {
            let name = entry.map_err(Error::io("list", self.root()))?.file_name();
            let wiki = name.to_str().and_then(|name| name.strip_suffix(REPOSITORY_SUFFIX));
            wikis.extend(wiki.and_then(|wiki| wiki.parse().ok()));
        }
        Ok(wikis)
    }

    fn maintain_one(&self, wiki: &WikiName, deadline: Instant) -> Result<Maintained> {
        let mut watch = Stopwatch::start();
        let repository = watch.time(Part::Open, || self.open(wiki))?;
        let head = watch.time(Part::Head, || self.resolve(&repository, None))?;
        let catalogue = Catalogue::read_last(&repository.layout)?;
        let mut work = Maintenance {
            listed: catalogue.open(&repository.layout)?,
            catalogue,
            repository: &repository,
            observer: &*self.options.observer,
            deadline,
            retention: self.options.retention,
            walked: HashSet::new(),
            done: Maintained {
                commits: 0,
                packs: 0,
                removed: 0,
                finished: true,
                timings: watch.stop(),
            },
        };
        watch = Stopwatch::resume(work.done.timings);
        watch.time(Part::WriteObjects, || work.run(head))?;
        let packs = u32::try_from(work.catalogue.packs.len()).unwrap_or(u32::MAX);
        Ok(Maintained { packs, timings: watch.stop(), ..work.done })
    }
}

pub(crate) struct Maintenance<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) deadline: Instant,
    retention: Duration,
    pub(crate) catalogue: Catalogue,
    /// The packs of the catalogue: what is in them need not be anywhere else.
    listed: Vec<PackFile>,
    /// Commits of the chain that were met, and so have a claim.
    pub(crate) walked: HashSet<ObjectId>,
    pub(crate) done: Maintained,
}

/// What a walk along the chain has brought.
struct Batch {
    consolidation: Consolidation,
    span: Span,
    packs: Vec<String>,
    commits: usize,
}

impl Maintenance<'_> {
    fn run(&mut self, head: Option<ObjectId>) -> Result<()> {
        if !self.remove_retired()? {
            return Ok(());
        }
        let Some(head) = head else { return Ok(()) };
        self.walked.insert(head);
        let mut next = self.parent(&head)?;
        while let Some(from) = next {
            let batch = self.collect(from)?;
            next = batch.span.below.filter(|_| batch.commits > 0);
            if !self.consolidate(batch)? {
                self.done.finished = false;
                return Ok(());
            }
            if self.is_over() {
                break;
            }
        }
        if self.is_over() || !self.merge()? {
            self.done.finished = false;
            return Ok(());
        }
        leftovers::clean(self)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    fn parent(&self, commit: &ObjectId) -> Result<Option<ObjectId>> {
        let data = self.repository.objects.commit(commit)?;
        Ok(Commit::parse(commit, &data)?.parent())
    }

    /// Follows the chain back from `from`, over what is consolidated already, and gathers
    /// the objects of the commits that are not.
    fn collect(&mut self, from: ObjectId) -> Result<Batch> {
        let mut at = Some(from);
        while let Some(span) = self.catalogue.spans.iter().find(|span| Some(span.newest) == at) {
            at = span.below;
        }
        let newest = at.unwrap_or(from);
        let mut batch = Batch {
            consolidation: Consolidation::default(),
            span: Span { newest, below: at },
            packs: Vec::new(),
            commits: 0,
        };
        while let Some(id) = at {
            let full = batch.consolidation.len() > BATCH || batch.commits >= BATCH_COMMITS;
            let consolidated = self.catalogue.spans.iter().any(|span| span.newest == id);
            if full || consolidated || self.is_over() || !self.gather(id, &mut batch)? {
                break;
            }
            at = batch.span.below;
        }
        Ok(batch)
    }

    /// Adds the objects of `commit` to `batch`. `false` if they are in a pack that
    /// another program made, as are those of all commits before it.
    fn gather(&mut self, commit: ObjectId, batch: &mut Batch) -> Result<bool> {
        let objects = &self.repository.objects;
        if let Some(bytes) = objects.pack_of(&commit)? {
            let mut own = pack::unpack(&bytes)?;
            // Its own objects come first, before those that it has taken in.
            let is_own = |object: &Unpacked<'_>| object.kind != Kind::Commit;
            let length = own.iter().skip(1).take_while(|object| is_own(object)).count() + 1;
            own.truncate(length);
            let itself = own.first().filter(|object| object.id == commit);
            let itself = itself.ok_or_else(|| {
                Error::Corrupt(format!("the pack of commit {commit} is of another"))
            })?;
            batch.span.below = Commit::parse(&commit, &itself.data)?.parent();
            batch.consolidation.add_commit(own)?;
            batch.packs.push(pack::name_of(&commit));
        } else if objects.is_loose(&commit)? {
            let data = objects.commit(&commit)?;
            let parsed = Commit::parse(&commit, &data)?;
            batch.span.below = parsed.parent();
            let before = match parsed.parent() {
                Some(parent) => Some(Commit::parse(&parent, &objects.commit(&parent)?)?.tree()),
                None => None,
            };
            self.add_loose(commit, Kind::Commit, batch)?;
            self.add_changes(parsed.tree(), before, batch)?;
        } else {
            return Ok(false);
        }
        self.walked.insert(commit);
        batch.commits += 1;
        Ok(true)
    }

    /// Adds the tree `after` and all in it that is not in the tree `before`.
    fn add_changes(
        &self,
        after: ObjectId,
        before: Option<ObjectId>,
        batch: &mut Batch,
    ) -> Result<()> {
        if Some(after) == before {
            return Ok(());
        }
        self.add_loose(after, Kind::Tree, batch)?;
        let objects = &self.repository.objects;
        let old = match before {
            Some(before) => tree::entries(objects, &before)?,
            None => Vec::new(),
        };
        for entry in tree::entries(objects, &after)? {
            let old = old.binary_search(&entry).ok().map(|at| &old[at]);
            match entry.mode.kind() {
                _ if old.is_some_and(|old| old.oid == entry.oid) => {}
                EntryKind::Tree => {
                    let before = old.filter(|old| old.mode.is_tree()).map(|old| old.oid);
                    self.add_changes(entry.oid, before, batch)?;
                }
                // Not in this repository.
                EntryKind::Commit => {}
                _ => self.add_loose(entry.oid, Kind::Blob, batch)?,
            }
        }
        Ok(())
    }

    fn add_loose(&self, id: ObjectId, kind: Kind, batch: &mut Batch) -> Result<()> {
        let objects = &self.repository.objects;
        let data = match kind {
            Kind::Commit => objects.commit(&id)?,
            Kind::Tree => objects.tree(&id)?,
            _ => objects.blob(&id)?,
        };
        let deflated = pack::deflate(&data)?;
        batch.consolidation.add_whole(id, kind, &data, &deflated);
        Ok(())
    }

    /// Writes the pack of `batch` and lists it. `false` if other maintenance was faster.
    fn consolidate(&mut self, batch: Batch) -> Result<bool> {
        if batch.consolidation.is_empty() {
            return Ok(true);
        }
        let joins = |span: &Span| Some(span.newest) == batch.span.below;
        if batch.commits < FEWEST && !self.catalogue.spans.iter().any(joins) {
            return Ok(true);
        }
        let commits = u32::try_from(batch.commits).unwrap_or(u32::MAX);
        let mut new = self.catalogue.clone();
        new.add_span(batch.span);
        let retired = now();
        new.retired.extend(batch.packs.into_iter().map(|name| Retired { name, at: retired }));
        let written = self.replace(&batch.consolidation.finish()?, new)?;
        self.done.commits += if written { commits } else { 0 };
        Ok(written)
    }

    /// Puts packs that were made here together, the newest ones first, as long as they
    /// are not much smaller than the next one.
    fn merge(&mut self) -> Result<bool> {
        let folder = &self.repository.layout.packs;
        let ours = |pack: &&PackFile| pack.name().starts_with(OURS);
        let packs: Vec<&PackFile> = self.listed.iter().filter(ours).collect();
        let (mut merged, mut objects, mut bytes, mut sum) = (0, 0, 0, 0);
        for (n, pack) in packs.iter().enumerate() {
            bytes += pack.size()?;
            if bytes > MERGE || (n > 0 && pack.count() > 2 * objects) {
                break;
            }
            objects += pack.count();
            (merged, sum) = (n + 1, bytes);
        }
        if merged < 2 {
            return Ok(true);
        }
        let mut consolidation = Consolidation::default();
        for pack in &packs[..merged] {
            consolidation.add_pack(folder, pack, sum)?;
        }
        let mut new = self.catalogue.clone();
        let gone: HashSet<&str> = packs[..merged].iter().map(|pack| pack.name()).collect();
        new.packs.retain(|entry| !gone.contains(entry.name.as_str()));
        let at = now();
        new.retired.extend(gone.into_iter().map(|name| Retired { name: name.to_owned(), at }));
        self.replace(&consolidation.finish()?, new)
    }

    /// Writes a pack, and the catalogue `new` with it in front. `false`, and no change, if
    /// the catalogue is not what it was.
    fn replace(&mut self, packed: &Packed, mut new: Catalogue) -> Result<bool> {
        let layout = &self.repository.layout;
        // By chance, and not after its content: that may be the same elsewhere, and who
        // is second must be able to remove its own.
        let name = format!("{OURS}{:032x}", rand::random::<u128>());
        for (bytes, extension) in [(&packed.pack, "pack"), (&packed.index, "idx")] {
            let name = format!("{name}.{extension}");
            Temporary::write(layout.temporary()?, bytes)?
                .rename(&layout.packs, &name)
                .map_err(Error::io("rename to", layout.packs.path_of(&name)))?;
        }
        layout.packs.sync()?;
        self.observer.reached(Step::Consolidated);
        new.packs.insert(0, Entry { name: name.clone(), ours: true });
        let listed = self.list(new)?;
        if !listed {
            self.remove_pack(&name);
        }
        Ok(listed)
    }

    /// Writes the catalogue. `false` if other maintenance was faster.
    pub(crate) fn list(&mut self, mut new: Catalogue) -> Result<bool> {
        if !new.write(&self.repository.layout)? {
            tracing::info!("other maintenance was faster");
            self.done.finished = false;
            return Ok(false);
        }
        self.observer.reached(Step::Catalogued);
        self.listed = new.open(&self.repository.layout)?;
        self.catalogue = new;
        self.repository.objects.packs_changed();
        Ok(true)
    }

    /// Removes packs that were replaced some time ago, if the packs of the catalogue have
    /// all that is in them.
    fn remove_retired(&mut self) -> Result<bool> {
        let due = now().saturating_sub(self.retention.as_secs());
        let (due, mut rest): (Vec<Retired>, Vec<Retired>) =
            self.catalogue.retired.iter().cloned().partition(|retired| retired.at <= due);
        if due.is_empty() {
            return Ok(true);
        }
        for retired in due {
            if self.is_over() {
                self.done.finished = false;
                rest.push(retired);
            } else if self.is_replaced(&retired.name)? {
                self.remove_pack(&retired.name);
            } else {
                tracing::error!(pack = retired.name, "a retired pack is still needed");
            }
        }
        // A kill before this is harmless: what is gone is removed once more, to no effect.
        self.list(Catalogue { retired: rest, ..self.catalogue.clone() })
    }

    /// Whether a pack of the catalogue has the object `id`.
    pub(crate) fn is_consolidated(&self, id: &ObjectId) -> Result<bool> {
        for pack in &self.listed {
            if pack.offset(id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether packs of the catalogue have all that is in the pack `name`.
    pub(crate) fn is_replaced(&self, name: &str) -> Result<bool> {
        // The pack of a commit was put into another one as a whole: see `gather`.
        let commit = name.strip_prefix("pack-").filter(|_| !name.starts_with(OURS));
        if let Some(Ok(commit)) = commit.map(|id| ObjectId::from_hex(id.as_bytes())) {
            return self.is_consolidated(&commit);
        }
        let Some(pack) = PackFile::open(&self.repository.layout.packs, name)? else {
            return Ok(true);
        };
        for (_, id) in pack.all()? {
            if !self.is_consolidated(&id)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes a pack: first the index, so that git stops looking into it.
    pub(crate) fn remove_pack(&mut self, name: &str) {
        for extension in ["idx", "pack"] {
            self.remove_file(&format!("{name}.{extension}"));
        }
    }

    pub(crate) fn remove_file(&mut self, name: &str) {
        match self.repository.layout.packs.remove(name) {
            Ok(()) => {
                self.done.removed += 1;
                self.observer.reached(Step::Removed);
            }
            Err(error) => tracing::debug!(%error, name, "failed to remove a file"),
        }
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
