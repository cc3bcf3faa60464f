//! What deploys replace, kept for `rollback`: before a stack is updated, its template and its
//! parameters as they are go to the artefact bucket. Zips have their digest in their key, so
//! that those of that time are still there.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::StackStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stacks::{DeployParameter, DeployValue, StackTemplate};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::engine::Engine;
use super::observe::{LiveStack, live_template, observe};
use super::planner::PlannedStack;
use super::waiter::{Follow, seen_events};
use crate::aws::{Regional, explain, has_code};
use crate::error::{Context as _, Error, Result};
use crate::plan;

/// The version of what is kept.
const VERSION: u32 = 1;

/// Letters of a digest, enough to tell what is kept apart.
const DIGEST: usize = 12;

/// Why something was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// By a deploy.
    Deploy,
    /// By a rollback: what it replaced is what nobody wants back.
    Rollback,
}

impl Why {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
        }
    }
}

/// A state of a stack that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// When it was replaced: RFC 3339, UTC.
    pub at: String,
    /// The first letters of the digest of its template and its parameters.
    pub digest: String,
    /// Why it was replaced.
    pub why: Why,
    /// The run that replaced it.
    pub run: String,
    /// Where it is in the artefact bucket.
    pub key: String,
}

/// A state of a stack, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    version: u32,
    stack_name: String,
    region: String,
    /// Parameters as they were given, but for those of the Parameter Store: the template says
    /// where they are read.
    parameters: BTreeMap<String, String>,
    template: Value,
}

impl State {
    fn digest(&self) -> String {
        let text = json!([self.parameters, self.template]).to_string();
        plan::digest(&text).chars().take(DIGEST).collect()
    }
}

fn folder(stack: &str) -> String {
    format!("deployed/{stack}/")
}

impl Kept {
    fn key_of(stack: &str, at: OffsetDateTime, digest: &str, why: Why, run: &str) -> String {
        let millis = at.unix_timestamp_nanos() / 1_000_000;
        format!("{}{millis:015}-{digest}-{}-{run}.json", folder(stack), why.word())
    }

    /// What a key says; `None`: it is none of ours.
    fn of(key: &str) -> Option<Self> {
        let name = key.rsplit('/').next()?.strip_suffix(".json")?;
        let mut parts = name.splitn(4, '-');
        let millis: i128 = parts.next()?.parse().ok()?;
        let at = OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).ok()?;
        let digest = parts.next()?.to_owned();
        let why = match parts.next()? {
            "deploy" => Why::Deploy,
            "rollback" => Why::Rollback,
            _ => return None,
        };
        let run = parts.next()?.to_owned();
        Some(Self { at: at.format(&Rfc3339).ok()?, digest, why, run, key: key.to_owned() })
    }
}

impl Engine {
    /// Keeps what is about to be replaced. That it could not be kept is said, and stops no
    /// deploy.
    pub(super) async fn keep_previous(&self, stack: &PlannedStack, why: Why) {
        let Some(live) = stack.live.as_ref().filter(|live| !live.is_empty_shell()) else { return };
        if let Err(error) = Box::pin(self.put_previous(stack, live, why)).await {
            let name = &stack.plan.name;
            self.events.warn(format!(
                "what stack {name} is now was not kept for `platformctl rollback`: {error}"
            ));
        }
    }

    async fn put_previous(&self, stack: &PlannedStack, live: &LiveStack, why: Why) -> Result<()> {
        let aws = self.aws.of(&stack.plan.region)?;
        let Some(state) = self.state(aws, &stack.plan.stack_name, live).await? else {
            return Ok(());
        };
        let run = self.journal.run().as_str();
        let now = OffsetDateTime::now_utc();
        let key = Kept::key_of(&stack.plan.name, now, &state.digest(), why, run);
        let body = serde_json::to_vec(&state).context("cannot serialize a template")?;
        let store = self.store_of(&stack.template)?;
        Box::pin(self.artefacts.put(store, &self.journal, &key, body, "application/json")).await
    }

    async fn state(&self, aws: &Regional, name: &str, live: &LiveStack) -> Result<Option<State>> {
        let Some(template) = live_template(aws, name).await? else { return Ok(None) };
        let mut parameters = live.parameters.clone();
        parameters.retain(|name, _| {
            let kind = template["Parameters"][name]["Type"].as_str().unwrap_or_default();
            !kind.starts_with("AWS::SSM::Parameter::Value<")
        });
        Ok(Some(State {
            version: VERSION,
            stack_name: name.to_owned(),
            region: aws.region.clone(),
            parameters,
            template,
        }))
    }

    /// Clients of the region whose bucket keeps the states of a stack.
    fn store_of(&self, template: &StackTemplate) -> Result<&Regional> {
        let home = self.aws.home();
        let own = self.artefacts.bucket_in(&template.region, &home.region).is_some();
        if own { self.aws.of(&template.region) } else { Ok(home) }
    }

    /// What is kept of a stack, newest first. Without a bucket: nothing.
    pub async fn kept(&self, template: &StackTemplate) -> Result<Vec<Kept>> {
        let store = self.store_of(template)?;
        let bucket = self.artefacts.bucket_of(store);
        let (name, prefix) = (&template.name, folder(&template.name));
        let request = store.s3.list_objects_v2().bucket(bucket).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut kept = Vec::new();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    let keys = page.contents().iter().filter_map(|object| object.key());
                    kept.extend(keys.filter_map(Kept::of));
                }
                Err(error) if has_code(&error, "NoSuchBucket") => return Ok(Vec::new()),
                Err(error) => {
                    return Err(explain(format!("cannot list what is kept of {name}"), error));
                }
            }
        }
        kept.sort_by(|left, right| right.key.cmp(&left.key));
        Ok(kept)
    }

    /// The state that a rollback goes to: the one of digest `to`, or the newest that a deploy
    /// replaced and that the stack is not in already. `None`: the stack is in state `to`.
    pub async fn earlier(
        &self,
        template: &StackTemplate,
        kept: &[Kept],
        to: Option<&str>,
    ) -> Result<Option<Kept>> {
        let (short, name) = (&template.name, &template.stack_name);
        let aws = self.aws.of(&template.region)?;
        let live = observe(aws, name).await?;
        let Some(live) = live.filter(|live| !live.is_empty_shell()) else {
            return Err(Error::failed(format!("stack {name} is not deployed"))
                .hint(format!("there is nothing to put back: `platformctl deploy {short}`")));
        };
        let now = self.state(aws, name, &live).await?.map(|state| state.digest());
        let is_now = |kept: &&Kept| now.as_deref() == Some(kept.digest.as_str());
        let listed = format!("`platformctl rollback {short} --list` shows what is kept");
        let Some(to) = to else {
            let wanted = kept.iter().find(|kept| kept.why == Why::Deploy && !is_now(kept));
            let none = || {
                Error::failed(format!("nothing earlier is kept of stack {short}"))
                    .hint("a state is kept when a deploy replaces it")
                    .hint(listed.clone())
            };
            return wanted.cloned().map(Some).ok_or_else(none);
        };
        let mut named: Vec<&Kept> =
            kept.iter().filter(|kept| kept.digest.starts_with(to)).collect();
        named.dedup_by(|left, right| left.digest == right.digest);
        match named.as_slice() {
            [one] if is_now(one) => Ok(None),
            [one] => Ok(Some((*one).clone())),
            [] => Err(Error::usage(format!("no state {to} is kept of stack {short}")).hint(listed)),
            _ => {
                Err(Error::usage(format!("several states of {short} begin with {to}")).hint(listed))
            }
        }
    }

    /// The stack as it is kept, ready to be planned. Refused when a zip of it is gone.
    pub async fn template_of(&self, now: &StackTemplate, kept: &Kept) -> Result<StackTemplate> {
        let store = self.store_of(now)?;
        let bucket = self.artefacts.bucket_of(store);
        let target = format!("s3://{bucket}/{}", kept.key);
        let get = store.s3.get_object().bucket(bucket).key(&kept.key).send().await;
        let answer = get.map_err(|error| explain(format!("cannot read {target}"), error))?;
        let body = answer.body.collect().await.with_context(|| format!("cannot read {target}"))?;
        let state: State = serde_json::from_slice(&body.into_bytes())
            .with_context(|| format!("{target} is not what a deploy keeps"))?;
        let same = state.version == VERSION
            && state.stack_name == now.stack_name
            && state.region == now.region
            && state.digest() == kept.digest;
        if !same {
            return Err(Error::failed(format!("{target} is not what a deploy kept of this stack")));
        }
        let aws = self.aws.of(&now.region)?;
        for parameter in &now.deploy_parameters {
            let DeployValue::CodeKey { function } = &parameter.value else { continue };
            if let Some(zip) = state.parameters.get(&parameter.name)
                && !self.artefacts.exists(aws, zip).await?
            {
                return Err(Error::failed(format!("the zip of {function} of that time is gone"))
                    .caused_by(format!("s3://{}/{zip}", self.artefacts.bucket_of(aws))));
            }
        }
        let template = serde_json::from_value(state.template)
            .with_context(|| format!("{target} has no template"))?;
        let literal = |(name, value): (String, String)| DeployParameter {
            name,
            value: DeployValue::Literal { value },
        };
        Ok(StackTemplate {
            depends_on: Vec::new(),
            deploy_parameters: state.parameters.into_iter().map(literal).collect(),
            template,
            ..now.clone()
        })
    }

    /// Waits for what is under way, and brings a stack to rest whose own rollback failed:
    /// CloudFormation goes on with it, past the resources `skip`.
    pub async fn finish_rollback(&self, template: &StackTemplate, skip: &[String]) -> Result<()> {
        let name = &template.stack_name;
        let aws = self.aws.of(&template.region)?;
        let mut live = observe(aws, name).await?;
        if live.as_ref().is_some_and(LiveStack::is_busy) {
            live = self.wait_until_idle(&template.region, name, &template.name).await?;
        }
        let Some(live) = live else { return Ok(()) };
        if live.status != StackStatus::UpdateRollbackFailed {
            return Ok(());
        }
        let seen = seen_events(aws, name).await?;
        let task = format!("rollback.{}", template.name);
        let work = async {
            let skipped = (!skip.is_empty()).then(|| skip.to_vec());
            aws.cloudformation
                .continue_update_rollback()
                .stack_name(name)
                .set_resources_to_skip(skipped)
                .send()
                .await
                .map_err(|error| {
                    explain(format!("cannot go on with the rollback of {name}"), error)
                })?;
            let (events, cancel) = (&self.events, &self.cancel);
            let follow = Follow { aws, stack: name, seen, task: &task, events, cancel };
            let ended = Box::pin(follow.until_idle()).await?;
            let failed = ended
                .stack
                .as_ref()
                .is_none_or(|stack| stack.status == StackStatus::UpdateRollbackFailed);
            if failed {
                return Err(ended
                    .failure(name)
                    .hint("mend what the events name, or skip it with `--skip RESOURCE`"));
            }
            Ok(())
        };
        let detail = json!({ "skip": skip, "region": aws.region });
        self.journal.mutate("cloudformation:ContinueUpdateRollback", name, detail, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_when_why_and_by_which_run() {
        let at = OffsetDateTime::from_unix_timestamp(1_795_000_000).expect("a time");
        let key = Kept::key_of("efs", at, "5d41402abc4b", Why::Deploy, "2026-11-20-k3f9");
        let kept = Kept::of(&key).expect("ours");
        assert_eq!((kept.digest.as_str(), kept.why), ("5d41402abc4b", Why::Deploy));
        assert_eq!((kept.run.as_str(), kept.at.get(..10)), ("2026-11-20-k3f9", Some("2026-11-18")));
        let later = Kept::key_of("efs", at + time::Duration::SECOND, "0", Why::Rollback, "r");
        assert!(later > key, "keys sort by time");
        for other in ["deployed/efs/x.json", "deployed/efs/1-2-destroy-r.json", "templates/a.json"]
        {
            assert_eq!(Kept::of(other), None, "{other}");
        }
    }
}
