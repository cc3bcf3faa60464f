//! Makes the plan: looks at each stack, compares templates, asks for change sets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_cloudformation::types::StackStatus;
use stacks::{DeployValue, StackTemplate};

use super::change_set::{self, Body, ChangeSet, MAX_INLINE, Request};
use super::dag::each;
use super::engine::Engine;
use super::observe::{LiveStack, live_template, observe};
use super::overall::Overall;
use super::values::{Producer, Values};
use super::waiter::{Follow, seen_events};
use crate::error::{Error, Result};
use crate::plan::{self, Plan, StackAction, StackPlan};

/// One stack, ready to be deployed.
#[derive(Debug, Clone)]
pub struct PlannedStack {
    /// What synthesis made.
    pub template: StackTemplate,
    /// What would happen.
    pub plan: StackPlan,
    pub(super) body: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) live: Option<LiveStack>,
    pub(super) change_set: Option<String>,
}

impl PlannedStack {
    /// The live stack's status when it can only be deleted and made anew.
    pub fn must_be_deleted(&self) -> Option<&str> {
        self.live.as_ref().filter(|live| live.must_be_deleted()).map(|live| live.status.as_str())
    }
}

/// The stacks as they are, and what shall become of them: what a plan is made from.
#[derive(Debug)]
struct Seen {
    templates: Vec<StackTemplate>,
    /// By region and name in CloudFormation.
    live: BTreeMap<(String, String), Option<LiveStack>>,
}

impl Seen {
    fn of(&self, stack_name: &str, region: &str) -> Option<&LiveStack> {
        self.live.get(&(region.to_owned(), stack_name.to_owned()))?.as_ref()
    }

    /// Whether this run makes a stack of which there is none that works.
    fn is_new(&self, template: &StackTemplate) -> bool {
        self.of(&template.stack_name, &template.region)
            .is_none_or(|live| live.is_empty_shell() || live.must_be_deleted())
    }

    fn producer(&self, stack_name: &str, region: &str) -> Producer<'_> {
        let template = self
            .templates
            .iter()
            .find(|stack| stack.stack_name == stack_name && stack.region == region);
        let live = self.of(stack_name, region);
        let whole = |live: &&LiveStack| !live.is_empty_shell() && !live.must_be_deleted();
        Producer { live: live.filter(whole), template }
    }
}

impl Engine {
    /// Plans every stack of `templates`, which are in dependency order. Looks at all of
    /// them first, so that each can then be planned beside the others.
    pub async fn plan(&self, templates: &[StackTemplate]) -> Result<(Plan, Vec<PlannedStack>)> {
        let seen = Arc::new(Box::pin(self.look(templates)).await?);
        let shown = self.concurrency.get();
        let overall = Overall::begin(&self.events, "plan", templates.len(), shown);
        let (planned, error) = each(0..templates.len(), self.concurrency, &self.cancel, |index| {
            let (engine, seen, overall) = (self.clone(), Arc::clone(&seen), overall.clone());
            // Boxed here and below: unoptimized, these futures fill a thread's stack.
            Box::pin(async move {
                let planned = engine.plan_stack(&seen.templates[index], &seen).await;
                overall.one_more();
                planned
            })
        })
        .await?;
        overall.end();
        if let Some(error) = error {
            // Best effort: the first error is the one to show.
            let _ = self.discard(&planned).await;
            return Err(error);
        }
        let plan = Plan {
            account: self.account.clone(),
            region: self.aws.home().region.clone(),
            environment: self.environment.clone(),
            stacks: planned.iter().map(|stack| stack.plan.clone()).collect(),
        };
        Ok((plan, planned))
    }

    /// Looks at every stack of `templates`, and at the producers of what they need from
    /// other regions.
    async fn look(&self, templates: &[StackTemplate]) -> Result<Seen> {
        let mut places: Vec<(String, String, String)> = Vec::new();
        let own = templates.iter().map(|it| (&it.region, &it.stack_name, &it.name));
        let parameters = templates.iter().flat_map(|template| &template.deploy_parameters);
        let producers = parameters.filter_map(|parameter| match &parameter.value {
            DeployValue::Output { stack, stack_name, region, .. } => {
                Some((region, stack_name, stack))
            }
            _ => None,
        });
        let mut known = BTreeSet::new();
        for (region, stack_name, name) in own.chain(producers) {
            if known.insert((region, stack_name)) {
                places.push((region.clone(), stack_name.clone(), name.clone()));
            }
        }
        let (live, error) =
            each(places, self.concurrency, &self.cancel, |(region, stack_name, name)| {
                let engine = self.clone();
                Box::pin(async move {
                    let aws = engine.aws.of(&region)?;
                    let mut live = observe(aws, &stack_name).await?;
                    if live.as_ref().is_some_and(LiveStack::is_busy) {
                        live = engine.wait_until_idle(&region, &stack_name, &name).await?;
                    }
                    Ok(((region, stack_name), live))
                })
            })
            .await?;
        match error {
            Some(error) => Err(error),
            None => Ok(Seen { templates: templates.to_vec(), live: live.into_iter().collect() }),
        }
    }

    async fn plan_stack(&self, template: &StackTemplate, seen: &Seen) -> Result<PlannedStack> {
        let name = &template.stack_name;
        let aws = self.aws.of(&template.region)?;
        let live = seen.of(name, &template.region).cloned();
        refuse_broken(&template.name, name, live.as_ref())?;
        let body = template.template.to_json();
        let values = self.values(template, |name, region| seen.producer(name, region))?;
        let Values { known: parameters, pending } = values;
        let mut stack = PlannedStack {
            plan: StackPlan {
                name: template.name.clone(),
                stack_name: name.clone(),
                region: template.region.clone(),
                action: StackAction::Create,
                changes: Vec::new(),
                other: Vec::new(),
                template_digest: plan::digest(&body),
                parameters: parameters.clone(),
                live: live.as_ref().map(LiveStack::fingerprint),
                verified: false,
            },
            template: template.clone(),
            body,
            parameters,
            live,
            change_set: None,
        };
        let new = template.template.as_value();
        let Some(live) =
            stack.live.as_ref().filter(|live| !live.is_empty_shell() && !live.must_be_deleted())
        else {
            (stack.plan.changes, _) = plan::diff(None, new);
            return Ok(stack);
        };
        let Some(old) = live_template(aws, name).await? else {
            return Err(Error::failed(format!("the template of stack {name} is not JSON"))
                .hint("the stack was not deployed by platformctl: rename it, or change `project` or `environment`"));
        };
        let (changes, mut other) = plan::diff(Some(&old), new);
        other.extend(parameter_changes(&live.parameters, &stack.parameters));
        let known_before = pending.iter().filter(|name| live.parameters.contains_key(*name));
        other.extend(known_before.map(|name| format!("~ Parameter {name}")));
        if live.protected != self.protect {
            let (was, is) = (live.protected, self.protect);
            other.push(format!("~ TerminationProtection {was} → {is}"));
        }
        stack.plan.other = other;
        // While a stack that this one imports from does not exist, its parameters
        // cannot be resolved; the change set is made when its turn comes.
        let early = !pending.is_empty()
            || seen
                .templates
                .iter()
                .any(|earlier| template.depends_on.contains(&earlier.name) && seen.is_new(earlier));
        let set = if early {
            None
        } else {
            Box::pin(self.change_set(&stack, &stack.parameters, false)).await?
        };
        stack.plan.verified = !early;
        stack.change_set = set.as_ref().map(|set| set.id.clone());
        stack.plan.changes = plan::union(changes, set.map(|set| set.changes).unwrap_or_default());
        let differs = stack.plan.count() > 0 || stack.change_set.is_some();
        stack.plan.action = if differs { StackAction::Update } else { StackAction::None };
        Ok(stack)
    }

    /// Makes a change set of `stack`; `None` when it is empty.
    pub(super) async fn change_set(
        &self,
        stack: &PlannedStack,
        parameters: &BTreeMap<String, String>,
        create: bool,
    ) -> Result<Option<ChangeSet>> {
        let aws = self.aws.of(&stack.plan.region)?;
        let body = if stack.body.len() <= MAX_INLINE {
            Body::Inline(stack.body.clone())
        } else {
            let name = &stack.plan.name;
            // The bucket of its region, else of the home region: CloudFormation reads both.
            let home = self.aws.home();
            let own = self.artefacts.bucket_in(&aws.region, &home.region).is_some();
            let store = if own { aws } else { home };
            let upload = self.artefacts.upload_template(store, &self.journal, name, &stack.body);
            Body::Url(Box::pin(upload).await?)
        };
        let request = Request {
            stack_name: &stack.plan.stack_name,
            run: self.journal.run().short(),
            create,
            import_existing: self.import_existing,
            body,
            parameters,
        };
        Box::pin(change_set::create(aws, &request, &self.cancel)).await
    }

    /// Deletes the change sets that planning made: for `diff`, and for "no".
    pub async fn discard(&self, planned: &[PlannedStack]) -> Result<()> {
        for stack in planned {
            if let Some(id) = &stack.change_set {
                let aws = self.aws.of(&stack.plan.region)?;
                change_set::delete(aws, &stack.plan.stack_name, id).await?;
            }
        }
        Ok(())
    }

    /// An operation of an earlier run that was killed goes on in CloudFormation.
    pub(super) async fn wait_until_idle(
        &self,
        region: &str,
        stack: &str,
        short: &str,
    ) -> Result<Option<LiveStack>> {
        let aws = self.aws.of(region)?;
        self.events.info(format!("stack {stack} is busy; waiting for it"));
        let seen = seen_events(aws, stack).await?;
        let task = format!("wait.{short}");
        let (events, cancel) = (&self.events, &self.cancel);
        let follow = Follow { aws, stack, seen, task: &task, events, cancel };
        Ok(follow.until_idle().await?.stack)
    }
}

/// Stacks whose planned change set may no longer hold when their turn comes: what
/// they import from may change first, by itself or through what it imports in turn.
/// `planned` is in dependency order.
pub(super) fn stale(planned: &[PlannedStack]) -> BTreeSet<String> {
    let mut stale = BTreeSet::new();
    let mut changing = BTreeSet::new();
    for PlannedStack { template, plan, .. } in planned {
        if template.depends_on.iter().any(|need| changing.contains(need)) {
            stale.insert(plan.name.clone());
        }
        if plan.action != StackAction::None || stale.contains(&plan.name) {
            changing.insert(&plan.name);
        }
    }
    stale
}

/// Refuses a stack in a state that no deploy can leave, with what to do about it.
fn refuse_broken(short: &str, name: &str, live: Option<&LiveStack>) -> Result<()> {
    let Some(live) = live else { return Ok(()) };
    let hint = match live.status {
        StackStatus::UpdateRollbackFailed => format!(
            "mend what the events name, then `platformctl rollback {short}`, which ends CloudFormation's own rollback first"
        ),
        StackStatus::DeleteFailed => {
            "mend what the events name, then finish with `platformctl destroy`".to_owned()
        }
        _ => return Ok(()),
    };
    let status = live.status.as_str();
    Err(Error::failed(format!("stack {name} is {status} and cannot be deployed")).hint(hint))
}

fn parameter_changes(
    live: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Vec<String> {
    new.iter()
        .filter(|(name, value)| live.get(*name).is_some_and(|was| was != *value))
        .map(|(name, _)| format!("~ Parameter {name}"))
        .collect()
}
