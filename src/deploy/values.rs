//! The values that whoever deploys fills in: buckets, zips, outputs of stacks in
//! other regions.

use std::collections::BTreeMap;

use stacks::{DeployValue, StackTemplate};

use super::engine::Engine;
use super::observe::{LiveStack, observe};
use crate::error::{Error, Result};

/// The parameters of a stack as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// By name.
    pub known: BTreeMap<String, String>,
    /// Names of those that a stack of the same run is yet to give.
    pub pending: Vec<String>,
}

/// What planning knows of the producer of an output.
pub(super) struct Producer<'a> {
    /// The stack as it is, if it is deployed and whole.
    pub live: Option<&'a LiveStack>,
    /// What this run will deploy, if it is part of it.
    pub template: Option<&'a StackTemplate>,
}

/// An output as a parameter names it.
struct Wanted<'a> {
    stack: &'a str,
    stack_name: &'a str,
    region: &'a str,
    output: &'a str,
}

impl Engine {
    /// The values for `template` while the plan is made. `producer` tells of a stack by
    /// its name in CloudFormation and its region.
    pub(super) fn values<'a>(
        &self,
        template: &StackTemplate,
        producer: impl Fn(&str, &str) -> Producer<'a>,
    ) -> Result<Values> {
        let mut values = Values::default();
        for parameter in &template.deploy_parameters {
            let name = parameter.name.clone();
            let DeployValue::Output { stack, stack_name, region, output } = &parameter.value else {
                let value = self.own_value(template, &parameter.value, &name)?;
                values.known.insert(name, value);
                continue;
            };
            let found = producer(stack_name, region);
            if let Some(value) = found.live.and_then(|live| live.outputs.get(output)) {
                values.known.insert(name, value.clone());
            } else if found
                .template
                .is_some_and(|it| it.template.outputs().any(|(id, _)| id == output))
            {
                values.pending.push(name);
            } else {
                let wanted = Wanted { stack, stack_name, region, output };
                return Err(missing(template, &name, &wanted, found.live));
            }
        }
        Ok(values)
    }

    /// The values for `template` now, when its turn has come: outputs are read again.
    pub(super) async fn values_now(
        &self,
        template: &StackTemplate,
    ) -> Result<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for parameter in &template.deploy_parameters {
            let name = parameter.name.clone();
            let value = match &parameter.value {
                DeployValue::Output { stack, stack_name, region, output } => {
                    let live = observe(self.aws.of(region)?, stack_name).await?;
                    let value = live.as_ref().and_then(|live| live.outputs.get(output)).cloned();
                    let wanted = Wanted { stack, stack_name, region, output };
                    value.ok_or_else(|| missing(template, &name, &wanted, live.as_ref()))?
                }
                own => self.own_value(template, own, &name)?,
            };
            values.insert(name, value);
        }
        Ok(values)
    }

    /// A value that no other stack gives.
    fn own_value(
        &self,
        template: &StackTemplate,
        value: &DeployValue,
        name: &str,
    ) -> Result<String> {
        let (region, home) = (&template.region, &self.aws.home().region);
        let stack = &template.name;
        match value {
            DeployValue::Literal { value } => Ok(value.clone()),
            DeployValue::CodeKey { function } => {
                self.artefacts.code_key(function).ok_or_else(|| {
                    Error::failed(format!("stack {stack} needs a value for {name} and there is none"))
                        .hint("build the functions with `platformctl build`")
                })
            }
            DeployValue::ArtefactBucket => {
                self.artefacts.bucket_in(region, home).map(str::to_owned).ok_or_else(|| {
                    Error::failed(format!(
                        "stack {stack} needs an artefact bucket in {region} for {name}, and no stack makes one there"
                    ))
                    .hint(format!("the bucket of {home} does not do: Lambda reads zips of its own region only"))
                })
            }
            DeployValue::Output { output, .. } => {
                Err(Error::failed(format!("output {output} is no value of stack {stack} itself")))
            }
        }
    }
}

fn missing(
    template: &StackTemplate,
    parameter: &str,
    wanted: &Wanted<'_>,
    live: Option<&LiveStack>,
) -> Error {
    let Wanted { stack, stack_name, region, output } = wanted;
    let consumer = &template.name;
    let why = match live {
        None => format!("stack {stack_name} is not deployed in {region}"),
        Some(_) => format!("stack {stack_name} in {region} has no such output"),
    };
    Error::failed(format!(
        "stack {consumer} needs output {output} of stack {stack} in {region} for {parameter}: {why}"
    ))
    .hint(format!("deploy the producer first: `platformctl deploy {stack}`"))
}
