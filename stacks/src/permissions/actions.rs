//! The actions that a deploy needs, by service: those that the provider schemas name,
//! without what no stack of ours uses, and those that they omit.

use std::collections::{BTreeMap, BTreeSet};

use crate::StackTemplate;
use crate::cfn::schema;

/// The services whose resources the stacks have. A type of another service needs its
/// prefix here, or in [`UNUSED`] with the reason.
const SERVICES: &[&str] = &[
    "apigateway",
    "bedrock-agentcore",
    "billing",
    "budgets",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "elasticfilesystem",
    "events",
    "firehose",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "wafv2",
    "xray",
];

/// Services that schemas name for properties which no stack sets: permissions for
/// nothing.
#[cfg(test)]
const UNUSED: &[(&str, &str)] = &[
    ("amplify", "web ACLs are for API stages only"),
    ("application-autoscaling", "no capacity follows the load by itself"),
    ("apprunner", "web ACLs are for API stages only"),
    ("appsync", "web ACLs are for API stages only"),
    ("autoscaling", "flow logs are of a VPC"),
    ("bedrock-mantle", "no gateway target is a model"),
    ("codedeploy", "an alias moves at once, or by its own weights"),
    ("cognito-idp", "web ACLs are for API stages only"),
    ("ecs", "nothing runs in containers of ours"),
    ("elasticloadbalancing", "there is no load balancer"),
    ("kinesis", "no table and no log group feeds a stream"),
    ("payments", "no web ACL sells anything"),
    ("s3files", "functions mount EFS"),
    ("s3tables", "no bucket keeps its metadata in a table"),
    ("sts", "no peering is with another account"),
    ("vpc-lattice", "no endpoint and no gateway target is a lattice resource"),
    ("vpce", "endpoints are of services in their own region"),
];

/// What AWS asks of the caller and the schemas omit.
const OMITTED: &[(&str, &[&str])] = &[
    // `Fn::GetAZs` is answered with the caller's permissions; what the account has
    // (a default VPC, above all) decides the answer
    // (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html>).
    ("ec2", &["ec2:DescribeAvailabilityZones", "ec2:DescribeAccountAttributes"]),
    // `CreateMountTarget` makes its network interface in the caller's name, and
    // `DeleteMountTarget` removes it
    // (<https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html>).
    ("ec2", &["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"]),
    // `ModifyMountTargetSecurityGroups` changes it likewise.
    ("ec2", &["ec2:ModifyNetworkInterfaceAttribute"]),
    // `destroy --with-artefacts` looks the bucket up, empties it and deletes it.
    ("s3", &["s3:DeleteBucket", "s3:ListBucket", "s3:ListBucketVersions"]),
];

/// What schemas name and IAM does not know.
const NO_SUCH_ACTION: &[&str] = &[
    "bedrock-agentcore:CreateTokenVault",
    "cloudfront:CreateDistributionWithTags",
    "dynamodb:DisassociateTableReplica",
    "iam:DescribeOrganization",
    "kms:ReEncrypt",
    "lambda:AssociateRuntimeAlias",
    "s3:DeleteBucketAnalyticsConfiguration",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteBucketMetricsConfiguration",
    "s3:DeleteBucketReplication",
    "s3:DeleteBucketTagging",
    "s3:GetObjectMetadata",
    "s3:PutBucketReplication",
    "s3:PutObjectLockConfiguration",
];

/// Actions that read what is in a resource, and not how it is made.
const READS_CONTENT: &[&str] = &[
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "lambda:GetFunction",
    "logs:GetLogEvents",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:GetSecretValue",
    "ssm:GetParametersByPath",
];

/// Actions by service. Services and actions are in alphabetical order.
pub(super) type Actions = BTreeMap<String, BTreeSet<&'static str>>;

/// What CloudFormation calls to make, read, change and delete these types.
pub(super) fn to_deploy(templates: &[StackTemplate]) -> Actions {
    let mut services = collect(templates, |permissions| {
        vec![
            permissions.create,
            permissions.read,
            permissions.update,
            permissions.delete,
            permissions.tag,
        ]
    });
    for (service, actions) in OMITTED {
        services.entry((*service).to_owned()).or_default().extend(*actions);
    }
    services
}

/// What reads how resources of these types are made, and nothing that is in them.
pub(super) fn to_plan(templates: &[StackTemplate]) -> Actions {
    let mut services = collect(templates, |permissions| vec![permissions.read]);
    for actions in services.values_mut() {
        actions.retain(|action| only_reads(action) && !READS_CONTENT.contains(action));
    }
    services.retain(|_, actions| !actions.is_empty());
    let zones = ["ec2:DescribeAvailabilityZones", "ec2:DescribeAccountAttributes"];
    services.entry("ec2".to_owned()).or_default().extend(zones);
    services
}

fn collect(
    templates: &[StackTemplate],
    choose: impl Fn(&schema::Permissions) -> Vec<&'static [&'static str]>,
) -> Actions {
    let types: BTreeSet<&str> = templates
        .iter()
        .flat_map(|stack| stack.template.resources())
        .map(|resource| resource.type_name)
        .collect();
    let mut services = Actions::new();
    for info in types.into_iter().filter_map(schema::lookup) {
        for action in choose(&info.permissions).into_iter().flatten().copied() {
            if let Some(service) = service_of(action) {
                services.entry(service.to_owned()).or_default().insert(action);
            }
        }
    }
    services
}

/// The service of an action that the stacks need. A schema's wildcard says nothing:
/// what is needed is listed beside it. Names with other characters (`REST.PUT.OBJECT`)
/// are of a log of S3, and IAM refuses the whole policy for one.
pub(super) fn service_of(action: &str) -> Option<&str> {
    let (service, name) = action.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let needed = is_name && SERVICES.contains(&service) && !NO_SUCH_ACTION.contains(&action);
    needed.then_some(service)
}

/// Whether an action's name says that it changes nothing.
fn only_reads(action: &str) -> bool {
    action == "apigateway:GET"
        || action.split_once(':').is_some_and(|(_, name)| {
            ["Describe", "Get", "List", "View"].iter().any(|verb| name.starts_with(verb))
        })
}

/// Whether an action's name says that it looks at many resources, which often takes no
/// resource.
pub(super) fn looks(action: &str) -> bool {
    action
        .split_once(':')
        .is_some_and(|(_, name)| name.starts_with("Describe") || name.starts_with("List"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_iam_refuses_and_services_that_no_stack_uses_are_left_out() {
        assert_eq!(service_of("s3:PutObject"), Some("s3"));
        for action in
            ["s3:REST.PUT.OBJECT", "s3:*", "s3:", "s3", "s3tables:GetTable", "kms:ReEncrypt"]
        {
            assert_eq!(service_of(action), None, "{action}");
        }
    }

    #[test]
    fn every_service_that_a_schema_names_is_used_or_has_a_reason_not_to_be() {
        for info in schema::all() {
            let permissions = &info.permissions;
            let all = [
                permissions.create,
                permissions.read,
                permissions.update,
                permissions.delete,
                permissions.tag,
            ];
            for action in all.into_iter().flatten() {
                let (service, _) = action.split_once(':').unwrap();
                let unused = UNUSED.iter().any(|(name, _)| *name == service);
                assert!(unused != SERVICES.contains(&service), "{action} of {}", info.name);
            }
        }
    }

    #[test]
    fn planning_reads_no_content_and_changes_nothing() {
        let spec = crate::spec::StackSpec::new("acme", "dev", "eu-west-2");
        let stacks = crate::synthesize(&spec).unwrap();
        let actions: Vec<_> = to_plan(&stacks).into_values().flatten().collect();
        assert!(actions.contains(&"lambda:GetFunctionConfiguration"));
        assert!(actions.iter().all(|action| only_reads(action)), "{actions:?}");
        assert!(!actions.contains(&"lambda:GetFunction"), "it has a link to the code");
    }
}
