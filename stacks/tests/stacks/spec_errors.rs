//! Impossible specs are refused, with the field, the value and a way out.

use runtime_core::functions::Function;
use stacks::spec::{DomainSpec, FunctionSpec, StackSpec, Storage};

use crate::specs;

/// The fields that are refused after a change to a good spec.
fn refused(change: impl FnOnce(&mut StackSpec)) -> Vec<String> {
    let mut spec = specs::dev();
    change(&mut spec);
    match stacks::synthesize(&spec) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.field).collect(),
    }
}

#[test]
fn good_specs_pass() {
    for (_, spec) in specs::all() {
        stacks::synthesize(&spec).unwrap();
    }
}

#[test]
fn names() {
    for name in ["", "Acme", "4acme", "acme_wiki", "acme-", "ac--me", "-acme"] {
        assert_eq!(refused(|spec| spec.project = name.into()), ["project"], "{name}");
        assert_eq!(refused(|spec| spec.environment = name.into()), ["environment"], "{name}");
    }
    assert_eq!(refused(|spec| spec.project = "a".repeat(21)), Vec::<String>::new());
    assert_eq!(refused(|spec| spec.project = "a".repeat(22)), ["project"]);
}

#[test]
fn region() {
    for region in ["", "london", "eu-west", "eu-west-2a", "EU-west-2", "eu_west_2", "eu--2"] {
        assert_eq!(refused(|spec| spec.region = region.into()), ["region"], "{region}");
    }
    assert!(refused(|spec| spec.region = "ap-southeast-5".into()).is_empty());
}

#[test]
fn partition() {
    for region in [
        "cn-north-1",
        "us-gov-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "us-isof-south-1",
        "eu-isoe-west-1",
        "eusc-de-east-1",
    ] {
        let mut spec = specs::dev();
        spec.region = region.into();
        let errors: Vec<_> = stacks::synthesize(&spec).unwrap_err().into_iter().collect();
        assert_eq!(errors.len(), 1, "{region}");
        assert_eq!(errors[0].field, "region");
        assert!(errors[0].message.starts_with("only the aws partition is supported"), "{region}");
    }
}

#[test]
fn availability_zones() {
    let zones = |zones: u8, names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        refused(|spec| {
            spec.network.zones = zones;
            spec.network.availability_zones = names;
        })
    };
    let field = "network.availability_zones";
    assert!(zones(2, &[]).is_empty());
    assert!(zones(2, &["eu-west-2c", "eu-west-2a"]).is_empty());
    assert_eq!(zones(2, &["eu-west-2a"]), [field]);
    assert_eq!(zones(1, &["eu-west-2a", "eu-west-2b"]), [field]);
    for name in
        ["eu-west-1a", "eu-west-2", "eu-west-2A", "eu-west-2ab", "euw2-az1", "", "eu-west-2a"]
    {
        assert_eq!(zones(2, &["eu-west-2a", name]), [format!("{field}[1]")], "{name}");
    }
}

#[test]
fn storage_in_one_zone_needs_the_zones_name() {
    assert_eq!(refused(|s| s.efs.storage = Storage::OneZone), ["efs.storage"]);
    let named = refused(|s| {
        s.efs.storage = Storage::OneZone;
        s.network.availability_zones = vec!["eu-west-2b".into()];
    });
    assert!(named.is_empty());
}

#[test]
fn tags() {
    let tag = |key: &str, value: &str| {
        let (key, value) = (key.to_owned(), value.to_owned());
        refused(move |spec| drop(spec.tags.insert(key, value)))
    };
    assert!(tag("team", "Platform: Größe +1").is_empty());
    assert_eq!(tag("project", "other"), ["tags.project"]);
    assert_eq!(tag("AWS:team", "x"), ["tags.AWS:team"]);
    assert_eq!(tag("team", "a\nb"), ["tags.team"]);
    assert_eq!(tag("team", &"x".repeat(257)), ["tags.team"]);
    assert_eq!(tag(&"k".repeat(129), "x").len(), 1);
    assert_eq!(tag("", "x"), ["tags."]);
    let many = (0..48).map(|n| (format!("tag{n}"), String::new())).collect();
    assert_eq!(refused(|spec| spec.tags = many), ["tags"]);
}

#[test]
fn network() {
    for zones in [0, 4] {
        assert_eq!(refused(|spec| spec.network.zones = zones), ["network.zones"]);
    }
    let cidr = "8.8.0.0/16".parse().unwrap();
    assert_eq!(refused(|spec| spec.network.cidr = cidr), ["network.cidr"]);
}

#[test]
fn interface_endpoints() {
    let endpoints = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        refused(|spec| spec.network.interface_endpoints = names)
    };
    assert!(endpoints(&["ssm", "ecr.api", "bedrock-runtime"]).is_empty());
    let second = "network.interface_endpoints[1]";
    for name in ["s3", "dynamodb", "SSM", "com amazonaws", "", "ssm"] {
        assert_eq!(endpoints(&["ssm", name]), [second], "{name}");
    }
    assert_eq!(endpoints(&["ecr.api", "ecr-api"]), [second]);
}

#[test]
fn efs() {
    assert_eq!(refused(|s| s.efs.archive_after_days = 31), ["efs.archive_after_days"]);
    assert_eq!(refused(|s| s.efs.posix_id = 0), ["efs.posix_id"]);
    for memory in [127, 10_241] {
        assert_eq!(refused(|s| s.efs.git_store.memory_mb = memory), ["efs.memory_mb"]);
    }
    for seconds in [0, 4, 901] {
        assert_eq!(refused(|s| s.efs.git_store.timeout_seconds = seconds), ["efs.timeout_seconds"]);
    }
    assert_eq!(refused(|s| s.efs.git_store.reserved_concurrency = 0), ["efs.reserved_concurrency"]);
    assert_eq!(refused(|s| s.efs.git_store.log_retention_days = 31), ["efs.log_retention_days"]);
}

#[test]
fn platform() {
    let only = |function, spec: FunctionSpec| {
        refused(move |s| s.platform.functions.extend([(function, spec)]))
    };
    let small = FunctionSpec { memory_mb: 64, ..FunctionSpec::default() };
    assert_eq!(only(Function::Jobs, small), ["platform.functions.jobs.memory_mb"]);
    let usual = FunctionSpec::default;
    assert_eq!(only(Function::TenantApi, usual()), ["platform.functions.tenant-api"]);
    assert_eq!(only(Function::Bridge, usual()), ["platform.functions.bridge"]);
    assert_eq!(only(Function::GitStore, usual()), ["platform.functions.git-store"]);
    assert!(only(Function::Authoriser, usual()).is_empty());

    assert_eq!(refused(|s| s.platform.result_days = 0), ["platform.result_days"]);
    assert_eq!(refused(|s| s.platform.audit.retention_days = 0), ["platform.audit.retention_days"]);
    assert_eq!(
        refused(|s| s.platform.api.decision_seconds = 301),
        ["platform.api.decision_seconds"]
    );
    assert_eq!(refused(|s| s.platform.api.write.burst = 0), ["platform.api.write.burst"]);
    assert_eq!(
        refused(|s| s.platform.api.log_retention_days = 31),
        ["platform.api.log_retention_days"]
    );
    assert_eq!(
        refused(|s| s.platform.firewall.requests_per_five_minutes = 9),
        ["platform.firewall.requests_per_five_minutes"]
    );
    let countries = ["GB", "gb", "GBR", "GB"].map(str::to_owned).into();
    assert_eq!(
        refused(|s| s.platform.firewall.countries = countries),
        [1, 2, 3].map(|index| format!("platform.firewall.countries[{index}]"))
    );
}

#[test]
fn domain() {
    let domain = |name: &str, certificate: &str| {
        let domain = DomainSpec { name: name.into(), certificate_arn: certificate.into() };
        refused(|s| s.platform.domain = Some(domain))
    };
    let good = "arn:aws:acm:us-east-1:111122223333:certificate/1f2e";
    assert!(domain("app.acme.example", good).is_empty());
    for name in ["", "acme", "App.acme.example", "https://acme.example", "a..b", "-a.b", "*.a.b"] {
        assert_eq!(domain(name, good), ["platform.domain.name"], "{name}");
    }
    for certificate in ["", "certificate/1", &good.replace("us-east-1", "eu-west-2")] {
        let field = "platform.domain.certificate_arn";
        assert_eq!(domain("app.acme.example", certificate), [field], "{certificate}");
    }
}

#[test]
fn budget() {
    assert_eq!(refused(|s| s.budget.monthly_usd = 0), ["budget.monthly_usd"]);
    for email in ["ops", "ops@acme", "@acme.example", "a b@acme.example", "a@b@c.example"] {
        assert_eq!(refused(|s| s.budget.emails = vec![email.into()]), ["budget.emails[0]"]);
    }
    let many = (0..11).map(|n| format!("ops{n}@acme.example")).collect();
    assert_eq!(refused(|s| s.budget.emails = many), ["budget.emails"]);
    assert_eq!(
        refused(|s| s.budget.actual_thresholds = vec![0, 50, 50]),
        ["budget.actual_thresholds[0]", "budget.actual_thresholds[2]"]
    );
    let six = vec![50, 60, 70, 80, 90];
    assert_eq!(refused(|s| s.budget.actual_thresholds = six), ["budget.actual_thresholds"]);
}

#[test]
fn all_problems_come_at_once_and_say_what_to_do() {
    let mut spec = specs::dev();
    spec.network.cidr = "10.40.0.0/28".parse().unwrap();
    spec.efs.git_store.memory_mb = 64;
    spec.budget.emails = vec!["ops".into()];
    let text = stacks::synthesize(&spec).unwrap_err().to_string();
    insta::assert_snapshot!(text, @"
    network.cidr: 10.40.0.0/28 is too small: 1 zone needs 2 subnets, and 1 of /28 fits (use a /27 or larger, or fewer zones)
    efs.memory_mb: 64 is out of range (choose 128 to 10240 MB)
    budget.emails[0]: `ops` is not a mail address (write one such as ops@acme.example)
    ");
}
