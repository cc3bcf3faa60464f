//! The switch itself, its proof, and the way back.

use runtime_core::runtime_region::{LOCK, RuntimeRegion};
use serde::Serialize;
use serde_json::{Value, json};

use super::mirror::Mirror;
use super::verify::{Called, Probe};
use crate::aws::Regional;
use crate::error::{Context as _, Error, Kind, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
use crate::lock::Lease;
use crate::signal::Cancel;

/// A switch under a lock that is held.
#[derive(Debug)]
pub struct Switch<'a> {
    /// The lock of the runtime region.
    pub lease: &'a Lease,
    /// The copy for readers.
    pub mirror: &'a Mirror,
    /// Clients of the region to which agents are moved.
    pub target: &'a Regional,
    /// Where agents run now, and again if anything fails.
    pub previous: String,
    /// What is called to prove that it works.
    pub probes: &'a [Probe],
    /// The run's journal.
    pub journal: &'a Journal,
    /// Where progress goes.
    pub events: &'a Events,
    /// Raised when the user wants to stop, and when the lock is lost.
    pub cancel: &'a Cancel,
}

/// Agents were moved.
#[derive(Debug, Clone, Serialize)]
pub struct Switched {
    /// Where they run now, and the token of the decision.
    pub value: String,
    /// The calls that prove it.
    pub calls: Vec<Called>,
}

impl Switch<'_> {
    /// Moves agents, proves that they can run there, and moves them back if not.
    pub async fn run(&self) -> Result<Switched> {
        let region = self.target.region.as_str();
        let moved = async {
            self.step("switch", self.point_to(region)).await?;
            self.step("verify", self.prove()).await
        };
        let error = match moved.await {
            Ok(calls) => {
                let value = RuntimeRegion { region: region.to_owned(), token: self.lease.token() };
                return Ok(Switched { value: value.to_string(), calls });
            }
            Err(error) => error,
        };
        // Interrupted, it can be gone on with; without the lock, it is another's to decide.
        if self.cancel.is_cancelled() || matches!(error.kind(), Kind::Partial | Kind::Interrupted) {
            return Err(error);
        }
        let previous = self.previous.as_str();
        match self.step("switch-back", self.point_to(previous)).await {
            Ok(()) => Err(Error::failed(format!(
                "agents cannot run in {region}; they run in {previous} again"
            ))
            .caused_by(said(&error))),
            Err(back) => Err(Error::new(
                Kind::Partial,
                format!("agents cannot run in {region}, and could not be moved back to {previous}"),
            )
            .caused_by(format!("{}\n{}", said(&error), said(&back)))
            .hint("look at `platformctl ops failover-status`")),
        }
    }

    /// The authoritative value first, under the token; then the copy.
    ///
    /// A run that goes on writes the value again: it has another token than before.
    async fn point_to(&self, region: &str) -> Result<()> {
        let value = RuntimeRegion { region: region.to_owned(), token: self.lease.token() };
        let detail = json!({ "region": region, "fence": value.token, "previous": self.previous });
        let text = region.parse().context("the region's name is too long")?;
        let set = Box::pin(self.lease.set(text));
        self.journal.mutate("lock:SetValue", LOCK, detail.clone(), set).await?;
        let fence = self.lease.fence();
        let copy = Box::pin(self.mirror.write(&value, &fence));
        self.journal.mutate("ssm:PutParameter", self.mirror.path(), detail, copy).await
    }

    async fn prove(&self) -> Result<Vec<Called>> {
        failpoint::hit("verify", self.cancel).await;
        let mut calls = Vec::new();
        for probe in self.probes {
            self.cancel.check()?;
            let called = Box::pin(probe.call(self.target, self.events, self.cancel)).await?;
            let (function, took) = (&called.function, called.wall_ms);
            self.events.info(format!("{function} answered in {took:.1} ms"));
            calls.push(called);
        }
        Ok(calls)
    }

    /// One step, told and journaled with its evidence.
    async fn step<T: Serialize>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.events.started(name, name, None);
        self.journal.write(Entry::StepStarted { step: name.to_owned() })?;
        let result = work.await;
        let (outcome, shown, detail) = match &result {
            Ok(evidence) => {
                let detail = serde_json::to_value(evidence).unwrap_or(Value::Null);
                (StepOutcome::Done, Outcome::Done, detail)
            }
            Err(error) => {
                (StepOutcome::of(error), Outcome::Failed, json!({ "error": said(error) }))
            }
        };
        self.journal.write(Entry::StepFinished { step: name.to_owned(), outcome, detail })?;
        let text = result.as_ref().err().map_or("", |error| error.message());
        self.events.finished(name, shown, text);
        result
    }
}

fn said(error: &Error) -> String {
    let causes = error.causes();
    std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ")
}
