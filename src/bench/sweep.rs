//! One function with several memory sizes: what time and what money each costs.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::executor::{Call, Executor};
use super::lambda::{Changes, Function};
use super::plan::{Phase, Plan};
use super::price;
use super::result::Run;
use super::sample::{Failure, Inside};
use super::stats::{quantile, real, sorted};
use crate::config::LambdaPrices;
use crate::error::Result;

/// What one memory size comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Memory in MB.
    pub memory_mb: u32,
    /// Median of the function's own duration, in milliseconds.
    pub duration_ms: f64,
    /// Mean of what is billed, in milliseconds: the bill is a sum.
    pub billed_ms: f64,
    /// A million such calls, in US dollars.
    pub usd_per_million: f64,
}

/// The phases: calls with each memory size, one after another.
pub fn plan(memory: &[u32], count: usize, warm_up: usize, in_flight: usize) -> Plan {
    let phases = memory.iter().map(|mb| {
        let title = format!("{mb} MB");
        let phase = Phase::sequential(&format!("memory-{mb}"), &title, "invoke", count);
        Phase { memory_mb: Some(*mb), ..phase.warmed(warm_up).at_once(in_flight) }
    });
    Plan { phases: phases.collect() }
}

/// What each memory size of a run comes to, by memory.
pub fn points(run: &Run, prices: &LambdaPrices) -> Vec<Point> {
    let function = run.function.as_ref();
    let architecture = function.and_then(|it| it.architecture.as_deref()).unwrap_or("x86_64");
    let mut points: Vec<Point> = run
        .phases
        .iter()
        .filter_map(|measured| {
            let memory_mb = measured.phase.memory_mb?;
            let durations: Vec<f64> = measured.answered().filter_map(|it| it.duration_ms).collect();
            let billed: Vec<f64> = measured.answered().filter_map(|it| it.billed_ms).collect();
            if durations.is_empty() || billed.is_empty() {
                return None;
            }
            let billed_ms = billed.iter().sum::<f64>() / real(billed.len());
            let memory = f64::from(memory_mb);
            Some(Point {
                memory_mb,
                duration_ms: quantile(&sorted(&durations), 0.5),
                billed_ms,
                usd_per_million: price::per_million(prices, architecture, memory, billed_ms),
            })
        })
        .collect();
    points.sort_by_key(|point| point.memory_mb);
    points
}

/// Calls any function with the same payload.
#[derive(Debug)]
pub struct Invoker {
    function: Function,
    changes: Changes,
    payload: Value,
}

impl Invoker {
    /// Calls `function` with `payload`; changes of its memory go through `changes`.
    pub fn new(function: Function, changes: Changes, payload: Value) -> Arc<Self> {
        Arc::new(Self { function, changes, payload })
    }
}

impl Executor for Invoker {
    async fn begin(&self, phase: &Phase) -> Result<()> {
        match phase.memory_mb {
            Some(memory_mb) => self.changes.memory(memory_mb).await,
            None => Ok(()),
        }
    }

    async fn chill(&self, call: &Call) -> Result<()> {
        self.changes.chill(&format!("{}-{}", call.phase.name, call.index)).await
    }

    async fn execute(&self, _: &Call) -> Result<Inside, Failure> {
        let (answer, inside) = self.function.call(&self.payload).await?;
        // Our functions answer `{"ok": …}` or `{"error": {"code": …}}`.
        match answer.get("error").filter(|_| answer.get("ok").is_none()) {
            None => Ok(inside),
            Some(error) => {
                let code = error["code"].as_str().unwrap_or("error");
                let message = error["message"].as_str().unwrap_or("the function answered an error");
                Err(Failure::new(code, message))
            }
        }
    }
}
