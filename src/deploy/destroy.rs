//! Deletes stacks in reverse order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use stacks::StackTemplate;

use super::dag::{self, Dag};
use super::observe::{live_resources, observe};
use super::waiter::{Follow, seen_events};
use crate::aws::{Regional, explain};
use crate::error::{Error, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
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

/// Refuses when any of the stacks is protected against deletion.
pub async fn refuse_protected(aws: &Regional, templates: &[StackTemplate]) -> Result<()> {
    let mut protected = Vec::new();
    for template in templates {
        if observe(aws, &template.stack_name).await?.is_some_and(|live| live.protected) {
            protected.push(template.name.clone());
        }
    }
    if protected.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("protected against deletion: {}", protected.join(", ")))
        .hint("set `protect: false` in platform.yaml and deploy; then destroy"))
}

/// Deletes the stacks of `templates`. The error is that of the first that failed.
pub async fn destroy(
    aws: &Regional,
    templates: &[StackTemplate],
    journal: &Arc<Journal>,
    events: &Events,
    cancel: &Cancel,
) -> Result<(DestroyReport, Option<Error>)> {
    refuse_protected(aws, templates).await?;
    let dag = dag_of(templates).reversed();
    let results = dag::run(
        &dag,
        || cancel.is_cancelled(),
        |name| {
            let template = templates.iter().find(|template| template.name == name).cloned();
            let (aws, journal, events, cancel) =
                (aws.clone(), Arc::clone(journal), events.clone(), cancel.clone());
            async move {
                match template {
                    Some(template) => delete(&aws, &template, &journal, &events, &cancel).await,
                    None => Err(Error::failed("an unknown stack was scheduled")),
                }
            }
        },
    )
    .await?;
    let mut report = DestroyReport { stacks: Vec::new() };
    let mut first_error = None;
    for (name, outcome) in results {
        let failed =
            |status| DestroyedStack { name, status, seconds: 0.0, retained: BTreeMap::new() };
        report.stacks.push(match outcome {
            dag::Outcome::Done(stack) => stack,
            dag::Outcome::Failed(error) => {
                first_error = first_error.or(Some(error));
                failed("failed")
            }
            dag::Outcome::Skipped => failed("skipped"),
        });
    }
    if first_error.is_none() && cancel.is_cancelled() {
        first_error = Some(cancel.error());
    }
    Ok((report, first_error))
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
    let result =
        journal.mutate("cloudformation:DeleteStack", name, json!({ "id": live.id }), work).await;
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
