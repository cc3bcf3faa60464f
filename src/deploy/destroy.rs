//! Deletes stacks in reverse order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use stacks::StackTemplate;

use super::dag::{self, Concurrency, Dag, each};
use super::observe::{live_resources, observe};
use super::overall::Overall;
use super::waiter::{Follow, seen_events};
use crate::aws::{Regional, Regions, explain};
use crate::error::{Error, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
use crate::lock::Fence;
use crate::signal::Cancel;

/// What a destroy did.
#[derive(Debug, Clone, Serialize)]
pub struct DestroyReport {
    /// One entry a stack, in the order of deletion.
    pub stacks: Vec<DestroyedStack>,
}

/// A stack after its destroy.
#[derive(Debug, Clone, Serialize)]
pub struct DestroyedStack {
    /// Short name.
    pub name: String,
    /// Region.
    pub region: String,
    /// `deleted`, `absent`, `failed` or `skipped`.
    pub status: &'static str,
    /// Duration in seconds.
    pub seconds: f64,
    /// What was kept on purpose (`DeletionPolicy: Retain`): physical ids by logical
    /// id. Nothing else remembers them.
    pub retained: BTreeMap<String, String>,
}

/// The same stacks, consumers first.
pub fn destroy_order(templates: &[StackTemplate]) -> Vec<String> {
    dag_of(templates).reversed().nodes().to_vec()
}

fn dag_of(templates: &[StackTemplate]) -> Dag {
    let mut dag = Dag::default();
    for template in templates {
        dag.add(&template.name, template.depends_on.iter().cloned());
    }
    dag
}

/// Deletes stacks, each in its region.
#[derive(Debug, Clone)]
pub struct Destroyer {
    /// Clients of the stacks' regions.
    pub aws: Regions,
    /// How many stacks are deleted at once.
    pub concurrency: Concurrency,
    /// Proves that the environment's lock is still this run's, where there is one.
    pub fence: Option<Fence>,
    /// The run's journal.
    pub journal: Arc<Journal>,
    /// Where progress goes.
    pub events: Events,
    /// Whether to stop.
    pub cancel: Cancel,
}

impl Destroyer {
    /// The short names of those stacks of `templates` that exist, in their order. Refuses
    /// when any of them is protected against deletion.
    pub async fn deployed(&self, templates: &[StackTemplate]) -> Result<Vec<String>> {
        let items = templates.to_vec();
        let (seen, error) = each(items, self.concurrency, &self.cancel, |template| {
            let aws = self.aws.clone();
            async move {
                let live = observe(aws.of(&template.region)?, &template.stack_name).await?;
                Ok((template.name, live.map(|live| live.protected)))
            }
        })
        .await?;
        if let Some(error) = error {
            return Err(error);
        }
        let protected: Vec<&str> = seen
            .iter()
            .filter(|(_, protected)| *protected == Some(true))
            .map(|(name, _)| name.as_str())
            .collect();
        if !protected.is_empty() {
            let names = protected.join(", ");
            return Err(Error::failed(format!("protected against deletion: {names}"))
                .hint("set `protect: false` in platform.yaml and deploy; then destroy"));
        }
        Ok(seen.into_iter().filter(|(_, live)| live.is_some()).map(|(name, _)| name).collect())
    }

    /// Deletes the stacks of `templates`. The error is that of the first that failed.
    pub async fn destroy(
        &self,
        templates: &[StackTemplate],
    ) -> Result<(DestroyReport, Option<Error>)> {
        Box::pin(self.deployed(templates)).await?;
        let dag = dag_of(templates).reversed();
        let by_name: BTreeMap<&str, &StackTemplate> =
            templates.iter().map(|template| (template.name.as_str(), template)).collect();
        let overall =
            Overall::begin(&self.events, "destroy", templates.len(), self.concurrency.get());
        let results = dag::run(
            &dag,
            self.concurrency,
            || self.cancel.is_cancelled(),
            |name| {
                let template = by_name.get(name).map(|template| (*template).clone());
                let (own, overall) = (self.clone(), overall.clone());
                async move {
                    let Some(template) = template else {
                        return Err(Error::failed("an unknown stack was scheduled"));
                    };
                    let aws = own.aws.of(&template.region)?;
                    if let Some(fence) = &own.fence {
                        fence.check().await?;
                    }
                    let deleted =
                        delete(aws, &template, &own.journal, &own.events, &own.cancel).await;
                    overall.one_more();
                    deleted
                }
            },
        )
        .await?;
        overall.end();
        let mut report = DestroyReport { stacks: Vec::new() };
        let mut first_error = None;
        for (name, outcome) in results {
            let region = by_name[name.as_str()].region.clone();
            let failed = |status| DestroyedStack {
                name,
                region,
                status,
                seconds: 0.0,
                retained: BTreeMap::new(),
            };
            report.stacks.push(match outcome {
                dag::Outcome::Done(stack) => stack,
                dag::Outcome::Failed(error) => {
                    first_error = first_error.or(Some(error));
                    failed("failed")
                }
                dag::Outcome::Skipped => failed("skipped"),
            });
        }
        if first_error.is_none() && self.cancel.is_cancelled() {
            first_error = Some(self.cancel.error());
        }
        Ok((report, first_error))
    }
}

async fn delete(
    aws: &Regional,
    template: &StackTemplate,
    journal: &Journal,
    events: &Events,
    cancel: &Cancel,
) -> Result<DestroyedStack> {
    let name = &template.stack_name;
    let task = format!("destroy.{}", template.name);
    let begun = Instant::now();
    let mut destroyed = DestroyedStack {
        name: template.name.clone(),
        region: template.region.clone(),
        status: "absent",
        seconds: 0.0,
        retained: BTreeMap::new(),
    };
    let Some(live) = observe(aws, name).await? else { return Ok(destroyed) };
    let total = Some(template.template.resources().count() as u64);
    events.started(&task, format!("destroy {}", template.name), total);
    journal.write(Entry::StepStarted { step: task.clone() })?;
    failpoint::hit(&task, cancel).await;
    destroyed.retained = retained(aws, template).await?;
    let seen = seen_events(aws, &live.id).await?;
    let work = async {
        aws.cloudformation
            .delete_stack()
            .stack_name(name)
            .send()
            .await
            .map_err(|error| explain(format!("cannot delete stack {name}"), error))?;
        let follow = Follow { aws, stack: &live.id, seen, task: &task, events, cancel };
        let ended = follow.until_idle().await?;
        match &ended.stack {
            None => Ok(()),
            Some(_) => Err(ended.failure(name)),
        }
    };
    let detail = json!({ "id": live.id, "region": aws.region });
    let result = journal.mutate("cloudformation:DeleteStack", name, detail, work).await;
    let (outcome, step) = match &result {
        Ok(()) => (Outcome::Done, StepOutcome::Done),
        Err(error) => (Outcome::Failed, StepOutcome::of(error)),
    };
    let detail = json!({ "retained": destroyed.retained });
    journal.write(Entry::StepFinished { step: task.clone(), outcome: step, detail })?;
    events.finished(&task, outcome, if result.is_ok() { "deleted" } else { "failed" });
    result?;
    destroyed.status = "deleted";
    destroyed.seconds = begun.elapsed().as_secs_f64();
    Ok(destroyed)
}

/// What the stack will leave behind.
async fn retained(aws: &Regional, template: &StackTemplate) -> Result<BTreeMap<String, String>> {
    let live = live_resources(aws, &template.stack_name).await?;
    let policy =
        |body: &serde_json::Value| body["DeletionPolicy"].as_str().unwrap_or("").to_owned();
    Ok(template
        .template
        .resources()
        .filter(|resource| policy(resource.body).starts_with("Retain"))
        .filter_map(|resource| {
            Some((resource.id.to_owned(), live.get(resource.id)?.physical_id.clone()))
        })
        .collect())
}
