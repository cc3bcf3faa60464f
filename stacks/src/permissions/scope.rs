//! Which resources are an environment's.

use std::collections::BTreeSet;

use crate::StackTemplate;
use crate::cfn::{Naming, Value, sub};

/// The account of ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// Its 12 digits, or `*`.
    Known(String),
    /// The account of the stack that the policy is in.
    OfTheStack,
}

/// What the names of an environment's resources begin with, and where they are.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Such as `acme-dev`.
    pub(super) prefix: String,
    /// What names of resources begin with: the prefix, or that of tenants.
    names: String,
    /// Such as `acme/dev`.
    path: String,
    /// Below this are the parameters: the path, or that of tenants.
    parameters: String,
    /// The regions of the stacks.
    pub(super) regions: BTreeSet<String>,
    account: Account,
}

impl Scope {
    /// The environment of `naming`, in the regions of its stacks.
    pub fn new(naming: &Naming, templates: &[StackTemplate], account: Account) -> Self {
        let home = naming.region().to_owned();
        let regions = templates.iter().map(|stack| stack.region.clone()).chain([home]).collect();
        let (prefix, path) = (naming.prefix(), naming.path());
        Self { names: prefix.clone(), parameters: path.clone(), prefix, path, regions, account }
    }

    /// Of the environment's resources, those of tenants alone: their names begin with
    /// `<prefix>-tenant`.
    pub(crate) fn of_tenants(mut self) -> Self {
        self.names = format!("{}-tenant", self.prefix);
        self.parameters = format!("{}/tenants", self.path);
        self
    }

    /// An ARN without account and region.
    pub(super) fn plain(&self, arn: &str) -> Value<String> {
        match self.account {
            Account::Known(_) => arn.replace("{account}", self.account()).into(),
            Account::OfTheStack if arn.contains("{account}") => {
                sub(arn.replace("{account}", self.account()))
            }
            Account::OfTheStack => arn.into(),
        }
    }

    /// The ARNs of something in every region.
    pub(super) fn arns(&self, service: &str, resource: &str) -> Vec<Value<String>> {
        let arn =
            |region| self.plain(&format!("arn:aws:{service}:{region}:{{account}}:{resource}"));
        self.regions.iter().map(arn).collect()
    }

    fn account(&self) -> &str {
        match &self.account {
            Account::Known(digits) => digits,
            Account::OfTheStack => "${AWS::AccountId}",
        }
    }

    /// SSM parameters that are handled.
    fn parameters(&self) -> Vec<Value<String>> {
        self.arns("ssm", &format!("parameter/{}/*", self.parameters))
    }

    /// Every SSM parameter of the environment.
    pub(super) fn all_parameters(&self) -> Vec<Value<String>> {
        self.arns("ssm", &format!("parameter/{}/*", self.path))
    }

    /// The SSM parameters of the identity stack: keys, and whose tokens are believed.
    pub(super) fn identity_parameters(&self) -> Vec<Value<String>> {
        self.arns("ssm", &format!("parameter/{}/identity/*", self.path))
    }

    /// The roles of the environment's stacks; those of pipelines have a path, and are
    /// not among them.
    pub(super) fn roles(&self) -> Value<String> {
        self.plain(&format!("arn:aws:iam::{{account}}:role/{}-*", self.names))
    }

    /// What is in IAM below the environment's own path: pipelines and their policies.
    pub(super) fn below_its_path(&self) -> Vec<Value<String>> {
        ["role", "policy"]
            .map(|kind| self.plain(&format!("arn:aws:iam::{{account}}:{kind}/{}/*", self.prefix)))
            .into()
    }

    /// The ARNs of a service's resources whose names we choose; `None` where AWS
    /// chooses them, or has no permissions by resource.
    pub(super) fn resources(&self, service: &str) -> Option<Vec<Value<String>>> {
        let Self { names: prefix, parameters: path, .. } = self;
        let named = |resources: &[&str]| {
            let all = resources.iter().flat_map(|resource| self.arns(service, resource));
            Some(all.collect())
        };
        match service {
            // Its ARNs have no account; AWS chooses the ids.
            "apigateway" => Some(
                self.regions
                    .iter()
                    .map(|region| self.plain(&format!("arn:aws:apigateway:{region}::/*")))
                    .collect(),
            ),
            // Global, so no condition on the region would hold.
            "billing" => Some(vec![self.plain("arn:aws:billing::{account}:billingview/*")]),
            // CloudFormation chooses its name.
            "budgets" => Some(vec![self.plain("arn:aws:budgets::{account}:budget/*")]),
            "cloudfront" => Some(
                [
                    "cache-policy",
                    "distribution",
                    "function",
                    "origin-access-control",
                    "response-headers-policy",
                ]
                .map(|kind| self.plain(&format!("arn:aws:cloudfront::{{account}}:{kind}/*")))
                .into(),
            ),
            "cloudwatch" => {
                let dashboards = format!("arn:aws:cloudwatch::{{account}}:dashboard/{prefix}-*");
                let mut all = self.arns(service, &format!("alarm:{prefix}-*"));
                all.extend(self.arns(service, &format!("metric-stream/{prefix}-*")));
                all.push(self.plain(&dashboards));
                Some(all)
            }
            "dynamodb" => named(&[&format!("table/{prefix}-*")]),
            "events" => named(&[
                &format!("archive/{prefix}-*"),
                &format!("event-bus/{prefix}-*"),
                &format!("rule/{prefix}-*"),
            ]),
            "firehose" => named(&[&format!("deliverystream/{prefix}-*")]),
            "iam" => Some(
                [self.roles()]
                    .into_iter()
                    .chain(self.below_its_path())
                    .chain([self.plain("arn:aws:iam::{account}:oidc-provider/*")])
                    .collect(),
            ),
            // AWS chooses the ids of event source mappings.
            "lambda" => named(&[&format!("function:{prefix}-*"), "event-source-mapping:*"]),
            "logs" => named(&[
                &format!("log-group:/aws/*/{prefix}-*"),
                &format!("log-group:/{path}/*"),
                &format!("log-group:aws-waf-logs-{prefix}-*"),
            ]),
            "s3" => Some(vec![self.plain(&format!("arn:aws:s3:::{prefix}-*"))]),
            "scheduler" => {
                named(&[&format!("schedule/*/{prefix}-*"), &format!("schedule-group/{prefix}-*")])
            }
            "secretsmanager" => {
                named(&[&format!("secret:{prefix}-*"), &format!("secret:{path}/*")])
            }
            "sns" | "sqs" => named(&[&format!("{prefix}-*")]),
            "ssm" => Some(self.parameters()),
            "xray" => named(&[&format!("group/{prefix}-*"), &format!("sampling-rule/{prefix}-*")]),
            _ => None,
        }
    }
}
