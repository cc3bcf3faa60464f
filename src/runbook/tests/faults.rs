//! A crash after every record of the journal, and a resume: what was done is not done again,
//! and what comes of it is the same.

use super::stand_in::{Folder, StandIn, granted, runbook};
use crate::error::exit;
use crate::runbook::Choices;
use crate::signal::Cancel;

const STEPS: &str = "
  - { id: before, verb: { read before: {} } }
  - { id: leave, approval: { from: [Platform.Admin], within: 1h } }
  - { id: one, ops: { change: one }, undo: { ops: { change: undo one } } }
  - id: all
    parallel:
      - { id: a, ops: { change: a }, undo: { ops: { change: undo a } } }
      - { id: b, verb: { read b: {} } }
  - { id: blind, ops: { blind: send } }
  - { id: left_out, when: inputs.who == 'globex', ops: { change: never } }
  - { id: told, manual: { text: tell them, evidence: a ticket } }
  - { id: last, ops: { change: last }, on_failure: undo }
";

fn hands(last_fails: bool) -> StandIn {
    let hands = if last_fails { StandIn::default().fails("last", 1) } else { StandIn::default() };
    hands.reply("leave", granted());
    hands.reply("told", granted());
    hands
}

/// The journal of a whole run: its lines.
async fn whole(last_fails: bool) -> Vec<String> {
    let folder = Folder::new();
    let _ = folder.go(&runbook(STEPS), &hands(last_fails)).await;
    let text = std::fs::read_to_string(folder.path()).expect("a journal");
    text.lines().map(str::to_owned).collect()
}

/// A run that was cut off after `kept` lines, gone on with: what was done then, and how it ended.
async fn cut_off(lines: &[String], kept: usize, repeat: bool, fails: bool) -> (Vec<String>, u8) {
    let folder = Folder::new();
    // One run to have a journal of the right name; then what it was at the crash.
    folder.go(&runbook(STEPS), &hands(true)).await.expect_err("last fails");
    std::fs::write(folder.path(), lines[..kept].join("\n") + "\n").expect("a journal");
    let chosen = ["blind".to_owned()];
    let choices = if repeat {
        Choices { repeat: chosen.into(), ..Choices::default() }
    } else {
        Choices { skip: chosen.into(), ..Choices::default() }
    };
    let hands = hands(fails);
    let result = folder.go_with(&runbook(STEPS), &hands, choices, &Cancel::never()).await;
    (hands.calls(), result.err().map_or(exit::OK, |error| error.exit_code()))
}

/// How often the journal says that a step's work was done.
fn done(lines: &[String], step: &str) -> bool {
    lines.iter().any(|line| {
        line.contains("\"step_finished\"")
            && line.contains(&format!("\"step\":\"{step}\""))
            && line.contains("\"done\"")
    }) || {
        let intent = lines.iter().position(|line| {
            line.contains("\"intent\"") && line.contains(&format!("\"target\":\"{step}\""))
        });
        intent.is_some_and(|at| {
            let record: serde_json::Value = serde_json::from_str(&lines[at]).expect("a record");
            let id = format!("\"id\":{},\"kind\":\"outcome\"", record["entry"]["id"]);
            let other = format!("\"kind\":\"outcome\",\"id\":{}", record["entry"]["id"]);
            lines[at..].iter().any(|line| {
                (line.contains(&id) || line.contains(&other)) && line.contains("\"done\"")
            })
        })
    }
}

#[tokio::test]
async fn a_run_cut_off_after_any_record_ends_as_if_nothing_had_been() {
    let lines = whole(false).await;
    let order = ["before", "one", "a", "b", "blind", "last"];
    assert!(lines.len() > 25, "{}", lines.len());
    for kept in 1..lines.len() {
        let open = is_open(&lines[..kept], "blind");
        for repeat in [true, false].into_iter().filter(|repeat| *repeat || open) {
            let (calls, code) = cut_off(&lines, kept, repeat, false).await;
            assert_eq!(code, exit::OK, "after {kept} records: {}", lines[kept - 1]);
            let steps: Vec<&str> =
                calls.iter().map(|call| call.split(':').next().expect("a step")).collect();
            for step in order {
                let before = usize::from(done(&lines[..kept], step));
                let skipped = step == "blind" && !repeat;
                let times = steps.iter().filter(|it| **it == step).count();
                assert_eq!(
                    times + before + usize::from(skipped),
                    1,
                    "{step} after {kept} records: {}",
                    lines[kept - 1]
                );
            }
            let expected: Vec<&str> =
                order.into_iter().filter(|step| steps.contains(step)).collect();
            assert_eq!(steps, expected, "in order");
        }
    }
}

fn is_open(lines: &[String], step: &str) -> bool {
    let begun = lines.iter().any(|line| {
        line.contains("\"intent\"") && line.contains(&format!("\"target\":\"{step}\""))
    });
    begun && !done(lines, step)
}

#[tokio::test]
async fn a_run_cut_off_while_it_is_undone_is_undone() {
    let lines = whole(true).await;
    let failed = lines.iter().position(|line| line.contains("it broke")).expect("last fails");
    for kept in failed + 1..lines.len() {
        let undoing = lines[..kept].iter().any(|line| line.contains("\"step\":\"undo\""));
        let (calls, code) = cut_off(&lines, kept, true, true).await;
        let undone: Vec<&String> = calls.iter().filter(|it| it.starts_with("undo")).collect();
        let before =
            ["undo a", "undo one"].iter().filter(|step| done(&lines[..kept], step)).count();
        if lines[..kept].iter().any(|line| line.contains("\"undo\"") && line.contains("\"done\"")) {
            assert_eq!((code, undone.len()), (exit::USAGE, 0), "it was over");
            continue;
        }
        assert_eq!(code, exit::FAILED, "after {kept} records: {}", lines[kept - 1]);
        assert_eq!(undone.len() + before, 2, "after {kept} records: {}", lines[kept - 1]);
        if undoing {
            assert!(!calls.iter().any(|it| it.starts_with("last")), "it is not tried again");
        }
        if undone.len() == 2 {
            assert!(undone[0].starts_with("undo a") && undone[1].starts_with("undo one"));
        }
    }
}
