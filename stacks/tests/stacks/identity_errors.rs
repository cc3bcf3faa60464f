//! Pipelines and issuers that would let in others are refused.

use stacks::spec::{
    IssuerKind, IssuerSpec, PipelineProvider, PipelineSpec, StageKind, StageSpec, StageStacks,
};

use crate::spec_errors::refused;
use crate::specs;

/// The fields that are refused after a change to a good pipeline of GitHub.
fn pipeline_refused(change: impl FnOnce(&mut PipelineSpec)) -> Vec<String> {
    let mut pipeline = specs::full().identity.pipelines.remove(0);
    change(&mut pipeline);
    refused(|spec| spec.identity.pipelines = vec![pipeline])
}

#[test]
fn pipelines_that_would_let_in_others() {
    assert!(pipeline_refused(|_| ()).is_empty());
    let hostile =
        ["", "*", "acme/*", "acme/wik?", "acme/wiki:ref", "acme//wiki", "a/${b}", "a/b\n", "a/."];
    for project in hostile.into_iter().chain(["wiki", "acme/wiki/sub"]) {
        let fields = pipeline_refused(|it| it.project = project.into());
        assert_eq!(fields, ["identity.pipelines[0].project"], "{project:?}");
    }
    for text in hostile {
        let fields = pipeline_refused(|it| it.stages[1].branch = text.into());
        assert_eq!(fields, ["identity.pipelines[0].stages[1].branch"], "{text:?}");
        let fields = pipeline_refused(|it| it.stages[1].environment = Some(text.into()));
        assert_eq!(fields, ["identity.pipelines[0].stages[1].environment"], "{text:?}");
        let subject = Some(text.to_owned());
        let fields = pipeline_refused(|it| it.provider = PipelineProvider::GitHub { subject });
        assert_eq!(fields, ["identity.pipelines[0].subject"], "{text:?}");
    }
    for url in HOSTILE_ADDRESSES {
        let fields = pipeline_refused(|it| {
            it.provider = PipelineProvider::GitLab { url: url.into() };
            it.stages[1].environment = None;
        });
        assert_eq!(fields, ["identity.pipelines[0].url"], "{url:?}");
    }
    let gitlab = PipelineProvider::GitLab { url: PipelineProvider::GITLAB.into() };
    let fields = pipeline_refused(|it| it.provider = gitlab);
    assert_eq!(fields, ["identity.pipelines[0].stages[1].environment"], "AWS cannot see it");
}

#[test]
fn stages() {
    let first = "identity.pipelines[0].stages[0]";
    for name in ["", "Plan", "plan-", "a_b", &"a".repeat(30)] {
        let fields = pipeline_refused(|it| it.stages[0].name = name.into());
        assert_eq!(fields, [format!("{first}.name")], "{name}");
    }
    assert_eq!(pipeline_refused(|it| it.stages.clear()), ["identity.pipelines[0].stages"]);
    let twice = pipeline_refused(|it| it.stages[1].name = "plan".into());
    assert_eq!(twice, ["identity.pipelines[0].stages[1].name"]);
    let stacks = |kind: StageKind, names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        pipeline_refused(|it| {
            it.stages[0] =
                StageSpec { kind, stacks: StageStacks::Only(names), ..it.stages[0].clone() };
        })
    };
    assert!(stacks(StageKind::Plan, &["identity", "network"]).is_empty());
    assert_eq!(stacks(StageKind::Plan, &[]), [format!("{first}.stacks")]);
    assert_eq!(stacks(StageKind::Plan, &["efs", "efs"]), [format!("{first}.stacks[1]")]);
    assert_eq!(stacks(StageKind::Deploy, &["identity"]), [format!("{first}.stacks[0]")]);
    assert_eq!(stacks(StageKind::Deploy, &["wiki"]), [format!("{first}.stacks")]);
}

#[test]
fn one_provider_for_each_address() {
    let mut second = specs::full().identity.pipelines.remove(0);
    second.existing_provider = true;
    second.stages.truncate(1);
    second.stages[0].name = "other".into();
    let fields = refused(|spec| {
        spec.identity.pipelines = specs::full().identity.pipelines;
        spec.identity.pipelines.push(second);
    });
    assert_eq!(fields, ["identity.pipelines[2].existing_provider"]);
}

const HOSTILE_ADDRESSES: [&str; 14] = [
    "",
    "http://login.acme.example",
    "https://",
    "https://localhost",
    "https://169.254.169.254",
    "https://user@acme.example",
    "https://acme.example:8443",
    "https://acme.example/",
    "https://acme.example/a?b=c",
    "https://acme.example/#a",
    "https://acme.example/{{resolve:ssm:/a}}",
    "https://acme.example/../b",
    "https://*.acme.example",
    "https://ACME.example",
];

#[test]
fn issuers() {
    let issuer = |change: &dyn Fn(&mut IssuerSpec)| {
        let mut issuer = specs::full().identity.issuers.remove(2);
        change(&mut issuer);
        refused(|spec| spec.identity.issuers = vec![issuer])
    };
    assert!(issuer(&|_| ()).is_empty());
    for url in HOSTILE_ADDRESSES {
        let given = Some(url.to_owned());
        assert_eq!(issuer(&|it| it.issuer.clone_from(&given)), ["identity.issuers[0].issuer"]);
        assert_eq!(issuer(&|it| it.jwks_url.clone_from(&given)), ["identity.issuers[0].jwks_url"]);
    }
    assert_eq!(issuer(&|it| it.issuer = None), ["identity.issuers[0].issuer"]);
    for text in ["", "a b", "*", "{{resolve:ssm:/a}}", &"a".repeat(256)] {
        let given = Some(text.to_owned());
        assert_eq!(issuer(&|it| it.audience.clone_from(&given)), ["identity.issuers[0].audience"]);
        let fields = issuer(&|it| it.role_claim.clone_from(&given));
        assert_eq!(fields, ["identity.issuers[0].role_claim"], "{text:?}");
    }
    for name in ["", "Staff", "a/b", "-a"] {
        assert_eq!(issuer(&|it| it.name = name.into()), ["identity.issuers[0].name"], "{name}");
    }
    let guid = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    for tenant in ["common", "organizations", "", "8eaef023"] {
        let kind = IssuerKind::Entra { tenant_id: tenant.to_owned(), client_id: guid.to_owned() };
        let spec = IssuerSpec::new("staff", kind);
        let fields = refused(|it| it.identity.issuers = vec![spec]);
        assert_eq!(fields, ["identity.issuers[0].tenant_id"], "{tenant}");
    }
    for client in ["", "client_", "client_a/b", "01HXYZ"] {
        let spec = IssuerSpec::new("users", IssuerKind::AuthKit { client_id: client.to_owned() });
        let fields = refused(|it| it.identity.issuers = vec![spec]);
        assert_eq!(fields, ["identity.issuers[0].client_id"], "{client}");
    }
    for text in ["", "a b", "${a}"] {
        let fields = issuer(&|it| it.tenant_claim = Some(text.to_owned()));
        assert_eq!(fields, ["identity.issuers[0].tenant_claim"], "{text:?}");
    }
    let users = |name: &str, client: &str| {
        IssuerSpec::new(name, IssuerKind::AuthKit { client_id: client.to_owned() })
    };
    let both = |one, other| refused(|it| it.identity.issuers = vec![one, other]);
    let fields = both(users("users", "client_1"), users("users", "client_2"));
    assert_eq!(fields, ["identity.issuers[1].name"]);
    let fields = both(users("users", "client_1"), users("others", "client_1"));
    assert_eq!(fields, ["identity.issuers[1].issuer"]);
    let many = (0..12).map(|at| users(&format!("users-{at}"), &format!("client_{at}")));
    let fields = refused(|it| it.identity.issuers = many.collect());
    assert_eq!(fields, ["identity.issuers"]);
}
