//! What holds for the platform stack, whatever is in its spec.

use std::collections::BTreeSet;

use runtime_core::api::ROUTES;
use runtime_core::auth::{AwsMachines, IssuerConfig};
use runtime_core::functions::Function;
use runtime_core::{queues, tables};
use serde_json::Value;
use stacks::Template;
use stacks::spec::{AuditMode, StackSpec};

use crate::specs;

fn platform(spec: &StackSpec) -> Template {
    let stacks = stacks::synthesize(spec).unwrap();
    stacks.into_iter().find(|stack| stack.name == "platform").unwrap().template
}

fn properties<'a>(template: &'a Template, id: &str) -> &'a Value {
    template.resource(id).unwrap_or_else(|| panic!("no {id}")).properties()
}

fn of_type<'a>(template: &'a Template, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let all = template.resources().filter(|resource| resource.type_name == kind);
    all.map(|resource| (resource.id, resource.properties())).collect()
}

/// One or many, as policies have it.
fn many(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |all| all.iter().collect())
}

#[test]
fn tables_are_those_of_the_contract_each_with_the_key_of_its_data() {
    let template = platform(&specs::complete());
    assert_eq!(of_type(&template, "AWS::DynamoDB::Table").len(), tables::ALL.len());
    for table in tables::ALL {
        let name = format!("acme-prod-{}", table.name);
        let all = of_type(&template, "AWS::DynamoDB::Table");
        let (_, made) = all.iter().find(|(_, made)| made["TableName"] == *name).unwrap();
        let key = if table.tenant_scoped() { "TenantData" } else { "PlatformConfig" };
        let found = &made["SSESpecification"]["KMSMasterKeyId"]["Ref"];
        assert_eq!(*found, format!("Identity{key}Key"), "{name}");
        assert_eq!(made["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
        assert_eq!(made["DeletionProtectionEnabled"], true);
        assert_eq!(made["TimeToLiveSpecification"].is_object(), table.expires, "{name}");
        let read = !table.stream_consumers.is_empty();
        assert_eq!(made["StreamSpecification"].is_object(), read, "{name}");
    }
}

#[test]
fn nobody_follows_a_stream_that_is_not_there() {
    let template = platform(&specs::dev());
    for (id, table) in of_type(&template, "AWS::DynamoDB::Table") {
        assert!(table.get("StreamSpecification").is_none(), "{id}");
    }
    let mut spec = specs::dev();
    spec.platform.deletion_protection = false;
    let template = platform(&spec);
    assert_eq!(properties(&template, "TenantsTable")["DeletionProtectionEnabled"], false);
}

#[test]
fn every_queue_has_a_policy_and_every_queue_of_work_its_dead_letters() {
    let template = platform(&specs::complete());
    let guarded: BTreeSet<_> = of_type(&template, "AWS::SQS::QueuePolicy")
        .into_iter()
        .map(|(_, policy)| {
            policy["Queues"][0]["Fn::GetAtt"][0]
                .as_str()
                .or(policy["Queues"][0]["Ref"].as_str())
                .unwrap()
        })
        .collect();
    let all: BTreeSet<_> =
        of_type(&template, "AWS::SQS::Queue").into_iter().map(|(id, _)| id).collect();
    assert_eq!(guarded, all);
    for queue in queues::ALL {
        let name = format!("acme-prod-{}{}", queue.name, queue.suffix());
        let all = of_type(&template, "AWS::SQS::Queue");
        let (_, work) = all.iter().find(|(_, it)| it["QueueName"] == *name).unwrap();
        let dead = work["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap();
        let dead = properties(&template, dead);
        assert_eq!(dead["FifoQueue"], work["FifoQueue"]);
        let source = dead["RedriveAllowPolicy"]["sourceQueueArns"][0]["Fn::Sub"].as_str().unwrap();
        assert!(source.ends_with(&format!(":{name}")), "{source}");
        // Longer than its function runs, or a message would be worked on twice.
        assert!(work["VisibilityTimeout"].as_i64().unwrap() >= 6 * 30);
    }
}

#[test]
fn the_audit_trail_is_locked() {
    let mut spec = specs::dev();
    spec.platform.audit.mode = AuditMode::Compliance;
    spec.platform.audit.retention_days = 30;
    let template = platform(&spec);
    let bucket = properties(&template, "AuditBucket");
    assert_eq!(bucket["ObjectLockEnabled"], true);
    let retention = &bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
    assert_eq!((&retention["Mode"], &retention["Days"]), (&"COMPLIANCE".into(), &30.into()));
}

/// Operations of the API's document: path, method, and the operation.
fn operations(body: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = body["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    operations.collect()
}

#[test]
fn every_route_is_there_and_only_health_is_open() {
    let template = platform(&specs::complete());
    let body = &properties(&template, "Api")["Body"];
    let operations = operations(body);
    for route in ROUTES {
        let method = route.method.as_str().to_lowercase();
        assert!(operations.iter().any(|(path, m, _)| (*path, *m) == (route.path, &*method)));
    }
    for (path, method, operation) in operations {
        let open = method == "options" || path == "/v1/health";
        let security = operation["security"].as_array().unwrap();
        assert_eq!(security.is_empty(), open, "{method} {path}");
        let kind = &operation["x-amazon-apigateway-integration"]["type"];
        assert_eq!(*kind, if open { "mock" } else { "aws_proxy" }, "{method} {path}");
    }
    assert_eq!(body["x-amazon-apigateway-request-validator"], "all");
}

#[test]
fn routes_come_with_their_functions_and_never_without_the_authoriser() {
    let paths = |functions: &[Function]| -> Vec<String> {
        let mut spec = specs::complete();
        spec.platform.functions.retain(|function, _| functions.contains(function));
        let template = platform(&spec);
        let body = &properties(&template, "Api")["Body"];
        let authoriser = !body["components"]["securitySchemes"].is_null();
        let paths: Vec<_> = body["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(authoriser, paths.len() > 1);
        paths
    };
    assert_eq!(paths(&[]), ["/v1/health"]);
    assert_eq!(paths(&[Function::Authoriser, Function::Jobs]), ["/v1/health"]);
    let bridge = paths(&[Function::Authoriser, Function::Bridge]);
    assert_eq!(
        bridge,
        ["/v1/health", "/v1/agents/{name}/invocations", "/v1/sessions", "/v1/sessions/{id}"]
    );
}

/// What was allowed on one route must not be remembered for another; and where nothing is
/// remembered, nothing has to be in a request for the authoriser to see it.
#[test]
fn a_decision_is_remembered_for_its_route_alone_or_not_at_all() {
    let authoriser = |seconds: u32| {
        let mut spec = specs::complete();
        spec.platform.api.decision_seconds = seconds;
        let template = platform(&spec);
        let schemes = &properties(&template, "Api")["Body"]["components"]["securitySchemes"];
        schemes["authoriser"]["x-amazon-apigateway-authorizer"].clone()
    };
    let remembered = authoriser(60);
    assert_eq!(remembered["authorizerResultTtlInSeconds"], 60);
    let sources = remembered["identitySource"].as_str().unwrap();
    for source in ["method.request.header.Authorization", "context.httpMethod", "context.path"] {
        assert!(sources.contains(source), "{sources}");
    }
    let usual = authoriser(specs::complete().platform.api.decision_seconds);
    assert_eq!(usual["authorizerResultTtlInSeconds"], 0);
    assert!(usual.get("identitySource").is_none());
}

/// The authoriser reads what it is told with the types by which it is told.
#[test]
fn the_authoriser_is_told_of_issuers_and_machines() {
    let template = platform(&specs::complete());
    let variables = &properties(&template, "Authoriser")["Environment"]["Variables"];
    let issuers: Vec<IssuerConfig> =
        serde_json::from_str(variables["ISSUERS"].as_str().unwrap()).unwrap();
    let names: Vec<_> = issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    assert_eq!(names, ["staff", "users", "partners"]);
    let users = &issuers[1];
    assert_eq!((users.audience_claim.as_str(), users.type_optional), ("client_id", true));
    assert!(issuers.iter().all(|issuer| !issuer.local));
    let machines = variables["AWS_MACHINES"]["Fn::Sub"].as_str().unwrap();
    let machines = machines.replace("${AWS::AccountId}", "123456789012");
    let machines: AwsMachines = serde_json::from_str(&machines).unwrap();
    assert_eq!(machines.account, "123456789012");
    assert!(machines.role.ends_with("-machine-{tenant}"), "{}", machines.role);
}

#[test]
fn another_api_is_another_deployment() {
    let deployment = |spec: &StackSpec| -> String {
        let template = platform(spec);
        let all = of_type(&template, "AWS::ApiGateway::Deployment");
        assert_eq!(all.len(), 1);
        assert_eq!(
            properties(&template, "ApiStage")["DeploymentId"]["Fn::GetAtt"][0]
                .as_str()
                .or(properties(&template, "ApiStage")["DeploymentId"]["Ref"].as_str()),
            Some(all[0].0)
        );
        all[0].0.to_owned()
    };
    let spec = specs::complete();
    let mut slower = spec.clone();
    slower.platform.api.decision_seconds = 30;
    let mut narrower = spec.clone();
    narrower.platform.api.read.burst = 1;
    assert_ne!(deployment(&spec), deployment(&slower));
    assert_eq!(deployment(&spec), deployment(&narrower), "the stage alone has changed");
}

#[test]
fn no_origin_is_a_wildcard() {
    for (_, spec) in specs::all() {
        let text = platform(&spec).to_compact_json();
        for allowed in text.split("Access-Control-Allow-Origin\":\"").skip(1) {
            assert!(allowed.starts_with("stageVariables.webOrigin\""));
        }
    }
    let template = platform(&specs::complete());
    let cors = &properties(&template, "WebHeaders")["ResponseHeadersPolicyConfig"]["CorsConfig"];
    assert_eq!(
        cors["AccessControlAllowOrigins"]["Items"],
        serde_json::json!(["https://app.acme.example"])
    );
}

/// The whole point of sessions for tenants: no role reaches tenants' items without a
/// condition on whose they are.
#[test]
fn items_of_tenants_are_reached_for_one_tenant_alone() {
    let template = platform(&specs::complete());
    let scoped: Vec<_> = tables::ALL
        .iter()
        .filter(|table| table.tenant_scoped())
        .map(|table| format!("acme-prod-{}", table.name))
        .collect();
    let is_scoped = |resource: &Value| {
        let id = resource["Fn::GetAtt"][0]
            .as_str()
            .or_else(|| resource["Fn::Sub"][1]["Table"]["Fn::GetAtt"][0].as_str());
        id.is_some_and(|id| {
            let name = properties(&template, id)["TableName"].as_str().unwrap_or_default();
            scoped.iter().any(|scoped| scoped == name)
        })
    };
    let mut seen = 0;
    for (id, role) in of_type(&template, "AWS::IAM::Role") {
        for policy in role["Policies"].as_array().into_iter().flatten() {
            for statement in many(&policy["PolicyDocument"]["Statement"]) {
                let items = many(&statement["Action"]).iter().any(|action| {
                    let action = action.as_str().unwrap();
                    action.starts_with("dynamodb:") && action.ends_with("Item")
                        || action == "dynamodb:Query"
                });
                let reaches = many(&statement["Resource"]).into_iter().any(is_scoped);
                if items && reaches {
                    seen += 1;
                    assert!(id.ends_with("TenantRole"), "{id}");
                    let condition = &statement["Condition"];
                    assert_eq!(
                        condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"],
                        "${aws:PrincipalTag/tenant_id}"
                    );
                    assert_eq!(condition["Null"]["dynamodb:LeadingKeys"], "false");
                }
            }
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn only_the_distribution_gets_through_to_the_api_and_to_the_pages() {
    let template = platform(&specs::dev());
    let first = &properties(&template, "WebAcl")["Rules"][0];
    assert_eq!((&first["Priority"], first["Action"]["Block"].is_object()), (&0.into(), true));
    let not = &first["Statement"]["NotStatement"]["Statement"]["ByteMatchStatement"];
    let secret = &not["SearchString"];
    let origins = &properties(&template, "Distribution")["DistributionConfig"]["Origins"];
    assert_eq!(origins[1]["OriginCustomHeaders"][0]["HeaderValue"], *secret);
    // The value itself is nowhere.
    assert!(secret["Fn::Sub"][0].as_str().unwrap().starts_with("{{resolve:secretsmanager:"));
    let allowed = properties(&template, "WebBucketPolicy")["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|statement| statement["Effect"] == "Allow");
    for statement in allowed {
        assert!(!statement["Condition"]["StringEquals"]["aws:SourceArn"].is_null());
    }
}

/// Every method has limits of its own, at the place where the gateway looks for them.
#[test]
fn every_route_has_its_limits() {
    let template = platform(&specs::complete());
    let settings = properties(&template, "ApiStage")["MethodSettings"].as_array().unwrap();
    assert_eq!(settings.len(), ROUTES.len() + 1);
    let invoke = settings
        .iter()
        .find(|it| it["ResourcePath"] == "/~1v1~1agents~1{name}~1invocations")
        .unwrap();
    assert_eq!(
        (&invoke["HttpMethod"], &invoke["ThrottlingRateLimit"]),
        (&"POST".into(), &100.into())
    );
    assert!(settings.iter().all(|it| it["DataTraceEnabled"] == false));
}
