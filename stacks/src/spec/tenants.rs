//! Tenants and what their tier gives them.

use std::collections::BTreeMap;

use runtime_core::tenant::{Isolation, TenantId, Tier};

/// What a tier gives its tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSpec {
    /// Whether its tenants share what they use. Default: only premium ones do not.
    pub isolation: Isolation,
    /// Requests a second that a tenant may make, on average.
    pub requests_per_second: u32,
    /// Requests that it may make at once.
    pub burst: u32,
    /// Requests that it may make a month.
    pub monthly_requests: u32,
    /// The monthly budget of a siloed tenant in US dollars, unless it has its own.
    pub monthly_usd: u32,
}

/// The tiers with every default.
pub fn default_tiers() -> BTreeMap<Tier, TierSpec> {
    let tier = |isolation, requests_per_second, burst, monthly_requests, monthly_usd| TierSpec {
        isolation,
        requests_per_second,
        burst,
        monthly_requests,
        monthly_usd,
    };
    BTreeMap::from([
        (Tier::Basic, tier(Isolation::Pooled, 5, 10, 50_000, 50)),
        (Tier::Standard, tier(Isolation::Pooled, 20, 40, 500_000, 250)),
        (Tier::Premium, tier(Isolation::Silo, 100, 200, 10_000_000, 1_000)),
    ])
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSpec {
    /// Its id.
    pub id: TenantId,
    /// Its tier.
    pub tier: Tier,
    /// Its monthly budget in US dollars. Default: that of the tier.
    pub monthly_usd: Option<u32>,
    /// Who hears when the budget is exceeded.
    pub email: String,
}

/// What the account may hold. AWS raises these on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotasSpec {
    /// Stacks a region. Default 2,000.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
    pub stacks: u32,
    /// IAM roles. Default 1,000; AWS raises it to 5,000.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub iam_roles: u32,
    /// API keys a region. Default 10,000.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
    pub api_keys: u32,
}

impl Default for QuotasSpec {
    fn default() -> Self {
        Self { stacks: 2_000, iam_roles: 1_000, api_keys: 10_000 }
    }
}
