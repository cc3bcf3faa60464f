//! Whether agents can run in a region. Nothing is changed.

use std::time::{Duration, Instant};

use aws_sdk_lambda::types::AccountLimit;
use runtime_core::tables;
use serde::Serialize;
use stacks::StackTemplate;

use super::verify::Probe;
use crate::aws::{Regional, explain};
use crate::deploy::observe;
use crate::error::{Error, Result};

/// How long a region may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// One thing that has to be so.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// `health`, `stacks`, `quota`, `data` or `proof`.
    pub name: &'static str,
    /// Whether it is so.
    pub passed: bool,
    /// What was found.
    pub detail: String,
}

/// What is looked at before agents are moved.
#[derive(Debug)]
pub struct Preflight<'a> {
    /// Clients of the home region.
    pub home: &'a Regional,
    /// Clients of the region to which agents are to be moved.
    pub target: &'a Regional,
    /// The stacks that agents need, with that region as the runtime region.
    pub templates: &'a [StackTemplate],
    /// `<project>-<environment>`.
    pub prefix: String,
    /// What will be called to prove that it works.
    pub probes: &'a [Probe],
}

impl Preflight<'_> {
    /// Looks at everything; none of the checks is left out because another failed.
    pub async fn run(&self) -> Vec<Check> {
        let (health, stacks, quota, data) =
            tokio::join!(self.health(), self.stacks(), self.quota(), self.data());
        let named = [("health", health), ("stacks", stacks), ("quota", quota), ("data", data)];
        let check = |(name, result): (&'static str, Result<String>)| match result {
            Ok(detail) => Check { name, passed: true, detail },
            Err(error) => {
                let causes = error.causes().join(": ");
                let colon = if causes.is_empty() { "" } else { ": " };
                Check { name, passed: false, detail: format!("{error}{colon}{causes}") }
            }
        };
        let mut checks: Vec<_> = named.into_iter().map(check).collect();
        checks.push(self.proof());
        checks
    }

    /// The services that agents and their functions need answer.
    async fn health(&self) -> Result<String> {
        let begun = Instant::now();
        let asked = async {
            self.target.identity().await?;
            self.target
                .lambda
                .list_functions()
                .max_items(1)
                .send()
                .await
                .map_err(|error| explain("Lambda does not answer", error))
        };
        match tokio::time::timeout(TIME_LIMIT, asked).await {
            Ok(answer) => answer.map(drop)?,
            Err(_) => {
                let region = &self.target.region;
                return Err(Error::failed(format!("{region} does not answer in {TIME_LIMIT:?}")));
            }
        }
        Ok(format!("{} answers in {} ms", self.target.region, begun.elapsed().as_millis()))
    }

    /// Every stack that agents need is deployed, and none is in the middle of something.
    async fn stacks(&self) -> Result<String> {
        let mut wrong = Vec::new();
        let mut there = 0;
        for stack in self.templates.iter().filter(|it| it.region == self.target.region) {
            let live = observe(self.target, &stack.stack_name).await?;
            let status = live.as_ref().map_or("not deployed", |live| live.status.as_str());
            let sound = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];
            if sound.contains(&status) {
                there += 1;
            } else {
                wrong.push(format!("{} is {status}", stack.name));
            }
        }
        if wrong.is_empty() && there > 0 {
            return Ok(format!("{there} stacks are deployed in {}", self.target.region));
        }
        Err(Error::failed(format!("in {}: {}", self.target.region, wrong.join(", "))))
    }

    /// The account may run there what the stacks reserve.
    async fn quota(&self) -> Result<String> {
        let reserved: i64 = self
            .templates
            .iter()
            .filter(|stack| stack.region == self.target.region)
            .flat_map(|stack| stack.template.resources())
            .filter_map(|it| it.properties()["ReservedConcurrentExecutions"].as_i64())
            .sum();
        let answer = self.target.lambda.get_account_settings().send();
        let answer = answer.await.map_err(|error| explain("cannot read Lambda's quota", error))?;
        let limit = answer.account_limit().map_or(0, AccountLimit::concurrent_executions);
        let found =
            format!("{limit} concurrent executions of functions, {reserved} of them reserved");
        if i64::from(limit) > reserved { Ok(found) } else { Err(Error::failed(found)) }
    }

    /// The platform's data stays where it is, and is there.
    async fn data(&self) -> Result<String> {
        for table in &tables::ALL {
            let name = format!("{}-{}", self.prefix, table.name);
            let answer = self.home.dynamodb.describe_table().table_name(&name).send().await;
            let answer = answer.map_err(|error| explain(format!("table {name}"), error))?;
            let status = answer.table.and_then(|table| table.table_status);
            let status = status.as_ref().map_or("unknown", |status| status.as_str());
            if !["ACTIVE", "UPDATING"].contains(&status) {
                return Err(Error::failed(format!("table {name} is {status}")));
            }
        }
        let count = tables::ALL.len();
        Ok(format!(
            "{count} tables are active in {}; what agents remember stays in its region",
            self.home.region
        ))
    }

    /// There is something to call there.
    fn proof(&self) -> Check {
        let names: Vec<_> = self.probes.iter().map(|probe| probe.function.as_str()).collect();
        let detail = if names.is_empty() {
            let region = &self.target.region;
            format!("nothing is known that can be called in {region}: name it with --verify")
        } else {
            format!("will call {}", names.join(", "))
        };
        Check { name: "proof", passed: !names.is_empty(), detail }
    }
}
