//! Deploys planned stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use stacks::{DeployValue, StackTemplate};

use super::artefacts::Artefacts;
use super::change_set::{self, ChangeSet};
use super::dag::{self, Concurrency, Dag};
use super::deployed::{DeployedStack, StackStatus, not_deployed};
use super::observe::observe;
use super::overall::Overall;
use super::planner::{PlannedStack, stale};
use super::previous::Why;
use super::waiter::{Ended, Follow, seen_events};
use crate::aws::{Regional, Regions, explain};
use crate::error::{Error, Kind, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
use crate::lock::Fence;
use crate::plan::{Change, StackAction};
use crate::signal::Cancel;

/// The stack with the artefact bucket of the home region.
pub const ARTEFACTS: &str = "artefacts";

/// The stack with the artefact bucket of the runtime region, when there is one.
pub const RUNTIME_ARTEFACTS: &str = "runtime-artefacts";

/// Everything a deploy needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Clients of the stacks' regions.
    pub aws: Regions,
    /// The account, as the plan promises it.
    pub account: String,
    /// The environment's name.
    pub environment: String,
    /// What goes through the artefact bucket.
    pub artefacts: Artefacts,
    /// How many stacks are planned or deployed at once.
    pub concurrency: Concurrency,
    /// Whether stacks are protected against deletion.
    pub protect: bool,
    /// Whether resources that have no stack become those of the same name in a template.
    pub import_existing: bool,
    /// Proves that the environment's lock is still this run's, where there is one.
    pub fence: Option<Fence>,
    /// Whether what is replaced is kept for `rollback`, and as what.
    pub keep: Option<Why>,
    /// The run's journal.
    pub journal: Arc<Journal>,
    /// Where progress goes.
    pub events: Events,
    /// Whether to stop.
    pub cancel: Cancel,
    /// Resource types that the local platform only records.
    pub recorded_only: Arc<Vec<String>>,
}

impl Engine {
    /// Deploys `planned` in dependency order. The result has an entry for each
    /// stack; the error, when there is one, is that of the first that failed.
    /// `recreate` allows deleting stacks whose creation failed earlier.
    pub async fn deploy(
        &self,
        planned: Vec<PlannedStack>,
        recreate: bool,
    ) -> Result<(Vec<DeployedStack>, Option<Error>)> {
        let templates: Vec<StackTemplate> =
            planned.iter().map(|stack| stack.template.clone()).collect();
        let mut dag = Dag::default();
        for template in &templates {
            dag.add(&template.name, needs(template, &templates));
        }
        let overall = Overall::begin(&self.events, "deploy", planned.len(), self.concurrency.get());
        let stale = stale(&planned);
        let mut waiting: BTreeMap<String, PlannedStack> =
            planned.into_iter().map(|stack| (stack.plan.name.clone(), stack)).collect();
        let names: BTreeMap<String, PlannedStack> = waiting.clone();
        let results = dag::run(
            &dag,
            self.concurrency,
            || self.cancel.is_cancelled(),
            |name| {
                let engine = self.clone();
                let stack = waiting.remove(name);
                let stale = stale.contains(name);
                let overall = overall.clone();
                async move {
                    let result = match stack {
                        Some(stack) => engine.deploy_stack(stack, stale, recreate).await,
                        None => Err(Error::failed("a stack was scheduled twice")),
                    };
                    overall.one_more();
                    result
                }
            },
        )
        .await?;
        overall.end();
        let mut deployed = Vec::new();
        let mut first_error = None;
        for (name, outcome) in results {
            let planned = &names[&name];
            match outcome {
                dag::Outcome::Done(stack) => deployed.push(stack),
                dag::Outcome::Failed(error) => {
                    deployed.push(not_deployed(planned, StackStatus::Failed));
                    first_error = first_error.or(Some(error));
                }
                dag::Outcome::Skipped => deployed.push(not_deployed(planned, StackStatus::Skipped)),
            }
        }
        if first_error.is_none() && self.cancel.is_cancelled() {
            first_error = Some(self.cancel.error());
        }
        Ok((deployed, first_error))
    }

    /// Deploys one stack. `stale`: a stack that it imports from changes in this run,
    /// so that the planned change set may no longer hold.
    pub async fn deploy_stack(
        &self,
        stack: PlannedStack,
        stale: bool,
        recreate: bool,
    ) -> Result<DeployedStack> {
        let name = stack.plan.name.clone();
        let task = format!("deploy.{name}");
        let total = Some(stack.template.template.resources().count() as u64);
        self.events.started(&task, format!("deploy {name}"), total);
        self.journal.write(Entry::StepStarted { step: task.clone() })?;
        failpoint::hit(&task, &self.cancel).await;
        let begun = Instant::now();
        // Boxed here and below: unoptimized, these futures fill a thread's stack.
        let result = async {
            self.cancel.check()?;
            let (status, changes) = Box::pin(self.apply(&stack, &task, stale, recreate)).await?;
            Box::pin(self.describe(&stack, status, changes)).await
        };
        match result.await {
            Ok(mut deployed) => {
                let (status, changes) = (deployed.status, deployed.changes);
                deployed.seconds = begun.elapsed().as_secs_f64();
                let unchanged = status == StackStatus::Unchanged;
                let outcome = if unchanged { StepOutcome::Unchanged } else { StepOutcome::Done };
                let detail = serde_json::to_value(&deployed).unwrap_or_default();
                self.journal.write(Entry::StepFinished { step: task.clone(), outcome, detail })?;
                let words = match status {
                    StackStatus::Unchanged => "unchanged".to_owned(),
                    _ if changes == 1 => "1 change".to_owned(),
                    _ => format!("{changes} changes"),
                };
                let outcome = if unchanged { Outcome::Unchanged } else { Outcome::Done };
                self.events.finished(&task, outcome, words);
                Ok(deployed)
            }
            Err(error) => {
                let outcome = StepOutcome::of(&error);
                let detail = json!({ "error": error.to_string() });
                self.journal.write(Entry::StepFinished { step: task.clone(), outcome, detail })?;
                self.events.finished(&task, Outcome::Failed, error.message());
                Err(error)
            }
        }
    }

    async fn apply(
        &self,
        stack: &PlannedStack,
        task: &str,
        stale: bool,
        recreate: bool,
    ) -> Result<(StackStatus, usize)> {
        let name = &stack.plan.stack_name;
        let aws = self.aws.of(&stack.plan.region)?;
        let create = stack.plan.action == StackAction::Create;
        if let Some(status) = stack.must_be_deleted().filter(|_| !recreate) {
            return Err(Error::failed(format!("stack {name} is {status} and can only be deleted"))
                .hint("`platformctl deploy --recreate` deletes it and makes it anew"));
        }
        Box::pin(self.upload_code(stack)).await?;
        if stack.must_be_deleted().is_some() {
            Box::pin(self.delete_failed(stack, task)).await?;
        } else if stack.live.is_some() {
            let keep = stack.change_set.as_deref().filter(|_| !stale);
            let run = self.journal.run().short();
            change_set::delete_leftovers(aws, name, run, keep).await?;
        }
        let set = match &stack.change_set {
            Some(id) if !stale => {
                Some(ChangeSet { id: id.clone(), changes: stack.plan.changes.clone() })
            }
            None if !stale && !create => None,
            _ => Box::pin(self.fresh_change_set(stack, create)).await?,
        };
        let Some(set) = set else {
            if create {
                return Err(Error::failed(format!("stack {name} would be empty: it was not made")));
            }
            // Protection is no part of a template, hence of no change set.
            let changed = self.set_protection(stack).await?;
            let status = if changed { StackStatus::Updated } else { StackStatus::Unchanged };
            return Ok((status, usize::from(changed)));
        };
        if let Err(error) = refuse_unplanned(stack, &set) {
            // Best effort: the refusal is what counts.
            let _ = change_set::delete(aws, name, &set.id).await;
            return Err(error);
        }
        if let Some(why) = self.keep.filter(|_| !create) {
            Box::pin(self.keep_previous(stack, why)).await;
        }
        let seen = seen_events(aws, name).await?;
        let mut detail = json!({ "change_set": set.id, "template": stack.plan.template_digest, "region": aws.region });
        if let Some(token) = self.prove_lock().await? {
            detail["fence"] = token.into();
        }
        let work = async {
            change_set::execute(aws, name, &set.id).await?;
            failpoint::hit(&format!("{task}.executed"), &self.cancel).await;
            let ended = Box::pin(self.follow(aws, name, task, seen)).await?;
            if ended.succeeded() { Ok(()) } else { Err(ended.failure(name)) }
        };
        self.journal.mutate("cloudformation:ExecuteChangeSet", name, detail, work).await?;
        self.set_protection(stack).await?;
        let outcome = if create { StackStatus::Created } else { StackStatus::Updated };
        Ok((outcome, set.changes.len()))
    }

    /// Proves that the lock is still ours, right before something is changed: a run that
    /// was held up may have been succeeded. Gives the fencing token.
    async fn prove_lock(&self) -> Result<Option<u64>> {
        let Some(fence) = &self.fence else { return Ok(None) };
        fence.check().await?;
        Ok(Some(fence.token()))
    }

    async fn follow(
        &self,
        aws: &Regional,
        stack: &str,
        task: &str,
        seen: BTreeSet<String>,
    ) -> Result<Ended> {
        Follow { aws, stack, seen, task, events: &self.events, cancel: &self.cancel }
            .until_idle()
            .await
    }

    async fn fresh_change_set(
        &self,
        stack: &PlannedStack,
        create: bool,
    ) -> Result<Option<ChangeSet>> {
        let name = &stack.plan.stack_name;
        let detail = json!({ "template": stack.plan.template_digest, "region": stack.plan.region });
        // A producer in another region may have given another value since the plan.
        let parameters = Box::pin(self.values_now(&stack.template)).await?;
        let work = Box::pin(self.change_set(stack, &parameters, create));
        self.journal.mutate("cloudformation:CreateChangeSet", name, detail, work).await
    }

    async fn upload_code(&self, stack: &PlannedStack) -> Result<()> {
        for parameter in &stack.template.deploy_parameters {
            if let DeployValue::CodeKey { function } = &parameter.value {
                let aws = self.aws.of(&stack.plan.region)?;
                self.artefacts.upload_function(aws, &self.journal, function).await?;
            }
        }
        Ok(())
    }

    async fn delete_failed(&self, stack: &PlannedStack, task: &str) -> Result<()> {
        let Some(live) = &stack.live else { return Ok(()) };
        let name = &stack.plan.stack_name;
        let aws = self.aws.of(&stack.plan.region)?;
        let seen = seen_events(aws, &live.id).await?;
        self.prove_lock().await?;
        let delete = async {
            aws.cloudformation
                .delete_stack()
                .stack_name(name)
                .send()
                .await
                .map_err(|error| explain(format!("cannot delete stack {name}"), error))?;
            let ended = self.follow(aws, &live.id, task, seen).await?;
            match ended.stack {
                None => Ok(()),
                Some(_) => Err(ended.failure(name)),
            }
        };
        self.journal
            .mutate(
                "cloudformation:DeleteStack",
                name,
                json!({ "status": live.status.as_str(), "region": aws.region }),
                delete,
            )
            .await
    }

    /// Returns whether it had to be changed.
    async fn set_protection(&self, stack: &PlannedStack) -> Result<bool> {
        let name = &stack.plan.stack_name;
        let aws = self.aws.of(&stack.plan.region)?;
        let Some(live) = observe(aws, name).await? else { return Ok(false) };
        if live.protected == self.protect {
            return Ok(false);
        }
        let call = aws
            .cloudformation
            .update_termination_protection()
            .stack_name(name)
            .enable_termination_protection(self.protect)
            .send();
        let detail = json!({ "protected": self.protect, "region": aws.region });
        self.journal
            .mutate("cloudformation:UpdateTerminationProtection", name, detail, async {
                call.await
                    .map(drop)
                    .map_err(|error| explain(format!("cannot protect stack {name}"), error))
            })
            .await?;
        Ok(true)
    }
}

/// A plan is a promise: a change set made after the confirmation may not remove
/// or replace what the confirmed plan did not.
fn refuse_unplanned(stack: &PlannedStack, set: &ChangeSet) -> Result<()> {
    let planned = |change: &&Change| {
        stack
            .plan
            .harmful()
            .any(|known| known.resource == change.resource && known.action == change.action)
    };
    let unplanned: Vec<&str> = set
        .changes
        .iter()
        .filter(|change| change.action.harms())
        .filter(|change| !planned(change))
        .map(|change| change.resource.as_str())
        .collect();
    if unplanned.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Partial,
        format!(
            "stack {} would now replace or remove {}, which the confirmed plan did not say",
            stack.plan.name,
            unplanned.join(", ")
        ),
    )
    .hint("look at `platformctl diff` and deploy again"))
}

/// Whether a stack makes the artefact bucket of its region.
pub fn makes_bucket(template: &StackTemplate) -> bool {
    template.name == ARTEFACTS || template.name == RUNTIME_ARTEFACTS
}

/// What must be deployed before this stack: what it imports from and, when it needs
/// zips or is too large for a request, the artefact bucket: that of its region when one
/// of `all` makes it, else that of the home region, which CloudFormation reads
/// templates from all the same.
pub fn needs(template: &StackTemplate, all: &[StackTemplate]) -> Vec<String> {
    let mut needs = template.depends_on.clone();
    let large = template.template.to_json().len() > change_set::MAX_INLINE;
    let from_bucket = template.deploy_parameters.iter().any(|parameter| {
        matches!(parameter.value, DeployValue::ArtefactBucket | DeployValue::CodeKey { .. })
    });
    if large || from_bucket {
        let here = all.iter().find(|stack| makes_bucket(stack) && stack.region == template.region);
        let bucket = here.map_or(ARTEFACTS, |stack| stack.name.as_str());
        if !needs.iter().any(|need| need == bucket) {
            needs.push(bucket.to_owned());
        }
    }
    needs.retain(|need| *need != template.name);
    needs
}
