//! The environments that the tests and cfn-lint look at.

use runtime_core::tenant::Tier;
use stacks::spec::{Architecture, Nat, StackSpec, Storage, TenantSpec};

/// Every default, as `init` writes it.
pub(crate) fn dev() -> StackSpec {
    let mut spec = StackSpec::new("acme", "dev", "eu-west-2");
    spec.budget.emails = vec!["ops@acme.example".into()];
    spec
}

/// Three zones and every feature.
pub(crate) fn full() -> StackSpec {
    let mut spec = StackSpec::new("acme", "prod", "eu-west-1");
    spec.tags = [("cost-centre", "4711"), ("team", "Platform")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    spec.network.zones = 3;
    spec.network.nat = Nat::PerZone;
    spec.network.interface_endpoints =
        ["secretsmanager", "ssm", "ecr.api", "bedrock-runtime"].map(str::to_owned).into();
    spec.network.flow_logs = true;
    spec.efs.git_store.memory_mb = 1024;
    spec.efs.git_store.log_retention_days = 365;
    spec.efs.archive_after_days = 90;
    spec.tenants = vec![
        tenant("globex", Tier::Premium),
        tenant("initech", Tier::Basic),
        TenantSpec { monthly_usd: Some(5_000), ..tenant("big-corp-2", Tier::Premium) },
    ];
    spec.budget.monthly_usd = 2_000;
    spec.budget.emails = vec!["ops@acme.example".into(), "finance@acme.example".into()];
    spec
}

/// Files in one zone of two, one NAT gateway, no mail, an x86 host.
pub(crate) fn one_zone() -> StackSpec {
    let mut spec = StackSpec::new("acme", "test", "us-east-1");
    spec.network.zones = 2;
    spec.network.availability_zones = ["us-east-1b", "us-east-1d"].map(str::to_owned).into();
    spec.network.nat = Nat::Single;
    spec.efs.storage = Storage::OneZone;
    spec.efs.backup = false;
    spec.architecture = Architecture::X86_64;
    spec
}

/// Agents in another region, for a tenant with stacks of its own.
pub(crate) fn two_regions() -> StackSpec {
    let mut spec = dev();
    spec.runtime_region = "eu-west-1".into();
    spec.tenants = vec![tenant("globex", Tier::Premium)];
    spec
}

/// A tenant with the budget of its tier.
#[expect(clippy::unwrap_used, reason = "an id that is none is a mistake in a test")]
pub(crate) fn tenant(id: &str, tier: Tier) -> TenantSpec {
    let email = format!("ops@{id}.example");
    TenantSpec { id: id.parse().unwrap(), tier, monthly_usd: None, email }
}

/// All of them, by name.
pub(crate) fn all() -> [(&'static str, StackSpec); 4] {
    let two_regions = ("two-regions", two_regions());
    [("dev", dev()), ("full", full()), ("one-zone", one_zone()), two_regions]
}
