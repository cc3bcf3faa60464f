//! The permissions that a bootstrap needs, derived from the templates: the
//! provider schemas say which actions CloudFormation calls for each type, and
//! names of ours say on which resources.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use stacks::StackTemplate;
use stacks::cfn::iam::{Operator, PolicyDocument, Statement};
use stacks::cfn::{Value, schema};

use crate::config::Config;

/// What platformctl itself calls, beside what CloudFormation calls in its name.
const STACK_ACTIONS: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:UpdateTerminationProtection",
];

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
            .resource(scope.arn("cloudformation", &format!("stack/{}-*", scope.prefix))),
        Statement::allow(["lambda:InvokeFunction"])
            .sid("SmokeTest")
            .resource(scope.arn("lambda", &format!("function:{}-git-store", scope.prefix))),
        Statement::allow(["lambda:GetAccountSettings"]).sid("Quotas").resource("*").when(
            Operator::StringEquals,
            "aws:RequestedRegion",
            config.region.as_str(),
        ),
        Statement::allow(["s3:GetObject", "s3:PutObject"])
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

/// What CloudFormation calls to make, read, change and delete these types.
fn actions_by_service(templates: &[StackTemplate]) -> BTreeMap<String, BTreeSet<&'static str>> {
    let types: BTreeSet<&str> = templates
        .iter()
        .flat_map(|stack| stack.template.resources())
        .map(|resource| resource.type_name)
        .collect();
    let mut services: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for info in types.into_iter().filter_map(schema::lookup) {
        let permissions = &info.permissions;
        let all = [
            permissions.create,
            permissions.read,
            permissions.update,
            permissions.delete,
            permissions.tag,
        ];
        for action in all.into_iter().flatten().copied() {
            // A schema's wildcard says nothing: what is needed is listed beside it.
            if let Some((service, name)) = action.split_once(':')
                && !name.contains('*')
            {
                services.entry(service.to_owned()).or_default().insert(action);
            }
        }
    }
    services
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
            "budgets" => vec![format!("arn:aws:budgets::{account}:budget/{prefix}-*")],
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
        let passes = |action: &&&str| **action == "iam:PassRole";
        let looks = |action: &&&str| {
            action
                .split_once(':')
                .is_some_and(|(_, name)| name.starts_with("Describe") || name.starts_with("List"))
        };
        let Some(resources) = self.resources(service) else {
            let statement = Statement::allow(actions).sid(&name).resource("*");
            return vec![statement.when(
                Operator::StringEquals,
                "aws:RequestedRegion",
                self.region.as_str(),
            )];
        };
        let scoped: Vec<&str> =
            actions.iter().filter(|action| !looks(action) && !passes(action)).copied().collect();
        let looking: Vec<&str> = actions.iter().filter(looks).copied().collect();
        let mut statements = Vec::new();
        let on_ours = |statement: Statement| {
            resources.iter().fold(statement, |statement, arn| statement.resource(arn.as_str()))
        };
        if !scoped.is_empty() {
            statements.push(on_ours(Statement::allow(scoped).sid(&name)));
        }
        if !looking.is_empty() {
            statements.push(Statement::allow(looking).sid(&format!("{name}Look")).resource("*"));
        }
        if actions.iter().any(|action| *action == "iam:PassRole") {
            statements.push(
                on_ours(Statement::allow(["iam:PassRole"]).sid("PassRoles"))
                    .when(Operator::StringEquals, "iam:PassedToService", "lambda.amazonaws.com")
                    .when(
                        Operator::StringEquals,
                        "iam:PassedToService",
                        "vpc-flow-logs.amazonaws.com",
                    ),
            );
        }
        statements
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn sids_are_unique_and_plain() {
        let statements = all_statements();
        let sids: BTreeSet<_> =
            statements.iter().map(|statement| statement["Sid"].as_str().unwrap()).collect();
        assert_eq!(sids.len(), statements.len());
        assert!(sids.iter().all(|sid| sid.chars().all(|letter| letter.is_ascii_alphanumeric())));
    }
}
