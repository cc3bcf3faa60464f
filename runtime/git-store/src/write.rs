//! Writing a page.

use std::{
    collections::HashSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use gix::{hash::ObjectId, objs::Kind};
use rand::RngExt;
use runtime_core::pages::{Write, Written};

use crate::{
    commit::{self, Commit},
    error::{Error, Result, commit_id},
    head::{Found, Head, Moved},
    objects::NewObject,
    pack,
    prepare::Prepared,
    run::Run,
    steps::{Part, Step, Stopwatch},
    store::{Repository, Store},
    tree,
};

/// Most rounds against other writers. The time budget normally ends it first.
const MAX_ATTEMPTS: u32 = 500;
/// Longest wait before any attempt.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

impl Store {
    pub(crate) fn write(&self, request: &Write) -> Result<Written> {
        let mut watch = Stopwatch::start();
        let mut repository = watch.time(Part::Open, || self.open(&request.wiki))?;
        repository.warm_for_writing();
        let writer = Writer {
            request,
            head: repository.head(&*self.options.observer),
            repository: &repository,
        };
        let deadline = Instant::now() + self.options.write_budget;
        // Who has waited for a fifth of its time lets nobody go first any more: so of many,
        // the oldest get through.
        let patience = self.options.write_budget.mul_f64(0.8);
        let mut attempts = 1;
        loop {
            let started = Instant::now();
            if let Some((commit, changed)) = writer.attempt(&mut watch)? {
                let commit = commit_id(&commit);
                return Ok(Written { commit, changed, attempts, timings: watch.stop() });
            }
            if attempts >= MAX_ATTEMPTS || Instant::now() >= deadline {
                return Err(Error::Busy { attempts });
            }
            let late = deadline.saturating_duration_since(Instant::now()) < patience;
            let wait = jittered_wait(if late { 1 } else { attempts }, started.elapsed());
            watch.time(Part::Wait, || thread::sleep(wait));
            attempts += 1;
        }
    }
}

/// A random part of a time that doubles with each attempt, so that writers who met once
/// are unlikely to meet again. It begins at what an attempt takes, which is what others
/// need to get through: some milliseconds here, some tens on EFS.
fn jittered_wait(attempts: u32, attempt: Duration) -> Duration {
    let longest = attempt.saturating_mul(1 << (attempts - 1).min(16)).min(LONGEST_WAIT);
    longest.mul_f64(rand::rng().random())
}

struct Writer<'a> {
    request: &'a Write,
    repository: &'a Repository,
    head: Head<'a>,
}

impl Writer<'_> {
    /// One attempt on the present head. Answers the commit that has the page and
    /// whether it is new, or `None` if another writer was faster.
    fn attempt(&self, watch: &mut Stopwatch) -> Result<Option<(ObjectId, bool)>> {
        if let Some(done) = self.attempt_unasked(watch)? {
            return Ok(Some(done));
        }
        let found = watch.time(Part::Head, || self.head.find())?;
        self.repository.lead.found(found.id);
        self.head.observer.reached(Step::HeadFound);
        self.check_expected(found)?;
        let Some(new) = watch.time(Part::Read, || self.compose(found.id))? else {
            self.repair(found);
            let head = found.id.expect("only a page that exists can be unchanged");
            return Ok(Some((head, false)));
        };
        self.put(found.id, new, watch)
    }

    /// An attempt on what is most likely the head. `None` if it was not, or if what it is
    /// matters for another answer than a commit.
    fn attempt_unasked(&self, watch: &mut Stopwatch) -> Result<Option<(ObjectId, bool)>> {
        let Some(head) = self.repository.lead.guess() else { return Ok(None) };
        if !self.request.expected_head.as_ref().is_none_or(|it| it.matches(Some(&commit_id(&head))))
        {
            return Ok(None);
        }
        match watch.time(Part::Read, || self.compose(Some(head))) {
            Ok(Some(new)) => self.put(Some(head), new, watch),
            _ => Ok(None),
        }
    }

    /// Puts a new commit after `head`. `None` if there is another one.
    fn put(
        &self,
        head: Option<ObjectId>,
        (commit, objects): (ObjectId, Vec<NewObject>),
        watch: &mut Stopwatch,
    ) -> Result<Option<(ObjectId, bool)>> {
        let lead = &self.repository.lead;
        let older = head.map(|head| self.repository.objects.to_take_in(&head)).unwrap_or_default();
        let mut all = Vec::new();
        let mut put = || {
            let prepared = watch.time(Part::WriteObjects, || {
                let packed;
                (packed, all) = pack::of_commit(pack::compress(&objects)?, &older)?;
                Prepared::write(&self.repository.layout, commit, &packed, self.head.observer)
            })?;
            let Some(prepared) = prepared else { return Ok(Moved::Lost) };
            watch.time(Part::MoveReference, || self.head.advance(head, prepared))
        };
        match put().inspect_err(|_| lead.lost())? {
            Moved::Lost => {
                lead.lost();
                return Ok(None);
            }
            Moved::Won { leads: true } => lead.took(commit),
            Moved::Won { leads: false } => lead.lost(),
        }
        let run = Run {
            newest: commit,
            below: older.last().map_or(head, |oldest| oldest.below),
            commits: older.iter().map(|run| run.commits).sum::<usize>() + 1,
            objects: Arc::new(all),
        };
        self.repository.objects.remember(run, head, objects);
        Ok(Some((commit, true)))
    }

    fn check_expected(&self, found: Found) -> Result<()> {
        let head = found.id.as_ref().map(commit_id);
        match &self.request.expected_head {
            Some(expected) if !expected.matches(head.as_ref()) => {
                self.repair(found);
                Err(Error::Conflict { head: found.id })
            }
            _ => Ok(()),
        }
    }

    /// A writer that goes on publishes its own commit; one that stops here
    /// leaves the reference in order.
    fn repair(&self, found: Found) {
        if let (true, Some(head)) = (found.lags, found.id) {
            self.head.repair(head);
        }
    }

    /// The commit that puts the page on top of `head`, and all new objects of
    /// it; `None` if the page has this content already.
    fn compose(&self, head: Option<ObjectId>) -> Result<Option<(ObjectId, Vec<NewObject>)>> {
        let Write { path, body, author, message, .. } = self.request;
        let objects = &self.repository.objects;
        let root = match head {
            Some(id) => Some(Commit::parse(&id, &objects.recent_commit(&id)?)?.tree()),
            None => None,
        };
        let blob = NewObject::new(Kind::Blob, body.as_str().as_bytes().to_vec())?;
        let Some((root, trees)) = tree::put(objects, root, path, blob.id)? else {
            return Ok(None);
        };
        let commit = commit::create(root, head, author, message)?;
        let id = commit.id;
        // As a reader needs them: the commit, the trees from the root down, the page.
        let mut new = vec![commit];
        new.extend(trees.into_iter().rev());
        new.push(blob);
        // A folder may have become the same as one above it, but never twice in a pack.
        let mut known = HashSet::new();
        new.retain(|object| known.insert(object.id));
        Ok(Some((id, new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded() {
        let attempt = Duration::from_millis(3);
        for attempts in [1, 2, 10, 17, 18, 33, u32::MAX] {
            assert!(jittered_wait(attempts, attempt) <= LONGEST_WAIT);
        }
        assert!(jittered_wait(1, attempt) <= attempt);
        assert!(jittered_wait(9, Duration::MAX) <= LONGEST_WAIT);
    }
}
