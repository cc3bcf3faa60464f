//! Writing a page.

use std::{
    collections::HashSet,
    thread,
    time::{Duration, Instant},
};

use gix::{hash::ObjectId, objs::Kind};
use rand::Rng;
use runtime_core::pages::{Write, Written};

use crate::{
    commit::{self, Commit},
    error::{Error, Result, commit_id},
    head::{Found, Head, Moved},
    objects::NewObject,
    steps::{Step, Stopwatch},
    store::{Repository, Store},
    tree,
};

/// Most rounds against other writers. The time budget normally ends it first.
const MAX_ATTEMPTS: u32 = 500;
/// Longest wait before the second attempt; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// Longest wait before any attempt: about what one attempt takes on EFS.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

impl Store {
    pub(crate) fn write(&self, request: &Write) -> Result<Written> {
        let mut watch = Stopwatch::start();
        let repository = watch.time(|t| &mut t.open, || self.open(&request.wiki))?;
        let mut writer = Writer {
            request,
            head: repository.head(&*self.options.observer),
            repository: &repository,
            stored: HashSet::new(),
        };
        let deadline = Instant::now() + self.options.write_budget;
        let mut attempts = 1;
        loop {
            if let Some((commit, changed)) = writer.attempt(&mut watch)? {
                let commit = commit_id(&commit);
                return Ok(Written { commit, changed, attempts, timings: watch.stop() });
            }
            if attempts >= MAX_ATTEMPTS || Instant::now() >= deadline {
                return Err(Error::Busy { attempts });
            }
            watch.time(|t| &mut t.wait, || thread::sleep(jittered_wait(attempts)));
            attempts += 1;
        }
    }
}

/// A random part of a time that doubles with each attempt, so that writers who
/// met once are unlikely to meet again.
fn jittered_wait(attempts: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << (attempts - 1).min(16)).min(LONGEST_WAIT);
    longest.mul_f64(rand::rng().random())
}

struct Writer<'a> {
    request: &'a Write,
    repository: &'a Repository,
    head: Head<'a>,
    /// What earlier attempts have stored; above all the blob.
    stored: HashSet<ObjectId>,
}

impl Writer<'_> {
    /// One attempt on the present head. Answers the commit that has the page and
    /// whether it is new, or `None` if another writer was faster.
    fn attempt(&mut self, watch: &mut Stopwatch) -> Result<Option<(ObjectId, bool)>> {
        let found = watch.time(|t| &mut t.head, || self.head.find())?;
        self.head.observer.reached(Step::HeadFound);
        self.check_expected(found)?;
        let Some((commit, objects)) = watch.time(|t| &mut t.read, || self.compose(found.id))?
        else {
            self.repair(found);
            let head = found.id.expect("only a page that exists can be unchanged");
            return Ok(Some((head, false)));
        };
        watch.time(
            |t| &mut t.write_objects,
            || self.repository.objects.store(objects, &mut self.stored, self.head.observer),
        )?;
        let moved =
            watch.time(|t| &mut t.move_reference, || self.head.advance(found.id, commit))?;
        Ok((moved == Moved::Won).then_some((commit, true)))
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
            Some(id) => Some(Commit::parse(&id, &objects.commit(&id)?)?.tree()),
            None => None,
        };
        let blob = NewObject::new(Kind::Blob, body.as_str().as_bytes().to_vec())?;
        let Some((root, trees)) = tree::put(objects, root, path, blob.id)? else {
            return Ok(None);
        };
        let commit = commit::create(root, head, author, message)?;
        let id = commit.id;
        let mut new = vec![blob];
        new.extend(trees);
        new.push(commit);
        Ok(Some((id, new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded() {
        for attempts in [1, 2, 10, 17, 18, 33, u32::MAX] {
            assert!(jittered_wait(attempts) <= LONGEST_WAIT);
        }
        assert!(jittered_wait(1) <= FIRST_WAIT);
    }
}
