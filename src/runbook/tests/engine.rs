use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;

use super::stand_in::{Comes, Folder, StandIn, granted, runbook, scope};
use crate::error::{Kind, exit};
use crate::journal::Entry;
use crate::runbook::{Abandon, Choices, Fate, rehearse};
use crate::signal::Cancel;

const THREE: &str = "
  - id: one
    ops: { change: one }
    undo: { ops: { change: 'undo {{ steps.one.n }}' } }
  - id: two
    verb: { read two: {} }
  - id: three
    ops: { change: three }
    undo: { ops: { change: undo three } }
";

#[tokio::test]
async fn steps_are_done_in_order_and_find_what_came_of_those_before() {
    let hands = StandIn::default();
    let steps = format!(
        "{THREE}  - id: four\n    ops: {{ change: '{{{{ steps.one.n }}}} and {{{{ inputs.who }}}}' }}\n"
    );
    Folder::new().go(&runbook(&steps), &hands).await.expect("done");
    assert_eq!(
        hands.calls(),
        [
            "one: ops change one",
            "two: read two '{}'",
            "three: ops change three",
            "four: ops change '1 and acme'",
        ]
    );
}

#[tokio::test]
async fn what_was_done_is_undone_in_reverse_order() {
    let hands = StandIn::default().fails("four", 9);
    let steps = format!(
        "{THREE}  - id: four\n    ops: {{ change: four }}\n    on_failure: undo\n  - id: five\n    ops: {{ change: five }}\n"
    );
    let folder = Folder::new();
    let error = folder.go(&runbook(&steps), &hands).await.expect_err("four fails");
    assert_eq!(error.exit_code(), exit::FAILED);
    assert!(error.message().contains("step four: it broke; what was done is undone"), "{error}");
    assert_eq!(
        hands.calls()[3..],
        [
            "four: ops change four",
            "undo three: ops change 'undo three'",
            "undo one: ops change 'undo 1'"
        ]
    );
    let again = folder.go(&runbook(&steps), &hands).await.expect_err("it is over");
    assert_eq!(again.exit_code(), exit::USAGE);
    assert_eq!(hands.calls().len(), 6);
}

#[tokio::test]
async fn an_undo_that_fails_is_gone_on_with() {
    let hands = StandIn::default().fails("four", 1).fails("undo one", 1);
    let steps = format!("{THREE}  - id: four\n    ops: {{ change: four }}\n    on_failure: undo\n");
    let folder = Folder::new();
    let error = folder.go(&runbook(&steps), &hands).await.expect_err("undo one fails");
    assert_eq!(error.kind(), Kind::Partial);
    let error = folder.go(&runbook(&steps), &hands).await.expect_err("and is done");
    assert_eq!(error.kind(), Kind::Failed);
    let undone: Vec<_> = hands.calls().into_iter().filter(|it| it.starts_with("undo")).collect();
    assert_eq!(undone.len(), 3, "{undone:?}");
    assert!(undone[0].starts_with("undo three") && undone[2].starts_with("undo one"));
}

#[tokio::test]
async fn a_failure_stops_and_is_tried_again_by_a_resume_or_is_passed_over() {
    let hands = StandIn::default().fails("two", 1);
    let folder = Folder::new();
    let error = folder.go(&runbook(THREE), &hands).await.expect_err("two fails");
    assert_eq!(error.message(), "step two: it broke");
    folder.go(&runbook(THREE), &hands).await.expect("done");
    let calls = hands.calls();
    assert_eq!(calls.iter().map(|it| &it[..3]).collect::<Vec<_>>(), ["one", "two", "two", "thr"]);

    let hands = StandIn::default().fails("two", 9);
    let steps = THREE.replace("{ read two: {} }", "{ read two: {} }\n    on_failure: continue");
    let steps = format!(
        "{steps}  - id: four\n    when: outcomes.two == 'failed'\n    ops: {{ change: four }}\n"
    );
    Folder::new().go(&runbook(&steps), &hands).await.expect("done");
    assert_eq!(hands.calls().len(), 4);
}

#[tokio::test]
async fn a_step_is_left_out_when_its_condition_does_not_hold() {
    let hands = StandIn::default();
    let steps = "
  - { id: one, when: inputs.who == 'globex', ops: { change: one } }
  - { id: two, when: '{{ inputs.who == \"acme\" }}', ops: { change: two } }
  - { id: three, when: outcomes.one == 'skipped', ops: { change: three } }
";
    let folder = Folder::new();
    folder.go(&runbook(steps), &hands).await.expect("done");
    assert_eq!(hands.calls(), ["two: ops change two", "three: ops change three"]);
}

#[tokio::test]
async fn a_step_is_tried_as_often_as_it_says() {
    let steps = "  - { id: one, ops: { change: one }, retry: { times: 2, every: 1ms } }\n";
    let hands = StandIn::default().fails("one", 2);
    Folder::new().go(&runbook(steps), &hands).await.expect("the third goes well");
    assert_eq!(hands.calls().len(), 3);
    let hands = StandIn::default().fails("one", 3);
    Folder::new().go(&runbook(steps), &hands).await.expect_err("all three failed");
    assert_eq!(hands.calls().len(), 3);
}

#[tokio::test]
async fn what_takes_too_long_is_stopped_and_of_some_nobody_can_tell() {
    let late = || [Comes::Late(Duration::from_mins(1))];
    let steps =
        "  - { id: one, ops: { change: one }, timeout: 20ms, retry: { times: 1, every: 1ms } }\n";
    let hands = StandIn::default().answers("one", late());
    Folder::new().go(&runbook(steps), &hands).await.expect("the second goes well");

    let steps =
        "  - { id: one, ops: { blind: one }, timeout: 20ms, retry: { times: 1, every: 1ms } }\n";
    let hands = StandIn::default().answers("one", late());
    let folder = Folder::new();
    let error = folder.go(&runbook(steps), &hands).await.expect_err("nobody can tell");
    assert_eq!(error.exit_code(), exit::PARTIAL);
    assert!(error.hints()[0].contains("--repeat one"), "{:?}", error.hints());
    // Not repeated blindly, however often it is resumed.
    let error = folder.go(&runbook(steps), &hands).await.expect_err("still not");
    assert_eq!((error.exit_code(), hands.calls().len()), (exit::PARTIAL, 1));
    let skip = Choices { skip: ["one".to_owned()].into(), ..Choices::default() };
    folder.go_with(&runbook(steps), &hands, skip, &Cancel::never()).await.expect("skipped");
    assert_eq!(hands.calls().len(), 1);

    let hands = StandIn::default().answers("one", late());
    let folder = Folder::new();
    folder.go(&runbook(steps), &hands).await.expect_err("nobody can tell");
    let repeat = Choices { repeat: ["one".to_owned()].into(), ..Choices::default() };
    folder.go_with(&runbook(steps), &hands, repeat, &Cancel::never()).await.expect("repeated");
    assert_eq!(hands.calls().len(), 2);

    let hands = StandIn { again: Some(true), ..StandIn::default() }.answers("one", late());
    let folder = Folder::new();
    folder.go(&runbook(steps), &hands).await.expect_err("nobody can tell");
    folder.go(&runbook(steps), &hands).await.expect("somebody said yes");
    assert_eq!(hands.calls().len(), 2);
}

#[tokio::test]
async fn steps_at_once_run_at_once_and_all_end() {
    let all = Arc::new(Barrier::new(2));
    let together = || [Comes::Together(Arc::clone(&all))];
    let hands = StandIn::default().answers("a", together()).answers("b", together()).fails("c", 1);
    let steps = "
  - id: all
    parallel:
      - { id: a, ops: { change: a }, undo: { ops: { change: back } } }
      - { id: b, ops: { change: b } }
      - { id: c, ops: { change: c } }
    on_failure: undo
";
    let (folder, loaded) = (Folder::new(), runbook(steps));
    let run = tokio::time::timeout(Duration::from_mins(1), folder.go(&loaded, &hands));
    let error = run.await.expect("neither waits for the other to end").expect_err("c fails");
    assert!(error.message().contains("step c: it broke"), "{error}");
    assert_eq!(hands.calls().last().expect("calls"), "undo a: ops change back");
}

#[tokio::test]
async fn a_wait_reads_until_it_is_so() {
    let answers = || [json!({ "status": "busy" }), json!({ "status": "idle" })].map(Comes::To);
    let steps = "
  - id: idle
    wait: { read: { verb: { read it: {} } }, until: result.status == 'idle', every: 1ms, within: 1s }
  - id: then
    ops: { change: '{{ steps.idle.status }}' }
";
    let hands = StandIn::default().answers("idle", answers());
    Folder::new().go(&runbook(steps), &hands).await.expect("idle");
    assert_eq!(hands.calls().last().expect("calls"), "then: ops change idle");
    let never = steps.replace("'idle'", "'never'").replace("1s", "20ms");
    let hands =
        StandIn::default().answers("idle", (0..99).map(|_| Comes::To(json!({ "status": 1 }))));
    let error = Folder::new().go(&runbook(&never), &hands).await.expect_err("never");
    assert!(error.message().contains("waited 20ms in vain"), "{error}");
    let pause = "  - { id: a, wait: { pause: 30ms } }\n";
    let begun = std::time::Instant::now();
    Folder::new().go(&runbook(pause), &StandIn::default()).await.expect("waited");
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

const LEAVE: &str = "
  - { id: one, ops: { change: one } }
  - { id: leave, approval: { from: [Platform.Admin], within: 1h, text: 'for {{ inputs.who }}' } }
  - { id: told, manual: { text: tell them, evidence: a ticket } }
  - { id: two, ops: { change: 'by {{ steps.leave.by }}, {{ steps.told.evidence }}' } }
";

#[tokio::test]
async fn people_are_waited_for_and_what_they_say_is_kept() {
    let (folder, hands, loaded) = (Folder::new(), StandIn::default(), runbook(LEAVE));
    let error = folder.go(&loaded, &hands).await.expect_err("nobody is there");
    assert_eq!(error.exit_code(), exit::WAITING);
    assert!(error.hints()[0].contains("runbook approve"), "{:?}", error.hints());
    let first = hands.asked.lock().unwrap()[0].clone();
    assert_eq!((first.text.as_str(), first.from[0].as_str()), ("for acme", "Platform.Admin"));
    // Asked again by a resume, it is the same request with the same end.
    folder.go(&loaded, &hands).await.expect_err("still nobody");
    assert_eq!(hands.asked.lock().unwrap()[1], first);
    hands.reply("leave", granted());
    let error = folder.go(&loaded, &hands).await.expect_err("now for the other");
    assert_eq!((error.exit_code(), hands.calls().len()), (exit::WAITING, 1));
    hands.reply("told", granted());
    folder.go(&loaded, &hands).await.expect("done");
    assert_eq!(hands.calls()[1], "two: ops change 'by ada@ops, ticket 7'");
}

#[tokio::test]
async fn leave_counts_only_from_whom_it_was_asked_in_time_and_with_evidence() {
    let reply = granted();
    for (step, wrong, said) in [
        (
            "leave",
            crate::runbook::Reply { roles: vec!["Platform.Operator".into()], ..reply.clone() },
            "has Platform.Operator, and not Platform.Admin",
        ),
        (
            "leave",
            crate::runbook::Reply { granted: false, ..reply.clone() },
            "refused by ada@ops: ticket 7",
        ),
        (
            "leave",
            crate::runbook::Reply { at: "2999-01-01T00:00:00Z".into(), ..reply.clone() },
            "after",
        ),
        (
            "told",
            crate::runbook::Reply { evidence: Some(" ".into()), ..reply.clone() },
            "gave no evidence",
        ),
    ] {
        let hands = StandIn::default();
        hands.reply("leave", granted());
        hands.reply(step, wrong);
        let error = Folder::new().go(&runbook(LEAVE), &hands).await.expect_err(said);
        assert!(error.message().contains(said), "{error}");
        assert_eq!(hands.calls().len(), 1, "{said}");
    }
    // Nobody answers: after its time the step has failed, and is no longer waiting.
    let late = LEAVE.replace("within: 1h", "within: 10ms");
    let (folder, hands) = (Folder::new(), StandIn::default());
    folder.go(&runbook(&late), &hands).await.expect_err("waits");
    let mut error = folder.go(&runbook(&late), &hands).await.expect_err("waits");
    for _ in 0..500 {
        if error.exit_code() == exit::FAILED {
            break;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
        error = folder.go(&runbook(&late), &hands).await.expect_err("too late");
    }
    assert!(error.message().contains("nobody answered until"), "{error}");
}

#[tokio::test]
async fn a_run_is_given_up_between_two_steps_and_undone_if_that_is_wanted() {
    let told = Abandon { by: "me".into(), reason: "false alarm".into(), undo: true };
    let hands = StandIn { abandon: Some(told).into(), ..StandIn::default() };
    let (folder, loaded) = (Folder::new(), runbook(THREE));
    folder.go(&loaded, &StandIn::default().fails("three", 1)).await.expect_err("three fails");
    let error = folder.go(&loaded, &hands).await.expect_err("given up");
    assert_eq!(error.message(), "aborted by me: false alarm");
    assert_eq!(hands.calls(), ["undo one: ops change 'undo 1'"]);
    assert!(folder.records().iter().any(|it| matches!(it.entry, Entry::RunAborted { .. })));
    let error = folder.go(&loaded, &hands).await.expect_err("it is over");
    assert_eq!(error.exit_code(), exit::USAGE);
}

#[tokio::test]
async fn ctrl_c_stops_what_is_under_way_and_a_resume_goes_on() {
    let (folder, loaded) = (Folder::new(), runbook(THREE));
    let hands = StandIn::default().answers("one", [Comes::Late(Duration::from_mins(1))]);
    let (canceller, cancel) = Cancel::new();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        canceller.cancel();
    };
    let run = folder.go_with(&loaded, &hands, Choices::default(), &cancel);
    let (result, ()) = tokio::join!(run, stop);
    assert_eq!(result.expect_err("interrupted").exit_code(), exit::INTERRUPTED);
    folder.go(&loaded, &hands).await.expect("done");
    assert_eq!(hands.calls().len(), 4);
}

#[tokio::test]
async fn a_dry_run_reads_and_changes_nothing() {
    let steps = "
  - { id: before, verb: { read before: {} } }
  - { id: leave, approval: { from: [Platform.Admin], within: 1h } }
  - { id: change, ops: { change: 'to {{ steps.before.n }}' } }
  - { id: shown, ops: { change shows: it } }
  - { id: next, ops: { change: 'then {{ steps.change.n }}' } }
  - { id: maybe, when: steps.change.n > 3, ops: { change: maybe } }
  - { id: not, when: inputs.who == 'globex', ops: { change: not } }
  - { id: after, verb: { read after: {} } }
  - { id: idle, wait: { read: { verb: { read it: {} } }, until: result.n > 99, within: 1h } }
";
    let hands = StandIn::default().fails("after", 1);
    let done =
        rehearse(&runbook(steps), &hands, scope(), &Cancel::never()).await.expect("a dry run");
    assert_eq!(
        hands.calls(),
        [
            "before: read before '{}'",
            "shown: ops change shows it (rehearsal)",
            "after: read after '{}'",
            "idle: read it '{}'",
        ]
    );
    let fates: Vec<_> = done.iter().map(|step| (step.step.as_str(), step.fate)).collect();
    assert_eq!(
        fates,
        [
            ("before", Fate::Read),
            ("leave", Fate::Printed),
            ("change", Fate::Printed),
            ("shown", Fate::Rehearsed),
            ("next", Fate::Printed),
            ("maybe", Fate::Printed),
            ("not", Fate::Skipped),
            ("after", Fate::NotYet),
            ("idle", Fate::Read),
        ]
    );
    assert_eq!(done[2].work, "platformctl ops change 'to 1'");
    assert!(done[4].note.contains("only the run itself will know"), "{}", done[4].note);
    // Before anything would be changed, a read that fails is a failure.
    let hands = StandIn::default().fails("before", 1);
    let done =
        rehearse(&runbook(steps), &hands, scope(), &Cancel::never()).await.expect("a dry run");
    assert_eq!(done[0].fate, Fate::Failed);
}
