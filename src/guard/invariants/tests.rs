//! A pass and a fail of each invariant.
#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stacks::StackTemplate;
use stacks::spec::StackSpec;

use super::fixtures::{shared, stack, tenant, with};
use super::*;

/// The rules that are violated.
fn violated(stacks: &[StackTemplate]) -> BTreeSet<String> {
    invariants(stacks).into_iter().map(|finding| finding.rule).collect()
}

fn none() -> BTreeSet<String> {
    BTreeSet::new()
}

fn only(rule: &str) -> BTreeSet<String> {
    BTreeSet::from([rule.to_owned()])
}

/// Whether tenants with these statements are kept apart, and what is found.
fn apart(statements: Value) -> Vec<Finding> {
    // One tenant is enough: its neighbours are made up.
    let mut found = invariants(&[shared(), tenant("acme", statements)]);
    found.retain(|it| it.rule != KEY_USE_CONFINED); // It is a finding of its own.
    assert!(found.iter().all(|it| it.rule == TENANTS_APART || it.rule == OWN), "{found:?}");
    // Made-up tenants have no stacks that anybody could look for.
    assert!(found.iter().all(|it| it.stack == "tenant-acme"), "{found:?}");
    found
}

fn items(condition: Value) -> Value {
    json!([{
        "Sid": "OwnItems", "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:Query"],
        "Resource": { "Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/acme-dev-jobs" },
        "Condition": condition,
    }])
}

#[test]
fn items_are_kept_apart_by_their_leading_keys() {
    let own = json!({ "Ref": "TenantId" });
    let good = items(json!({
        "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": own },
        "Null": { "dynamodb:LeadingKeys": "false" },
    }));
    assert_eq!(apart(good), []);
    for bad in [
        // All of no keys are the tenant's.
        json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": own } }),
        json!({ "ForAnyValue:StringEquals": { "dynamodb:LeadingKeys": own } }),
        json!({ "StringEqualsIfExists": { "dynamodb:LeadingKeys": own } }),
        json!({
            "ForAllValues:StringLike": { "dynamodb:LeadingKeys": { "Fn::Sub": "${TenantId}*" } },
            "Null": { "dynamodb:LeadingKeys": "false" },
        }),
        json!({}),
    ] {
        let found = apart(items(bad.clone()));
        assert!(found.iter().any(|it| it.rule == TENANTS_APART), "{bad}");
        assert_eq!(found[0].statement.as_deref(), Some("OwnItems"));
        assert_eq!((&*found[0].stack, &*found[0].resource), ("tenant-acme", "ExecutionRole"));
    }
}

#[test]
fn objects_are_kept_apart_by_their_prefix() {
    let objects = |path: &str| {
        json!([{
            "Sid": "OwnObjects", "Effect": "Allow", "Action": ["s3:GetObject"],
            "Resource": { "Fn::Sub": format!("arn:aws:s3:::${{Bucket}}/{path}") },
        }])
    };
    assert_eq!(apart(objects("results/${TenantId}/*")), []);
    for bad in ["results/${TenantId}*", "results/*", "*", "*/${TenantId}*"] {
        let found = apart(objects(bad));
        assert!(found.iter().any(|it| it.rule == TENANTS_APART), "{bad}");
    }
    let list = |condition: Value| {
        json!([{
            "Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket",
            "Resource": { "Fn::Sub": "arn:aws:s3:::${Bucket}" }, "Condition": condition,
        }])
    };
    let own = json!({ "StringLike": { "s3:prefix": { "Fn::Sub": "results/${TenantId}/*" } } });
    assert_eq!(apart(list(own)), []);
    let alike = json!({ "StringLike": { "s3:prefix": { "Fn::Sub": "results/${TenantId}*" } } });
    assert_ne!(apart(list(alike)), []);
    let absent =
        json!({ "StringLikeIfExists": { "s3:prefix": { "Fn::Sub": "results/${TenantId}/*" } } });
    assert_ne!(apart(list(absent)), []);
}

#[test]
fn keys_secrets_parameters_memories_and_api_keys_are_kept_apart() {
    let on = |action: &str, resource: &str, condition: Value| {
        apart(json!([{
            "Sid": "S", "Effect": "Allow", "Action": action,
            "Resource": { "Fn::Sub": resource }, "Condition": condition,
        }]))
    };
    let key = "arn:aws:kms:eu-west-2:111122223333:key/*";
    let context =
        |value: Value| json!({ "StringEquals": { "kms:EncryptionContext:tenant": value } });
    assert_eq!(on("kms:Decrypt", key, context(json!({ "Ref": "TenantId" }))), []);
    assert_ne!(on("kms:Decrypt", key, context(json!(["acme", "acme2"]))), []);
    assert_ne!(on("kms:Decrypt", key, json!({})), []);
    let account = "${AWS::Region}:${AWS::AccountId}";
    for (action, good, bad) in [
        (
            "secretsmanager:GetSecretValue",
            format!("arn:aws:secretsmanager:{account}:secret:acme/dev/tenants/${{TenantId}}/*"),
            format!("arn:aws:secretsmanager:{account}:secret:acme/dev/tenants/${{TenantId}}*"),
        ),
        (
            "ssm:GetParameter",
            format!("arn:aws:ssm:{account}:parameter/acme/dev/tenants/${{TenantId}}/*"),
            format!("arn:aws:ssm:{account}:parameter/acme/dev/tenants/*"),
        ),
        (
            "sts:AssumeRole",
            "arn:aws:iam::${AWS::AccountId}:role/acme-dev-tenant-${TenantId}".to_owned(),
            "arn:aws:iam::${AWS::AccountId}:role/acme-dev-tenant-*".to_owned(),
        ),
        (
            "apigateway:GET",
            "arn:aws:apigateway:${AWS::Region}::/restapis/*".to_owned(),
            "arn:aws:apigateway:${AWS::Region}::/apikeys*".to_owned(),
        ),
    ] {
        assert_eq!(on(action, &good, json!({})), [], "{good}");
        assert_ne!(on(action, &bad, json!({})), [], "{bad}");
    }
}

/// Names of memories have no hyphens: where a tenant's id had one, there is an
/// underscore, and AWS adds a hyphen and an id of its own.
#[test]
fn memories_are_kept_apart_by_their_whole_names() {
    let memory = |name: Value| {
        let arn =
            "arn:aws:bedrock-agentcore:${AWS::Region}:${AWS::AccountId}:memory/acme_dev_${Name}-*";
        apart(json!([{
            "Sid": "S", "Effect": "Allow", "Action": "bedrock-agentcore:GetEvent",
            "Resource": { "Fn::Sub": [arn, { "Name": name }] },
        }]))
    };
    let id = json!({ "Ref": "TenantId" });
    let underscores = json!({ "Fn::Join": ["_", { "Fn::Split": ["-", id] }] });
    assert_eq!(memory(underscores), []);
    // What is acme's begins like what is acme-b's.
    assert_ne!(memory(id), []);
    assert_ne!(memory(json!("*")), []);
}

#[test]
fn a_denial_keeps_tenants_apart_too() {
    let found = apart(json!([
        { "Sid": "All", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" },
        {
            "Sid": "NotOthers", "Effect": "Deny", "Action": "s3:*",
            "NotResource": { "Fn::Sub": "arn:aws:s3:::${Bucket}/results/${TenantId}/*" },
        },
    ]));
    assert!(found.iter().all(|it| it.rule == OWN), "{found:?}");
}

#[test]
fn a_statement_that_nothing_meets_is_found() {
    let found = apart(json!([
        { "Sid": "Void", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/acme/*" },
        { "Sid": "No", "Effect": "Deny", "Action": "s3:*", "Resource": "*" },
    ]));
    assert!(!found.is_empty() && found.iter().all(|it| it.rule == OWN), "{found:?}");
    assert_eq!(found[0].statement.as_deref(), Some("Void"));
}

#[test]
fn real_tenants_are_looked_at_with_the_policies_that_they_have() {
    let own = |path: &str| {
        let arn = format!("arn:aws:s3:::acme-dev-results-111122223333/results/{path}/*");
        json!([{
            "Sid": "S", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": { "Fn::Sub": arn },
        }])
    };
    let blue = || tenant("blue", own("${TenantId}"));
    let good = [shared(), blue(), tenant("blue2", own("${TenantId}"))];
    assert_eq!(violated(&good), none());
    let bad = [shared(), blue(), tenant("blue2", own("blue"))];
    assert_eq!(violated(&bad), only(TENANTS_APART));
}

#[test]
fn a_role_that_trusts_another_tenants_role_is_found() {
    let nothing = json!([]);
    let mut trusting = tenant("blue", nothing.clone());
    let mut template = trusting.template.as_value().clone();
    template["Resources"]["ExecutionRole"]["Properties"]["AssumeRolePolicyDocument"] = json!({
        "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": "arn:aws:iam::111122223333:role/acme-dev-tenant-red" },
        }],
    });
    trusting.template = serde_json::from_value(template).unwrap();
    assert_eq!(violated(&[shared(), trusting, tenant("red", nothing)]), only(TENANTS_APART));
}

#[test]
fn policies_of_their_own_count_as_the_roles() {
    let mut stack = tenant("acme", json!([]));
    let mut template = stack.template.as_value().clone();
    template["Resources"]["More"] = json!({
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "more",
            "Roles": [{ "Ref": "ExecutionRole" }],
            "PolicyDocument": { "Statement": [{
                "Sid": "More", "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*",
            }] },
        },
    });
    stack.template = serde_json::from_value(template).unwrap();
    assert_eq!(violated(&[shared(), stack]), only(TENANTS_APART));
}

#[test]
fn roles_that_tenants_share_are_told_apart_by_the_sessions_tag() {
    let role = |path: &str| {
        stack(
            "platform",
            json!({ "Pooled": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": { "Statement": [] },
                "Policies": [{ "PolicyName": "own", "PolicyDocument": { "Statement": [{
                    "Sid": "Own", "Effect": "Allow", "Action": "ssm:GetParameter",
                    "Resource": format!("arn:aws:ssm:eu-west-2:111122223333:parameter/acme/dev/tenants/{path}"),
                }] } }],
            },
        } }),
        )
    };
    assert_eq!(violated(&[role("${aws:PrincipalTag/tenant}/*")]), none());
    assert_eq!(violated(&[role("${aws:PrincipalTag/tenant}*")]), only(TENANTS_APART));
}

fn queue(redrive: Value) -> Value {
    json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": "jobs", "RedrivePolicy": redrive } })
}

fn dead() -> Value {
    json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": "dead" } })
}

fn redrive() -> Value {
    json!({ "deadLetterTargetArn": { "Fn::GetAtt": ["Dead", "Arn"] }, "maxReceiveCount": 3 })
}

fn alarm(queue: &str, actions: Value) -> Value {
    json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": {
        "AlarmName": format!("on-{queue}"),
        "Dimensions": [{ "Name": "QueueName", "Value": queue }],
        "AlarmActions": actions,
    } })
}

#[test]
fn queues_have_dead_letters_with_an_alarm_in_any_stack() {
    let jobs = || stack("platform", json!({ "Jobs": queue(redrive()), "Dead": dead() }));
    let watching = |queue| stack("observability", json!({ "A": alarm(queue, json!(["arn:x"])) }));
    assert_eq!(violated(&[jobs(), watching("dead")]), none());
    assert_eq!(violated(&[jobs(), watching("other")]), only(DEAD_LETTERS_WATCHED));
    let without = stack("platform", json!({ "Jobs": queue(Value::Null) }));
    assert_eq!(violated(&[without]), only(DEAD_LETTERS));
    // A function's queue of failed events is one of dead letters.
    let function = json!({ "Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": "f", "DeadLetterConfig": { "TargetArn": { "Fn::GetAtt": ["Dead", "Arn"] } },
    } });
    let caller =
        json!({ "Type": "AWS::Lambda::Permission", "Properties": { "FunctionName": "f" } });
    let events = stack("efs", json!({ "F": function, "Dead": dead(), "P": caller }));
    assert_eq!(violated(&[events, watching("dead")]), none());
}

#[test]
fn alarms_tell_somebody() {
    let heard = json!({ "A": alarm("q", json!(["arn:x"])) });
    assert_eq!(violated(&[stack("o", heard)]), none());
    assert_eq!(violated(&[stack("o", json!({ "A": alarm("q", json!([])) }))]), only(ALARM_ACTION));
    let mut off = alarm("q", json!(["arn:x"]));
    off["Properties"]["ActionsEnabled"] = json!(false);
    assert_eq!(violated(&[stack("o", json!({ "A": off }))]), only(ALARM_ACTION));
    let composite = |actions: Value| {
        json!({ "Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {
            "AlarmName": "all", "AlarmRule": { "Fn::Sub": "ALARM(\"${A}\")" }, "AlarmActions": actions,
        } })
    };
    let part = |actions| json!({ "A": alarm("q", json!([])), "C": composite(actions) });
    assert_eq!(violated(&[stack("o", part(json!(["arn:x"])))]), none());
    assert_eq!(violated(&[stack("o", part(json!([])))]), only(ALARM_ACTION));
}

#[test]
fn functions_have_callers() {
    let function =
        json!({ "Type": "AWS::Lambda::Function", "Properties": { "FunctionName": "f" } });
    let own = json!({ "Type": "AWS::Lambda::Alias", "Properties": {
        "FunctionName": { "Ref": "F" }, "Name": "live", "FunctionVersion": "1",
    } });
    let alone = json!({ "F": function, "L": own });
    assert_eq!(violated(&[stack("a", alone.clone())]), only(CALLER));
    for caller in [
        json!({ "Type": "AWS::Lambda::EventSourceMapping", "Properties": { "FunctionName": { "Ref": "L" } } }),
        json!({ "Type": "AWS::Events::Rule", "Properties": {
            "Targets": [{ "Arn": { "Fn::GetAtt": ["F", "Arn"] }, "Id": "f" }],
        } }),
        json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Name": "/f", "Value": { "Ref": "L" } } }),
        json!({ "Type": "AWS::IAM::Role", "Properties": { "Policies": [{ "PolicyDocument": { "Statement": [{
            "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": { "Fn::GetAtt": ["F", "Arn"] },
        }] } }] } }),
    ] {
        let mut resources = alone.clone();
        resources["Caller"] = caller.clone();
        assert_eq!(violated(&[stack("a", resources)]), none(), "{caller}");
    }
    let mut resources = alone;
    resources["Other"] =
        json!({ "Type": "AWS::Lambda::Permission", "Properties": { "FunctionName": "f2" } });
    assert_eq!(violated(&[stack("a", resources)]), only(CALLER));
}

#[test]
fn parameters_are_written_before_they_are_read() {
    let writer = || {
        stack(
            "network",
            json!({ "P": { "Type": "AWS::SSM::Parameter", "Properties": {
            "Name": "/acme/dev/network/vpc-id", "Value": "vpc-1",
        } } }),
        )
    };
    let reader = |path: &str| {
        with(
            "efs",
            json!({ "Parameters": { "Vpc": {
            "Type": "AWS::SSM::Parameter::Value<String>", "Default": path,
        } }, "Resources": {} }),
        )
    };
    let path = "/acme/dev/network/vpc-id";
    assert_eq!(violated(&[writer(), reader(path)]), none());
    assert_eq!(violated(&[reader("/aws/service/ami-amazon-linux-latest/x")]), none());
    assert_eq!(violated(&[reader(path), writer()]), only(PARAMETER));
    assert_eq!(violated(&[writer(), reader("/acme/dev/network/vpc")]), only(PARAMETER));
    let mut elsewhere = reader(path);
    elsewhere.region = "eu-west-1".to_owned();
    assert_eq!(violated(&[writer(), elsewhere]), only(PARAMETER));
    let role = |path: &str| {
        stack(
            "platform",
            json!({ "R": { "Type": "AWS::IAM::Role", "Properties": {
            "Policies": [{ "PolicyDocument": { "Statement": [{
                "Effect": "Allow", "Action": "ssm:GetParameter",
                "Resource": { "Fn::Sub": format!("arn:aws:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter{path}") },
            }] } }],
        } } }),
        )
    };
    assert_eq!(violated(&[writer(), role(path)]), none());
    assert_eq!(violated(&[writer(), role("/acme/dev/network/*")]), none());
    assert_eq!(violated(&[writer(), role("/acme/dev/network/other")]), only(PARAMETER));
    assert_eq!(violated(&[writer(), role("/acme/dev/nowhere/*")]), only(PARAMETER));
}

/// So many resources of a type.
fn many(type_name: &str, count: usize) -> Value {
    (0..count)
        .map(|at| (format!("R{at}"), json!({ "Type": type_name })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn templates_stay_within_the_limits() {
    let topics = |count| stack("a", many("AWS::SNS::Topic", count));
    assert_eq!(violated(&[topics(500)]), none());
    assert_eq!(violated(&[topics(501)]), only(TEMPLATE_SIZE));
    for (section, entry) in
        [("Parameters", json!({ "Type": "String" })), ("Outputs", json!({ "Value": "x" }))]
    {
        let entries = |count: usize| -> Value {
            (0..count)
                .map(|at| (format!("E{at}"), entry.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let of = |count| with("a", json!({ "Resources": {}, section: entries(count) }));
        assert_eq!(violated(&[of(200)]), none());
        assert_eq!(violated(&[of(201)]), only(TEMPLATE_SIZE), "{section}");
    }
    let large = json!({ "A": { "Type": "AWS::SNS::Topic", "Properties": { "DisplayName": "x".repeat(1_000_000) } } });
    assert_eq!(violated(&[stack("a", large)]), only(TEMPLATE_SIZE));
}

#[test]
fn every_name_has_a_longest() {
    for named in names::ALL.iter().filter(|named| named.type_name != "AWS::KMS::Key") {
        let of = |length: usize| {
            let name = "n".repeat(length);
            let mut resource =
                json!({ "Type": named.type_name, "Properties": { named.property: name } });
            // What else the type needs to be in order.
            let more = json!({ "AlarmActions": ["arn:x"], "RedrivePolicy": { "deadLetterTargetArn": "x" } });
            resource["Properties"]
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let caller = json!({ "Type": "AWS::Lambda::Permission", "Properties": { "FunctionName": { "Ref": "R" } } });
            invariants(&[stack("a", json!({ "R": resource, "P": caller }))])
        };
        let (longest, source) = named.longest;
        assert_eq!(of(longest), [], "{}", named.type_name);
        let found = of(longest + 1);
        assert_eq!(found.len(), 1, "{}: {found:?}", named.type_name);
        assert_eq!(found[0].rule, NAME_LENGTH);
        assert!(
            found[0].wanted.contains(source) && source.starts_with("https://docs.aws.amazon.com/")
        );
    }
}

#[test]
fn quotas_are_counted_where_they_count() {
    let spread = |type_name: &str, counts: &[usize]| -> Vec<StackTemplate> {
        counts
            .iter()
            .enumerate()
            .map(|(at, count)| stack(&format!("s{at}"), many(type_name, *count)))
            .collect()
    };
    assert_eq!(violated(&spread("AWS::ApiGateway::UsagePlan", &[150, 150])), none());
    assert_eq!(violated(&spread("AWS::ApiGateway::UsagePlan", &[150, 151])), only(QUOTA));
    assert_eq!(violated(&spread("AWS::EC2::VPCEndpoint", &[50, 50])), none());
    assert_eq!(violated(&spread("AWS::EC2::VPCEndpoint", &[51])), only(QUOTA));
    assert_eq!(violated(&spread("AWS::BedrockAgentCore::ResourcePolicy", &[6, 5])), only(QUOTA));
    assert_eq!(violated(&spread("AWS::IAM::Role", &[400, 400, 200])), none());
    let mut roles = spread("AWS::IAM::Role", &[400, 400, 201]);
    roles[2].region = "eu-west-1".to_owned();
    assert_eq!(violated(&roles), only(QUOTA), "roles are the account's");
    let mut plans = spread("AWS::ApiGateway::UsagePlan", &[300, 300]);
    plans[1].region = "eu-west-1".to_owned();
    assert_eq!(violated(&plans), none(), "plans are the region's");
    let stacks = |count: usize| -> Vec<_> { (0..count).map(stack_like).collect() };
    assert_eq!(violated(&stacks(2_000)), none());
    assert_eq!(violated(&stacks(2_001)), only(QUOTA));
}

/// One of many stacks that share a template.
fn stack_like(at: usize) -> StackTemplate {
    thread_local! {
        static ONE: StackTemplate = stack("one", json!({}));
    }
    let mut stack = ONE.with(Clone::clone);
    stack.name = format!("s{at}");
    stack.stack_name = format!("acme-dev-s{at}");
    stack
}

#[test]
fn findings_name_rules_of_the_catalogue_that_say_what_to_do() {
    let catalogue = catalogue();
    let ids: BTreeSet<_> = catalogue.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), catalogue.len());
    assert!(catalogue.iter().all(|rule| !rule.why.is_empty() && !rule.fix.is_empty()));
    let bad = tenant("acme", items(json!({})));
    let findings = invariants(&[bad, stack("a", json!({ "Q": queue(Value::Null) }))]);
    assert!(findings.len() >= 2);
    for finding in findings {
        assert!(ids.contains(finding.rule.as_str()), "{finding:?}");
        assert!(!finding.why.is_empty() && !finding.fix.is_empty());
    }
}

#[test]
fn the_stacks_that_we_synthesize_are_sound() {
    let mut two_regions = StackSpec::new("acme", "prod", "eu-west-2");
    two_regions.runtime_region = "eu-west-1".to_owned();
    for spec in [StackSpec::new("acme", "dev", "eu-west-2"), two_regions] {
        let stacks = stacks::synthesize(&spec).unwrap();
        assert_eq!(invariants(&stacks), []);
    }
}
