//! What is deleted is in the archive.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt as _;

use super::model::{Faults, Model, letter};
use crate::event::Events;
use crate::ops::dlq::{History, Purged, Purger};
use crate::signal::Cancel;

fn filled(seed: u64, ordered: bool, count: usize) -> Model {
    let model = Model::new(seed, ordered);
    for number in 0..count {
        let mut letter = letter(&format!("m{number:04}"), "body");
        if ordered {
            letter.system.insert("MessageGroupId".into(), format!("group-{}", number % 3));
        }
        model.add(letter);
    }
    model
}

async fn purge(model: &Model, history: History) -> crate::error::Result<Purged> {
    let purger = Purger {
        broker: Arc::new(model.clone()),
        ledger: Arc::new(model.clone()),
        queue: "jobs-queue-dead-letters".into(),
        archive: "archive".into(),
        hide: Duration::from_mins(2),
        events: Events::none(),
        cancel: Cancel::never(),
        history: Mutex::new(history),
    };
    purger.run().await
}

fn archived(model: &Model) -> Vec<String> {
    let world = model.world();
    let lines = world.archive.values().flat_map(|text| text.lines());
    let records = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn nothing_is_deleted_that_is_not_in_the_archive() {
    for seed in 0..60 {
        let model = filled(seed, seed % 3 == 0, 300);
        model.world().faults = Faults { twice: 200, torn: 9, ..Faults::SOME };
        let mut ended = None;
        for _ in 0..6 {
            let fuel = model.world().rng.random_range(1..300);
            let history = model.next_process(Some(fuel));
            ended = purge(&model, history).await.ok();
            let here: BTreeSet<String> =
                model.world().dead.iter().map(|it| it.letter.id.clone()).collect();
            let all: BTreeSet<String> = archived(&model).into_iter().chain(here).collect();
            assert_eq!(all.len(), 300, "seed {seed}");
        }
        model.world().faults.torn = 0;
        while ended.is_none() {
            let history = model.next_process(None);
            ended = purge(&model, history).await.ok();
        }
        let report = ended.unwrap();
        assert_eq!((report.archived, report.deleted, report.left), (300, 300, 0), "seed {seed}");
        assert!(model.world().dead.is_empty() && model.world().target.is_empty());
        let objects: Vec<String> = model.world().archive.keys().cloned().collect();
        assert!(report.objects.iter().all(|key| objects.contains(key)));
    }
}

#[tokio::test]
async fn an_archive_that_reads_back_otherwise_stops_the_purge() {
    let model = filled(1, false, 30);
    model.world().faults.torn = 1;
    let error = purge(&model, History::default()).await.unwrap_err();
    assert!(error.message().contains("none of them was deleted"), "{error}");
    let world = model.world();
    assert_eq!(world.dead.len(), 30);
    // And they are back for everyone.
    assert!(world.dead.iter().all(|it| it.hidden_until <= world.now));
}

#[tokio::test]
async fn an_empty_queue_needs_no_archive() {
    let model = filled(2, false, 0);
    let report = purge(&model, History::default()).await.unwrap();
    assert_eq!(report, Purged::default());
    assert!(model.world().archive.is_empty());
}
