//! Impossible specs are refused, with the field, the value and a way out.

use runtime_core::functions::Function;
use stacks::spec::{
    CodeSpec, DomainSpec, Endpoints, FunctionSpec, GatewaySpec, Language, MemorySpec, Nat,
    RuntimeSpec, StackSpec, Storage, Strategy, TokenSpec,
};

use crate::specs;

/// The fields that are refused after a change to a good spec.
pub(crate) fn refused(change: impl FnOnce(&mut StackSpec)) -> Vec<String> {
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
fn sets_of_endpoints_are_not_listed_again() {
    let with = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        refused(|spec| {
            spec.network.endpoints = Endpoints::Platform;
            spec.network.interface_endpoints = names;
        })
    };
    assert!(with(&["ecr.api"]).is_empty());
    assert_eq!(with(&["ecr.api", "ssm"]), ["network.interface_endpoints[1]"]);
    let many: Vec<String> = (0..44).map(|n| format!("service-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(with(&many[..43]).is_empty());
    assert_eq!(with(&many), ["network.interface_endpoints"]);
}

/// The same in two regions.
fn refused_in_two(change: impl FnOnce(&mut StackSpec)) -> Vec<String> {
    refused(|spec| {
        *spec = specs::two_region();
        change(spec);
    })
}

#[test]
fn runtime_region() {
    assert_eq!(refused(|spec| spec.runtime_region = "ireland".into()), ["runtime_region"]);
    assert_eq!(refused(|spec| spec.runtime_region = "us-gov-east-1".into()), ["runtime_region"]);
}

#[test]
fn networks_that_are_peered_share_no_addresses() {
    for range in ["10.40.0.0/16", "10.40.64.0/20"] {
        let fields = refused_in_two(|spec| spec.runtime_network.cidr = range.parse().unwrap());
        assert_eq!(fields, ["runtime_network.cidr"], "{range}");
    }
    let mut spec = specs::two_region();
    spec.runtime_network.cidr = spec.network.cidr;
    let error = stacks::synthesize(&spec).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"runtime_network.cidr: 10.40.0.0/16 overlaps network.cidr, which is 10.40.0.0/16: networks that are peered share no addresses (choose ranges for network.cidr and runtime_network.cidr that do not overlap)");
    // In one region there is one network.
    assert!(refused(|spec| spec.runtime_network.cidr = spec.network.cidr).is_empty());
}

#[test]
fn the_runtime_network_is_looked_at_like_the_other() {
    assert_eq!(refused_in_two(|spec| spec.runtime_network.zones = 4), ["runtime_network.zones"]);
    let reserved = vec!["10.0.0.0/8".parse().unwrap()];
    let mut spec = specs::two_region();
    spec.runtime_network.reserved_cidrs = reserved;
    let error = stacks::synthesize(&spec).unwrap_err().into_iter().next().unwrap();
    assert_eq!(error.field, "runtime_network.cidr");
    assert_eq!(error.hint, "choose a range outside runtime_network.reserved_cidrs");
    let names = |region: &str| [format!("{region}a"), format!("{region}b")].into();
    let zones = |region: &str| {
        let names = names(region);
        refused_in_two(|spec| spec.runtime_network.availability_zones = names)
    };
    assert!(zones("eu-west-1").is_empty());
    let field = "runtime_network.availability_zones";
    assert_eq!(zones("eu-west-2"), [format!("{field}[0]"), format!("{field}[1]")]);
}

/// The fields that are refused after a change to a good runtime.
fn refused_runtime(change: impl FnOnce(&mut RuntimeSpec)) -> Vec<String> {
    refused_in_two(|spec| change(spec.agentcore.runtime.as_mut().unwrap()))
}

fn code() -> CodeSpec {
    CodeSpec {
        bucket: "acme-agents".into(),
        key: "agents/1.4.0.zip".into(),
        language: Language::Python313,
        command: vec!["main.py".into()],
    }
}

#[test]
fn what_a_runtime_runs() {
    let only_code = |code: CodeSpec| {
        refused_runtime(|runtime| (runtime.image, runtime.code) = (None, Some(code)))
    };
    assert!(only_code(code()).is_empty());
    assert_eq!(refused_runtime(|runtime| runtime.image = None), ["agentcore.runtime"]);
    assert_eq!(refused_runtime(|it| it.code = Some(code())), ["agentcore.runtime.image"]);
    for image in [
        "",
        "agents:1.4.0",
        "docker.io/acme/agents:1",
        "1111.dkr.ecr.eu-west-1.amazonaws.com/agents",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/*",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
    ] {
        let fields = refused_runtime(|runtime| runtime.image = Some(image.into()));
        assert_eq!(fields, ["agentcore.runtime.image"], "{image}");
    }
    for bucket in ["s3://acme", "Acme", "a", "acme/agents"] {
        let fields = only_code(CodeSpec { bucket: bucket.into(), ..code() });
        assert_eq!(fields, ["agentcore.runtime.code.bucket"], "{bucket}");
    }
    for key in ["", "agents/*", "${Key}"] {
        let fields = only_code(CodeSpec { key: key.into(), ..code() });
        assert_eq!(fields, ["agentcore.runtime.code.key"], "{key}");
    }
    for words in [0, 3] {
        let fields = only_code(CodeSpec { command: vec!["main.py".into(); words], ..code() });
        assert_eq!(fields, ["agentcore.runtime.code.command"], "{words}");
    }
}

#[test]
fn models() {
    let models = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        refused_runtime(|runtime| runtime.models = names)
    };
    let profile = "arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/abc123";
    assert!(models(&["amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0", profile]).is_empty());
    for name in ["*", "amazon.*", "nova", "arn:aws:s3:::acme", "amazon.nova-lite-v1:0"] {
        let fields = models(&["amazon.nova-lite-v1:0", name]);
        assert_eq!(fields, ["agentcore.runtime.models[1]"], "{name}");
    }
}

#[test]
fn sizes_of_a_runtime() {
    let field = |name: &str| vec![format!("agentcore.runtime.{name}")];
    assert_eq!(refused_runtime(|it| it.idle_seconds = 59), field("idle_seconds"));
    assert_eq!(refused_runtime(|it| it.longest_seconds = 899), field("idle_seconds"));
    assert_eq!(refused_runtime(|it| it.longest_seconds = 28_801), field("longest_seconds"));
    assert_eq!(refused_runtime(|it| it.log_retention_days = 31), field("log_retention_days"));
    let long = "x".repeat(2049);
    for (name, value) in [("1ST", "x"), ("LOG-LEVEL", "x"), ("LONG", long.as_str())] {
        let fields = refused_runtime(|it| it.environment = [(name.into(), value.into())].into());
        assert_eq!(fields, field(&format!("environment.{name}")));
    }
}

#[test]
fn agents_without_a_way_out() {
    let field = "runtime_network.interface_endpoints";
    assert_eq!(refused_in_two(|spec| spec.runtime_network.interface_endpoints.clear()), [field]);
    assert_eq!(refused_in_two(|spec| spec.runtime_network.endpoints = Endpoints::None), [field]);
    let nat = refused_in_two(|spec| {
        spec.runtime_network.endpoints = Endpoints::None;
        spec.runtime_network.interface_endpoints.clear();
        spec.runtime_network.nat = Nat::Single;
    });
    assert!(nat.is_empty());
    // In one region, it is the home region's network that counts.
    let home = refused_in_two(|spec| spec.runtime_region = spec.region.clone());
    assert_eq!(home, ["network.interface_endpoints"]);
    let public = Some("public.ecr.aws/acme/agents:1".to_owned());
    assert_eq!(refused_runtime(|it| it.image = public), ["agentcore.runtime.image"]);
}

#[test]
fn memory_and_gateway() {
    let memory = |spec: MemorySpec| refused(|it| it.agentcore.memory = Some(spec));
    assert!(memory(MemorySpec::default()).is_empty());
    for event_days in [2, 366] {
        let fields = memory(MemorySpec { event_days, ..MemorySpec::default() });
        assert_eq!(fields, ["agentcore.memory.event_days"]);
    }
    let strategies = vec![Strategy::Facts, Strategy::Facts];
    let fields = memory(MemorySpec { strategies, ..MemorySpec::default() });
    assert_eq!(fields, ["agentcore.memory.strategies[1]"]);

    let good = TokenSpec {
        discovery_url: "https://login.acme.example/.well-known/openid-configuration".into(),
        audiences: vec!["acme".into()],
        clients: Vec::new(),
    };
    let tokens = |tokens: TokenSpec| {
        let gateway = GatewaySpec { tokens: Some(tokens), ..GatewaySpec::default() };
        refused(|spec| spec.agentcore.gateway = Some(gateway))
    };
    assert!(tokens(good.clone()).is_empty());
    for url in ["", "https://login.acme.example", "http://a/.well-known/openid-configuration"] {
        let fields = tokens(TokenSpec { discovery_url: url.into(), ..good.clone() });
        assert_eq!(fields, ["agentcore.gateway.tokens.discovery_url"], "{url}");
    }
    let fields = tokens(TokenSpec { audiences: Vec::new(), ..good });
    assert_eq!(fields, ["agentcore.gateway.tokens.audiences"]);
    assert_eq!(refused(|s| s.agentcore.metrics.keep_days = 0), ["agentcore.metrics.keep_days"]);
}

#[test]
fn functions_beside_agents() {
    let function = |function: Function| {
        let functions = [(function, FunctionSpec::default())].into();
        refused_in_two(|spec| spec.agentcore.functions = functions)
    };
    let field = |function: Function| format!("agentcore.functions.{}", function.name());
    assert_eq!(function(Function::GitStore), [field(Function::GitStore)]);
    for possible in [Function::GatewayRequest, Function::GatewayResponse] {
        let built = Function::BUILT.contains(&possible);
        assert_eq!(function(possible).is_empty(), built, "{possible:?}");
    }
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
        refused(move |s| {
            s.network.nat = stacks::spec::Nat::Single;
            s.platform.functions.extend([(function, spec)]);
        })
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

#[test]
fn who_hears_of_alarms() {
    for text in ["ops", "http://events.acme.example", "https://", "https://a b"] {
        let field = ["observability.pages[0]"];
        assert_eq!(refused(|s| s.observability.pages = vec![text.into()]), field, "{text}");
    }
    let twice = vec!["ops@acme.example".to_owned(); 2];
    assert_eq!(refused(|s| s.observability.notices = twice.clone()), ["observability.notices[1]"]);
    assert_eq!(refused(|s| s.observability.session_quota = 0), ["observability.session_quota"]);
    assert_eq!(refused(|s| s.observability.traced_percent = 101), ["observability.traced_percent"]);
    assert_eq!(refused(|s| s.observability.monthly_usd = 0), ["observability.monthly_usd"]);
}

#[test]
fn functions_need_a_way_out() {
    let mut spec = specs::complete();
    spec.network.nat = stacks::spec::Nat::None;
    let errors: Vec<_> = stacks::synthesize(&spec).err().into_iter().flatten().collect();
    let about = |field: &str| errors.iter().filter(|error| error.field == field).count();
    assert_eq!((about("network.nat"), about("network.interface_endpoints")), (3, 3), "{errors:?}");
    spec.network.nat = stacks::spec::Nat::Single;
    assert!(stacks::synthesize(&spec).is_ok());
}
