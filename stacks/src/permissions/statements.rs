//! What is allowed, service by service.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Holder;
use super::actions::{self, looks};
use super::scope::Scope;
use crate::StackTemplate;
use crate::cfn::Value;
use crate::cfn::iam::{Operator, Statement};

/// What only looks at stacks and change sets.
const LOOK_AT_STACKS: &[&str] = &[
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
];

/// What says what a deploy would do, and does none of it.
const PLAN_STACKS: &[&str] = &["cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"];

/// What changes stacks.
const CHANGE_STACKS: &[&str] = &[
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:DeleteStack",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:UpdateTerminationProtection",
];

/// Every way to change a stack, whether we use it or not.
const ANY_CHANGE: &[&str] = &[
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:SetStackPolicy",
    "cloudformation:UpdateStack",
    "cloudformation:UpdateTerminationProtection",
];

/// With the artefacts: uploads, downloads, and `destroy --with-artefacts`.
const OBJECT_ACTIONS: &[&str] =
    &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"];

/// Services that make a role of their own in a new account, with the caller's leave,
/// each with the service whose actions lead to it.
const SERVICE_LINKED: &[(&str, &str)] = &[
    // The first file system.
    ("elasticfilesystem", "elasticfilesystem.amazonaws.com"),
    // Flow logs, and the logs of web ACLs.
    ("logs", "delivery.logs.amazonaws.com"),
    ("apigateway", "ops.apigateway.amazonaws.com"),
    ("bedrock-agentcore", "network.bedrock-agentcore.amazonaws.com"),
    ("bedrock-agentcore", "runtime-identity.bedrock-agentcore.amazonaws.com"),
    ("wafv2", "wafv2.amazonaws.com"),
];

/// Actions of services with named resources which take no resource but `*`.
const WITHOUT_RESOURCE: &[&str] = &[
    "apigateway:SetWebACL",
    "lambda:CreateEventSourceMapping",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DeleteResourcePolicy",
    "logs:GetLogDelivery",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
];

/// Actions that have a statement of their own.
const APART: &[&str] = &["iam:CreateServiceLinkedRole", PASS_ROLE];

pub(super) const PASS_ROLE: &str = "iam:PassRole";

/// What makes a role, or makes it able to do more; all know the condition key
/// `iam:PermissionsBoundary`
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>).
pub(super) const BOUNDED: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
];

/// What would take a key of the identity stack away, or open it to others.
const CHANGE_KEYS: &[&str] = &[
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
];

/// Actions of one statement, so that each fits a policy of its own.
const MOST_ACTIONS: usize = 150;

/// All statements of a holder, each small enough for a policy of its own.
pub(super) fn statements(
    templates: &[StackTemplate],
    scope: &Scope,
    holder: &Holder,
) -> Vec<Statement> {
    let for_tenants = matches!(holder, Holder::Tenants { .. });
    let mut writer = Writer {
        templates,
        scope,
        holder,
        // Ours, and none of CloudFormation's.
        anywhere: if for_tenants { Vec::new() } else { vec!["lambda:GetAccountSettings"] },
        looking: Vec::new(),
    };
    let mut statements = match holder {
        Holder::Tenants { .. } => vec![writer.values()],
        _ => [writer.stacks(), writer.artefacts_and_values()].concat(),
    };
    let services = match holder {
        Holder::Planner => actions::to_plan(templates),
        Holder::Operator | Holder::Deployer { .. } | Holder::Tenants { .. } => {
            actions::to_deploy(templates)
        }
    };
    // Buckets are emptied by whoever destroys an environment.
    let services: BTreeMap<_, _> =
        services.into_iter().filter(|(service, _)| !for_tenants || service != "s3").collect();
    let names: BTreeSet<String> = services.keys().cloned().collect();
    for (service, actions) in services {
        statements.extend(writer.service(&service, actions, &names));
    }
    statements.extend(writer.without_resources());
    if matches!(holder, Holder::Deployer { .. } | Holder::Tenants { .. }) {
        statements.extend(writer.not_itself());
    }
    statements
}

struct Writer<'a> {
    templates: &'a [StackTemplate],
    scope: &'a Scope,
    holder: &'a Holder,
    /// Actions on resources whose names AWS chooses, or on none.
    anywhere: Vec<&'static str>,
    /// Actions that only look, and often take no resource.
    looking: Vec<&'static str>,
}

impl Writer<'_> {
    fn prefix(&self) -> &str {
        &self.scope.prefix
    }

    /// What IAM takes no ARNs of ours for: on anything in the environment's regions, and,
    /// for what only looks, anywhere.
    fn without_resources(&self) -> Vec<Statement> {
        let named = |kind: &str, at: usize| match at {
            0 => kind.to_owned(),
            _ => format!("{kind}{}", at + 1),
        };
        let chunks = |actions: &[&'static str], kind: &str| -> Vec<Statement> {
            let chunks = actions.chunks(MOST_ACTIONS).map(|chunk| chunk.iter().copied());
            let statement =
                |(at, chunk)| Statement::allow::<&str>(chunk).sid(&named(kind, at)).resource("*");
            chunks.enumerate().map(statement).collect()
        };
        let in_its_regions = |statement: Statement| {
            self.scope.regions.iter().fold(statement, |statement, region| {
                statement.when(Operator::StringEquals, "aws:RequestedRegion", region.as_str())
            })
        };
        let (network, other): (Vec<_>, Vec<_>) =
            self.anywhere.iter().partition(|action| action.starts_with("ec2:"));
        let mut statements = chunks(&network, "Network");
        statements.extend(chunks(&other, "InItsRegions"));
        statements = statements.into_iter().map(in_its_regions).collect();
        statements.extend(chunks(&self.looking, "Look"));
        statements
    }

    fn stacks(&self) -> Vec<Statement> {
        // The events of a change set are asked for by its own ARN.
        let everything = || {
            let stacks = self.scope.arns("cloudformation", &format!("stack/{}-*", self.prefix()));
            stacks.into_iter().chain(self.scope.arns("cloudformation", "changeSet/*"))
        };
        let with = |lists: &[&[&'static str]], sid: &str| {
            let mut actions = lists.concat();
            actions.sort_unstable();
            Statement::allow(actions).sid(sid)
        };
        match self.holder {
            Holder::Operator => {
                let all = with(&[LOOK_AT_STACKS, PLAN_STACKS, CHANGE_STACKS], "Stacks");
                vec![on(all, everything())]
            }
            Holder::Planner => {
                vec![on(with(&[LOOK_AT_STACKS, PLAN_STACKS], "Stacks"), everything())]
            }
            Holder::Deployer { .. } => {
                let look = with(&[LOOK_AT_STACKS, PLAN_STACKS], "Stacks");
                let change = with(&[CHANGE_STACKS], "ChangeStacks");
                vec![on(look, everything()), on(change, self.own_stacks())]
            }
            Holder::Tenants { .. } => Vec::new(),
        }
    }

    /// The ARNs of the stacks that are deployed; all of tenants as one.
    fn own_stacks(&self) -> Vec<Value<String>> {
        let names: BTreeSet<(String, &str)> = self
            .templates
            .iter()
            .map(|stack| {
                let tenant = stack.name.starts_with("tenant-");
                let name = if tenant { "tenant-*" } else { &stack.name };
                (format!("{}-{name}", self.prefix()), stack.region.as_str())
            })
            .collect();
        let arn = |(name, region): (String, &str)| {
            let arn = format!("arn:aws:cloudformation:{region}:{{account}}:stack/{name}/*");
            self.scope.plain(&arn)
        };
        names.into_iter().map(arn).collect()
    }

    fn artefacts_and_values(&self) -> Vec<Statement> {
        let artefacts = format!("arn:aws:s3:::{}-artefacts-*/*", self.prefix());
        let objects = match self.holder {
            Holder::Planner => &["s3:GetObject"],
            _ => OBJECT_ACTIONS,
        };
        let smoke_test = Statement::allow(["lambda:InvokeFunction"]).sid("SmokeTest");
        let function = format!("function:{}-git-store", self.prefix());
        let mut statements = vec![
            Statement::allow(objects.iter().copied()).sid("Artefacts").resource(artefacts),
            self.values(),
        ];
        if !matches!(self.holder, Holder::Planner) {
            statements.insert(0, on(smoke_test, self.scope.arns("lambda", &function)));
            statements.push(self.locks());
            statements.extend(self.audit_trail());
        }
        statements
    }

    /// What stacks publish for each other.
    fn values(&self) -> Statement {
        let read = Statement::allow(["ssm:GetParameters"]).sid("StackParameters");
        on(read, self.scope.all_parameters())
    }

    /// Whoever changes the environment takes its lock.
    fn locks(&self) -> Statement {
        let locks = Statement::allow(["dynamodb:GetItem", "dynamodb:PutItem"]).sid("Locks");
        let table = format!("table/{}-{}", self.prefix(), runtime_core::tables::OPS_LOCKS.name);
        on(locks, self.scope.arns("dynamodb", &table))
    }

    /// Journals are added to the audit bucket, which is encrypted; so is
    /// the table of locks, with the same key.
    fn audit_trail(&self) -> [Statement; 2] {
        let journals = format!("arn:aws:s3:::{}-audit-*/journals/*", self.prefix());
        let write = Statement::allow(["s3:PutObject"]).sid("AuditTrail").resource(journals);
        let alias = format!("alias/{}-platform-config", self.prefix());
        let encrypt = Statement::allow(["kms:Decrypt", "kms:GenerateDataKey"])
            .sid("AuditTrailKey")
            .when(Operator::ForAnyValueStringEquals, "kms:ResourceAliases", alias);
        let encrypt = self.scope.regions.iter().fold(encrypt, |statement, region| {
            ["s3", "dynamodb"].into_iter().fold(statement, |statement, service| {
                let service = format!("{service}.{region}.amazonaws.com");
                statement.when(Operator::StringEquals, "kms:ViaService", service)
            })
        });
        [write, on(encrypt, self.scope.arns("kms", "key/*"))]
    }

    fn service(
        &mut self,
        service: &str,
        actions: BTreeSet<&'static str>,
        services: &BTreeSet<String>,
    ) -> Vec<Statement> {
        let name: String = service.split('-').map(capitalized).collect();
        let (apart, actions): (Vec<&'static str>, Vec<&'static str>) =
            actions.into_iter().partition(|action| APART.contains(action));
        let mut statements = match (service, self.holder) {
            ("iam", Holder::Deployer { boundary } | Holder::Tenants { boundary }) => {
                self.bounded(actions, boundary)
            }
            ("apigateway", Holder::Planner) => {
                // Keys of tenants are below other paths, and reading them shows them.
                let apis =
                    self.scope.regions.iter().map(|region| {
                        Value::from(format!("arn:aws:apigateway:{region}::/restapis*"))
                    });
                vec![on(Statement::allow(actions).sid(&name), apis)]
            }
            ("apigateway", Holder::Tenants { .. }) => {
                // Keys and the plans that they are on, and no API.
                let arns = self.scope.regions.iter().flat_map(|region| {
                    ["apikeys", "apikeys/*", "tags/*", "usageplans/*"]
                        .map(|path| format!("arn:aws:apigateway:{region}::/{path}").into())
                });
                vec![on(Statement::allow(actions).sid(&name), arns)]
            }
            _ => self.plain_service(service, &name, actions),
        };
        if apart.contains(&PASS_ROLE) {
            statements.push(pass_roles(self.scope, self.templates));
        }
        if apart.contains(&"iam:CreateServiceLinkedRole") {
            let roles = self.scope.plain("arn:aws:iam::{account}:role/aws-service-role/*");
            let create = Statement::allow(["iam:CreateServiceLinkedRole"])
                .sid("ServiceLinkedRoles")
                .resource(roles);
            let linked = SERVICE_LINKED
                .iter()
                .filter(|(service, _)| services.contains(*service))
                .map(|(_, linked)| *linked);
            statements.push(for_services(create, "iam:AWSServiceName", linked));
        }
        statements
    }

    fn plain_service(
        &mut self,
        service: &str,
        name: &str,
        actions: Vec<&'static str>,
    ) -> Vec<Statement> {
        let Some(resources) = self.scope.resources(service) else {
            self.anywhere.extend(actions);
            return Vec::new();
        };
        let mut scoped = Vec::new();
        for action in actions {
            if WITHOUT_RESOURCE.contains(&action) {
                self.anywhere.push(action);
            } else if service != "s3" && looks(action) {
                // What only looks often takes no resource. In S3 it takes the bucket.
                self.looking.push(action);
            } else {
                scoped.push(action);
            }
        }
        if scoped.is_empty() {
            return Vec::new();
        }
        vec![on(Statement::allow(scoped).sid(name), resources)]
    }

    /// In IAM, a pipeline handles roles of the environment alone, and makes none
    /// without the boundary.
    fn bounded(&self, actions: Vec<&str>, boundary: &Value<String>) -> Vec<Statement> {
        let of_roles = actions.into_iter().filter(|action| {
            action.contains("Role") && *action != "iam:DeleteRolePermissionsBoundary"
        });
        let (bounded, other): (Vec<&str>, Vec<&str>) =
            of_roles.partition(|action| BOUNDED.contains(action));
        let mut statements = Vec::new();
        if !bounded.is_empty() {
            statements.push(
                Statement::allow(bounded).sid("IamBounded").resource(self.scope.roles()).when(
                    Operator::StringEquals,
                    "iam:PermissionsBoundary",
                    boundary,
                ),
            );
        }
        if !other.is_empty() {
            statements.push(Statement::allow(other).sid("Iam").resource(self.scope.roles()));
        }
        statements
    }

    /// Whatever else is attached to it, a pipeline does not change who may do what.
    fn not_itself(&self) -> Vec<Statement> {
        let identity = ["identity", "runtime-identity"].into_iter().flat_map(|stack| {
            self.scope.arns("cloudformation", &format!("stack/{}-{stack}/*", self.prefix()))
        });
        let providers = self.scope.plain("arn:aws:iam::{account}:oidc-provider/*");
        let iam = self.scope.below_its_path().into_iter().chain([providers]);
        let values = ["ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:PutParameter"];
        vec![
            on(Statement::deny(["iam:*"]).sid("NotItself"), iam),
            on(Statement::deny(ANY_CHANGE.iter().copied()).sid("NotIdentity"), identity),
            on(Statement::deny(values).sid("NotIssuers"), self.scope.identity_parameters()),
            Statement::deny(CHANGE_KEYS.iter().copied()).sid("NotItsKeys").resource("*").when(
                Operator::StringEquals,
                "aws:ResourceTag/stack",
                "identity",
            ),
            Statement::deny(["iam:DeleteRolePermissionsBoundary"])
                .sid("StaysBounded")
                .resource("*"),
        ]
    }
}

/// The environment's roles may be passed, each to services that its roles trust.
pub(super) fn pass_roles(scope: &Scope, templates: &[StackTemplate]) -> Statement {
    let pass = Statement::allow([PASS_ROLE]).sid("PassRoles").resource(scope.roles());
    let services = passed_to(templates);
    for_services(pass, "iam:PassedToService", services.iter().map(String::as_str))
}

/// The services that the roles of the stacks trust. Flow logs come and go with a
/// setting, and the role is passed when they go, too.
fn passed_to(templates: &[StackTemplate]) -> BTreeSet<String> {
    let mut services =
        BTreeSet::from(["lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"].map(str::to_owned));
    let resources = templates.iter().flat_map(|stack| stack.template.resources());
    for role in resources.filter(|resource| resource.type_name == "AWS::IAM::Role") {
        let trust = &role.properties()["AssumeRolePolicyDocument"]["Statement"];
        for statement in trust.as_array().into_iter().flatten() {
            let named = match &statement["Principal"]["Service"] {
                Json::Array(services) => services.clone(),
                one => vec![one.clone()],
            };
            services.extend(named.iter().filter_map(Json::as_str).map(str::to_owned));
        }
    }
    services
}

/// On these resources.
fn on(statement: Statement, arns: impl IntoIterator<Item = Value<String>>) -> Statement {
    arns.into_iter().fold(statement, Statement::resource)
}

/// Only for these services.
fn for_services<'a>(
    statement: Statement,
    key: &str,
    services: impl Iterator<Item = &'a str>,
) -> Statement {
    services
        .fold(statement, |statement, service| statement.when(Operator::StringEquals, key, service))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
