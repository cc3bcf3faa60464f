//! The engines on a model of the queues.

mod model;
mod purged;
mod redriven;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use model::Model;

use super::{History, Orders, Redriver, Selection};
use crate::event::Events;
use crate::signal::Cancel;

const RUN: &str = "2026-11-21-k3f9";

fn orders(ordered: bool, workers: usize) -> Orders {
    Orders {
        run: RUN.to_owned(),
        queue: "jobs-queue-dead-letters".to_owned(),
        target: "jobs".to_owned(),
        selection: Selection::default(),
        ordered,
        ordered_target: ordered,
        max: None,
        workers: if ordered { 1 } else { workers },
        rate: None,
        hide: Duration::from_secs(30),
        quarantine_after: None,
        archive: "quarantine".to_owned(),
        unmarked: false,
    }
}

fn redriver(model: &Model, orders: Orders, history: History) -> Arc<Redriver<Model, Model>> {
    let (broker, ledger) = (Arc::new(model.clone()), Arc::new(model.clone()));
    Arc::new(Redriver::new(broker, ledger, orders, history, (Events::none(), Cancel::never())))
}
