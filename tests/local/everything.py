"""A template of every resource type that the stacks use, and a function for it."""

import io
import zipfile

import services

BOOTSTRAP = '''#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as next_event:
        request = next_event.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(next_event)
    root = os.environ["STORE_ROOT"]
    path = os.path.join(root, "page")
    if "write" in event:
        open(path, "w").write(event["write"])
    text = open(path).read() if os.path.exists(path) else None
    body = {"root": root, "page": text, "release": RELEASE, "pid": os.getpid()}
    urllib.request.urlopen(api + request + "/response", data=json.dumps(body).encode())
'''


def package(release):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP.replace("RELEASE", repr(release)))
    return data.getvalue()


def ref(name):
    return {"Ref": name}


def att(name, attribute):
    return {"Fn::GetAtt": [name, attribute]}


TRUST = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole"}]}
TAGS = [{"Key": "project", "Value": "demo"}]


def template(key="code-1.zip", limit=50, timeout=30, api_name="demo", retention=7, words="first"):
    resources = {
        "Vpc": ("EC2::VPC", {"CidrBlock": "10.20.0.0/16", "EnableDnsSupport": True,
                             "EnableDnsHostnames": True, "Tags": TAGS}),
        "Public": ("EC2::Subnet", {"VpcId": ref("Vpc"), "CidrBlock": "10.20.0.0/24",
                                   "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}}),
        "Private": ("EC2::Subnet", {
            "VpcId": ref("Vpc"), "Tags": TAGS,
            "CidrBlock": {"Fn::Select": [1, {"Fn::Cidr": [att("Vpc", "CidrBlock"), 4, 8]}]}}),
        "Gateway": ("EC2::InternetGateway", {}),
        "Attachment": ("EC2::VPCGatewayAttachment", {
            "VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")}),
        "Table": ("EC2::RouteTable", {"VpcId": ref("Vpc")}),
        "Route": ("EC2::Route", {"RouteTableId": ref("Table"), "NatGatewayId": ref("Nat"),
                                 "DestinationCidrBlock": "0.0.0.0/0"}),
        "TableOfPrivate": ("EC2::SubnetRouteTableAssociation", {
            "RouteTableId": ref("Table"), "SubnetId": ref("Private")}),
        "Address": ("EC2::EIP", {"Domain": "vpc", "Tags": TAGS}),
        "Nat": ("EC2::NatGateway", {"SubnetId": ref("Public"), "Tags": TAGS,
                                    "AllocationId": att("Address", "AllocationId")}),
        "LambdaGroup": ("EC2::SecurityGroup", {
            "GroupDescription": "functions", "VpcId": ref("Vpc"), "Tags": TAGS}),
        "EfsGroup": ("EC2::SecurityGroup", {"GroupDescription": "files", "VpcId": ref("Vpc")}),
        "FromLambda": ("EC2::SecurityGroupIngress", {
            "GroupId": att("EfsGroup", "GroupId"), "IpProtocol": "tcp", "FromPort": 2049,
            "ToPort": 2049, "SourceSecurityGroupId": att("LambdaGroup", "GroupId")}),
        "ToEfs": ("EC2::SecurityGroupEgress", {
            "GroupId": att("LambdaGroup", "GroupId"), "IpProtocol": "tcp", "FromPort": 2049,
            "ToPort": 2049, "DestinationSecurityGroupId": att("EfsGroup", "GroupId")}),
        "Acl": ("EC2::NetworkAcl", {"VpcId": ref("Vpc"), "Tags": TAGS}),
        "AclEntry": ("EC2::NetworkAclEntry", {
            "NetworkAclId": ref("Acl"), "RuleNumber": 100, "Protocol": 6, "RuleAction": "allow",
            "Egress": False, "CidrBlock": "10.20.0.0/16", "PortRange": {"From": 443, "To": 443}}),
        "AclOfPrivate": ("EC2::SubnetNetworkAclAssociation", {
            "SubnetId": ref("Private"), "NetworkAclId": ref("Acl")}),
        "FlowLog": ("EC2::FlowLog", {
            "ResourceId": ref("Vpc"), "ResourceType": "VPC", "TrafficType": "ALL",
            "LogGroupName": ref("LogGroup"), "DeliverLogsPermissionArn": att("Role", "Arn")}),
        "OtherVpc": ("EC2::VPC", {"CidrBlock": "10.30.0.0/16"}),
        "Peering": ("EC2::VPCPeeringConnection", {
            "VpcId": ref("Vpc"), "PeerVpcId": ref("OtherVpc")}),
        "ToS3": ("EC2::VPCEndpoint", {
            "VpcId": ref("Vpc"), "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
            "VpcEndpointType": "Gateway", "RouteTableIds": [ref("Table")]}),
        "ToLogs": ("EC2::VPCEndpoint", {
            "VpcId": ref("Vpc"), "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.logs"},
            "VpcEndpointType": "Interface", "SubnetIds": [ref("Private")],
            "SecurityGroupIds": [ref("LambdaGroup")], "PrivateDnsEnabled": True}),
        "Key": ("KMS::Key", {"EnableKeyRotation": True, "KeyPolicy": {
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}}]}}),
        "KeyAlias": ("KMS::Alias", {"AliasName": "alias/demo", "TargetKeyId": ref("Key")}),
        "Files": ("EFS::FileSystem", {
            "Encrypted": True, "KmsKeyId": att("Key", "Arn"), "FileSystemTags": TAGS,
            "BackupPolicy": {"Status": "ENABLED"},
            "LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}]}),
        "MountTarget": ("EFS::MountTarget", {
            "FileSystemId": ref("Files"), "SubnetId": ref("Private"),
            "SecurityGroups": [ref("EfsGroup")]}),
        "AccessPoint": ("EFS::AccessPoint", {
            "FileSystemId": ref("Files"), "PosixUser": {"Uid": "1000", "Gid": "1000"},
            "RootDirectory": {"Path": "/pages", "CreationInfo": {
                "OwnerUid": "1000", "OwnerGid": "1000", "Permissions": "0750"}}}),
        "Role": ("IAM::Role", {"AssumeRolePolicyDocument": TRUST, "Tags": TAGS, "Policies": [{
            "PolicyName": "logs", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "logs:PutLogEvents",
                "Resource": att("LogGroup", "Arn")}]}}]}),
        "LogGroup": ("Logs::LogGroup", {"LogGroupName": "/demo/logs",
                                        "RetentionInDays": retention}),
        "DeadLetters": ("SQS::Queue", {"MessageRetentionPeriod": 1209600}),
        "QueuePolicy": ("SQS::QueuePolicy", {"Queues": [ref("DeadLetters")], "PolicyDocument": {
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Deny", "Principal": "*", "Action": "sqs:*",
                "Resource": att("DeadLetters", "Arn"),
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}),
        "Store": ("Lambda::Function", {
            "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": att("Role", "Arn"),
            "Code": {"S3Bucket": "artefacts", "S3Key": key}, "Timeout": timeout,
            "Environment": {"Variables": {"STORE_ROOT": "/mnt/pages"}}, "Tags": TAGS,
            "FileSystemConfigs": [{"Arn": att("AccessPoint", "Arn"),
                                   "LocalMountPath": "/mnt/pages"}],
            "VpcConfig": {"SubnetIds": [ref("Private")],
                          "SecurityGroupIds": [ref("LambdaGroup")]},
            "DeadLetterConfig": {"TargetArn": att("DeadLetters", "Arn")},
            "TracingConfig": {"Mode": "Active"}, "ReservedConcurrentExecutions": 5}),
        "StoreVersion": ("Lambda::Version", {"FunctionName": ref("Store"),
                                              "Description": key}),
        "StoreLive": ("Lambda::Alias", {"FunctionName": ref("Store"), "Name": "live",
                                        "FunctionVersion": att("StoreVersion", "Version")}),
        "MayInvoke": ("Lambda::Permission", {
            "FunctionName": ref("Store"), "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com"}),
        "Name": ("SSM::Parameter", {"Name": "/demo/vpc", "Type": "String", "Value": ref("Vpc")}),
        "Names": ("SSM::Parameter", {
            "Name": "/demo/subnets", "Type": "StringList",
            "Value": {"Fn::Join": [",", [ref("Public"), ref("Private")]]}}),
        "Bucket": ("S3::Bucket", {
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [{
                "BucketKeyEnabled": True, "ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": att("Key", "Arn")}}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True, "BlockPublicPolicy": True,
                "IgnorePublicAcls": True, "RestrictPublicBuckets": True},
            "LifecycleConfiguration": {"Rules": [{
                "Id": "old", "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]}}),
        "BucketPolicy": ("S3::BucketPolicy", {"Bucket": ref("Bucket"), "PolicyDocument": {
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": att("Bucket", "Arn"),
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}),
        "Budget": ("Budgets::Budget", {
            "Budget": {"BudgetName": "demo", "BudgetType": "COST", "TimeUnit": "MONTHLY",
                       "BudgetLimit": {"Amount": limit, "Unit": "USD"}},
            "NotificationsWithSubscribers": [{
                "Notification": {"NotificationType": "ACTUAL", "Threshold": 80,
                                 "ComparisonOperator": "GREATER_THAN"},
                "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "a@example.com"}]}]}),
        "Github": ("IAM::OIDCProvider", {
            "Url": "https://token.actions.githubusercontent.com",
            "ClientIdList": ["sts.amazonaws.com"]}),
        "Api": ("ApiGateway::RestApi", {"Name": api_name}),
        "Acl4Web": ("WAFv2::WebACL", {
            "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": {
                "SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True,
                "MetricName": "demo"}}),
        "WebAclOfApi": ("WAFv2::WebACLAssociation", {
            "WebACLArn": att("Acl4Web", "Arn"), "ResourceArn": {
                "Fn::Sub": "arn:aws:apigateway:${AWS::Region}::/restapis/${Api}/stages/dev"}}),
        "Alarm": ("CloudWatch::Alarm", {
            "AlarmName": "depth", "Namespace": "AWS/SQS", "MetricName": "Depth",
            "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold"}),
        "Composite": ("CloudWatch::CompositeAlarm", {
            "AlarmName": "any", "AlarmRule": {"Fn::Sub": "ALARM(${Alarm})"}}),
        "Stream": ("CloudWatch::MetricStream", {
            "FirehoseArn": "arn:aws:firehose:eu-central-1:000000000000:deliverystream/x",
            "RoleArn": att("Role", "Arn"), "OutputFormat": "json"}),
        "Traces": ("XRay::Group", {"GroupName": "demo"}),
        "Sampling": ("XRay::SamplingRule", {"SamplingRule": {"RuleName": "demo"}}),
        "Release": ("CodeDeploy::Application", {"ComputePlatform": "Lambda"}),
        "ReleaseGroup": ("CodeDeploy::DeploymentGroup", {
            "ApplicationName": ref("Release"), "ServiceRoleArn": att("Role", "Arn")}),
        "Agent": ("BedrockAgentCore::Runtime", {
            "AgentRuntimeName": "demo_agent", "RoleArn": att("Role", "Arn"),
            "NetworkConfiguration": {"NetworkMode": "PUBLIC"},
            "AgentRuntimeArtifact": {"ContainerConfiguration": {"ContainerUri": "demo:1"}},
            "EnvironmentVariables": {"Model": "x"}}),
        "AgentEndpoint": ("BedrockAgentCore::RuntimeEndpoint", {
            "AgentRuntimeId": att("Agent", "AgentRuntimeId"), "Name": "live"}),
        "AgentMemory": ("BedrockAgentCore::Memory", {
            "Name": "demo_memory", "EventExpiryDuration": 30}),
        "AgentGateway": ("BedrockAgentCore::Gateway", {
            "Name": "demo", "ProtocolType": "MCP", "RoleArn": att("Role", "Arn"),
            "AuthorizerType": "AWS_IAM"}),
        **services.resources(words),
        "Rows": ("DynamoDB::Table", {
            "BillingMode": "PAY_PER_REQUEST", "SSESpecification": {"SSEEnabled": True},
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}),
    }
    body = {name: {"Type": f"AWS::{kind}", "Properties": properties}
            for name, (kind, properties) in resources.items()}
    body["ApiDeployment"]["DependsOn"] = "ApiMethod"
    body["WebAclOfApi"]["DependsOn"] = "ApiStage"
    return {
        "Resources": body,
        "Outputs": {
            "Cidr": {"Value": att("Vpc", "CidrBlock")},
            "AddressIp": {"Value": ref("Address")},
            "AddressId": {"Value": att("Address", "AllocationId")},
            "NatId": {"Value": att("Nat", "NatGatewayId")},
            "Function": {"Value": ref("Store")},
            "BucketName": {"Value": ref("Bucket")},
            "TableName": {"Value": ref("Rows")},
            "GroupArn": {"Value": att("Traces", "GroupARN")},
            "AgentArn": {"Value": att("Agent", "AgentRuntimeArn")},
            "GatewayUrl": {"Value": att("AgentGateway", "GatewayUrl")},
            "MemoryId": {"Value": att("AgentMemory", "MemoryId")},
            "AccessPointArn": {"Value": att("AccessPoint", "Arn")},
        },
    }


def changed_template():
    """The template as the last of the checked updates leaves it."""
    body = template(key="code-2.zip", limit=75, retention=14, words="second")
    body["Resources"]["AclEntry"]["Properties"]["RuleNumber"] = 110
    return body


def unprotected_template():
    """The same, with tables that may be deleted."""
    body = changed_template()
    body["Resources"]["Invocations"]["Properties"]["DeletionProtectionEnabled"] = False
    return body
