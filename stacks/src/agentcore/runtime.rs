//! The agents' runtime and what agents may do.

use super::role::{self, underscored};
use crate::cfn::aws::bedrockagentcore::{self, runtime};
use crate::cfn::aws::{iam, logs};
use crate::cfn::iam::{Operator, Statement};
use crate::cfn::{Handle, Naming, Options, Stack, Value, arn, pseudo, sub, sub_with};
use crate::spec::{CodeSpec, Language, RuntimeSpec};

/// The endpoint that callers use. It follows the newest version of the runtime.
pub(super) const ENDPOINT: &str = "live";

/// Environment variables that tell agents what is beside them.
const MEMORY_ID: &str = "MEMORY_ID";
const GATEWAY_URL: &str = "GATEWAY_URL";
const WORKLOAD_IDENTITY: &str = "WORKLOAD_IDENTITY";

/// How the ids of inference profiles begin that send a request to the regions of a part of
/// the world. <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>
const PROFILES: [&str; 8] = ["apac.", "au.", "ca.", "eu.", "global.", "jp.", "us.", "us-gov."];

/// What agents find beside them, and where they are.
pub(super) struct Beside<'a> {
    pub(super) memory: Option<&'a Handle<bedrockagentcore::Memory>>,
    pub(super) gateway: Option<&'a Handle<bedrockagentcore::Gateway>>,
    pub(super) identity: &'a Handle<bedrockagentcore::WorkloadIdentity>,
    pub(super) data_key: Value<String>,
    pub(super) logs_key: Value<String>,
    pub(super) subnets: Vec<Value<String>>,
    pub(super) group: Value<String>,
}

/// The runtime's name: AWS takes letters, digits and underscores, at most 48.
pub(super) fn name(naming: &Naming) -> String {
    underscored(naming, "agents")
}

/// Makes the runtime in the private subnets, and its endpoint. Callers sign with IAM
/// credentials.
pub(super) fn runtime(
    stack: &mut Stack,
    spec: &RuntimeSpec,
    beside: &Beside<'_>,
) -> Handle<bedrockagentcore::Runtime> {
    let name = name(stack.naming());
    let role = execution_role(stack, &name, spec, beside);
    let network = runtime::NetworkConfiguration::new(runtime::NetworkMode::Vpc)
        .network_mode_config(runtime::VpcConfig::new([&beside.group], beside.subnets.clone()));
    let life = runtime::LifecycleConfiguration::new()
        .idle_runtime_session_timeout(spec.idle_seconds)
        .max_lifetime(spec.longest_seconds);
    let made = stack.add(
        "Runtime",
        bedrockagentcore::Runtime::new(artefact(spec), &name, role.arn())
            .description("Runs the agents")
            .network_configuration(network)
            .protocol_configuration(runtime::ProtocolConfiguration::Http)
            .lifecycle_configuration(life)
            .environment_variables(variables(spec, beside)),
    );
    // AgentCore makes the log group of an endpoint, open-ended and unencrypted, if it is
    // not there; its name has the runtime's id in it, and so it comes in between.
    let group = stack.add(
        "RuntimeLogGroup",
        logs::LogGroup::new()
            .log_group_name(sub_with(
                format!("/aws/bedrock-agentcore/runtimes/${{Runtime}}-{ENDPOINT}"),
                [("Runtime", made.agent_runtime_id())],
            ))
            .retention_in_days(spec.log_retention_days)
            .kms_key_id(&beside.logs_key),
    );
    stack.add_with(
        "RuntimeEndpoint",
        bedrockagentcore::RuntimeEndpoint::new(made.agent_runtime_id(), ENDPOINT)
            .description("What callers use")
            .agent_runtime_version(made.agent_runtime_version()),
        Options::new().depends_on(&group),
    );
    made
}

fn artefact(spec: &RuntimeSpec) -> runtime::AgentRuntimeArtifact {
    let made = runtime::AgentRuntimeArtifact::new();
    let made = match &spec.image {
        None => made,
        Some(uri) => made.container_configuration(runtime::ContainerConfiguration::new(uri)),
    };
    match &spec.code {
        None => made,
        Some(code) => made.code_configuration(code_configuration(code)),
    }
}

fn code_configuration(code: &CodeSpec) -> runtime::CodeConfiguration {
    let language = match code.language {
        Language::Python312 => runtime::AgentManagedRuntimeType::Python3_12,
        Language::Python313 => runtime::AgentManagedRuntimeType::Python3_13,
        Language::Python314 => runtime::AgentManagedRuntimeType::Python3_14,
        Language::Node22 => runtime::AgentManagedRuntimeType::Node22,
    };
    let zip = runtime::Code::new().s3(runtime::S3Location::new(&code.bucket, &code.key));
    let command: Vec<Value<String>> = code.command.iter().map(Value::from).collect();
    runtime::CodeConfiguration::new(zip, command, language)
}

/// The user's own, and ours over them.
fn variables(
    spec: &RuntimeSpec,
    beside: &Beside<'_>,
) -> std::collections::BTreeMap<String, Value<String>> {
    let own = spec.environment.iter().map(|(key, value)| (key.clone(), Value::from(value)));
    let ours = [
        Some((WORKLOAD_IDENTITY, beside.identity.id())),
        beside.memory.map(|memory| (MEMORY_ID, memory.memory_id())),
        beside.gateway.map(|gateway| (GATEWAY_URL, gateway.gateway_url())),
    ];
    own.chain(ours.into_iter().flatten().map(|(key, value)| (key.to_owned(), value))).collect()
}

/// What agents may do, and AgentCore for them.
/// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-permissions.html>
/// gives more: metrics, which agents can write through their logs (embedded metric format),
/// and tokens for users that are only named (`GetWorkloadAccessTokenForUserId`), which it
/// advises against.
fn execution_role(
    stack: &mut Stack,
    name: &str,
    spec: &RuntimeSpec,
    beside: &Beside<'_>,
) -> Handle<iam::Role> {
    let mut policies = vec![
        ("telemetry", vec![write_logs(name), send_traces()]),
        ("identity", tokens(name, beside.identity)),
    ];
    let artefact: Vec<_> = spec
        .code
        .iter()
        .map(fetch_code)
        .chain(spec.image.iter().flat_map(|image| fetch_image(image)))
        .collect();
    if !artefact.is_empty() {
        policies.push(("artefact", artefact));
    }
    if !spec.models.is_empty() {
        policies.push(("models", models(&spec.models)));
    }
    if let Some(memory) = beside.memory {
        policies.push(("memory", remember(memory, &beside.data_key)));
    }
    if let Some(gateway) = beside.gateway {
        let invoke = Statement::allow(["bedrock-agentcore:InvokeGateway"])
            .sid("Tools")
            .resource(gateway.gateway_arn());
        policies.push(("tools", vec![invoke]));
    }
    // AgentCore tries the role before the runtime has an ARN: any of the account's.
    role::role(stack, "RuntimeRole", "What agents may do", "*", policies)
}

fn fetch_code(code: &CodeSpec) -> Statement {
    let CodeSpec { bucket, key, .. } = code;
    Statement::allow(["s3:GetObject", "s3:GetObjectVersion"])
        .sid("Code")
        .resource(sub(format!("arn:${{AWS::Partition}}:s3:::{bucket}/{key}")))
        .when(Operator::StringEquals, "s3:ResourceAccount", pseudo::account_id())
}

/// A public image needs no permission.
fn fetch_image(uri: &str) -> Vec<Statement> {
    let Some(repository) = repository(uri) else { return Vec::new() };
    let image = Statement::allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
        .sid("Image")
        .resource(repository);
    // ECR gives a token for the whole registry: IAM takes `*` alone.
    let registry = Statement::allow(["ecr:GetAuthorizationToken"]).sid("Registry").resource("*");
    vec![image, registry]
}

/// The ARN of the repository of an image in a private registry:
/// `111122223333.dkr.ecr.eu-west-1.amazonaws.com/agents/wiki:1.4.0`.
fn repository(uri: &str) -> Option<Value<String>> {
    let (host, path) = uri.split_once('/')?;
    let mut host = host.split('.');
    let (account, "dkr", "ecr", region) = (host.next()?, host.next()?, host.next()?, host.next()?)
    else {
        return None;
    };
    let name = path.split(['@', ':']).next()?;
    Some(sub(format!("arn:${{AWS::Partition}}:ecr:{region}:{account}:repository/{name}")))
}

fn write_logs(name: &str) -> Statement {
    Statement::allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"])
        .sid("Logs")
        .resource(arn("logs", &format!("log-group:/aws/bedrock-agentcore/runtimes/{name}-*")))
}

/// X-Ray knows no resources: IAM takes `*` alone.
fn send_traces() -> Statement {
    Statement::allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"])
        .sid("Traces")
        .resource("*")
}

fn tokens(name: &str, identity: &Handle<bedrockagentcore::WorkloadIdentity>) -> Vec<Statement> {
    const ACTIONS: [&str; 2] = [
        "bedrock-agentcore:GetWorkloadAccessToken",
        "bedrock-agentcore:GetWorkloadAccessTokenForJWT",
    ];
    let ours =
        Statement::allow(ACTIONS).sid("OurIdentity").resource(identity.workload_identity_arn());
    vec![role::workload_tokens(name, &ACTIONS), ours]
}

/// The models that are configured, and no others.
fn models(models: &[String]) -> Vec<Statement> {
    const ACTIONS: [&str; 2] = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"];
    let mut direct = Statement::allow(ACTIONS).sid("Models");
    let mut behind = Vec::new();
    for model in models {
        let profile = PROFILES.iter().find_map(|start| model.strip_prefix(start));
        direct = match profile {
            _ if model.starts_with("arn:") => direct.resource(model),
            Some(_) => direct.resource(profile_arn(model)),
            None => direct.resource(sub(format!(
                "arn:${{AWS::Partition}}:bedrock:${{AWS::Region}}::foundation-model/{model}"
            ))),
        };
        if let Some(name) = profile {
            behind.push((model, name));
        }
    }
    // A profile chooses the region: the model may be called in any, through the profile.
    let behind = behind.into_iter().zip(1..).map(|((profile, name), number)| {
        Statement::allow(ACTIONS)
            .sid(&format!("BehindProfile{number}"))
            .resource(sub(format!("arn:${{AWS::Partition}}:bedrock:*::foundation-model/{name}")))
            .when(Operator::StringEquals, "bedrock:InferenceProfileArn", profile_arn(profile))
    });
    std::iter::once(direct).chain(behind).collect()
}

fn profile_arn(profile: &str) -> Value<String> {
    arn("bedrock", &format!("inference-profile/{profile}"))
}

fn remember(memory: &Handle<bedrockagentcore::Memory>, key: &Value<String>) -> Vec<Statement> {
    let use_it = Statement::allow([
        "bedrock-agentcore:CreateEvent",
        "bedrock-agentcore:GetEvent",
        "bedrock-agentcore:GetMemoryRecord",
        "bedrock-agentcore:ListEvents",
        "bedrock-agentcore:ListMemoryRecords",
        "bedrock-agentcore:ListSessions",
        "bedrock-agentcore:RetrieveMemoryRecords",
    ])
    .sid("Memory")
    .resource(memory.memory_arn());
    vec![use_it, role::key_through_agentcore(key, &["kms:Decrypt", "kms:GenerateDataKey"])]
}
