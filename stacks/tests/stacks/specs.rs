//! The environments that the tests and cfn-lint look at.

use runtime_core::functions::Function;
use runtime_core::tenant::Tier;
use stacks::spec::{
    Architecture, AuditMode, DomainSpec, FunctionSpec, Nat, StackSpec, Storage, TenantSpec,
};

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
    spec.observability.pages = vec!["https://events.acme.example/key".into()];
    spec.observability.notices = vec!["ops@acme.example".into()];
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
    spec.runtime_region = "eu-west-1".to_owned();
    spec.tenants = vec![tenant("globex", Tier::Premium)];
    spec
}

/// A tenant with the budget of its tier.
pub(crate) fn tenant(id: &str, tier: Tier) -> TenantSpec {
    let email = format!("ops@{id}.example");
    TenantSpec { id: id.parse().unwrap(), tier, monthly_usd: None, email }
}

/// Every default, with premium tenants.
pub(crate) fn dev_with<const N: usize>(ids: [&str; N]) -> StackSpec {
    let mut spec = dev();
    spec.tenants = ids.map(|id| tenant(id, Tier::Premium)).into();
    spec
}

/// Three zones, every function, and every option of the platform.
pub(crate) fn complete() -> StackSpec {
    let mut spec = full();
    spec.platform.functions = Function::ALL
        .into_iter()
        .filter(|function| *function != Function::GitStore)
        .map(|function| (function, FunctionSpec::default()))
        .collect();
    spec.platform.audit.mode = AuditMode::Compliance;
    spec.platform.audit.retention_days = 2_555;
    spec.platform.firewall.countries = vec!["GB".into(), "DE".into()];
    spec.platform.domain = Some(DomainSpec {
        name: "app.acme.example".into(),
        certificate_arn: "arn:aws:acm:us-east-1:111122223333:certificate/\
                          1f2e3d4c-5b6a-7980-91a2-b3c4d5e6f708"
            .into(),
    });
    spec
}

/// All of them, by name.
pub(crate) fn all() -> [(&'static str, StackSpec); 5] {
    let [dev, full, one_zone] = [("dev", dev()), ("full", full()), ("one-zone", one_zone())];
    [dev, full, one_zone, ("two-regions", two_regions()), ("complete", complete())]
}
