//! The REST API: made from the contract's document, answered by functions.

mod convert;
mod document;
mod responses;

use std::collections::BTreeMap;

use runtime_core::api::{Route, Throttle};
use runtime_core::functions::Function;
use serde_json::{Map, Value as Json};

use super::Common;
use crate::cfn::aws::apigateway::{self, rest_api, stage};
use crate::cfn::aws::{iam, lambda, logs};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Options, Stack, Value, arn, camel, pseudo, sub_with};
use crate::construct::digest;
use crate::construct::function::Deployed;
use crate::construct::watch::Watch;
use crate::spec::{ApiSpec, ThrottleSpec};

/// The name of the stage. Its deployment changes, its name does not.
pub(super) const STAGE: &str = "live";

/// TLS 1.2 and 1.3. The default of a regional API still lets TLS 1.0 in.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html>
const SECURITY_POLICY: &str = "SecurityPolicy_TLS13_1_2_2021_06";

/// Answers larger than this are compressed for those who ask, in bytes.
const COMPRESSED_FROM: i64 = 1_024;

/// The API, without the stage at which it is called.
#[derive(Debug)]
pub(super) struct Api {
    pub rest: Handle<apigateway::RestApi>,
    deployment: Handle<apigateway::Deployment>,
    routes: Vec<&'static Route>,
}

/// The API and its deployment.
///
/// Its own address stays switched on: it is what the distribution calls. The web ACL
/// lets only the distribution through.
pub(super) fn api(
    stack: &mut Stack,
    common: &Common,
    functions: &BTreeMap<Function, Deployed>,
) -> Api {
    let routes = document::routes(functions);
    let body = document::body(&routes, functions, common.spec.api.decision_seconds);
    let policy = policy();
    let name = stack.naming().name("api");
    let resource = apigateway::RestApi::new()
        .name(&name)
        .description("Tenants, their agents, and what agents do")
        .endpoint_configuration(rest_api::EndpointConfiguration::new().types(["REGIONAL"]))
        .security_policy(SECURITY_POLICY)
        .endpoint_access_mode("STRICT")
        // The authoriser says which usage plan a request counts for.
        .api_key_source_type("AUTHORIZER")
        .minimum_compression_size(COMPRESSED_FROM)
        .policy(policy)
        .body(body);
    // A deployment is a copy of the API as it was: another API needs another one.
    let deployed = digest::short(
        &crate::cfn::Resource::into_properties(resource.clone()).into_json().to_string(),
    );
    let rest = stack.add("Api", resource);
    let deployment = stack.add(
        format!("ApiDeployment{deployed}"),
        apigateway::Deployment::new(rest.id()).description("Made from the contract's document"),
    );
    for function in functions_of(&routes) {
        if let Some(deployed) = functions.get(&function) {
            invoke(stack, &rest, function, deployed);
        }
    }
    Api { rest, deployment, routes }
}

impl Api {
    /// The stage: throttles, logs, traces. `web_origin` is where pages come from.
    ///
    /// The distribution refers to the API and the stage to the distribution, by a
    /// variable that only the answers to preflight requests use. So nothing refers to
    /// itself, and no answer needs a wildcard.
    pub(super) fn stage(
        &self,
        stack: &mut Stack,
        common: &Common,
        web_origin: Value<String>,
    ) -> (Handle<apigateway::Stage>, Watch) {
        let spec = &common.spec.api;
        let name = stack.naming().name("api");
        let logs = logs::LogGroup::new()
            .log_group_name(format!("/aws/apigateway/{name}"))
            .retention_in_days(spec.log_retention_days)
            .kms_key_id(&common.logs_key);
        let logs = stack.add("ApiLogGroup", logs);
        let access =
            stage::AccessLogSetting::new().destination_arn(logs.arn()).format(log_format());
        let resource = apigateway::Stage::new(self.rest.id())
            .stage_name(STAGE)
            .deployment_id(self.deployment.id())
            .description("What the distribution calls")
            .tracing_enabled(true)
            .access_log_setting(access)
            .variables([(document::WEB_ORIGIN, web_origin)])
            .method_settings(self.method_settings(spec));
        let after = match account(stack, spec) {
            Some(account) => Options::new().depends_on(&account),
            None => Options::new(),
        };
        let stage = stack.add_with("ApiStage", resource, after);
        (stage, Watch::Api { name, stage: STAGE.to_owned() })
    }

    fn method_settings(&self, spec: &ApiSpec) -> Vec<stage::MethodSetting> {
        // Bodies never go to the logs: they are tenants'.
        let setting = |path: String, method: &str, limits: ThrottleSpec| {
            stage::MethodSetting::new()
                .resource_path(path)
                .http_method(method)
                .throttling_rate_limit(limits.requests_per_second)
                .throttling_burst_limit(limits.burst)
                .metrics_enabled(true)
                .logging_level("ERROR")
                .data_trace_enabled(false)
                .caching_enabled(false)
        };
        let others = setting("/*".to_owned(), "*", spec.read);
        let routes = self.routes.iter().map(|route| {
            let limits = match route.throttle {
                Throttle::Read => spec.read,
                Throttle::Write => spec.write,
                Throttle::Invoke => spec.invoke,
                Throttle::Operate => spec.operate,
            };
            let path = format!("/{}", route.path.replace('/', "~1"));
            setting(path, route.method.as_str(), limits)
        });
        [others].into_iter().chain(routes).collect()
    }

    /// The ARN of the stage, as the web ACL knows it.
    pub(super) fn stage_arn(&self, stage: &Handle<apigateway::Stage>) -> Value<String> {
        sub_with(
            "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Stage}",
            [("Api", self.rest.id()), ("Stage", stage.id())],
        )
    }

    /// The domain of the API's own address.
    pub(super) fn domain(&self) -> Value<String> {
        sub_with("${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}", [("Api", self.rest.id())])
    }
}

/// Everybody may knock; the authoriser decides. Nobody without TLS.
fn policy() -> PolicyDocument {
    let everything = "execute-api:/*";
    let knock = Statement::allow(["execute-api:Invoke"])
        .sid("Knock")
        .principal(Principal::anyone())
        .resource(everything);
    let tls_only = Statement::deny(["execute-api:Invoke"])
        .sid("TlsOnly")
        .principal(Principal::anyone())
        .resource(everything)
        .when(Operator::Bool, "aws:SecureTransport", "false");
    PolicyDocument::new([knock, tls_only])
}

/// The functions that the gateway calls, each once.
fn functions_of(routes: &[&Route]) -> Vec<Function> {
    let mut functions: Vec<_> = routes.iter().filter_map(|route| route.function).collect();
    if routes.iter().any(|route| route.authorised()) {
        functions.push(Function::Authoriser);
    }
    functions.sort_unstable();
    functions.dedup();
    functions
}

/// Lets this API, and no other, call the alias of a function.
fn invoke(
    stack: &mut Stack,
    rest: &Handle<apigateway::RestApi>,
    function: Function,
    deployed: &Deployed,
) {
    let from = if function == Function::Authoriser { "authorizers/*" } else { "*/*/v1/*" };
    let source = sub_with(
        format!(
            "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/{from}"
        ),
        [("Api", rest.id())],
    );
    let permission = lambda::Permission::new(
        "lambda:InvokeFunction",
        deployed.alias.id(),
        "apigateway.amazonaws.com",
    );
    stack.add(
        format!("{}FromApi", camel(function.name())),
        permission.source_arn(source).source_account(pseudo::account_id()),
    );
}

/// The role by which API Gateway writes the logs of all APIs of the account and region.
/// It stays when the stack goes: others may write by it.
///
/// API Gateway takes only a role that has every permission of AWS's own policy for it,
/// and no condition on who it acts for.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html>
fn account(stack: &mut Stack, spec: &ApiSpec) -> Option<Handle<apigateway::Account>> {
    if !spec.account_role {
        return None;
    }
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("apigateway.amazonaws.com"));
    // What AWS's own policy for it has, which a permissions boundary could not know.
    let write = Statement::allow([
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:PutLogEvents",
    ])
    .sid("Logs")
    .resource(arn("logs", "log-group:*"));
    let role = iam::Role::new(PolicyDocument::new([trust]))
        .description("Writes the logs of the APIs of this account and region")
        .policies([iam::role::Policy::new(PolicyDocument::new([write]), "logs")]);
    let role = stack.add_with("ApiLogRole", role, Options::new().retain());
    let account = apigateway::Account::new().cloud_watch_role_arn(role.arn());
    Some(stack.add("ApiAccount", account))
}

/// One line of JSON a request, and nobody's address, name or content: what was asked
/// for is the route, not the path.
fn log_format() -> String {
    let members = [
        ("requestId", "$context.requestId"),
        ("traceId", "$context.xrayTraceId"),
        ("time", "$context.requestTimeEpoch"),
        ("method", "$context.httpMethod"),
        ("route", "$context.resourcePath"),
        ("status", "$context.status"),
        ("bytes", "$context.responseLength"),
        ("latency", "$context.responseLatency"),
        ("integrationLatency", "$context.integrationLatency"),
        ("integrationStatus", "$context.integration.status"),
        ("authoriserStatus", "$context.authorizer.status"),
        ("tenant", "$context.authorizer.tenant_id"),
        ("error", "$context.error.responseType"),
        ("firewallStatus", "$context.waf.status"),
        ("tls", "$context.tlsVersion"),
    ];
    let object: Map<_, _> =
        members.into_iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect();
    Json::Object(object).to_string()
}
