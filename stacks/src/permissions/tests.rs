//! What an operator and pipelines are allowed.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::actions::service_of;
use super::*;
use crate::cfn::schema;
use crate::spec::StackSpec;

fn of(holder: &Holder, templates: &[StackTemplate]) -> Vec<Json> {
    let naming = StackSpec::new("acme", "dev", "eu-west-2").naming();
    let scope = Scope::new(&naming, templates, Account::Known("111122223333".to_owned()));
    let documents = policies(templates, &scope, holder);
    documents.into_iter().map(|document| Value::from(document).into_json()).collect()
}

fn templates() -> Vec<StackTemplate> {
    crate::synthesize(&StackSpec::new("acme", "dev", "eu-west-2")).unwrap()
}

fn operator() -> Vec<Json> {
    of(&Holder::Operator, &templates())
}

fn deployer() -> Holder {
    Holder::Deployer { boundary: "arn:aws:iam::111122223333:policy/acme-dev/b".into() }
}

fn all_statements() -> Vec<Json> {
    operator().iter().flat_map(|policy| policy["Statement"].as_array().cloned().unwrap()).collect()
}

#[test]
fn each_fits_a_managed_policy_and_a_role_takes_them_all() {
    let policies = operator();
    assert!(policies.len() <= 10);
    assert!(policies.iter().all(|policy| size(policy) <= MANAGED_POLICY_SIZE));
}

#[test]
fn no_action_is_a_wildcard_and_every_wildcard_resource_is_confined_or_only_looks() {
    for statement in all_statements() {
        let actions = match &statement["Action"] {
            Json::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        };
        for action in &actions {
            assert!(!action.as_str().unwrap().contains('*'), "{action}");
        }
        if statement["Resource"] == "*" {
            let only_looks = statement["Sid"].as_str().unwrap().starts_with("Look");
            let region = &statement["Condition"]["StringEquals"]["aws:RequestedRegion"];
            assert!(only_looks || region == "eu-west-2", "{statement}");
        }
    }
}

#[test]
fn roles_can_be_passed_to_named_services_only() {
    let statements = all_statements();
    let pass: Vec<_> = statements
        .iter()
        .filter(|statement| statement.to_string().contains("iam:PassRole"))
        .collect();
    assert_eq!(pass.len(), 1);
    assert!(pass[0]["Condition"]["StringEquals"]["iam:PassedToService"].is_array());
}

/// The statements that allow an action.
fn allowing(action: &str) -> Vec<Json> {
    let names = |statement: &Json| match &statement["Action"] {
        Json::Array(actions) => actions.iter().any(|one| one == action),
        one => one == action,
    };
    all_statements().into_iter().filter(names).collect()
}

#[test]
fn what_the_schemas_omit_is_there_on_its_resource() {
    let bucket = "arn:aws:s3:::acme-dev-*";
    let objects = "arn:aws:s3:::acme-dev-artefacts-*/*";
    for (action, resource) in [
        ("ec2:DescribeAvailabilityZones", "*"),
        ("ec2:DescribeAccountAttributes", "*"),
        ("ec2:CreateNetworkInterface", "*"),
        ("ec2:DeleteNetworkInterface", "*"),
        ("ec2:ModifyNetworkInterfaceAttribute", "*"),
        ("s3:ListBucket", bucket),
        ("s3:ListBucketVersions", bucket),
        ("s3:DeleteBucket", bucket),
        ("s3:DeleteObject", objects),
        ("s3:DeleteObjectVersion", objects),
        ("budgets:ModifyBudget", "arn:aws:budgets::111122223333:budget/*"),
        ("billing:GetBillingViewData", "arn:aws:billing::111122223333:billingview/*"),
        ("logs:CreateLogDelivery", "*"),
    ] {
        let found = allowing(action);
        assert!(found.iter().any(|one| one["Resource"] == resource), "{action}: {found:?}");
    }
    let events = allowing("cloudformation:DescribeEvents");
    assert_eq!(events[0]["Resource"].as_array().map(Vec::len), Some(2));
}

#[test]
fn service_linked_roles_are_made_for_named_services_only() {
    let statements = allowing("iam:CreateServiceLinkedRole");
    assert_eq!(statements.len(), 1);
    let statement = &statements[0];
    assert_eq!(statement["Resource"], "arn:aws:iam::111122223333:role/aws-service-role/*");
    let services = &statement["Condition"]["StringEquals"]["iam:AWSServiceName"];
    assert_eq!(services[0], "elasticfilesystem.amazonaws.com");
    assert_eq!(services[1], "delivery.logs.amazonaws.com");
}

#[test]
fn actions_are_of_services_that_the_stacks_use_and_iam_takes_their_names() {
    for statement in all_statements() {
        let actions = match &statement["Action"] {
            Json::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        };
        for action in actions.iter().filter_map(Json::as_str) {
            let ours = action.starts_with("cloudformation:");
            assert!(ours || service_of(action).is_some(), "{action}");
        }
    }
}

#[test]
fn sids_are_unique_and_plain() {
    let statements = all_statements();
    let sids: BTreeSet<_> =
        statements.iter().map(|statement| statement["Sid"].as_str().unwrap()).collect();
    assert_eq!(sids.len(), statements.len());
    assert!(sids.iter().all(|sid| sid.chars().all(|letter| letter.is_ascii_alphanumeric())));
}

/// A stack with one resource of every type that we can make.
fn everything() -> Vec<StackTemplate> {
    let resources: serde_json::Map<String, Json> = schema::all()
        .iter()
        .enumerate()
        .map(|(at, info)| (format!("R{at}"), serde_json::json!({ "Type": info.name })))
        .collect();
    let mut stack = templates().remove(0);
    stack.name = "everything".to_owned();
    stack.template = serde_json::from_value(serde_json::json!({ "Resources": resources })).unwrap();
    vec![stack]
}

#[test]
fn whatever_stacks_have_a_role_takes_the_policies() {
    for holder in [Holder::Operator, deployer(), Holder::Planner] {
        let documents = of(&holder, &everything());
        assert!(documents.len() <= POLICIES_OF_A_ROLE, "{holder:?}: {}", documents.len());
        for document in &documents {
            assert!(size(document) <= MANAGED_POLICY_SIZE, "{holder:?}: {}", size(document));
        }
    }
}

#[test]
fn a_deployer_makes_roles_within_the_boundary_alone() {
    let documents = of(&deployer(), &everything());
    let statements = documents.iter().flat_map(|it| it["Statement"].as_array().unwrap());
    for statement in statements.filter(|statement| statement["Effect"] == "Allow") {
        let text = statement["Action"].to_string();
        assert!(!text.contains("DeleteRolePermissionsBoundary"), "{statement}");
        for other in ["OpenIDConnect", "iam:CreatePolicy", "iam:AttachUser", "iam:CreateUser"] {
            assert!(!text.contains(other), "{statement}");
        }
        let bounded = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"];
        if bounded.iter().any(|action| text.contains(action)) {
            let boundary = &statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"];
            assert_eq!(boundary, "arn:aws:iam::111122223333:policy/acme-dev/b");
            assert_eq!(statement["Resource"], "arn:aws:iam::111122223333:role/acme-dev-*");
        }
    }
}

#[test]
fn a_deployer_changes_its_own_stacks_alone() {
    let documents = of(&deployer(), &templates()[2..4]);
    let statements: Vec<_> =
        documents.iter().flat_map(|it| it["Statement"].as_array().unwrap()).collect();
    let change = statements.iter().find(|it| it["Sid"] == "ChangeStacks").unwrap();
    let stacks = ["acme-dev-efs/*", "acme-dev-network/*"]
        .map(|name| format!("arn:aws:cloudformation:eu-west-2:111122223333:stack/{name}"));
    assert_eq!(change["Resource"], serde_json::json!(stacks));
    for sid in ["NotItself", "NotIdentity", "NotIssuers", "NotItsKeys", "StaysBounded"] {
        let denial = statements.iter().find(|it| it["Sid"] == sid).unwrap();
        assert_eq!(denial["Effect"], "Deny", "{sid}");
    }
}

#[test]
fn a_planner_changes_nothing_but_change_sets() {
    for document in of(&Holder::Planner, &everything()) {
        for statement in document["Statement"].as_array().unwrap() {
            let actions = match &statement["Action"] {
                Json::Array(actions) => actions.clone(),
                one => vec![one.clone()],
            };
            for action in actions.iter().filter_map(Json::as_str) {
                let (_, name) = action.split_once(':').unwrap();
                let reads = ["Describe", "GET", "Get", "List", "View"]
                    .iter()
                    .any(|it| name.starts_with(it));
                assert!(reads || name.ends_with("ChangeSet"), "{action}");
                assert!(action != "secretsmanager:GetSecretValue" && name != "ExecuteChangeSet");
            }
        }
    }
}
