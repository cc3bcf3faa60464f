//! A stack after its deploy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::observe::{LiveStack, live_resources, observe};
use super::planner::PlannedStack;
use crate::error::{Error, Result};

/// How a stack came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackStatus {
    /// It was made.
    Created,
    /// It was updated.
    Updated,
    /// There was nothing to change.
    Unchanged,
    /// It was not deployed, because something failed or the run was stopped.
    Skipped,
    /// It failed.
    Failed,
}

/// A stack after its deploy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeployedStack {
    /// Short name.
    pub name: String,
    /// Name in CloudFormation.
    pub stack_name: String,
    /// Region.
    #[serde(default)]
    pub region: String,
    /// Id (ARN).
    pub id: String,
    /// How it came out.
    pub status: StackStatus,
    /// Number of resources.
    pub resources: usize,
    /// How many of them changed.
    pub changes: usize,
    /// Duration in seconds.
    pub seconds: f64,
    /// Outputs.
    pub outputs: BTreeMap<String, String>,
    /// SHA-256 of the template.
    pub template_digest: String,
    /// Logical ids that the local platform records without making anything.
    pub recorded_only: Vec<String>,
}

impl Engine {
    /// Reads the deployed stack back, and proves that every logical id is there.
    pub async fn describe(
        &self,
        stack: &PlannedStack,
        status: StackStatus,
        changes: usize,
    ) -> Result<DeployedStack> {
        let name = &stack.plan.stack_name;
        let aws = self.aws.of(&stack.plan.region)?;
        let live: LiveStack = observe(aws, name)
            .await?
            .ok_or_else(|| Error::failed(format!("stack {name} is gone after its deploy")))?;
        let resources = live_resources(aws, name).await?;
        let missing: Vec<String> = stack
            .template
            .template
            .resources()
            .map(|resource| resource.id.to_owned())
            .filter(|id| !resources.contains_key(id))
            .collect();
        if !missing.is_empty() {
            return Err(Error::failed(format!(
                "stack {name} was deployed without {}: CloudFormation does not list them",
                missing.join(", ")
            )));
        }
        let recorded_only = resources
            .iter()
            .filter(|(_, resource)| self.recorded_only.contains(&resource.resource_type))
            .map(|(id, _)| id.clone())
            .collect();
        Ok(DeployedStack {
            name: stack.plan.name.clone(),
            stack_name: name.clone(),
            region: stack.plan.region.clone(),
            id: live.id,
            status,
            resources: resources.len(),
            changes,
            seconds: 0.0,
            outputs: live.outputs,
            template_digest: stack.plan.template_digest.clone(),
            recorded_only,
        })
    }
}

pub(super) fn not_deployed(stack: &PlannedStack, status: StackStatus) -> DeployedStack {
    DeployedStack {
        name: stack.plan.name.clone(),
        stack_name: stack.plan.stack_name.clone(),
        region: stack.plan.region.clone(),
        id: String::new(),
        status,
        resources: stack.template.template.resources().count(),
        changes: 0,
        seconds: 0.0,
        outputs: BTreeMap::new(),
        template_digest: stack.plan.template_digest.clone(),
        recorded_only: Vec::new(),
    }
}
