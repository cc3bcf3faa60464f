//! What the provisioner has to know of an environment to make a tenant's stacks.

use std::collections::BTreeMap;

use runtime_core::functions::Function;
use runtime_core::tenant::{Isolation, TenantId};
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
///     monthly_usd: Some(500),
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
}

impl Tenancy {
    /// What the spec says of tenants.
    pub fn of(spec: &StackSpec) -> Self {
        Self {
            project: spec.project.clone(),
            environment: spec.environment.clone(),
            region: spec.region.clone(),
            runtime_region: spec.runtime_region.clone(),
            tags: spec.tags.clone(),
        }
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

    /// The stacks of a siloed tenant, in the order in which they are made. Whether a
    /// tenant is siloed was decided when it was made, and stays when its tier changes.
    ///
    /// # Errors
    ///
    /// When the environment's own values are not those of a spec.
    pub fn stacks(&self, tenant: &TenantSpec) -> Result<Vec<StackTemplate>, SpecErrors> {
        let mut spec = StackSpec::new(&self.project, &self.environment, &self.region);
        spec.runtime_region.clone_from(&self.runtime_region);
        spec.tags.clone_from(&self.tags);
        if let Some(tier) = spec.tiers.get_mut(&tenant.tier) {
            tier.isolation = Isolation::Silo;
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
