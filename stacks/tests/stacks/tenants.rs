//! Tenants with stacks of their own: shared templates, isolation, names, limits.

use std::collections::BTreeSet;

use regex::Regex;
use runtime_core::auth::usage_key;
use runtime_core::functions::Function;
use runtime_core::tables;
use runtime_core::tenant::{ID_PATTERN, Isolation, LONGEST_ID, TenantId, Tier};
use serde_json::{Value as Json, json};
use stacks::cfn::{Naming, StackTemplate};
use stacks::spec::{FunctionSpec, Nat, StackSpec, TenantSpec};
use stacks::tenant::Tenancy;
use stacks::{DeployValue, SpecError};

use crate::specs::{self, tenant};

/// A spec with this many premium tenants.
fn many(count: usize) -> StackSpec {
    let mut spec = specs::dev();
    spec.tenants = (0..count).map(|n| tenant(&format!("tenant-{n:04}"), Tier::Premium)).collect();
    spec
}

fn of_tenants(spec: &StackSpec) -> Vec<StackTemplate> {
    let mut stacks = stacks::synthesize(spec).unwrap();
    stacks.retain(|stack| stack.name.starts_with("tenant-"));
    stacks
}

fn refused(spec: &StackSpec) -> Vec<SpecError> {
    stacks::synthesize(spec).err().map_or_else(Vec::new, |errors| errors.into_iter().collect())
}

/// The fields that are refused after a change to the spec of all features.
fn fields(change: impl FnOnce(&mut StackSpec)) -> Vec<String> {
    let mut spec = specs::full();
    change(&mut spec);
    refused(&spec).into_iter().map(|error| error.field).collect()
}

fn statements(template: &Json) -> Vec<&Json> {
    let resources = template["Resources"].as_object().unwrap().values();
    let policies = resources.flat_map(|resource| {
        let properties = &resource["Properties"];
        let inline = properties["Policies"].as_array().into_iter().flatten();
        inline.map(|policy| &policy["PolicyDocument"]).chain([&properties["PolicyDocument"]])
    });
    policies.flat_map(|document| document["Statement"].as_array().into_iter().flatten()).collect()
}

fn statement<'a>(template: &'a Json, sid: &str) -> &'a Json {
    statements(template).into_iter().find(|statement| statement["Sid"] == sid).unwrap()
}

#[test]
fn tenants_of_a_tier_share_one_template() {
    let mut spec = many(50);
    spec.tiers.get_mut(&Tier::Standard).unwrap().isolation = Isolation::Silo;
    spec.tenants.push(tenant("standard-one", Tier::Standard));
    let stacks = of_tenants(&spec);
    assert_eq!(stacks.len(), 51);
    let (first, rest) = stacks.split_first().unwrap();
    let (standard, rest) = rest.split_last().unwrap();
    assert!(rest.iter().all(|stack| stack.template.is_shared_with(&first.template)));
    assert!(!standard.template.is_shared_with(&first.template));
    let bodies: BTreeSet<_> = stacks.iter().map(|stack| stack.template.to_json()).collect();
    let names: BTreeSet<_> = stacks.iter().map(|stack| stack.template_name.as_str()).collect();
    assert_eq!((bodies.len(), names), (2, ["tenant-premium", "tenant-standard"].into()));
}

#[test]
fn values_are_the_only_difference() {
    let stacks = of_tenants(&specs::full());
    let values: Vec<_> = stacks.iter().map(|stack| stack.literals().collect::<Vec<_>>()).collect();
    let values_of = |id, email, usd| vec![("TenantId", id), ("Email", email), ("MonthlyUsd", usd)];
    assert_eq!(
        values,
        [
            values_of("globex", "ops@globex.example", "1000"),
            values_of("big-corp-2", "ops@big-corp-2.example", "5000"),
        ]
    );
    assert_eq!(stacks[0].stack_name, "acme-prod-tenant-globex");
    assert_eq!(stacks[0].depends_on, ["platform", "identity"]);
    for stack in &stacks {
        let text = stack.template.to_json();
        assert!(!text.contains("globex") && !text.contains("big-corp"), "{text}");
    }
}

#[test]
fn a_pooled_tenant_costs_no_stack() {
    let mut spec = specs::dev();
    let without = stacks::synthesize(&spec).unwrap();
    spec.tenants = vec![tenant("acme", Tier::Basic), tenant("umbrella", Tier::Standard)];
    assert_eq!(stacks::synthesize(&spec).unwrap(), without);
}

#[test]
fn every_parameter_has_a_default_or_a_value_so_that_stack_sets_can_use_the_template() {
    for stack in of_tenants(&specs::full()).into_iter().chain(of_tenants(&specs::two_region())) {
        let own: BTreeSet<_> = stack.literals().map(|(name, _)| name).collect();
        let literal = |value: &DeployValue| matches!(value, DeployValue::Literal { .. });
        assert!(stack.deploy_parameters.iter().all(|parameter| literal(&parameter.value)));
        for (name, parameter) in stack.template.parameters() {
            assert_eq!(parameter["Default"].is_string(), !own.contains(name), "{name}");
            let constrained =
                parameter["AllowedPattern"].is_string() || parameter["MinValue"].is_i64();
            assert_eq!(constrained, own.contains(name), "{name}");
        }
    }
}

#[test]
fn agents_in_another_region_have_their_memory_there() {
    let stacks = of_tenants(&specs::two_region());
    let names: Vec<_> =
        stacks.iter().map(|stack| (stack.name.as_str(), stack.region.as_str())).collect();
    assert_eq!(names, [("tenant-globex", "eu-west-2"), ("tenant-globex-runtime", "eu-west-1")]);
    assert!(stacks[0].template.resource("Memory").is_none());
    assert_eq!(stacks[1].depends_on, ["runtime-identity", "tenant-globex"]);
    assert_eq!(
        stacks[1].template.resource("MemoryPolicy").unwrap().properties()["Roles"],
        json!([{ "Fn::Sub": "acme-stage-tenant-${TenantId}" }])
    );
    let role = stacks[0].template.resource("Role").unwrap().properties().clone();
    assert_eq!(role["RoleName"], json!({ "Fn::Sub": "acme-stage-tenant-${TenantId}" }));
    let trust = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"].to_string();
    assert!(trust.contains(":bedrock-agentcore:eu-west-1:${AWS::AccountId}:*"), "{trust}");
}

#[test]
fn items_are_reached_by_the_tenants_own_leading_key_alone() {
    let stacks = of_tenants(&specs::full());
    let items = statement(stacks[0].template.as_value(), "OwnItems");
    assert_eq!(
        items["Condition"],
        json!({
            "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": { "Ref": "TenantId" } },
            "Null": { "dynamodb:LeadingKeys": "false" },
        })
    );
    let actions: Vec<_> = items["Action"].as_array().unwrap().iter().collect();
    for keyless in ["dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:GetRecords"] {
        assert!(!actions.contains(&&json!(keyless)));
    }
    let resources = items["Resource"].to_string();
    for table in tables::ALL {
        let reached = resources.contains(&format!("table/acme-prod-{}\"", table.name));
        assert_eq!(reached, table.tenant_scoped(), "{}", table.name);
        for index in table.indexes {
            let path = format!("table/acme-prod-{}/index/{}\"", table.name, index.name);
            assert_eq!(resources.contains(&path), table.tenant_scoped(), "{path}");
        }
    }
}

#[test]
fn objects_are_reached_below_the_tenants_own_prefix_alone() {
    let stacks = of_tenants(&specs::full());
    let template = stacks[0].template.as_value();
    let objects = &statement(template, "OwnObjects")["Resource"]["Fn::Sub"][0];
    assert_eq!(objects, "arn:${AWS::Partition}:s3:::${Bucket}/tenants/${TenantId}/*");
    assert_eq!(
        statement(template, "ListOwnObjects")["Condition"],
        json!({ "StringLike": { "s3:prefix": { "Fn::Sub": "tenants/${TenantId}/*" } } })
    );
}

/// Every statement of a tenant's role is about the tenant, or about a key that is used
/// through a service.
#[test]
fn no_permission_reaches_beyond_the_tenant() {
    for stack in of_tenants(&specs::full()).into_iter().chain(of_tenants(&specs::two_region())) {
        let template = stack.template.as_value();
        let all = statements(template);
        assert!(!all.is_empty());
        for statement in all {
            let text = statement.to_string();
            let own = text.contains("TenantId") || text.contains(r#"["Memory","MemoryArn"]"#);
            let through = statement["Condition"]["StringEquals"].get("kms:ViaService").is_some();
            assert!(own != through, "{text}");
            assert!(statement["Resource"] != "*", "{text}");
        }
    }
}

#[test]
fn the_gateways_key_is_the_one_that_the_authoriser_names_and_no_secret() {
    let stacks = of_tenants(&specs::full());
    let key = stacks[0].template.resource("ApiKey").unwrap().properties();
    let expected = usage_key("acme-prod", "${TenantId}");
    assert_eq!(key["Value"], json!({ "Fn::Sub": expected }));
    let plan = stacks[0].template.resource("ApiKeyOnPlan").unwrap().properties();
    assert_eq!(plan["UsagePlanId"], json!({ "Ref": "PlatformUsagePlanPremium" }));
}

#[test]
fn what_a_tenant_has_is_tagged_with_its_id() {
    let stacks = of_tenants(&specs::full());
    let template = &stacks[0].template;
    let tags = template.resource("Budget").unwrap().properties()["ResourceTags"].clone();
    assert_eq!(
        tags,
        json!([
            { "Key": "project", "Value": "acme" },
            { "Key": "environment", "Value": "prod" },
            { "Key": "stack", "Value": { "Fn::Sub": "tenant-${TenantId}" } },
            { "Key": "cost-centre", "Value": "4711" },
            { "Key": "team", "Value": "Platform" },
            { "Key": "tenant", "Value": { "Ref": "TenantId" } },
        ])
    );
    let filter = &template.resource("Budget").unwrap().properties()["Budget"]["CostFilters"];
    let tag = json!({ "Fn::Join": ["$", ["user:tenant", { "Ref": "TenantId" }]] });
    assert_eq!(*filter, json!({ "TagKeyValue": [tag] }));
    let memory = template.resource("Memory").unwrap().properties();
    assert_eq!(memory["Tags"]["tenant"], json!({ "Ref": "TenantId" }));
}

/// The value of an intrinsic, with this tenant's id for the parameter.
fn resolved(value: &Json, id: &str) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let (function, argument) = value.as_object().unwrap().iter().next().unwrap();
    match function.as_str() {
        "Ref" => id.to_owned(),
        "Fn::Sub" => argument.as_str().unwrap().replace("${TenantId}", id),
        "Fn::Join" => {
            let separator = argument[0].as_str().unwrap();
            match argument[1].get("Fn::Split") {
                Some(split) => resolved(&split[1], id)
                    .split(split[0].as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join(separator),
                None => {
                    let parts = argument[1].as_array().unwrap().iter();
                    parts.map(|part| resolved(part, id)).collect::<Vec<_>>().join(separator)
                }
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn the_longest_names_are_not_too_long_for_aws() {
    let mut spec = specs::two_region();
    // Every character that validation allows for both together.
    spec.project = "p".repeat(12);
    spec.environment = format!("e{}", "-e".repeat(5)) + "e";
    let id = format!("t{}", "1".repeat(LONGEST_ID - 1));
    spec.tenants = vec![tenant(&id, Tier::Premium)];
    let mut longer = spec.clone();
    longer.project.push('p');
    assert_eq!(refused(&longer)[0].field, "project");

    let stacks = of_tenants(&spec);
    assert!(stacks.iter().all(|stack| stack.stack_name.len() <= 128));
    let property = |id: &str, name: &str| -> Json {
        let found = stacks.iter().find_map(|stack| stack.template.resource(id)).unwrap();
        found.properties()[name].clone()
    };
    let role = resolved(&property("Role", "RoleName"), &id);
    assert!(role.len() <= 64, "{role}");
    let memory = resolved(&property("Memory", "Name"), &id);
    assert!(Regex::new("^[a-zA-Z][a-zA-Z0-9_]{0,47}$").unwrap().is_match(&memory), "{memory}");
    assert_eq!(memory.len(), 48);
    assert!(resolved(&property("Dashboard", "DashboardName"), &id).len() <= 255);
    assert!(resolved(&property("MemoryArnParameter", "Name"), &id).len() <= 1011);
    let description = resolved(&property("Role", "Description"), &id);
    assert!(description.len() <= 1000, "{description}");
}

#[test]
fn memories_of_an_environment_have_names_of_their_own() {
    let stacks = of_tenants(&many(1));
    let name = &stacks[0].template.resource("Memory").unwrap().properties()["Name"];
    let names: Vec<_> = ["a-bc", "ab-c", "abc"].map(|id| resolved(name, id)).into();
    assert_eq!(names, ["acme_dev_a_bc", "acme_dev_ab_c", "acme_dev_abc"]);
}

#[test]
fn the_template_admits_the_ids_that_platform_yaml_does() {
    let pattern = Regex::new(ID_PATTERN).unwrap();
    let ids =
        ["acme", "a-b-c", "a12", "abc-1", "Acme", "1abc", "-abc", "abc-", "a--b", "a b", "a_b"];
    for id in ids.into_iter().chain(["acmé", "a/b", "${x}", "a.b", "a\nb"]) {
        assert_eq!(pattern.is_match(id), id.parse::<TenantId>().is_ok(), "{id:?}");
    }
    let stacks = of_tenants(&specs::full());
    let (_, parameter) =
        stacks[0].template.parameters().find(|(name, _)| *name == "TenantId").unwrap();
    let limits = ["AllowedPattern", "MinLength", "MaxLength"].map(|key| parameter[key].clone());
    assert_eq!(limits, [json!(ID_PATTERN), json!(3), json!(22)]);
    let (_, email) = stacks[0].template.parameters().find(|(name, _)| *name == "Email").unwrap();
    let email = Regex::new(email["AllowedPattern"].as_str().unwrap()).unwrap();
    for (text, good) in
        [("ops@acme.example", true), ("ops", false), ("a b@c.de", false), ("a@b", false)]
    {
        assert_eq!(email.is_match(text), good, "{text}");
    }
}

#[test]
fn bad_tenants_are_refused() {
    let email = |text: &str| {
        let text = text.to_owned();
        fields(move |spec| spec.tenants[1].email = text)
    };
    assert_eq!(email("ops"), ["tenants[1].email"]);
    assert_eq!(email(""), ["tenants[1].email"]);
    assert_eq!(fields(|spec| spec.tenants[2].monthly_usd = Some(0)), ["tenants[2].monthly_usd"]);
    assert_eq!(fields(|spec| spec.tenants.push(tenant("globex", Tier::Basic))), ["tenants[3].id"]);
    assert_eq!(
        fields(|spec| spec.tenants.push(tenant("globex-runtime", Tier::Premium))),
        ["tenants[3].id"]
    );
    assert!(fields(|spec| spec.tenants.push(tenant("globex-runtime", Tier::Basic))).is_empty());
    assert_eq!(
        fields(|spec| drop(spec.tags.insert("tenant".into(), "all".into()))),
        ["tags.tenant"]
    );
    assert_eq!(
        fields(|spec| spec.tags = (0..47).map(|n| (format!("tag-{n}"), "x".into())).collect()),
        ["tags"]
    );
}

#[test]
fn tiers_stay_within_what_api_gateway_gives_an_account() {
    let premium = |change: fn(&mut stacks::spec::TierSpec)| {
        fields(|spec| change(spec.tiers.get_mut(&Tier::Premium).unwrap()))
    };
    assert!(premium(|tier| tier.requests_per_second = 10_000).is_empty());
    assert_eq!(premium(|tier| tier.requests_per_second = 0), ["tiers.premium.requests_per_second"]);
    assert_eq!(
        premium(|tier| tier.requests_per_second = 10_001),
        ["tiers.premium.requests_per_second"]
    );
    assert_eq!(premium(|tier| tier.burst = 5_001), ["tiers.premium.burst"]);
    assert_eq!(premium(|tier| tier.monthly_requests = 0), ["tiers.premium.monthly_requests"]);
    assert_eq!(premium(|tier| tier.monthly_requests = 1 << 31), ["tiers.premium.monthly_requests"]);
    assert_eq!(premium(|tier| tier.monthly_usd = 0), ["tiers.premium.monthly_usd"]);
    let undescribed = fields(|spec| {
        spec.tiers.remove(&Tier::Basic);
    });
    assert_eq!(undescribed, ["tiers.basic"]);
}

#[test]
fn what_an_account_cannot_hold_is_refused_with_both_figures() {
    let mut spec = many(1_000);
    let own = stacks::synthesize(&specs::dev()).unwrap();
    let roles = own.iter().flat_map(|stack| stack.template.resources());
    let roles = 1_000 + roles.filter(|resource| resource.type_name == "AWS::IAM::Role").count();
    let errors = refused(&spec);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].field, "tenants");
    assert_eq!(
        errors[0].message,
        format!(
            "1000 siloed tenants and the platform need {roles} IAM roles, and an account may have 1000"
        )
    );
    assert!(errors[0].hint.contains("quotas.iam_roles"), "{}", errors[0]);

    spec.quotas.iam_roles = 5_000;
    assert!(refused(&spec).is_empty());
    spec.quotas.api_keys = 999;
    spec.quotas.stacks = 1_000;
    let fields: Vec<_> = refused(&spec).into_iter().map(|error| error.hint).collect();
    assert!(fields[0].contains("quotas.stacks") && fields[1].contains("quotas.api_keys"));
    // Each region has a quota of stacks of its own.
    spec.quotas = stacks::spec::QuotasSpec { iam_roles: 5_000, ..Default::default() };
    spec.runtime_region = "eu-west-1".into();
    assert!(refused(&spec).is_empty());
}

#[test]
fn short_names_come_from_one_place() {
    let naming = Naming::new("acme", "dev", "eu-west-2");
    let id: TenantId = "globex".parse().unwrap();
    assert_eq!(naming.name(&stacks::tenant::stack_name(&id)), "acme-dev-tenant-globex");
}

/// The provisioner knows a part of the spec, and makes what a deploy would make.
#[test]
fn the_provisioner_makes_the_stacks_that_a_deploy_makes() {
    let mut compared = 0;
    for (_, mut spec) in specs::all() {
        spec.network.nat = Nat::Single;
        if spec.siloed().count() == 0 {
            spec.tenants.push(tenant("umbrella", Tier::Premium));
        }
        spec.platform.functions.insert(Function::Provisioner, FunctionSpec::default());
        let tenancy = Tenancy::of(&spec);
        let written = serde_json::to_string(&tenancy).unwrap();
        let read: Tenancy = serde_json::from_str(&written).unwrap();
        assert_eq!(read, tenancy);
        let deployed = of_tenants(&spec);
        for (tenant, tier) in spec.siloed() {
            // The record has the budget that it was made with.
            let monthly_usd = tenant.monthly_usd.or(Some(tier.monthly_usd));
            for made in read.stacks(&TenantSpec { monthly_usd, ..tenant.clone() }).unwrap() {
                let same = deployed.iter().find(|it| it.stack_name == made.stack_name).unwrap();
                assert_eq!(made.template.to_json(), same.template.to_json());
                assert_eq!(made.deploy_parameters, same.deploy_parameters);
                assert_eq!(
                    (made.region, made.depends_on),
                    (same.region.clone(), same.depends_on.clone())
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 5, "{compared}");
}
