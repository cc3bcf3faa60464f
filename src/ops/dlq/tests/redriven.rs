//! Nothing is lost, whatever happens, and duplicates are bounded, marked and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::RngExt as _;
use runtime_core::queues::{REDRIVE_COUNT, REDRIVE_OF};

use super::model::{Faults, Model, letter};
use super::{RUN, orders, redriver};
use crate::error::Kind;
use crate::ops::dlq::{Attribute, BATCH, Orders, Redriven, Selection};

/// Schedules of faults and kills; twenty thousand with `PLATFORMCTL_TEST_FULL=1`.
const SCHEDULES: u64 = 300;
const ALL_SCHEDULES: u64 = 20_000;
const TENANTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

/// `count` dead letters of several tenants, which are the groups of an ordered queue.
fn filled(seed: u64, ordered: bool, count: usize) -> Model {
    let model = Model::new(seed, ordered);
    for number in 0..count {
        let tenant = TENANTS[model.world().rng.random_range(0..TENANTS.len())];
        let body = format!(r#"{{"tenant_id": "{tenant}", "n": {number}}}"#);
        let mut letter = letter(&format!("m{number:04}"), &body);
        if ordered {
            letter.system.insert("MessageGroupId".into(), tenant.into());
        }
        if number.is_multiple_of(9) {
            letter.attributes.insert(REDRIVE_COUNT.into(), Attribute::number(3));
        }
        model.add(letter);
    }
    model
}

/// Kills the run again and again, and lets the last one end.
async fn survive(model: &Model, orders: &Orders, kills: u64) -> Redriven {
    for _ in 0..kills {
        let fuel = model.world().rng.random_range(1..120);
        let history = model.next_process(Some(fuel));
        let _ = redriver(model, orders.clone(), history).run().await;
    }
    loop {
        let history = model.next_process(None);
        match redriver(model, orders.clone(), history).run().await {
            Ok(report) => return report,
            // No answer, too often in a row.
            Err(error) => assert_eq!(error.message(), "no answer"),
        }
    }
}

/// How often each message is in the target, by the id of the dead letter.
fn copies(model: &Model) -> BTreeMap<String, u64> {
    let mut copies = BTreeMap::new();
    for message in &model.world().target {
        let mark = message.attributes[REDRIVE_OF].as_text().unwrap();
        assert_eq!(mark, format!("{RUN}/{}", message.id));
        assert_eq!(message.attributes["own"], Attribute::text("kept"));
        *copies.entry(message.id.clone()).or_insert(0) += 1;
    }
    copies
}

fn archived(model: &Model) -> BTreeSet<String> {
    let world = model.world();
    let ids = world.archive.keys().map(|key| key.strip_prefix("quarantine/").unwrap());
    ids.map(|name| name.trim_end_matches(".json").to_owned()).collect()
}

async fn schedule(seed: u64) {
    let ordered = seed.is_multiple_of(3);
    let model = filled(seed, ordered, 150);
    let ids: Vec<String> = model.world().dead.iter().map(|it| it.letter.id.clone()).collect();
    model.world().faults = Faults::SOME;
    let (workers, kills) = {
        let mut world = model.world();
        (world.rng.random_range(1..6), world.rng.random_range(0..8))
    };
    let mut orders = orders(ordered, workers);
    let chosen = seed.is_multiple_of(2);
    if chosen {
        orders.selection.filter = Some("tenant != 'acme'".to_owned());
    }
    let quarantines = seed % 5 < 2;
    orders.quarantine_after = quarantines.then_some(3);
    let report = survive(&model, &orders, kills).await;

    let (copies, archived) = (copies(&model), archived(&model));
    let (mut moved, mut aside, mut stayed) = (0, 0, 0);
    for id in &ids {
        let (there, kept, here) =
            (copies.contains_key(id), archived.contains(id), model.world().is_dead_letter(id));
        // In exactly one place.
        assert_eq!(u8::from(there) + u8::from(kept) + u8::from(here), 1, "seed {seed}: {id}");
        moved += u64::from(there);
        aside += u64::from(kept);
        stayed += u64::from(here);
        let number: usize = id[1..].parse().unwrap();
        assert!(!kept || quarantines && number.is_multiple_of(9), "seed {seed}: {id}");
    }
    assert_eq!((report.moved, report.quarantined), (moved, aside), "seed {seed}");
    assert_eq!((report.left, report.in_doubt), (stayed, 0), "seed {seed}");
    if !chosen {
        assert_eq!(stayed, 0, "seed {seed}");
    }
    let duplicates: u64 = copies.values().map(|count| count - 1).sum();
    let workers = orders.workers as u64;
    let batch = BATCH as u64;
    let world = model.world();
    assert!(duplicates <= report.possible_duplicates, "seed {seed}");
    let bound = kills * workers * batch + world.unsure * batch;
    assert!(report.possible_duplicates <= bound, "seed {seed}: {report:?}");
    // What stays is back for everyone.
    assert!(world.dead.iter().all(|it| it.hidden_until <= world.now), "seed {seed}");
    drop(world);
    if ordered {
        is_in_order(&model, seed);
    }
}

/// Each group arrives in its order, without gaps: behind one that stays, all stay.
fn is_in_order(model: &Model, seed: u64) {
    let world = model.world();
    for tenant in TENANTS {
        let mut known = BTreeSet::new();
        let arrived = world.target.iter().filter(|it| it.group.as_deref() == Some(tenant));
        let arrived: Vec<&String> =
            arrived.map(|it| &it.id).filter(|id| known.insert(id.as_str())).collect();
        assert!(arrived.is_sorted(), "seed {seed}: {tenant} {arrived:?}");
        let stays = world.dead.iter().filter(|it| it.letter.group() == Some(tenant));
        let first = stays.map(|it| &it.letter.id).min();
        if let (Some(first), Some(last)) = (first, arrived.last()) {
            assert!(*last < first, "seed {seed}: {tenant} {last} before {first}");
        }
    }
}

#[tokio::test]
async fn every_message_is_accounted_for_on_every_schedule() {
    let full = std::env::var_os("PLATFORMCTL_TEST_FULL").is_some();
    for seed in 0..if full { ALL_SCHEDULES } else { SCHEDULES } {
        schedule(seed).await;
    }
}

#[tokio::test]
async fn without_faults_there_are_no_duplicates() {
    for ordered in [false, true] {
        let model = filled(1, ordered, 150);
        let report = survive(&model, &orders(ordered, 4), 0).await;
        assert_eq!((report.moved, report.possible_duplicates, report.left), (150, 0, 0));
        assert_eq!(copies(&model).values().max(), Some(&1));
    }
}

#[tokio::test]
async fn a_refused_message_stays_and_keeps_those_behind_it() {
    for ordered in [false, true] {
        let model = filled(2, ordered, 150);
        model.world().faults.refused = 10;
        let report = survive(&model, &orders(ordered, 3), 0).await;
        let left = report.left;
        assert!(report.kept["refused"] > 0 && left >= report.kept["refused"]);
        assert_eq!(report.moved + left, 150);
        assert!(!report.refusals.is_empty());
        if ordered {
            is_in_order(&model, 2);
        }
        // The reason may pass: another run moves the rest.
        model.world().faults.refused = 0;
        model.world().ledger.clear();
        let report = survive(&model, &orders(ordered, 3), 0).await;
        assert_eq!((report.moved, report.left), (left, 0));
    }
}

#[tokio::test]
async fn what_comes_back_is_not_moved_twice_by_one_run() {
    let model = filled(3, false, 40);
    model.world().poison = ["m0001", "m0002"].map(str::to_owned).into();
    let report = survive(&model, &orders(false, 2), 0).await;
    assert_eq!((report.moved, report.left), (40, 2));
    assert_eq!(report.kept, [("came_back", 2)].into());
}

#[tokio::test]
async fn poison_goes_to_the_archive_after_as_many_times() {
    let model = filled(4, false, 20);
    model.world().poison = ["m0001"].map(str::to_owned).into();
    for number in 1..=2 {
        model.world().ledger.clear();
        let mut orders = orders(false, 2);
        orders.run = format!("2026-11-21-run{number}");
        orders.quarantine_after = Some(2);
        // Those that were moved three times before go there at once.
        let report = survive(&model, &orders, 0).await;
        let expected = if number == 1 { (17, 3, 1) } else { (1, 1, 0) };
        assert_eq!((report.moved, report.quarantined, report.left), expected);
    }
    let world = model.world();
    let (_, text) = world.archive.iter().find(|(key, _)| key.contains("m0001")).unwrap();
    let record: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(record["attributes"][REDRIVE_COUNT]["text"], "2");
    assert!(record["body"].as_str().unwrap().contains("tenant_id"));
}

#[tokio::test]
async fn no_more_are_moved_than_may_over_all_attempts() {
    let model = filled(5, false, 150);
    let orders = Orders { max: Some(42), ..orders(false, 4) };
    let report = survive(&model, &orders, 5).await;
    assert_eq!((report.moved, report.left), (42, 108));
}

#[tokio::test]
async fn messages_without_room_for_marks_stay_unless_they_may_go_unmarked() {
    let model = filled(6, false, 5);
    for dead in &mut model.world().dead {
        for number in 0..8 {
            dead.letter.attributes.insert(format!("more-{number}"), Attribute::number(1));
        }
        dead.letter.attributes.remove(REDRIVE_COUNT);
    }
    let report = survive(&model, &orders(false, 1), 0).await;
    assert_eq!((report.moved, report.left), (0, 5));
    assert_eq!(report.kept, [("no_room_for_marks", 5)].into());
    let report = survive(&model, &Orders { unmarked: true, ..orders(false, 1) }, 0).await;
    assert_eq!((report.moved, report.left), (5, 0));
    assert!(model.world().target.iter().all(|it| it.attributes.len() == 9));
}

#[tokio::test]
async fn a_rate_is_kept() {
    let model = filled(7, false, 100);
    let begun = model.world().now;
    let orders = Orders { rate: Some(20.0), ..orders(false, 1) };
    survive(&model, &orders, 0).await;
    let took = Duration::from_millis(model.world().now - begun);
    // Ten at once, ninety at twenty a second, and the last looks for more.
    assert!(took >= Duration::from_millis(4500) && took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_canary_that_is_handled_lets_the_rest_follow() {
    let model = filled(8, false, 100);
    model.world().handles = 3;
    let redriver = redriver(&model, orders(false, 4), model.next_process(None));
    assert_eq!(redriver.canary(5, Duration::from_mins(1)).await.unwrap(), 5);
    assert_eq!(model.world().target.len(), 5);
    let report = redriver.run().await.unwrap();
    assert_eq!((report.moved, report.left), (100, 0));
}

#[tokio::test]
async fn a_canary_that_fails_stops_the_run() {
    // Not handled in time.
    let model = filled(9, false, 100);
    let idle = redriver(&model, orders(false, 4), model.next_process(None));
    let error = idle.canary(5, Duration::from_mins(1)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Partial);
    assert!(error.message().contains("5 more messages than before"), "{error}");
    assert_eq!(model.world().target.len(), 5);
    // Come back.
    let model = filled(10, false, 100);
    model.world().poison = (0..100).map(|number| format!("m{number:04}")).collect();
    model.world().handles = 5;
    let poisoned = redriver(&model, orders(false, 4), model.next_process(None));
    let error = poisoned.canary(5, Duration::from_mins(1)).await.unwrap_err();
    assert!(error.message().contains("5 of 5 messages came back"), "{error}");
    assert_eq!(model.world().target.len(), 5);
}

#[tokio::test]
async fn a_selection_by_tenant_and_age_moves_no_other() {
    let model = filled(11, false, 100);
    let selection = Selection { tenant: Some("acme".into()), ..Selection::default() };
    let orders = Orders { selection, ..orders(false, 3) };
    let report = survive(&model, &orders, 0).await;
    let world = model.world();
    assert!(world.target.iter().all(|it| it.body.contains("acme")));
    assert!(world.dead.iter().all(|it| !it.letter.body.contains("acme")));
    assert_eq!(report.kept["not_selected"], report.left);
}
