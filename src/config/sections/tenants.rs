//! Tenants and what their tier gives them.

use std::collections::BTreeMap;

use runtime_core::tenant::{self, TenantId, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::{QuotasSpec, TenantSpec, TierSpec, default_tiers};

/// What each tier gives its tenants.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tiers {
    /// The smallest tier.
    pub basic: TierConfig,
    /// The usual tier.
    pub standard: TierConfig,
    /// The largest tier.
    pub premium: TierConfig,
}

/// What a tier gives its tenants. What is left out is the tier's default.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TierConfig {
    /// Whether its tenants share what they use (pooled) or have stacks of their own
    /// (silo). By default only premium ones have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// Requests a second that a tenant may make, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Requests that it may make at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Requests that it may make a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_requests: Option<u32>,
    /// The monthly budget of a siloed tenant in US dollars, unless it has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_usd: Option<u32>,
}

/// Whether a tenant shares what it uses.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// It shares everything, kept apart by keys.
    Pooled,
    /// It has a stack of its own.
    Silo,
}

/// A tenant that is deployed with the platform.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Its id: 3 to 22 of a-z, 0-9 and single hyphens, beginning with a letter.
    #[schemars(with = "String", regex(pattern = r"^[a-z][a-z0-9-]{2,21}$"))]
    pub id: TenantId,
    /// Its tier: basic, standard or premium.
    #[schemars(with = "String")]
    pub tier: Tier,
    /// Its monthly budget in US dollars. Left out: that of the tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_usd: Option<u32>,
    /// Who hears when the budget is exceeded.
    pub email: String,
}

/// What the account may hold, by default what AWS gives a new one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuotasConfig {
    /// Stacks a region.
    pub stacks: u32,
    /// IAM roles; AWS raises this to 5000.
    pub iam_roles: u32,
    /// API keys a region.
    pub api_keys: u32,
}

impl Default for QuotasConfig {
    fn default() -> Self {
        let QuotasSpec { stacks, iam_roles, api_keys } = QuotasSpec::default();
        Self { stacks, iam_roles, api_keys }
    }
}

impl QuotasConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> QuotasSpec {
        let Self { stacks, iam_roles, api_keys } = *self;
        QuotasSpec { stacks, iam_roles, api_keys }
    }
}

impl Default for Tiers {
    fn default() -> Self {
        let [basic, standard, premium] = [(); 3].map(|()| TierConfig::default());
        Self { basic, standard, premium }
    }
}

impl Tiers {
    /// The inputs of synthesis.
    pub fn spec(&self) -> BTreeMap<Tier, TierSpec> {
        let mut tiers = default_tiers();
        for (tier, config) in [
            (Tier::Basic, &self.basic),
            (Tier::Standard, &self.standard),
            (Tier::Premium, &self.premium),
        ] {
            if let Some(spec) = tiers.get_mut(&tier) {
                config.apply(spec);
            }
        }
        tiers
    }
}

impl TierConfig {
    fn apply(&self, spec: &mut TierSpec) {
        if let Some(isolation) = self.isolation {
            spec.isolation = match isolation {
                Isolation::Pooled => tenant::Isolation::Pooled,
                Isolation::Silo => tenant::Isolation::Silo,
            };
        }
        let numbers = [
            (self.requests_per_second, &mut spec.requests_per_second),
            (self.burst, &mut spec.burst),
            (self.monthly_requests, &mut spec.monthly_requests),
            (self.monthly_usd, &mut spec.monthly_usd),
        ];
        for (given, number) in numbers {
            *number = given.unwrap_or(*number);
        }
    }
}

impl TenantConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> TenantSpec {
        TenantSpec {
            id: self.id.clone(),
            tier: self.tier,
            monthly_usd: self.monthly_usd,
            email: self.email.clone(),
        }
    }
}
