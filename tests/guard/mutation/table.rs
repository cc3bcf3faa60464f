//! The properties that security rests on, and how each is weakened. Policies are in
//! `policies.rs`: they are the same everywhere.

use serde_json::{Value, json};

/// One property of one type.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    /// Below `Properties`; `*` is any key or index.
    pub(crate) path: &'static str,
    pub(crate) class: &'static str,
    pub(crate) changes: &'static [Change],
}

/// A change for the worse.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// The property goes.
    Drop,
    /// It is set to a value, where it is there; JSON.
    Set(&'static str),
    /// It is set to a value, whether it is there or not; JSON. No `*` in the path.
    Add(&'static str),
    /// The resource goes. The path is not looked at.
    Remove,
}

use Change::{Add, Drop, Remove, Set};

impl Change {
    pub(crate) fn words(&self) -> String {
        match self {
            Drop => "is dropped".to_owned(),
            Set(value) | Add(value) => format!("becomes {value}"),
            Remove => "the resource goes".to_owned(),
        }
    }

    /// Changes the value at a place; nothing when the place does not take it.
    pub(crate) fn apply(&self, properties: &mut Value, place: &[String]) -> Option<()> {
        let (last, parents) = place.split_last()?;
        let mut at = properties;
        for step in parents {
            at = match at {
                Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
                Value::Object(map) => map.entry(step.clone()).or_insert_with(|| json!({})),
                _ => return None,
            };
        }
        let value = match self {
            Drop | Remove => None,
            Set(value) | Add(value) => Some(serde_json::from_str(value).expect("JSON")),
        };
        match (at, value) {
            (Value::Object(map), Some(value)) => {
                map.insert(last.clone(), value);
            }
            (Value::Object(map), None) => {
                map.remove(last);
            }
            (Value::Array(items), Some(value)) => {
                *items.get_mut(last.parse::<usize>().ok()?)? = value;
            }
            (Value::Array(items), None) => {
                items.remove(last.parse().ok()?);
            }
            _ => return None,
        }
        Some(())
    }
}

const fn row(
    kind: &'static str,
    path: &'static str,
    class: &'static str,
    changes: &'static [Change],
) -> Row {
    Row { kind, path, class, changes }
}

const OFF: &[Change] = &[Drop, Set("false")];
const GONE: &[Change] = &[Drop];
const KEY: &[Change] = &[Drop, Set("\"alias/aws/service\"")];
const SECRETS: &[Change] =
    &[Add("\"AKIAIOSFODNN7EXAMPLE\""), Add("\"-----BEGIN PRIVATE KEY-----\"")];

/// Types that hold data, and attributes beside their properties that keep it.
pub(crate) const HOLD_DATA: [&str; 5] = [
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
];
pub(crate) const KEEPING: [&str; 2] = ["DeletionPolicy", "UpdateReplacePolicy"];

pub(crate) const ROWS: &[Row] = &[
    // Encryption at rest.
    row("AWS::EFS::FileSystem", "Encrypted", "encryption", OFF),
    row("AWS::EFS::FileSystem", "KmsKeyId", "encryption", KEY),
    row("AWS::DynamoDB::Table", "SSESpecification", "encryption", GONE),
    row("AWS::DynamoDB::Table", "SSESpecification.SSEEnabled", "encryption", OFF),
    row("AWS::DynamoDB::Table", "SSESpecification.KMSMasterKeyId", "encryption", KEY),
    row("AWS::DynamoDB::GlobalTable", "SSESpecification.SSEEnabled", "encryption", OFF),
    row(
        "AWS::DynamoDB::GlobalTable",
        "Replicas.*.SSESpecification.KMSMasterKeyId",
        "encryption",
        GONE,
    ),
    row("AWS::S3::Bucket", "BucketEncryption", "encryption", GONE),
    row(
        "AWS::S3::Bucket",
        "BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.SSEAlgorithm",
        "encryption",
        &[Drop, Set("\"none\"")],
    ),
    row(
        "AWS::S3::Bucket",
        "BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.KMSMasterKeyID",
        "encryption",
        KEY,
    ),
    row("AWS::SQS::Queue", "KmsMasterKeyId", "encryption", GONE),
    row("AWS::SQS::Queue", "SqsManagedSseEnabled", "encryption", OFF),
    row("AWS::SNS::Topic", "KmsMasterKeyId", "encryption", KEY),
    row("AWS::Logs::LogGroup", "KmsKeyId", "encryption", GONE),
    row("AWS::Events::EventBus", "KmsKeyIdentifier", "encryption", GONE),
    row("AWS::Events::Archive", "KmsKeyIdentifier", "encryption", GONE),
    row("AWS::SecretsManager::Secret", "KmsKeyId", "encryption", KEY),
    row("AWS::BedrockAgentCore::Memory", "EncryptionKeyArn", "encryption", GONE),
    row("AWS::BedrockAgentCore::Gateway", "KmsKeyArn", "encryption", GONE),
    row("AWS::BedrockAgentCore::PolicyEngine", "EncryptionKeyArn", "encryption", GONE),
    row(
        "AWS::KinesisFirehose::DeliveryStream",
        "DeliveryStreamEncryptionConfigurationInput",
        "encryption",
        GONE,
    ),
    row(
        "AWS::KinesisFirehose::DeliveryStream",
        "DeliveryStreamEncryptionConfigurationInput.KeyType",
        "encryption",
        GONE,
    ),
    row(
        "AWS::KinesisFirehose::DeliveryStream",
        "DeliveryStreamEncryptionConfigurationInput.KeyARN",
        "encryption",
        GONE,
    ),
    row(
        "AWS::KinesisFirehose::DeliveryStream",
        "ExtendedS3DestinationConfiguration.EncryptionConfiguration",
        "encryption",
        &[Drop, Set("{\"NoEncryptionConfig\": \"NoEncryption\"}")],
    ),
    // Keys.
    row("AWS::KMS::Key", "EnableKeyRotation", "keys", OFF),
    row("AWS::KMS::Key", "PendingWindowInDays", "keys", &[Add("7")]),
    // Transport.
    row("AWS::S3::BucketPolicy", "", "transport", &[Remove]),
    row("AWS::EFS::FileSystem", "FileSystemPolicy", "transport", GONE),
    row("AWS::SNS::Subscription", "Protocol", "transport", &[Set("\"http\"")]),
    row("AWS::ApiGateway::RestApi", "SecurityPolicy", "transport", &[Set("\"TLS_1_0\"")]),
    row("AWS::ApiGateway::DomainName", "SecurityPolicy", "transport", &[Drop, Set("\"TLS_1_0\"")]),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy",
        "transport",
        &[Drop, Set("\"allow-all\"")],
    ),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.CacheBehaviors.*.ViewerProtocolPolicy",
        "transport",
        &[Drop, Set("\"allow-all\"")],
    ),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.ViewerCertificate.MinimumProtocolVersion",
        "transport",
        &[Drop, Set("\"TLSv1\"")],
    ),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Origins.*.CustomOriginConfig.OriginProtocolPolicy",
        "transport",
        &[Drop, Set("\"http-only\""), Set("\"match-viewer\"")],
    ),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Origins.*.CustomOriginConfig.OriginSSLProtocols",
        "transport",
        &[Set("[\"TLSv1\", \"TLSv1.2\"]")],
    ),
    // Publicity.
    row("AWS::S3::Bucket", "PublicAccessBlockConfiguration", "publicity", GONE),
    row("AWS::S3::Bucket", "PublicAccessBlockConfiguration.BlockPublicAcls", "publicity", OFF),
    row("AWS::S3::Bucket", "PublicAccessBlockConfiguration.BlockPublicPolicy", "publicity", OFF),
    row("AWS::S3::Bucket", "PublicAccessBlockConfiguration.IgnorePublicAcls", "publicity", OFF),
    row(
        "AWS::S3::Bucket",
        "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        "publicity",
        OFF,
    ),
    row("AWS::S3::Bucket", "AccessControl", "publicity", &[Add("\"PublicRead\"")]),
    row(
        "AWS::S3::Bucket",
        "WebsiteConfiguration",
        "publicity",
        &[Add("{\"IndexDocument\": \"index.html\"}")],
    ),
    row(
        "AWS::S3::Bucket",
        "OwnershipControls.Rules.*.ObjectOwnership",
        "publicity",
        &[Set("\"ObjectWriter\"")],
    ),
    row("AWS::EC2::Subnet", "MapPublicIpOnLaunch", "publicity", &[Add("true")]),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Origins.*.OriginAccessControlId",
        "publicity",
        GONE,
    ),
    row(
        "AWS::CloudFront::OriginAccessControl",
        "OriginAccessControlConfig.SigningBehavior",
        "publicity",
        &[Set("\"never\""), Set("\"no-override\"")],
    ),
    row(
        "AWS::CloudFront::OriginAccessControl",
        "OriginAccessControlConfig.SigningProtocol",
        "publicity",
        &[Set("\"none\"")],
    ),
    // Network.
    row(
        "AWS::EC2::SecurityGroup",
        "SecurityGroupIngress",
        "network",
        &[Add(
            "[{\"IpProtocol\": \"tcp\", \"FromPort\": 22, \"ToPort\": 22, \"CidrIp\": \"0.0.0.0/0\"}]",
        )],
    ),
    row(
        "AWS::EC2::SecurityGroup",
        "SecurityGroupEgress",
        "network",
        &[Drop, Add("[{\"IpProtocol\": \"-1\", \"CidrIp\": \"0.0.0.0/0\"}]")],
    ),
    row("AWS::EC2::SecurityGroupIngress", "CidrIp", "network", &[Add("\"0.0.0.0/0\"")]),
    row("AWS::EC2::SecurityGroupIngress", "CidrIpv6", "network", &[Add("\"::/0\"")]),
    row("AWS::EC2::SecurityGroupEgress", "IpProtocol", "network", &[Set("\"-1\"")]),
    row("AWS::Lambda::Function", "VpcConfig", "network", GONE),
    row("AWS::Lambda::Function", "VpcConfig.SubnetIds", "network", &[Drop, Set("[]")]),
    row("AWS::Lambda::Function", "VpcConfig.SecurityGroupIds", "network", &[Drop, Set("[]")]),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "NetworkConfiguration.NetworkMode",
        "network",
        &[Drop, Set("\"PUBLIC\"")],
    ),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "NetworkConfiguration.NetworkModeConfig",
        "network",
        GONE,
    ),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "NetworkConfiguration.NetworkModeConfig.Subnets",
        "network",
        GONE,
    ),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "NetworkConfiguration.NetworkModeConfig.SecurityGroups",
        "network",
        GONE,
    ),
    row(
        "AWS::BedrockAgentCore::BrowserCustom",
        "NetworkConfiguration.NetworkMode",
        "network",
        &[Drop, Set("\"PUBLIC\"")],
    ),
    row(
        "AWS::BedrockAgentCore::CodeInterpreterCustom",
        "NetworkConfiguration.NetworkMode",
        "network",
        &[Drop, Set("\"PUBLIC\"")],
    ),
    // Who may call.
    row("AWS::ApiGateway::Method", "AuthorizationType", "authorisation", &[Drop, Set("\"NONE\"")]),
    row("AWS::ApiGateway::Method", "AuthorizerId", "authorisation", GONE),
    row("AWS::ApiGateway::RestApi", "Body.security", "authorisation", &[Drop, Set("[]")]),
    row("AWS::ApiGateway::RestApi", "Body.paths.*.*.security", "authorisation", &[Drop, Set("[]")]),
    row("AWS::ApiGateway::Authorizer", "IdentitySource", "authorisation", GONE),
    row(
        "AWS::ApiGateway::Authorizer",
        "AuthorizerResultTtlInSeconds",
        "authorisation",
        &[Set("3600")],
    ),
    row(
        "AWS::ApiGateway::ApiKey",
        "Value",
        "authorisation",
        &[Add("\"abcdefghijklmnopqrstuvwxyz\"")],
    ),
    row("AWS::Lambda::Url", "AuthType", "authorisation", &[Drop, Set("\"NONE\"")]),
    row("AWS::Lambda::Permission", "Principal", "authorisation", &[Set("\"*\"")]),
    row("AWS::Lambda::Permission", "SourceArn", "authorisation", &[Set("\"*\"")]),
    row("AWS::Lambda::Permission", "Action", "authorisation", &[Set("\"lambda:*\"")]),
    row(
        "AWS::BedrockAgentCore::Gateway",
        "AuthorizerType",
        "authorisation",
        &[Drop, Set("\"NONE\""), Set("\"AUTHENTICATE_ONLY\"")],
    ),
    row("AWS::BedrockAgentCore::Gateway", "ExceptionLevel", "authorisation", &[Add("\"DEBUG\"")]),
    row(
        "AWS::BedrockAgentCore::Gateway",
        "PolicyEngineConfiguration.Mode",
        "authorisation",
        &[Set("\"LOG_ONLY\"")],
    ),
    row(
        "AWS::BedrockAgentCore::Policy",
        "EnforcementMode",
        "authorisation",
        &[Add("\"LOG_ONLY\"")],
    ),
    row(
        "AWS::BedrockAgentCore::Policy",
        "ValidationMode",
        "authorisation",
        &[Add("\"IGNORE_ALL_FINDINGS\"")],
    ),
    row("AWS::IAM::OIDCProvider", "ClientIdList", "authorisation", &[Drop, Set("[\"*\"]")]),
    row(
        "AWS::IAM::Role",
        "PermissionsBoundary",
        "authorisation",
        &[Drop, Set("\"arn:aws:iam::aws:policy/AdministratorAccess\"")],
    ),
    row("AWS::IAM::Role", "MaxSessionDuration", "authorisation", &[Add("43200")]),
    row(
        "AWS::IAM::Role",
        "ManagedPolicyArns",
        "authorisation",
        &[Add("[\"arn:aws:iam::aws:policy/AdministratorAccess\"]")],
    ),
    row("AWS::EFS::AccessPoint", "PosixUser", "authorisation", GONE),
    row("AWS::EFS::AccessPoint", "PosixUser.Uid", "authorisation", &[Set("\"0\"")]),
    row("AWS::EFS::AccessPoint", "PosixUser.Gid", "authorisation", &[Set("\"0\"")]),
    row("AWS::EFS::AccessPoint", "RootDirectory", "authorisation", GONE),
    row("AWS::EFS::AccessPoint", "RootDirectory.Path", "authorisation", &[Drop, Set("\"/\"")]),
    row(
        "AWS::EFS::AccessPoint",
        "RootDirectory.CreationInfo.Permissions",
        "authorisation",
        &[Set("\"0777\"")],
    ),
    // What a caller can cost.
    row("AWS::ApiGateway::Stage", "MethodSettings", "limits", GONE),
    row("AWS::ApiGateway::Stage", "MethodSettings.*.ThrottlingRateLimit", "limits", &[Set("-1")]),
    row("AWS::ApiGateway::UsagePlan", "Throttle", "limits", GONE),
    row("AWS::ApiGateway::UsagePlan", "Quota", "limits", GONE),
    row("AWS::Lambda::Function", "ReservedConcurrentExecutions", "limits", GONE),
    // The web ACL.
    row("AWS::WAFv2::WebACLAssociation", "", "firewall", &[Remove]),
    row("AWS::WAFv2::LoggingConfiguration", "", "firewall", &[Remove]),
    row("AWS::WAFv2::WebACL", "Rules", "firewall", &[Drop, Set("[]")]),
    row("AWS::WAFv2::WebACL", "Rules.*.OverrideAction", "firewall", &[Set("{\"Count\": {}}")]),
    row("AWS::WAFv2::WebACL", "VisibilityConfig.SampledRequestsEnabled", "firewall", OFF),
    row("AWS::WAFv2::WebACL", "VisibilityConfig.CloudWatchMetricsEnabled", "firewall", OFF),
    row("AWS::WAFv2::WebACL", "Rules.*.VisibilityConfig.SampledRequestsEnabled", "firewall", OFF),
    row("AWS::WAFv2::WebACL", "Rules.*.VisibilityConfig.CloudWatchMetricsEnabled", "firewall", OFF),
    row("AWS::CloudFront::Distribution", "DistributionConfig.WebACLId", "firewall", GONE),
    // What browsers are told.
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.DefaultCacheBehavior.ResponseHeadersPolicyId",
        "headers",
        GONE,
    ),
    row(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.CacheBehaviors.*.ResponseHeadersPolicyId",
        "headers",
        GONE,
    ),
    row(
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.SecurityHeadersConfig",
        "headers",
        GONE,
    ),
    row(
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.SecurityHeadersConfig.*",
        "headers",
        GONE,
    ),
    row(
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.SecurityHeadersConfig.*.Override",
        "headers",
        OFF,
    ),
    row(
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.SecurityHeadersConfig.StrictTransportSecurity.AccessControlMaxAgeSec",
        "headers",
        &[Set("60")],
    ),
    row(
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy",
        "headers",
        &[Set("\"default-src *\"")],
    ),
    row(
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig.CorsConfig.AccessControlAllowOrigins.Items",
        "headers",
        &[Set("[\"*\"]")],
    ),
    // What can be found out afterwards.
    row("AWS::Logs::LogGroup", "RetentionInDays", "records", &[Drop, Set("1")]),
    row("AWS::ApiGateway::Stage", "AccessLogSetting", "records", GONE),
    row("AWS::ApiGateway::Stage", "AccessLogSetting.DestinationArn", "records", GONE),
    row("AWS::ApiGateway::Stage", "TracingEnabled", "records", OFF),
    row("AWS::ApiGateway::Stage", "MethodSettings.*.DataTraceEnabled", "records", &[Set("true")]),
    row("AWS::CloudFront::Distribution", "DistributionConfig.Logging", "records", GONE),
    row("AWS::Lambda::Function", "TracingConfig", "records", GONE),
    row("AWS::Lambda::Function", "TracingConfig.Mode", "records", &[Set("\"PassThrough\"")]),
    row(
        "AWS::KinesisFirehose::DeliveryStream",
        "ExtendedS3DestinationConfiguration.CloudWatchLoggingOptions.Enabled",
        "records",
        OFF,
    ),
    row("AWS::CloudWatch::Alarm", "AlarmActions", "records", &[Drop, Set("[]")]),
    row("AWS::CloudWatch::Alarm", "ActionsEnabled", "records", &[Add("false")]),
    row("AWS::CloudWatch::CompositeAlarm", "ActionsEnabled", "records", &[Add("false")]),
    row("AWS::CloudWatch::CompositeAlarm", "AlarmActions", "records", &[Drop, Set("[]")]),
    // What can be brought back.
    row("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification", "recovery", GONE),
    row(
        "AWS::DynamoDB::Table",
        "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
        "recovery",
        OFF,
    ),
    row("AWS::DynamoDB::Table", "DeletionProtectionEnabled", "recovery", OFF),
    row("AWS::S3::Bucket", "VersioningConfiguration", "recovery", GONE),
    row("AWS::S3::Bucket", "VersioningConfiguration.Status", "recovery", &[Set("\"Suspended\"")]),
    row("AWS::S3::Bucket", "ObjectLockEnabled", "recovery", OFF),
    row("AWS::S3::Bucket", "ObjectLockConfiguration", "recovery", GONE),
    row("AWS::S3::Bucket", "LifecycleConfiguration", "recovery", GONE),
    row("AWS::EFS::FileSystem", "BackupPolicy", "recovery", GONE),
    row("AWS::EFS::FileSystem", "BackupPolicy.Status", "recovery", &[Set("\"DISABLED\"")]),
    // What is not lost when something fails.
    row("AWS::Lambda::Function", "DeadLetterConfig", "failures", GONE),
    row("AWS::SQS::Queue", "RedrivePolicy", "failures", GONE),
    row("AWS::SQS::Queue", "MessageRetentionPeriod", "failures", &[Set("60")]),
    row("AWS::Events::Rule", "Targets.*.DeadLetterConfig", "failures", GONE),
    row("AWS::Scheduler::Schedule", "Target.DeadLetterConfig", "failures", GONE),
    row("AWS::Lambda::EventSourceMapping", "FunctionResponseTypes", "failures", &[Drop, Set("[]")]),
    row("AWS::Lambda::EventSourceMapping", "DestinationConfig", "failures", GONE),
    // Secrets in plain sight.
    row("AWS::Lambda::Function", "Environment.Variables.LOOKS_HARMLESS", "secrets", SECRETS),
    row(
        "AWS::Lambda::Function",
        "Environment.Variables.API_TOKEN",
        "secrets",
        &[Add("\"hunter2\"")],
    ),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "EnvironmentVariables.LOOKS_HARMLESS",
        "secrets",
        SECRETS,
    ),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "EnvironmentVariables.API_TOKEN",
        "secrets",
        &[Add("\"hunter2\"")],
    ),
    row("AWS::SSM::Parameter", "Value", "secrets", SECRETS),
    row("AWS::SecretsManager::Secret", "SecretString", "secrets", &[Add("\"hunter2\"")]),
    // What runs.
    row("AWS::Lambda::Function", "Runtime", "code", &[Set("\"python3.8\""), Set("\"provided\"")]),
    row(
        "AWS::BedrockAgentCore::Runtime",
        "AgentRuntimeArtifact.ContainerConfiguration.ContainerUri",
        "code",
        &[Set("\"111122223333.dkr.ecr.eu-west-1.amazonaws.com/agent:latest\"")],
    ),
];
