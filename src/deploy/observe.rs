//! What CloudFormation holds under a stack's name.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{Stack, StackStatus};
use serde_json::Value;

use crate::aws::{Regional, explain, has_code, says};
use crate::error::Result;

/// A stack as it is now.
#[derive(Debug, Clone)]
pub struct LiveStack {
    /// Its id (ARN).
    pub id: String,
    /// Its status.
    pub status: StackStatus,
    /// The reason of its status, when there is one.
    pub reason: Option<String>,
    /// Parameters as they were given (SSM parameters by their path).
    pub parameters: BTreeMap<String, String>,
    /// Outputs.
    pub outputs: BTreeMap<String, String>,
    /// Whether it is protected against deletion.
    pub protected: bool,
    /// When it was last made or changed, in seconds since 1970.
    pub changed_at: i64,
}

impl LiveStack {
    /// Whether it was announced by a change set and never made.
    pub fn is_empty_shell(&self) -> bool {
        self.status == StackStatus::ReviewInProgress
    }

    /// Whether its creation failed, so that it can only be deleted.
    pub fn must_be_deleted(&self) -> bool {
        matches!(
            self.status,
            StackStatus::RollbackComplete | StackStatus::RollbackFailed | StackStatus::CreateFailed
        )
    }

    /// What a saved plan remembers of it: id, status, and when it changed.
    pub fn fingerprint(&self) -> String {
        format!("{} {} {}", self.id, self.status.as_str(), self.changed_at)
    }

    /// Whether an operation on it is under way.
    pub fn is_busy(&self) -> bool {
        self.status.as_str().ends_with("_IN_PROGRESS") && !self.is_empty_shell()
    }
}

/// The stack called `name`, if there is one.
pub async fn observe(aws: &Regional, name: &str) -> Result<Option<LiveStack>> {
    match aws.cloudformation.describe_stacks().stack_name(name).send().await {
        Ok(answer) => Ok(answer
            .stacks()
            .first()
            .map(live)
            .filter(|stack| stack.status != StackStatus::DeleteComplete)),
        Err(error) if has_code(&error, "ValidationError") && says(&error, "does not exist") => {
            Ok(None)
        }
        Err(error) => Err(explain(format!("cannot describe stack {name}"), error)),
    }
}

fn live(stack: &Stack) -> LiveStack {
    let pair = |key: Option<&str>, value: Option<&str>| {
        (key.unwrap_or_default().to_owned(), value.unwrap_or_default().to_owned())
    };
    LiveStack {
        id: stack.stack_id().unwrap_or_default().to_owned(),
        status: stack.stack_status().cloned().unwrap_or(StackStatus::from("UNKNOWN")),
        reason: stack.stack_status_reason().map(str::to_owned),
        parameters: stack
            .parameters()
            .iter()
            .map(|parameter| pair(parameter.parameter_key(), parameter.parameter_value()))
            .collect(),
        outputs: stack
            .outputs()
            .iter()
            .map(|output| pair(output.output_key(), output.output_value()))
            .collect(),
        protected: stack.enable_termination_protection().unwrap_or(false),
        changed_at: stack
            .last_updated_time()
            .or(stack.creation_time())
            .map_or(0, aws_sdk_cloudformation::primitives::DateTime::secs),
    }
}

/// The template that the stack was made from, if it can be read as JSON.
pub async fn live_template(aws: &Regional, name: &str) -> Result<Option<Value>> {
    let answer = aws
        .cloudformation
        .get_template()
        .stack_name(name)
        .send()
        .await
        .map_err(|error| explain(format!("cannot read the template of stack {name}"), error))?;
    Ok(answer.template_body().and_then(|body| serde_json::from_str(body).ok()))
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveResource {
    /// Such as `AWS::EC2::VPC`.
    pub resource_type: String,
    /// Such as `vpc-0a1b2c`.
    pub physical_id: String,
}

/// A stack's resources by logical id.
pub async fn live_resources(aws: &Regional, name: &str) -> Result<BTreeMap<String, LiveResource>> {
    let mut resources = BTreeMap::new();
    let mut pages =
        aws.cloudformation.list_stack_resources().stack_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            explain(format!("cannot list the resources of stack {name}"), error)
        })?;
        resources.extend(page.stack_resource_summaries().iter().map(|resource| {
            (
                resource.logical_resource_id().unwrap_or_default().to_owned(),
                LiveResource {
                    resource_type: resource.resource_type().unwrap_or_default().to_owned(),
                    physical_id: resource.physical_resource_id().unwrap_or_default().to_owned(),
                },
            )
        }));
    }
    Ok(resources)
}
