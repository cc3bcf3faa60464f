//! The inputs of synthesis, with documented defaults. [`synthesize`](crate::synthesize)
//! refuses what is out of range.

use std::collections::BTreeMap;

use runtime_core::functions::Function;
use runtime_core::tenant::{Isolation, Tier};

use crate::cfn::Naming;

mod agentcore;
mod budget;
mod efs;
mod function;
mod identity;
mod network;
mod observability;
mod platform;
mod tenants;

pub use agentcore::{
    AgentcoreSpec, CodeSpec, GatewaySpec, Language, MemorySpec, MetricsSpec, RuntimeSpec, Strategy,
    TokenSpec,
};
pub use budget::BudgetSpec;
pub use efs::{EfsSpec, Storage};
pub use function::{Architecture, FunctionSpec, Routing};
pub use identity::{
    IdentitySpec, Issuer, IssuerKind, IssuerSpec, PipelineProvider, PipelineSpec, StageKind,
    StageSpec, StageStacks,
};
pub use network::{Endpoints, Nat, NetworkSpec, PLATFORM_ENDPOINTS};
pub use observability::ObservabilitySpec;
pub use platform::{
    ApiSpec, AuditMode, AuditSpec, DomainSpec, FirewallSpec, PlatformSpec, ThrottleSpec,
};
pub use tenants::{QuotasSpec, TenantSpec, TierSpec, default_tiers};

/// Everything that synthesis needs to know. Same spec, same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSpec {
    /// Lowercase name of the company or product: prefix of every physical name.
    pub project: String,
    /// Lowercase environment name, such as `dev` or `prod`.
    pub environment: String,
    /// The home region, such as `eu-west-2`: all stacks but those of the agents' runtime.
    pub region: String,
    /// The region in which agents run, such as `eu-west-1`. Default: the home region.
    pub runtime_region: String,
    /// The user's own tags, added to every taggable resource beside `project`,
    /// `environment` and `stack`.
    pub tags: BTreeMap<String, String>,
    /// Instruction set of all functions. Default arm64.
    pub architecture: Architecture,
    /// Keys, pipelines, and who signs users in.
    pub identity: IdentitySpec,
    /// The network of the home region.
    pub network: NetworkSpec,
    /// The network of the runtime region, when that is another one.
    pub runtime_network: NetworkSpec,
    /// The efs stack.
    pub efs: EfsSpec,
    /// The platform stack.
    pub platform: PlatformSpec,
    /// The agentcore stack.
    pub agentcore: AgentcoreSpec,
    /// What each tier gives its tenants.
    pub tiers: BTreeMap<Tier, TierSpec>,
    /// Tenants that are deployed with the platform. Those of pooled tiers need no stack.
    pub tenants: Vec<TenantSpec>,
    /// What the account may hold.
    pub quotas: QuotasSpec,
    /// Alarms and dashboards.
    pub observability: ObservabilitySpec,
    /// The budget stack.
    pub budget: BudgetSpec,
}

impl StackSpec {
    /// An environment with every default.
    ///
    /// ```
    /// let spec = stacks::spec::StackSpec::new("acme", "dev", "eu-west-2");
    /// assert_eq!(spec.network.cidr.to_string(), "10.40.0.0/16");
    /// ```
    pub fn new(project: &str, environment: &str, region: &str) -> Self {
        Self {
            project: project.to_owned(),
            environment: environment.to_owned(),
            region: region.to_owned(),
            runtime_region: region.to_owned(),
            tags: BTreeMap::new(),
            architecture: Architecture::default(),
            identity: IdentitySpec::default(),
            network: NetworkSpec::default(),
            runtime_network: NetworkSpec::runtime(),
            efs: EfsSpec::default(),
            platform: PlatformSpec::default(),
            agentcore: AgentcoreSpec::default(),
            tiers: default_tiers(),
            tenants: Vec::new(),
            quotas: QuotasSpec::default(),
            observability: ObservabilitySpec::default(),
            budget: BudgetSpec::default(),
        }
    }

    /// Whether agents run in a region of their own.
    pub fn two_regions(&self) -> bool {
        self.runtime_region != self.region
    }

    /// The tenants that have stacks of their own, each with its tier.
    pub fn siloed(&self) -> impl Iterator<Item = (&TenantSpec, &TierSpec)> {
        self.tenants.iter().filter_map(|tenant| {
            let tier = self.tiers.get(&tenant.tier)?;
            (tier.isolation == Isolation::Silo).then_some((tenant, tier))
        })
    }

    /// What names and tags are made from, in the home region.
    pub fn naming(&self) -> Naming {
        let naming = Naming::new(&self.project, &self.environment, &self.region);
        let naming = naming.with_tags(&self.tags);
        let bounded = self.identity.deploys() || self.provisions();
        if bounded { naming.with_bounded_roles() } else { naming }
    }

    /// Whether the platform makes the stacks of siloed tenants itself.
    pub fn provisions(&self) -> bool {
        self.platform.functions.contains_key(&Function::Provisioner)
    }
}
