//! What the provisioner has to know of an environment to make a tenant's stacks.

use std::collections::BTreeMap;

use runtime_core::functions::Function;
use runtime_core::tenant::{Isolation, TenantId, Tier};
use serde::{Deserialize, Serialize};

use super::{RUNTIME_SUFFIX, stack_name};
use crate::spec::{FunctionSpec, Nat, StackSpec, TenantSpec};
use crate::{SpecErrors, StackTemplate};

/// The part of an environment's spec that the stacks of its tenants are made from. It
/// goes to the provisioner as JSON, in an environment variable: both make the same bytes.
///
/// ```
/// use stacks::spec::{StackSpec, TenantSpec};
/// use stacks::tenant::Tenancy;
///
/// let mut spec = StackSpec::new("acme", "dev", "eu-west-2");
/// let globex = TenantSpec {
///     id: "globex".parse()?,
///     tier: runtime_core::tenant::Tier::Premium,
///     monthly_usd: None,
///     email: "costs@globex.example".to_owned(),
/// };
/// let made = Tenancy::of(&spec).stacks(&globex)?;
/// assert_eq!(made[0].stack_name, "acme-dev-tenant-globex");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenancy {
    project: String,
    environment: String,
    region: String,
    runtime_region: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    tiers: BTreeMap<Tier, TierTenancy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierTenancy {
    isolation: Isolation,
    monthly_usd: u32,
}

impl Tenancy {
    /// What the spec says of tenants.
    pub fn of(spec: &StackSpec) -> Self {
        let tier = |tier: &crate::spec::TierSpec| TierTenancy {
            isolation: tier.isolation,
            monthly_usd: tier.monthly_usd,
        };
        Self {
            project: spec.project.clone(),
            environment: spec.environment.clone(),
            region: spec.region.clone(),
            runtime_region: spec.runtime_region.clone(),
            tags: spec.tags.clone(),
            tiers: spec.tiers.iter().map(|(name, it)| (*name, tier(it))).collect(),
        }
    }

    /// Whether tenants of this tier have stacks of their own.
    pub fn is_siloed(&self, tier: Tier) -> bool {
        self.tiers.get(&tier).is_some_and(|tier| tier.isolation == Isolation::Silo)
    }

    /// What the names of all of the environment's resources begin with.
    pub fn prefix(&self) -> String {
        format!("{}-{}", self.project, self.environment)
    }

    /// The names and regions of the stacks that a tenant can have, in the order in which
    /// they are made.
    pub fn possible_stacks(&self, tenant: &TenantId) -> Vec<(String, String)> {
        let own = format!("{}-{}", self.prefix(), stack_name(tenant));
        let mut all = vec![(own.clone(), self.region.clone())];
        if self.runtime_region != self.region {
            all.push((format!("{own}{RUNTIME_SUFFIX}"), self.runtime_region.clone()));
        }
        all
    }

    /// The region in which agents run.
    pub fn runtime_region(&self) -> &str {
        &self.runtime_region
    }

    /// The stacks of a tenant, in the order in which they are made; none when its tier
    /// is pooled.
    ///
    /// # Errors
    ///
    /// When the environment's own values are not those of a spec.
    pub fn stacks(&self, tenant: &TenantSpec) -> Result<Vec<StackTemplate>, SpecErrors> {
        let mut spec = StackSpec::new(&self.project, &self.environment, &self.region);
        spec.runtime_region.clone_from(&self.runtime_region);
        spec.tags.clone_from(&self.tags);
        spec.tiers.retain(|tier, _| self.tiers.contains_key(tier));
        for (name, own) in &self.tiers {
            if let Some(tier) = spec.tiers.get_mut(name) {
                tier.isolation = own.isolation;
                tier.monthly_usd = own.monthly_usd;
            }
        }
        spec.network.nat = Nat::Single;
        // It is the provisioner that asks: where there is one, roles are bounded.
        spec.platform.functions.insert(Function::Provisioner, FunctionSpec::default());
        let own = stack_name(&tenant.id);
        let names = [format!("{own}{RUNTIME_SUFFIX}"), own];
        spec.tenants.push(tenant.clone());
        let all = crate::synthesize(&spec)?;
        Ok(all.into_iter().filter(|stack| names.contains(&stack.name)).collect())
    }
}
