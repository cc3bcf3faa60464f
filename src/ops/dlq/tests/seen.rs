//! Who looks leaves everything where it was.

use std::collections::BTreeSet;
use std::time::Duration;

use super::model::{Model, letter};
use crate::event::Events;
use crate::ops::dlq::{Seen, Selection, inspect};
use crate::signal::Cancel;

fn filled(ordered: bool, count: usize) -> Model {
    let model = Model::new(7, ordered);
    for number in 0..count {
        let mut letter = letter(&format!("m{number:04}"), r#"{"tenant_id": "acme"}"#);
        if ordered {
            letter.system.insert("MessageGroupId".into(), format!("group-{}", number % 3));
        }
        model.add(letter);
    }
    model
}

async fn look(model: &Model, most: usize, cancel: &Cancel) -> crate::error::Result<Seen> {
    let hide = Duration::from_secs(30);
    inspect(model, most, hide, &Selection::default(), (&Events::none(), cancel)).await
}

fn nothing_is_hidden(model: &Model) {
    let world = model.world();
    assert!(world.dead.iter().all(|it| it.hidden_until <= world.now));
}

#[tokio::test]
async fn every_message_is_seen_once_and_put_back() {
    let model = filled(false, 95);
    model.world().faults.twice = 20;
    let seen = look(&model, 1000, &Cancel::never()).await.unwrap();
    let ids: BTreeSet<&String> = seen.letters.iter().map(|letter| &letter.id).collect();
    assert_eq!((seen.letters.len(), ids.len(), seen.more), (95, 95, false));
    assert_eq!(model.world().dead.len(), 95);
    nothing_is_hidden(&model);
}

#[tokio::test]
async fn no_more_are_seen_than_asked_for() {
    let model = filled(false, 95);
    let seen = look(&model, 33, &Cancel::never()).await.unwrap();
    assert_eq!((seen.letters.len(), seen.more), (33, true));
    nothing_is_hidden(&model);
}

#[tokio::test]
async fn of_an_ordered_queue_the_first_of_each_group_are_seen() {
    let model = filled(true, 95);
    let seen = look(&model, 1000, &Cancel::never()).await.unwrap();
    assert!(!seen.letters.is_empty() && seen.letters.len() < 95);
    nothing_is_hidden(&model);
}

#[tokio::test]
async fn after_an_error_all_are_put_back() {
    for fuel in 1..12 {
        let model = filled(false, 95);
        model.world().fails_in = Some(fuel);
        let result = look(&model, 1000, &Cancel::never()).await;
        assert!(result.is_err());
        // The receive that failed may have hidden some: its handles are unknown.
        let world = model.world();
        let hidden = world.dead.iter().filter(|it| it.hidden_until > world.now).count();
        assert!(hidden <= 10, "{hidden}");
    }
}

#[tokio::test]
async fn after_an_interruption_all_are_put_back() {
    let model = filled(false, 95);
    let (canceller, cancel) = Cancel::new();
    let looking = look(&model, 1000, &cancel);
    let interrupt = async {
        for _ in 0..6 {
            tokio::task::yield_now().await;
        }
        canceller.cancel();
    };
    let (result, ()) = tokio::join!(looking, interrupt);
    assert_eq!(result.unwrap_err().kind(), crate::error::Kind::Interrupted);
    nothing_is_hidden(&model);
}

#[tokio::test]
async fn a_selection_is_shown_alone() {
    let model = filled(false, 20);
    let selection = Selection { filter: Some("id == 'm0003'".into()), ..Selection::default() };
    let hide = Duration::from_secs(30);
    let never = Cancel::never();
    let seen = inspect(&model, 100, hide, &selection, (&Events::none(), &never)).await.unwrap();
    assert_eq!(seen.letters.len(), 1);
    nothing_is_hidden(&model);
}
