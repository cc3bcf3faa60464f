//! No property that looks relevant goes without mutants unless someone said why.

use std::collections::BTreeSet;

use serde_json::Value;

use super::sources::Environment;
use super::table::ROWS;

/// Parts of names that say that security may rest on a property.
const TELLING: &[&str] = &[
    "accesslog",
    "acl",
    "action",
    "allow",
    "auth",
    "backup",
    "block",
    "certificate",
    "cidr",
    "condition",
    "cors",
    "credential",
    "deadletter",
    "deny",
    "egress",
    "encrypt",
    "headers",
    "identit",
    "ingress",
    "kms",
    "lock",
    "logging",
    "logs",
    "network",
    "notaction",
    "owner",
    "password",
    "permission",
    "pointintime",
    "policy",
    "posix",
    "principal",
    "protect",
    "protocol",
    "public",
    "quota",
    "redrive",
    "resourcepolicy",
    "retention",
    "rotation",
    "runtime",
    "secret",
    "securit",
    "signing",
    "sse",
    "throttl",
    "tls",
    "token",
    "tracing",
    "version",
    "visibility",
    "vpc",
    "waf",
];

/// Type (`*` is every one), path (a last `**` is everything below), and why a weaker value
/// does no harm or cannot be told from a good one.
const NOT_RELEVANT: &[(&str, &str, &str)] = &[
    ("*", "Tags.**", "grants nothing; tags-required asks for tags"),
    ("*", "VpcId", "names another resource; a wrong name does not deploy"),
    ("*", "NetworkAclId", "names another resource; a wrong name does not deploy"),
    ("AWS::EC2::VPC", "CidrBlock", "which private range it is opens nothing"),
    ("AWS::EC2::Subnet", "CidrBlock", "which part of the range it is opens nothing"),
    ("AWS::EC2::Route", "DestinationCidrBlock", "routes open nothing that security groups do not"),
    (
        "AWS::EC2::VPCEndpoint",
        "VpcEndpointType",
        "the kind of an endpoint decides what it is, not who may pass",
    ),
    ("AWS::EC2::VPCEndpoint", "SecurityGroupIds", "the groups are ours, and looked at themselves"),
    (
        "AWS::EC2::NetworkAclEntry",
        "*",
        "stateless: replies have to come in from anywhere; security groups decide",
    ),
    (
        "AWS::EC2::SecurityGroupEgress",
        "DestinationSecurityGroupId",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::EC2::SecurityGroupIngress",
        "SourceSecurityGroupId",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::EC2::SecurityGroupEgress",
        "CidrIp",
        "HTTPS may go anywhere; every protocol to anywhere is mutated",
    ),
    (
        "AWS::EC2::SecurityGroupIngress",
        "IpProtocol",
        "matters only together with an address, which is mutated",
    ),
    (
        "AWS::EC2::FlowLog",
        "DeliverLogsPermissionArn",
        "names another resource; a wrong name does not deploy",
    ),
    ("AWS::EFS::MountTarget", "SecurityGroups", "the groups are ours, and looked at themselves"),
    (
        "AWS::Lambda::Alias",
        "FunctionVersion",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::Lambda::Function",
        "LoggingConfig.**",
        "names the log group; without it the group of the same name is used",
    ),
    (
        "AWS::ApiGateway::RestApi",
        "Body.**",
        "what an operation asks for is in its security, which is mutated",
    ),
    ("AWS::ApiGateway::RestApi", "Policy.Version", "the version of the language"),
    (
        "AWS::BedrockAgentCore::Gateway",
        "ProtocolConfiguration.**",
        "how tools are found, not who may call them",
    ),
    ("AWS::BedrockAgentCore::Gateway", "ProtocolType", "has one value"),
    ("AWS::BedrockAgentCore::Runtime", "AgentRuntimeName", "a name"),
    (
        "AWS::BedrockAgentCore::Runtime",
        "ProtocolConfiguration",
        "how the agent is spoken to, not by whom",
    ),
    (
        "AWS::BedrockAgentCore::Runtime",
        "LifecycleConfiguration.**",
        "how long an idle session is kept",
    ),
    (
        "AWS::BedrockAgentCore::Runtime",
        "EnvironmentVariables.WORKLOAD_IDENTITY",
        "a name; secrets are put into variables by the table",
    ),
    (
        "AWS::BedrockAgentCore::RuntimeEndpoint",
        "*",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.*.AllowedMethods.**",
        "the API decides what a method may do",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.CacheBehaviors.*.AllowedMethods.**",
        "the API decides what a method may do",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.*.CachePolicyId",
        "caches what the origin says may be cached",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.CacheBehaviors.*.CachePolicyId",
        "caches what the origin says may be cached",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.CacheBehaviors.*.OriginRequestPolicyId",
        "what the origin is told; it asks for credentials itself",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.HttpVersion",
        "every version is over TLS",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Origins.*.OriginCustomHeaders.**",
        "what the origin is told; it asks for credentials itself",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Origins.*.S3OriginConfig.**",
        "empty beside an origin access control, which is mutated",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.ViewerCertificate.AcmCertificateArn",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.ViewerCertificate.CloudFrontDefaultCertificate",
        "without it there is no certificate, and it does not deploy",
    ),
    ("AWS::CloudWatch::Alarm", "OKActions", "say that it is over; that it begins is mutated"),
    (
        "AWS::CloudWatch::CompositeAlarm",
        "OKActions",
        "say that it is over; that it begins is mutated",
    ),
    ("AWS::XRay::SamplingRule", "SamplingRule.Version", "the version of the format"),
    (
        "AWS::CloudFront::Function",
        "FunctionConfig.Runtime",
        "AWS keeps every version of this runtime",
    ),
    (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.CorsConfig.AccessControlAllowCredentials",
        "harmless without foreign origins, which are mutated",
    ),
    (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.CorsConfig.AccessControlAllowHeaders.**",
        "harmless without foreign origins, which are mutated",
    ),
    (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.CorsConfig.AccessControlAllowMethods.**",
        "harmless without foreign origins, which are mutated",
    ),
    (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.CorsConfig.AccessControlExposeHeaders.**",
        "harmless without foreign origins, which are mutated",
    ),
    (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.CustomHeadersConfig.**",
        "headers of our own choice beside those that are mutated",
    ),
    (
        "AWS::EC2::Route",
        "VpcPeeringConnectionId",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::EC2::VPCPeeringConnection",
        "PeerVpcId",
        "names another resource; a wrong name does not deploy",
    ),
    (
        "AWS::Events::Archive",
        "RetentionDays",
        "what is gone early cannot be replayed; nothing is opened",
    ),
    (
        "AWS::Events::EventBus",
        "DeadLetterConfig.**",
        "for events that cannot be decrypted; the bus asks for no more",
    ),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", "a name"),
    ("AWS::IAM::Policy", "PolicyName", "a name"),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        "ExtendedS3DestinationConfiguration.CloudWatchLoggingOptions.LogStreamName",
        "a name",
    ),
    ("AWS::Logs::LogStream", "LogStreamName", "a name"),
    ("AWS::Logs::ResourcePolicy", "PolicyName", "a name"),
    (
        "AWS::SQS::Queue",
        "RedriveAllowPolicy.**",
        "who may name the queue as theirs; sending is in its policy",
    ),
    ("AWS::SQS::Queue", "VisibilityTimeout", "how long a message is hidden while it is worked on"),
    (
        "AWS::Scheduler::Schedule",
        "Target.RetryPolicy.**",
        "how often is tried before the dead-letter queue, which is mutated",
    ),
    (
        "AWS::Lambda::Function",
        "Environment.Variables.SECRETS_KEY",
        "the ARN of a key; secrets are put into variables by the table",
    ),
    (
        "AWS::SecretsManager::Secret",
        "GenerateSecretString.**",
        "without it the secret is empty and nothing works",
    ),
    ("AWS::WAFv2::LoggingConfiguration", "LoggingFilter.**", "which requests are kept"),
    (
        "AWS::WAFv2::WebACL",
        "DataProtectionConfig.**",
        "hides values in logs that are encrypted and kept apart",
    ),
    (
        "AWS::WAFv2::WebACL",
        "DefaultAction.**",
        "what no rule stops is let through to the authoriser; the rules are mutated",
    ),
    (
        "AWS::WAFv2::WebACLAssociation",
        "WebACLArn",
        "names another resource; a wrong name does not deploy",
    ),
];

/// Properties that look relevant and are in no table, with the stacks they are in.
pub(crate) fn missing(environments: &[Environment]) -> Vec<String> {
    let mut missing = BTreeSet::new();
    for environment in environments {
        for stack in &environment.stacks {
            for resource in stack.template.as_value()["Resources"]
                .as_object()
                .into_iter()
                .flat_map(|it| it.values())
            {
                let kind = resource["Type"].as_str().unwrap_or_default();
                walk(kind, &resource["Properties"], &mut Vec::new(), &mut missing);
            }
        }
    }
    missing.into_iter().collect()
}

fn walk(kind: &str, value: &Value, at: &mut Vec<String>, missing: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "Ref" || key.starts_with("Fn::") {
                    continue;
                }
                // Mutated by policies.rs, statement by statement.
                if key == "Statement" && is_policy(value) {
                    continue;
                }
                at.push(key.clone());
                if tells(key) && !known(kind, at) {
                    missing.insert(format!("{kind} / {}", at.join(".")));
                } else {
                    walk(kind, value, at, missing);
                }
                at.pop();
            }
        }
        Value::Array(list) => {
            for value in list {
                at.push("*".to_owned());
                walk(kind, value, at, missing);
                at.pop();
            }
        }
        _ => {}
    }
}

fn is_policy(value: &Value) -> bool {
    let first = value.get(0).unwrap_or(value);
    first.get("Effect").is_some()
}

fn tells(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    TELLING.iter().any(|part| key.contains(part))
}

/// Whether the property, one above it or one below it is in a table.
fn known(kind: &str, at: &[String]) -> bool {
    let in_rows = ROWS.iter().filter(|row| row.kind == kind).any(|row| {
        let path: Vec<&str> = row.path.split('.').collect();
        !row.path.is_empty() && path.iter().zip(at).all(|(a, b)| *a == "*" || a == b)
    });
    let documents =
        ["PolicyDocument", "KeyPolicy", "FileSystemPolicy", "ResourcePolicy", "Policies"];
    let in_policies =
        at.iter().any(|key| documents.contains(&key.as_str()) || key == "AssumeRolePolicyDocument")
            || (kind == "AWS::ApiGateway::RestApi" && at == ["Policy"]);
    let excused = NOT_RELEVANT.iter().any(|(excused, path, _)| {
        let path: Vec<&str> = path.split('.').collect();
        (*excused == "*" || *excused == kind)
            && match path.split_last() {
                Some((&"**", above)) => {
                    at.len() >= above.len()
                        && above.iter().zip(at).all(|(a, b)| *a == "*" || a == b)
                }
                _ => {
                    path.len() == at.len() && path.iter().zip(at).all(|(a, b)| *a == "*" || a == b)
                }
            }
    });
    in_rows || in_policies || excused
}
