//! The permissions that a bootstrap needs, derived from the templates: the
//! provider schemas say which actions CloudFormation calls for each type, and
//! names of ours say on which resources.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use stacks::StackTemplate;
use stacks::cfn::Value;
use stacks::cfn::iam::{Operator, PolicyDocument, Statement};

use super::permissions::actions_by_service;
use crate::config::Config;

/// What platformctl itself calls, beside what CloudFormation calls in its name.
const STACK_ACTIONS: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:UpdateTerminationProtection",
];

/// With the artefacts: uploads, downloads, and `destroy --with-artefacts`.
const OBJECT_ACTIONS: &[&str] =
    &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"];

/// Services that make a role of their own in a new account, with the caller's leave.
const SERVICE_LINKED: &[&str] = &[
    // The first file system.
    "elasticfilesystem.amazonaws.com",
    // Flow logs.
    "delivery.logs.amazonaws.com",
];

/// Actions of services with named resources which take no resource but `*`.
const WITHOUT_RESOURCE: &[&str] = &[
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DeleteResourcePolicy",
    "logs:PutResourcePolicy",
];

/// Actions that have a statement of their own.
const APART: &[&str] = &["iam:CreateServiceLinkedRole", "iam:PassRole"];

/// Characters that a managed policy may have, white space not counted
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub const MANAGED_POLICY_SIZE: usize = 6_144;

/// The least-privilege policies for deploying `templates` to `account` (12 digits, or
/// `*` when it is not known): as few documents as hold all statements, each small
/// enough for a managed policy. They belong together; a role takes up to ten.
pub fn deploy_policies(templates: &[StackTemplate], config: &Config, account: &str) -> Vec<Json> {
    let mut documents: Vec<Vec<Statement>> = Vec::new();
    for statement in statements(templates, config, account) {
        match documents.last_mut() {
            Some(last) if fits(last, &statement) => last.push(statement),
            _ => documents.push(vec![statement]),
        }
    }
    documents.into_iter().map(document).collect()
}

fn fits(statements: &[Statement], another: &Statement) -> bool {
    let mut together = statements.to_vec();
    together.push(another.clone());
    size(&document(together)) <= MANAGED_POLICY_SIZE
}

fn document(statements: Vec<Statement>) -> Json {
    Value::from(PolicyDocument::new(statements)).into_json()
}

fn statements(templates: &[StackTemplate], config: &Config, account: &str) -> Vec<Statement> {
    let scope = Scope {
        prefix: format!("{}-{}", config.project, config.environment),
        path: format!("{}/{}", config.project, config.environment),
        region: config.region.clone(),
        account: account.to_owned(),
    };
    let mut statements = vec![
        Statement::allow(STACK_ACTIONS.iter().copied())
            .sid("Stacks")
            .resource(scope.arn("cloudformation", &format!("stack/{}-*", scope.prefix)))
            // The events of a change set are asked for by its own ARN.
            .resource(scope.arn("cloudformation", "changeSet/*")),
        Statement::allow(["lambda:InvokeFunction"])
            .sid("SmokeTest")
            .resource(scope.arn("lambda", &format!("function:{}-git-store", scope.prefix))),
        Statement::allow(["lambda:GetAccountSettings"]).sid("Quotas").resource("*").when(
            Operator::StringEquals,
            "aws:RequestedRegion",
            config.region.as_str(),
        ),
        Statement::allow(OBJECT_ACTIONS.iter().copied())
            .sid("Artefacts")
            .resource(format!("arn:aws:s3:::{}-artefacts-*/*", scope.prefix)),
        Statement::allow(["ssm:GetParameters"])
            .sid("StackParameters")
            .resource(scope.arn("ssm", &format!("parameter/{}/*", scope.path))),
    ];
    let by_service = actions_by_service(templates);
    for (service, actions) in by_service {
        statements.extend(scope.statements(&service, actions));
    }
    statements
}

fn size(policy: &Json) -> usize {
    policy.to_string().chars().filter(|character| !character.is_whitespace()).count()
}

/// Which resources are ours.
struct Scope {
    prefix: String,
    path: String,
    region: String,
    account: String,
}

impl Scope {
    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    /// The ARNs of a service's resources whose names we choose; `None` where AWS
    /// chooses them, or has no permissions by resource.
    fn resources(&self, service: &str) -> Option<Vec<String>> {
        let Self { prefix, path, account, .. } = self;
        Some(match service {
            // Global, so no condition on the region would hold.
            "billing" => vec![format!("arn:aws:billing::{account}:billingview/*")],
            // CloudFormation chooses its name.
            "budgets" => vec![format!("arn:aws:budgets::{account}:budget/*")],
            "iam" => vec![format!("arn:aws:iam::{account}:role/{prefix}-*")],
            "lambda" => vec![self.arn(service, &format!("function:{prefix}-*"))],
            "logs" => vec![
                self.arn(service, &format!("log-group:/aws/*/{prefix}-*")),
                self.arn(service, &format!("log-group:/{path}/*")),
            ],
            "s3" => vec![format!("arn:aws:s3:::{prefix}-artefacts-*")],
            "sqs" => vec![self.arn(service, &format!("{prefix}-*"))],
            "ssm" => vec![self.arn(service, &format!("parameter/{path}/*"))],
            _ => return None,
        })
    }

    fn statements(&self, service: &str, actions: BTreeSet<&'static str>) -> Vec<Statement> {
        let name: String = service.split('-').map(capitalized).collect();
        let anywhere = |actions: Vec<&str>, sid: &str| {
            Statement::allow(actions).sid(sid).resource("*").when(
                Operator::StringEquals,
                "aws:RequestedRegion",
                self.region.as_str(),
            )
        };
        let (apart, actions): (Vec<&str>, Vec<&str>) =
            actions.into_iter().partition(|action| APART.contains(action));
        let Some(resources) = self.resources(service) else {
            return vec![anywhere(actions, &name)];
        };
        let on_ours = |statement: Statement| {
            resources.iter().fold(statement, |statement, arn| statement.resource(arn.as_str()))
        };
        let (unscoped, actions): (Vec<&str>, Vec<&str>) =
            actions.into_iter().partition(|action| WITHOUT_RESOURCE.contains(action));
        // What only looks often takes no resource. In S3 it takes the bucket.
        let (looking, scoped): (Vec<&str>, Vec<&str>) =
            actions.into_iter().partition(|action| service != "s3" && looks(action));
        let mut statements = Vec::new();
        if !scoped.is_empty() {
            statements.push(on_ours(Statement::allow(scoped).sid(&name)));
        }
        if !unscoped.is_empty() {
            statements.push(anywhere(unscoped, &format!("{name}Delivery")));
        }
        if !looking.is_empty() {
            statements.push(Statement::allow(looking).sid(&format!("{name}Look")).resource("*"));
        }
        if apart.contains(&"iam:PassRole") {
            let services = ["lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"];
            let pass = on_ours(Statement::allow(["iam:PassRole"]).sid("PassRoles"));
            statements.push(for_services(pass, "iam:PassedToService", &services));
        }
        if apart.contains(&"iam:CreateServiceLinkedRole") {
            let create = Statement::allow(["iam:CreateServiceLinkedRole"])
                .sid("ServiceLinkedRoles")
                .resource(format!("arn:aws:iam::{}:role/aws-service-role/*", self.account));
            statements.push(for_services(create, "iam:AWSServiceName", SERVICE_LINKED));
        }
        statements
    }
}

/// Only for these services.
fn for_services(statement: Statement, key: &str, services: &[&str]) -> Statement {
    services
        .iter()
        .fold(statement, |statement, service| statement.when(Operator::StringEquals, key, *service))
}

fn looks(action: &str) -> bool {
    action
        .split_once(':')
        .is_some_and(|(_, name)| name.starts_with("Describe") || name.starts_with("List"))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::permissions::service_of;

    fn policies() -> Vec<Json> {
        let text = "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n";
        let config = crate::config::parse("p", text).unwrap().config;
        let templates = stacks::synthesize(&config.spec()).unwrap();
        deploy_policies(&templates, &config, "111122223333")
    }

    fn all_statements() -> Vec<Json> {
        policies()
            .iter()
            .flat_map(|policy| policy["Statement"].as_array().cloned().unwrap())
            .collect()
    }

    #[test]
    fn each_fits_a_managed_policy_and_a_role_takes_them_all() {
        let policies = policies();
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
                let only_looks = statement["Sid"].as_str().unwrap().ends_with("Look");
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
        let bucket = "arn:aws:s3:::acme-dev-artefacts-*";
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
}
