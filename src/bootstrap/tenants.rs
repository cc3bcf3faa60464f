//! The step that makes the first tenants of a local platform, through its own API.

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_core::api::NewTenant;
use runtime_core::functions::Function;
use runtime_core::tenant::{TenantId, Tier};
use serde_json::json;

use super::actions::Platform;
use super::steps::StepResult;
use crate::config::{Settings, TenantConfig};
use crate::deploy::Engine;
use crate::error::{Context as _, Error, Result};
use crate::ops::tenants::{self, Goal};
use crate::ops::{Api, idempotency_key};

/// Reaches the platform's API by the outputs of its stack.
pub type ReachApi<'a> = Box<dyn Fn(&BTreeMap<String, String>) -> Result<Api> + Send + Sync + 'a>;

/// The first tenants, and who makes them: one that shares everything, and one with a stack
/// of its own.
const FIRST: [(&str, Tier, Function); 2] =
    [("acme", Tier::Basic, Function::TenantApi), ("globex", Tier::Premium, Function::Provisioner)];

/// How long one of them may take on the local platform.
const PATIENCE: Duration = Duration::from_mins(5);

/// Whether the first tenants are made: on the local platform, once it has the functions
/// that answer for tenants.
pub fn seeds_tenants(settings: &Settings) -> bool {
    let wanted = [Function::Authoriser, Function::TenantApi];
    // Those that have no code yet cannot be named there.
    let functions = &settings.config.platform.functions;
    settings.local && wanted.iter().all(|function| functions.contains_key(function))
}

impl Platform<'_> {
    /// Makes those that are missing, and waits for them.
    pub(super) async fn seed_tenants(&self) -> Result<StepResult> {
        let api = self.reach_api()?;
        let Engine { journal, .. } = &self.engine;
        let mut made = Vec::new();
        let tenants = first(self.settings)?;
        let names: Vec<_> = tenants.iter().map(|tenant| tenant.id.to_string()).collect();
        for tenant in tenants {
            let id = tenant.id.clone();
            if tenants::find(&api, &id).await?.is_none() {
                let key = idempotency_key(journal.run().as_str(), "createTenant", &json!(tenant));
                let work = tenants::create(&api, &tenant, &key, Some("seeded by a bootstrap"));
                let action = "platform-api:createTenant";
                journal.mutate(action, id.as_str(), json!({ "tier": tenant.tier }), work).await?;
                made.push(id.to_string());
            }
            tenants::settle(&api, &id, Goal::Settled, PATIENCE).await?;
        }
        let summary = format!("tenants {}", names.join(" and "));
        let detail = json!({ "made": made });
        let result = if made.is_empty() {
            StepResult::unchanged(summary)
        } else {
            StepResult::changed(summary)
        };
        Ok(result.with(detail))
    }

    /// Each of them is there.
    pub(super) async fn prove_tenants(&self) -> Result<()> {
        let api = self.reach_api()?;
        for tenant in first(self.settings)? {
            tenants::show(&api, &tenant.id).await?;
        }
        Ok(())
    }

    fn reach_api(&self) -> Result<Api> {
        let reach = self.api.as_ref();
        let stack = self.report.stacks.iter().find(|stack| stack.name == "platform");
        match (reach, stack) {
            (Some(reach), Some(stack)) => reach(&stack.outputs),
            _ => Err(Error::failed("the platform's API was not deployed by this run")),
        }
    }
}

/// Those whose makers are deployed.
fn first(settings: &Settings) -> Result<Vec<NewTenant>> {
    let functions = &settings.config.platform.functions;
    let wanted = FIRST.into_iter().filter(|(.., maker)| functions.contains_key(maker));
    let tenant = |(id, tier, _): (&str, Tier, Function)| {
        // What platform.yaml says of it holds: both make the same stack.
        if let Some(listed) = settings.config.tenants.iter().find(|it| it.id.as_str() == id) {
            let TenantConfig { id, tier, monthly_usd, email } = listed.clone();
            return Ok(NewTenant { id, tier, email, monthly_usd });
        }
        let email = format!("operators@{id}.example");
        let id: TenantId = id.parse().context("an id of ours is invalid")?;
        Ok(NewTenant { id, tier, email, monthly_usd: None })
    };
    wanted.map(tenant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, FunctionConfig, Overrides};

    fn settings(functions: &[Function], local: bool) -> Settings {
        let text = "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n";
        let loaded = config::parse("p", text).expect("good");
        let mut settings = Settings::resolve(loaded, Overrides { local, ..Overrides::default() });
        let functions = functions.iter().map(|function| (*function, FunctionConfig::default()));
        settings.config.platform.functions = functions.collect();
        settings
    }

    #[test]
    fn tenants_are_made_only_where_somebody_answers_for_them() {
        let both = [Function::Authoriser, Function::TenantApi];
        assert!(seeds_tenants(&settings(&both, true)));
        assert!(!seeds_tenants(&settings(&both, false)));
        assert!(!seeds_tenants(&settings(&[Function::TenantApi], true)));
        assert!(!seeds_tenants(&settings(&[], true)));
    }

    #[test]
    fn tenants_whose_makers_are_missing_are_not_made() {
        let ids = |functions: &[Function]| -> Vec<String> {
            let tenants = first(&settings(functions, true)).expect("valid");
            tenants.iter().map(|it| it.id.to_string()).collect()
        };
        assert_eq!(ids(&[Function::TenantApi]), ["acme"]);
        assert_eq!(ids(&[Function::TenantApi, Function::Provisioner]), ["acme", "globex"]);
    }
}
