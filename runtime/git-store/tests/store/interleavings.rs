//! Writers that meet at chosen points, one held there while others run.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use git_store::{Options, Step, Store};
use runtime_core::pages::ErrorCode;

use crate::support::{Wiki, assert_code, read, write, write_expecting};

/// A store on `wiki` that runs `meanwhile` the first time it passes `step`.
fn interrupted(wiki: &Wiki, step: Step, meanwhile: impl FnOnce(&Store) + Send + 'static) -> Store {
    impatient(wiki, step, Options::default().write_budget, meanwhile)
}

/// The same, with another budget for its writes.
fn impatient(
    wiki: &Wiki,
    step: Step,
    budget: Duration,
    meanwhile: impl FnOnce(&Store) + Send + 'static,
) -> Store {
    let other = wiki.another_store();
    let meanwhile = Mutex::new(Some(meanwhile));
    let done = AtomicBool::new(false);
    wiki.observed_store(budget, move |reached| {
        if reached == step && !done.swap(true, Ordering::SeqCst) {
            let meanwhile = meanwhile.lock().unwrap().take().unwrap();
            meanwhile(&other);
        }
    })
}

const STEPS: [Step; 9] = [
    Step::HeadFound,
    Step::PackWritten,
    Step::IndexWritten,
    Step::ReferencePrepared,
    Step::ObjectsDurable,
    Step::Indexed,
    Step::Claimed,
    Step::ClaimDurable,
    Step::Published,
];

/// Whether a writer at `step` has its place in the history. `None` if that is open: the
/// index gets its name while the claim is made.
fn has_claim(step: Step) -> Option<bool> {
    match step {
        Step::Indexed => None,
        Step::Claimed | Step::ClaimDurable | Step::Published => Some(true),
        _ => Some(false),
    }
}

#[test]
fn a_write_takes_its_steps_in_order() {
    let wiki = Wiki::new();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let budget = Options::default().write_budget;
    let store = wiki.observed_store(budget, move |step| seen.lock().unwrap().push(step));
    write(&store, "page", "x").unwrap();
    let taken = || {
        let mut steps = steps.lock().unwrap();
        // The three files are written at the same time, and the index gets its name while
        // the claim is made.
        let place = |step: &Step| STEPS.iter().position(|other| other == step);
        steps[1..4].sort_by_key(place);
        steps[5..8].sort_by_key(place);
        std::mem::take(&mut *steps)
    };
    assert_eq!(taken(), STEPS);

    write(&store, "page", "x").unwrap();
    assert_eq!(*steps.lock().unwrap(), [Step::HeadFound], "an identical write writes nothing");
}

#[test]
fn a_writer_out_of_time_gives_up_and_leaves_nothing() {
    let wiki = Wiki::new();
    let slow = impatient(&wiki, Step::ObjectsDurable, Duration::ZERO, |other| {
        write(other, "other", "x").unwrap();
    });
    let error = write(&slow, "slow", "x").unwrap_err();
    assert_eq!(error.code, ErrorCode::Busy);
    assert!(error.code.is_retryable());
    assert_eq!(wiki.commits(), 1);
    assert!(write(&slow, "slow", "x").unwrap().changed);
}

#[test]
fn a_caller_with_less_time_is_told_that_the_store_is_busy() {
    let wiki = Wiki::new();
    let patient = interrupted(&wiki, Step::ObjectsDurable, |other| {
        write(other, "other", "x").unwrap();
    });
    let error = write(&patient.within(Duration::ZERO), "slow", "x").unwrap_err();
    assert_eq!(error.code, ErrorCode::Busy);
    assert!(write(&patient, "slow", "x").unwrap().changed);
}

#[test]
fn others_write_while_a_writer_is_held() {
    for first in [true, false] {
        for step in STEPS {
            let wiki = Wiki::new();
            if !first {
                wiki.write("before", "x");
            }
            let slow = interrupted(&wiki, step, |other| {
                for n in 0..3 {
                    write(other, &format!("other/{n}"), "x").unwrap();
                }
            });
            let written = write(&slow, "slow", "x").unwrap();
            if let Some(claimed) = has_claim(step) {
                assert_eq!(written.attempts, if claimed { 1 } else { 2 }, "{step:?}");
            }
            // The slow writer has moved the reference back, and forward again.
            assert_eq!(wiki.commits(), 4 + usize::from(!first), "{step:?}");
            for path in ["slow", "other/0", "other/1", "other/2"] {
                assert_eq!(wiki.read(path).body, "x", "{step:?}");
            }
        }
    }
}

#[test]
fn a_reader_beside_a_held_writer_sees_one_or_the_other() {
    for step in STEPS {
        let wiki = Wiki::new();
        wiki.write("page", "old");
        let slow = interrupted(&wiki, step, move |other| {
            let page = read(other, "page").unwrap();
            if let Some(claimed) = has_claim(step) {
                assert_eq!(page.body, if claimed { "new" } else { "old" }, "{step:?}");
            }
        });
        write(&slow, "page", "new").unwrap();
        assert_eq!(wiki.read("page").body, "new");
        assert_eq!(wiki.commits(), 2);
    }
}

#[test]
fn the_same_page_and_text_from_two_writers() {
    for step in STEPS {
        let wiki = Wiki::new();
        let slow = interrupted(&wiki, step, |other| {
            write(other, "page", "text").unwrap();
        });
        write(&slow, "page", "text").unwrap();
        // Two identical commits of the same second are one commit.
        assert_eq!(wiki.commits(), 1, "{step:?}");
        assert_eq!(wiki.read("page").body, "text");
    }
}

#[test]
fn an_expected_head_that_moves_meanwhile_is_a_conflict() {
    for step in STEPS {
        let wiki = Wiki::new();
        let head = wiki.write("page", "old").commit;
        let slow = interrupted(&wiki, step, |other| {
            write(other, "other", "x").unwrap();
        });
        let result = write_expecting(&slow, "page", "new", Some(&head));
        if has_claim(step).unwrap_or(result.is_ok()) {
            result.unwrap();
            assert_eq!(wiki.commits(), 3);
        } else {
            assert_code(result, ErrorCode::Conflict);
            assert_eq!(wiki.commits(), 2);
            assert_eq!(wiki.read("page").body, "old");
        }
    }
}

#[test]
fn a_clash_that_comes_up_meanwhile_is_found() {
    let wiki = Wiki::new();
    let slow = interrupted(&wiki, Step::ObjectsDurable, |other| {
        write(other, "a/b", "x").unwrap();
    });
    assert_code(write(&slow, "a", "x"), ErrorCode::PathClash);
    assert_eq!(wiki.commits(), 1);
}

#[test]
fn a_wiki_that_is_replaced_is_not_mixed_up_with_the_old_one() {
    let wiki = Wiki::new();
    let old = wiki.write("page", "old").commit;
    std::fs::remove_dir_all(wiki.repository()).unwrap();
    assert_code(read(&wiki.store, "page"), ErrorCode::NotFound);
    crate::support::init(&wiki.store);
    assert_code(read(&wiki.store, "page"), ErrorCode::NotFound);
    let gone = crate::support::read_at(&wiki.store, "page", Some(old.as_str()));
    assert_code(gone, ErrorCode::NotFound);
    wiki.write("page", "new");
    assert_eq!(wiki.commits(), 1);
}

/// Two stores, of which the first has been alone so far: it does not ask for the head.
fn alone() -> (Wiki, Store) {
    let wiki = Wiki::new();
    for n in 0..3 {
        wiki.write("alone", &n.to_string());
    }
    let other = wiki.another_store();
    (wiki, other)
}

#[test]
fn who_is_not_alone_any_more_finds_out() {
    let (wiki, other) = alone();
    write(&other, "other", "x").unwrap();
    assert!(write(&wiki.store, "alone", "after").unwrap().changed);
    assert_eq!(wiki.commits(), 5);
    assert_eq!(wiki.read("other").body, "x");
    // In turn, so that each finds the other's.
    for n in 0..4 {
        write(&other, "other", &n.to_string()).unwrap();
        write(&wiki.store, "alone", &n.to_string()).unwrap();
    }
    assert_eq!(wiki.commits(), 13);
}

#[test]
fn what_depends_on_the_head_is_not_guessed() {
    let (wiki, other) = alone();
    let mine = wiki.write("alone", "mine").commit;
    let theirs = write(&other, "alone", "theirs").unwrap().commit;
    // The same as the last that this store knows of, and yet a change.
    assert!(write(&wiki.store, "alone", "mine").unwrap().changed);
    assert_eq!(wiki.commits(), 6);

    let (wiki, other) = alone();
    let last = wiki.write("alone", "mine").commit;
    write(&other, "a/b", "x").unwrap();
    assert_code(write(&wiki.store, "a", "x"), ErrorCode::PathClash);
    assert_code(write_expecting(&wiki.store, "alone", "x", Some(&last)), ErrorCode::Conflict);
    assert_ne!(mine, theirs);

    let (wiki, other) = alone();
    let theirs = write(&other, "other", "x").unwrap().commit;
    write_expecting(&wiki.store, "alone", "x", Some(&theirs)).unwrap();
    assert_eq!(wiki.commits(), 5);
}
