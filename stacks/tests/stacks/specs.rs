//! The environments that the tests and cfn-lint look at.

use stacks::spec::{
    Architecture, IdentitySpec, IssuerKind, IssuerSpec, Nat, PipelineProvider, PipelineSpec,
    StackSpec, StageKind, StageSpec, StageStacks, Storage,
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

/// All of them, by name.
pub(crate) fn all() -> [(&'static str, StackSpec); 3] {
    [("dev", dev()), ("full", full()), ("one-zone", one_zone())]
}
