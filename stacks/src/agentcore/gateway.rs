//! The way to tools: who may call it, and who looks at what passes.

use std::collections::BTreeMap;

use runtime_core::functions::Function;

use super::role;
use crate::cfn::aws::bedrockagentcore::{self, gateway};
use crate::cfn::iam::Statement;
use crate::cfn::{Handle, Stack, Value};
use crate::construct::function::{Deployed, OurFunction, Surroundings};
use crate::spec::{FunctionSpec, GatewaySpec};
use gateway::GatewayInterceptionPoint as Point;

/// A function that looks at what passes, and when.
pub(super) struct Interceptor {
    point: Point,
    pub(super) deployed: Deployed,
}

/// The functions that are configured.
pub(super) fn interceptors(
    stack: &mut Stack,
    around: &Surroundings,
    functions: &BTreeMap<Function, FunctionSpec>,
) -> Vec<Interceptor> {
    let possible = [
        (
            Function::GatewayRequest,
            Point::Request,
            "Looks at every request that agents send to a tool",
        ),
        (
            Function::GatewayResponse,
            Point::Response,
            "Looks at every response that a tool sends to an agent",
        ),
    ];
    possible
        .into_iter()
        .filter_map(|(function, point, what)| {
            let spec = functions.get(&function)?;
            let deployed = OurFunction::new(function, spec, what).add(stack, around);
            Some(Interceptor { point, deployed })
        })
        .collect()
}

/// Makes the gateway. Tools are added to it by whoever offers them.
pub(super) fn gateway(
    stack: &mut Stack,
    spec: &GatewaySpec,
    interceptors: &[Interceptor],
    key: &Value<String>,
) -> Handle<bedrockagentcore::Gateway> {
    let name = stack.naming().name("gateway");
    let role = service_role(stack, &name, interceptors, key);
    let authoriser = match spec.tokens {
        Some(_) => gateway::AuthorizerType::CustomJwt,
        None => gateway::AuthorizerType::AwsIam,
    };
    let mcp = gateway::McpGatewayConfiguration::new();
    let mcp =
        if spec.semantic_search { mcp.search_type(gateway::SearchType::Semantic) } else { mcp };
    let gateway = bedrockagentcore::Gateway::new(authoriser, name, role.arn())
        .description("The way from agents to tools")
        .kms_key_arn(key)
        .protocol_type(gateway::GatewayProtocolType::Mcp)
        .protocol_configuration(gateway::GatewayProtocolConfiguration::new().mcp(mcp));
    let gateway = match &spec.tokens {
        None => gateway,
        Some(tokens) => {
            let accepted = gateway::CustomJwtAuthorizerConfiguration::new(&tokens.discovery_url);
            let accepted = match &tokens.audiences[..] {
                [] => accepted,
                audiences => accepted.allowed_audience(texts(audiences)),
            };
            let accepted = match &tokens.clients[..] {
                [] => accepted,
                clients => accepted.allowed_clients(texts(clients)),
            };
            gateway.authorizer_configuration(
                gateway::AuthorizerConfiguration::new().custom_jwt_authorizer(accepted),
            )
        }
    };
    let looking: Vec<_> = interceptors.iter().map(configuration).collect();
    let gateway =
        if looking.is_empty() { gateway } else { gateway.interceptor_configurations(looking) };
    stack.add("Gateway", gateway)
}

fn texts(list: &[String]) -> Vec<Value<String>> {
    list.iter().map(Value::from).collect()
}

/// The headers go along: the caller's token is in them.
fn configuration(
    Interceptor { point, deployed }: &Interceptor,
) -> gateway::GatewayInterceptorConfiguration {
    let lambda = gateway::LambdaInterceptorConfiguration::new(deployed.alias.id());
    gateway::GatewayInterceptorConfiguration::new(
        [*point],
        gateway::InterceptorConfiguration::new().lambda(lambda),
    )
    .input_configuration(gateway::InterceptorInputConfiguration::new(true))
}

/// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-prerequisites-permissions.html>
/// and, for the key, `gateway-encryption.html` beside it.
fn service_role(
    stack: &mut Stack,
    name: &str,
    interceptors: &[Interceptor],
    key: &Value<String>,
) -> Handle<crate::cfn::aws::iam::Role> {
    let tokens = role::workload_tokens(name, &["bedrock-agentcore:GetWorkloadAccessToken"]);
    let encrypt = role::key_through_agentcore(
        key,
        &["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
    );
    let mut policies = vec![("identity", vec![tokens]), ("encryption", vec![encrypt])];
    if !interceptors.is_empty() {
        let invoke = interceptors.iter().fold(
            Statement::allow(["lambda:InvokeFunction"]).sid("Interceptors"),
            |statement, interceptor| statement.resource(interceptor.deployed.alias.id()),
        );
        policies.push(("interceptors", vec![invoke]));
    }
    role::role(
        stack,
        "GatewayRole",
        "What the gateway may do by itself",
        &format!("gateway/{name}-*"),
        policies,
    )
}
