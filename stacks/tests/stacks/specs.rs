//! The environments that the tests and cfn-lint look at.

use runtime_core::functions::Function;
use runtime_core::tenant::Tier;
use stacks::spec::{
    Architecture, AuditMode, DomainSpec, Endpoints, FunctionSpec, GatewaySpec, IdentitySpec,
    IssuerKind, IssuerSpec, MemorySpec, Nat, PipelineProvider, PipelineSpec, RuntimeSpec,
    StackSpec, StageKind, StageSpec, StageStacks, Storage, Strategy, TenantSpec,
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
    spec.network.endpoints = Endpoints::Platform;
    spec.network.interface_endpoints = ["ecr.api", "bedrock-runtime"].map(str::to_owned).into();
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
    spec.identity = identity();
    spec.budget.monthly_usd = 2_000;
    spec.budget.emails = vec!["ops@acme.example".into(), "finance@acme.example".into()];
    spec
}

/// Pipelines of both providers, and every kind of issuer.
fn identity() -> IdentitySpec {
    let stage = |name: &str, kind, environment: Option<&str>, stacks| StageSpec {
        name: name.to_owned(),
        branch: "main".to_owned(),
        environment: environment.map(str::to_owned),
        kind,
        stacks,
    };
    let network = StageStacks::Only(vec!["network".to_owned()]);
    let github = PipelineSpec {
        provider: PipelineProvider::GitHub { subject: Some("acme-123456/wiki-456789".to_owned()) },
        project: "acme/wiki".to_owned(),
        existing_provider: false,
        stages: vec![
            stage("plan", StageKind::Plan, None, StageStacks::All),
            stage("deploy", StageKind::Deploy, Some("prod"), StageStacks::All),
        ],
    };
    let gitlab = PipelineSpec {
        provider: PipelineProvider::GitLab { url: "https://gitlab.acme.example".to_owned() },
        project: "acme/network".to_owned(),
        existing_provider: false,
        stages: vec![stage("network", StageKind::Deploy, None, network)],
    };
    let entra = IssuerKind::Entra {
        tenant_id: "8eaef023-2b34-4da1-9baa-8bc8c9d6a490".to_owned(),
        client_id: "00001111-aaaa-2222-bbbb-3333cccc4444".to_owned(),
    };
    let authkit = IssuerKind::AuthKit { client_id: "client_01HXYZ".to_owned() };
    let partners = IssuerSpec {
        issuer: Some("https://login.partner.example/realms/acme".to_owned()),
        audience: Some("acme-wiki".to_owned()),
        jwks_url: Some("https://login.partner.example/realms/acme/certs".to_owned()),
        role_claim: Some("https://acme.example/roles".to_owned()),
        ..IssuerSpec::new("partners", IssuerKind::Oidc)
    };
    IdentitySpec {
        pipelines: vec![github, gitlab],
        issuers: vec![IssuerSpec::new("staff", entra), IssuerSpec::new("users", authkit), partners],
    }
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

/// Agents in a region of their own, with all that belongs to them.
pub(crate) fn two_region() -> StackSpec {
    let mut spec = StackSpec::new("acme", "stage", "eu-west-2");
    spec.runtime_region = "eu-west-1".into();
    spec.network.zones = 2;
    spec.network.endpoints = Endpoints::Platform;
    spec.runtime_network.zones = 2;
    spec.runtime_network.endpoints = Endpoints::Platform;
    spec.runtime_network.interface_endpoints =
        ["bedrock-runtime", "ecr.api", "ecr.dkr"].map(str::to_owned).into();
    spec.runtime_network.flow_logs = true;
    let uri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/acme/agents:1.4.0".to_owned();
    spec.agentcore.runtime = Some(RuntimeSpec {
        image: Some(uri),
        models: ["eu.amazon.nova-lite-v1:0", "amazon.titan-embed-text-v2:0"]
            .map(str::to_owned)
            .into(),
        environment: [("LOG_LEVEL".to_owned(), "INFO".to_owned())].into(),
        ..RuntimeSpec::default()
    });
    spec.agentcore.memory = Some(MemorySpec {
        strategies: vec![
            Strategy::Facts,
            Strategy::Summaries,
            Strategy::Preferences,
            Strategy::Episodes,
        ],
        ..MemorySpec::default()
    });
    spec.agentcore.gateway = Some(GatewaySpec::default());
    spec.tenants = vec![tenant("globex", Tier::Premium)];
    spec
}

/// A tenant with the budget of its tier.
#[expect(clippy::unwrap_used, reason = "an id that is none is a mistake in a test")]
pub(crate) fn tenant(id: &str, tier: Tier) -> TenantSpec {
    let email = format!("ops@{id}.example");
    TenantSpec { id: id.parse().unwrap(), tier, monthly_usd: None, email }
}

/// Every default, with premium tenants.
#[allow(dead_code, reason = "the example that writes templates has no use for it")]
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
    [dev, full, one_zone, ("two-region", two_region()), ("complete", complete())]
}
