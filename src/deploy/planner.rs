//! Makes the plan: looks at each stack, compares templates, asks for change sets.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::StackStatus;
use stacks::{DeployValue, StackTemplate};

use super::change_set::{self, Body, ChangeSet, MAX_INLINE, Request};
use super::engine::Engine;
use super::observe::{LiveStack, live_template, observe};
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

impl Engine {
    /// Plans every stack of `templates`, which are in dependency order.
    pub async fn plan(&self, templates: &[StackTemplate]) -> Result<(Plan, Vec<PlannedStack>)> {
        let mut planned: Vec<PlannedStack> = Vec::new();
        for template in templates {
            let stack = match self.cancel.check() {
                // Boxed here and below: unoptimized, these futures fill a thread's stack.
                Ok(()) => Box::pin(self.plan_stack(template, &planned)).await,
                Err(error) => Err(error),
            };
            match stack {
                Ok(stack) => planned.push(stack),
                Err(error) => {
                    // Best effort: the first error is the one to show.
                    let _ = self.discard(&planned).await;
                    return Err(error);
                }
            }
        }
        let plan = Plan {
            account: self.account.clone(),
            region: self.aws.region.clone(),
            environment: self.environment.clone(),
            stacks: planned.iter().map(|stack| stack.plan.clone()).collect(),
        };
        Ok((plan, planned))
    }

    async fn plan_stack(
        &self,
        template: &StackTemplate,
        before: &[PlannedStack],
    ) -> Result<PlannedStack> {
        let name = &template.stack_name;
        let mut live = observe(&self.aws, name).await?;
        if live.as_ref().is_some_and(LiveStack::is_busy) {
            live = self.wait_until_idle(template).await?;
        }
        refuse_broken(name, live.as_ref())?;
        let body = template.template.to_json();
        let parameters = self.parameters(template)?;
        let mut stack = PlannedStack {
            plan: StackPlan {
                name: template.name.clone(),
                stack_name: name.clone(),
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
        let Some(old) = live_template(&self.aws, name).await? else {
            return Err(Error::failed(format!("the template of stack {name} is not JSON"))
                .hint("the stack was not deployed by platformctl: rename it, or change `project` or `environment`"));
        };
        let (changes, mut other) = plan::diff(Some(&old), new);
        other.extend(parameter_changes(&live.parameters, &stack.parameters));
        if live.protected != self.protect {
            let (was, is) = (live.protected, self.protect);
            other.push(format!("~ TerminationProtection {was} → {is}"));
        }
        stack.plan.other = other;
        // While a stack that this one imports from does not exist, its parameters
        // cannot be resolved; the change set is made when its turn comes.
        let early = before.iter().any(|earlier| {
            earlier.plan.action == StackAction::Create
                && template.depends_on.contains(&earlier.plan.name)
        });
        let set = if early { None } else { Box::pin(self.change_set(&stack, false)).await? };
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
        create: bool,
    ) -> Result<Option<ChangeSet>> {
        let body = if stack.body.len() <= MAX_INLINE {
            Body::Inline(stack.body.clone())
        } else {
            let name = &stack.plan.name;
            let upload =
                self.artefacts.upload_template(&self.aws, &self.journal, name, &stack.body);
            Body::Url(Box::pin(upload).await?)
        };
        let request = Request {
            stack_name: &stack.plan.stack_name,
            run: self.journal.run().short(),
            create,
            body,
            parameters: &stack.parameters,
        };
        Box::pin(change_set::create(&self.aws, &request, &self.cancel)).await
    }

    /// Deletes the change sets that planning made: for `diff`, and for "no".
    pub async fn discard(&self, planned: &[PlannedStack]) -> Result<()> {
        for stack in planned {
            if let Some(id) = &stack.change_set {
                change_set::delete(&self.aws, &stack.plan.stack_name, id).await?;
            }
        }
        Ok(())
    }

    /// An operation of an earlier run that was killed goes on in CloudFormation.
    async fn wait_until_idle(&self, template: &StackTemplate) -> Result<Option<LiveStack>> {
        let name = &template.stack_name;
        self.events.info(format!("stack {name} is busy; waiting for it"));
        let seen = seen_events(&self.aws, name).await?;
        let task = format!("wait.{}", template.name);
        let follow = Follow {
            aws: &self.aws,
            stack: name,
            seen,
            task: &task,
            events: &self.events,
            cancel: &self.cancel,
        };
        Ok(follow.until_idle().await?.stack)
    }

    fn parameters(&self, template: &StackTemplate) -> Result<BTreeMap<String, String>> {
        template
            .deploy_parameters
            .iter()
            .map(|parameter| {
                let value = match &parameter.value {
                    DeployValue::ArtefactBucket => Some(self.artefacts.bucket.clone()),
                    DeployValue::CodeKey { function } => self.artefacts.code_key(function),
                    DeployValue::Literal { value } => Some(value.clone()),
                    DeployValue::Output { .. } => None,
                };
                let missing = || {
                    Error::failed(format!(
                        "stack {} needs a value for {} and there is none",
                        template.name, parameter.name
                    ))
                    .hint("build the functions with `platformctl build`")
                };
                Ok((parameter.name.clone(), value.ok_or_else(missing)?))
            })
            .collect()
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
fn refuse_broken(name: &str, live: Option<&LiveStack>) -> Result<()> {
    let Some(live) = live else { return Ok(()) };
    let hint = match live.status {
        StackStatus::UpdateRollbackFailed => format!(
            "mend what the events name, then `aws cloudformation continue-update-rollback --stack-name {name}`"
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
