//! The actions that a deploy needs, by service: those that the provider schemas name,
//! without what no stack of ours uses, and those that they omit.

use std::collections::{BTreeMap, BTreeSet};

use stacks::StackTemplate;
use stacks::cfn::schema;

/// The services whose resources the stacks have. Schemas also name others, for
/// properties that no stack sets (tables of S3, a stream that logs go to): permissions
/// for nothing. A type of another service needs its prefix here.
const SERVICES: &[&str] = &[
    "billing",
    "budgets",
    "ec2",
    "elasticfilesystem",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sqs",
    "ssm",
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

/// What CloudFormation calls to make, read, change and delete these types.
pub(super) fn actions_by_service(
    templates: &[StackTemplate],
) -> BTreeMap<String, BTreeSet<&'static str>> {
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
            if let Some(service) = service_of(action) {
                services.entry(service.to_owned()).or_default().insert(action);
            }
        }
    }
    for (service, actions) in OMITTED {
        services.entry((*service).to_owned()).or_default().extend(*actions);
    }
    services
}

/// The service of an action that the stacks need. A schema's wildcard says nothing:
/// what is needed is listed beside it. Names with other characters (`REST.PUT.OBJECT`)
/// are of a log of S3, and IAM refuses the whole policy for one.
pub(super) fn service_of(action: &str) -> Option<&str> {
    let (service, name) = action.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_name && SERVICES.contains(&service)).then_some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_iam_refuses_and_services_that_no_stack_uses_are_left_out() {
        assert_eq!(service_of("s3:PutObject"), Some("s3"));
        for action in ["s3:REST.PUT.OBJECT", "s3:*", "s3:", "s3", "firehose:TagDeliveryStream"] {
            assert_eq!(service_of(action), None, "{action}");
        }
    }
}
