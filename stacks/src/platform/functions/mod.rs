//! The functions: what each may do, and what sets it going.
//!
//! A function acts for tenants in sessions that are tagged with the tenant's id
//! ([`OurFunction::for_tenants`]); what its own role may do is no tenant's.

mod access;
mod sources;
mod tenant_api;

use std::collections::BTreeMap;

use runtime_core::auth::{AWS_MACHINES, AwsMachines, ISSUERS};
use runtime_core::functions::Function;
use runtime_core::names::{
    AUDIT_BUCKET, EVENT_BUS, GIT_STORE, NAME_PREFIX, RESULTS_BUCKET, TENANCY, TENANT_STACKS_ROLE,
    WEBHOOK_SECRETS,
};
use runtime_core::queues;
use runtime_core::tables::{
    AGENTS, INVOCATIONS, JOBS, SESSIONS, TENANT_ID, TENANTS, TOOLS, WEBHOOKS,
};

use super::Common;
use super::buckets::Buckets;
use super::queues::Queues;
use super::tables::{self, Tables};
use crate::cfn::aws::events;
use crate::cfn::iam::Statement;
use crate::cfn::{Handle, Naming, Stack, Value, arn, sub};
use crate::construct::function::{Deployed, OurFunction, Surroundings};
use crate::identity::tenants;
use crate::spec::FunctionSpec;

/// What functions work with.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub common: &'a Common<'a>,
    pub naming: &'a Naming,
    /// What the provisioner makes tenants' stacks from.
    pub tenancy: &'a str,
    pub tables: &'a Tables,
    pub buckets: &'a Buckets,
    pub queues: &'a Queues,
    pub bus: &'a Handle<events::EventBus>,
}

/// Whether a function is in this stack. The two that look at the agents' tool calls live
/// in the region of their runtime, and git-store beside its files: other stacks.
pub(super) fn is_here(function: Function) -> bool {
    !matches!(function, Function::GitStore | Function::GatewayRequest | Function::GatewayResponse)
}

/// Makes every function of the spec that is in this stack.
pub(super) fn functions(
    stack: &mut Stack,
    parts: &Parts,
    around: &Surroundings,
) -> BTreeMap<Function, Deployed> {
    let mut made = BTreeMap::new();
    for (function, spec) in &parts.common.spec.functions {
        let ours = match function {
            Function::Authoriser => authoriser(parts, spec),
            Function::TenantApi => tenant_api::function(parts, spec),
            Function::Provisioner => provisioner(parts, spec),
            Function::Bridge => bridge(parts, spec),
            Function::Jobs => jobs(parts, spec),
            Function::Webhooks => webhooks(parts, spec),
            Function::Mcp => mcp(parts, spec),
            Function::GitStore | Function::GatewayRequest | Function::GatewayResponse => continue,
        };
        let ours = ours.variable(NAME_PREFIX, prefix(parts.naming));
        let deployed = ours.add(stack, around);
        set_going(stack, parts, *function, spec, &deployed);
        made.insert(*function, deployed);
    }
    made
}

/// `<project>-<environment>`.
fn prefix(naming: &Naming) -> String {
    naming.name("").trim_end_matches('-').to_owned()
}

fn set_going(
    stack: &mut Stack,
    parts: &Parts,
    function: Function,
    spec: &FunctionSpec,
    deployed: &Deployed,
) {
    let most = spec.reserved_concurrency;
    match function {
        // A job is long: one at a time, so that none waits for another in its batch.
        Function::Jobs => sources::queue(stack, parts, &queues::JOBS, 1, deployed, most),
        Function::Webhooks => {
            sources::queue(stack, parts, &queues::WEBHOOKS, 10, deployed, most);
            sources::finished_jobs(stack, parts, deployed);
        }
        Function::Provisioner => {
            sources::queue(stack, parts, &queues::PROVISIONING, 1, deployed, most);
            sources::reconcile(stack, parts, deployed);
        }
        _ => {}
    }
}

/// It looks up whether the tenant of a token, or of a key, may use the platform.
fn authoriser<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    OurFunction::new(Function::Authoriser, spec, "Decides who may call the API")
        .variable(ISSUERS, super::issuers(parts.common.issuers))
        .variable(AWS_MACHINES, machines(parts.naming))
        .may(
            "tenants",
            [access::read(parts, "Tenants", &[TENANTS]), config_key(parts, &["dynamodb"])],
        )
}

/// Programs of tenants may show a role of this account as who they are:
/// `<project>-<environment>-machine-<tenant>`.
fn machines(naming: &Naming) -> Value<String> {
    let machines = AwsMachines {
        audience: prefix(naming),
        regions: vec![naming.region().to_owned()],
        account: "${AWS::AccountId}".to_owned(),
        role: naming.name("machine-{tenant}"),
    };
    sub(serde_json::json!(machines).to_string())
}

/// It makes, changes and deletes the stacks of siloed tenants. CloudFormation works by
/// a role of its own, so that this one can make nothing that is not in such a stack. What
/// a deleted tenant had it takes away in a session for that tenant.
fn provisioner<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    const STACKS: [&str; 7] = [
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
    ];
    let stacks = parts.naming.name("tenant-*");
    let pass = Statement::allow(["iam:PassRole"])
        .sid("ToCloudFormation")
        .resource(tenants::role_arn(parts.naming))
        .when(
            crate::cfn::iam::Operator::StringEquals,
            "iam:PassedToService",
            "cloudformation.amazonaws.com",
        );
    let remains = [AGENTS, INVOCATIONS, JOBS, SESSIONS, TOOLS, WEBHOOKS];
    OurFunction::new(Function::Provisioner, spec, "Makes and changes the stacks of siloed tenants")
        .variable(AUDIT_BUCKET, parts.buckets.audit.id())
        .variable(RESULTS_BUCKET, parts.buckets.results.id())
        .variable(TENANCY, parts.tenancy.to_owned())
        .variable(TENANT_STACKS_ROLE, tenants::role_arn(parts.naming))
        .may(
            "platform",
            [
                access::write(parts, "Tenants", &[TENANTS]),
                access::take(parts.queues.of(&queues::PROVISIONING)),
                access::audit(parts),
                config_key(parts, &["dynamodb", "s3"]),
            ],
        )
        .may(
            "stacks",
            [
                Statement::allow(STACKS)
                    .sid("TenantStacks")
                    // In the runtime region, too.
                    .resource(sub(format!(
                        "arn:${{AWS::Partition}}:cloudformation:*:${{AWS::AccountId}}:stack/{stacks}/*"
                    ))),
                pass,
            ],
        )
        // What a deleted tenant had, 30 days later.
        .for_tenants([
            access::of_tenant(access::purge(parts, "Items", &remains)),
            access::tenants_objects("Results", "s3:DeleteObject", &parts.buckets.results),
            access::list_objects("ListResults", &parts.buckets.results),
            Statement::allow(["secretsmanager:DeleteSecret"])
                .sid("WebhookSecrets")
                .resource(webhook_secrets(parts)),
            data_key(parts, &["dynamodb"]),
        ])
}

/// It carries invocations to the agents' runtime and back.
fn bridge<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    OurFunction::new(
        Function::Bridge,
        spec,
        "Carries invocations between the API and the agents' runtime",
    )
    .variable(EVENT_BUS, parts.bus.id())
    .may("runtime", [invoke_agents(parts.naming), access::announce(parts)])
    .for_tenants([
        access::of_tenant(access::read(parts, "Agents", &[AGENTS])),
        access::of_tenant(access::write(parts, "Invocations", &[INVOCATIONS, SESSIONS])),
        data_key(parts, &["dynamodb"]),
    ])
}

/// It runs what was asked for in the background, and keeps the results.
fn jobs<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    OurFunction::new(Function::Jobs, spec, "Runs asynchronous jobs")
        .variable(RESULTS_BUCKET, parts.buckets.results.id())
        .variable(EVENT_BUS, parts.bus.id())
        .may(
            "work",
            [
                access::take(parts.queues.of(&queues::JOBS)),
                invoke_agents(parts.naming),
                access::announce(parts),
            ],
        )
        .for_tenants([
            access::of_tenant(access::read(parts, "Agents", &[AGENTS])),
            access::of_tenant(access::write(parts, "Jobs", &[JOBS, INVOCATIONS])),
            access::tenants_objects("Results", "s3:PutObject", &parts.buckets.results),
            data_key(parts, &["dynamodb", "s3"]),
        ])
}

/// It hears of jobs that are done, finds who wants to know, and tells them.
fn webhooks<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    let queue = parts.queues.of(&queues::WEBHOOKS);
    let secrets = Statement::allow(["secretsmanager:GetSecretValue"])
        .sid("WebhookSecrets")
        .resource(webhook_secrets(parts));
    let work = [access::take(queue), access::send("Deliveries", queue)];
    let follow = tables::readers(&JOBS, parts.common)
        .next()
        .map(|_| [access::follow(parts.tables.of(&JOBS)), data_key(parts, &["dynamodb"])]);
    OurFunction::new(Function::Webhooks, spec, "Delivers webhooks")
        .variable(queues::WEBHOOKS.url_variable, queue.queue_url())
        .may("work", work.into_iter().chain(follow.into_iter().flatten()))
        .for_tenants([
            access::of_tenant(access::read(parts, "Jobs", &[JOBS])),
            access::of_tenant(access::write(parts, "Webhooks", &[WEBHOOKS])),
            secrets,
            data_key(parts, &["dynamodb"]),
            config_key(parts, &["secretsmanager"]),
        ])
}

/// It offers a tenant's tools, and its pages, to the tenant's agents.
fn mcp<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    let git_store = parts.naming.name(GIT_STORE);
    let pages = Statement::allow(["lambda:InvokeFunction"])
        .sid("Pages")
        .resource(arn("lambda", &format!("function:{git_store}:*")));
    OurFunction::new(Function::Mcp, spec, "Offers tools to agents")
        .may("pages", [pages])
        .for_tenants([
            access::of_tenant(access::read(parts, "Tools", &[TOOLS])),
            data_key(parts, &["dynamodb"]),
        ])
}

/// Agents of this environment, in whichever region they run: after a failover it is
/// another. Names of runtimes have underscores for hyphens.
fn invoke_agents(naming: &Naming) -> Statement {
    let names = naming.name("*").replace('-', "_");
    Statement::allow(["bedrock-agentcore:InvokeAgentRuntime"]).sid("InvokeAgents").resource(sub(
        format!("arn:${{AWS::Partition}}:bedrock-agentcore:*:${{AWS::AccountId}}:runtime/{names}"),
    ))
}

/// The secrets of the webhooks of the session's tenant.
fn webhook_secrets(parts: &Parts) -> Value<String> {
    let prefix = prefix(parts.naming);
    // `!` keeps CloudFormation from filling in what IAM fills in.
    let tenant = format!("${{!aws:PrincipalTag/{TENANT_ID}}}");
    arn("secretsmanager", &format!("secret:{prefix}/{WEBHOOK_SECRETS}/{tenant}/*"))
}

fn data_key(parts: &Parts, services: &[&str]) -> Statement {
    access::use_key("TenantDataKey", &parts.common.data_key, services)
}

fn config_key(parts: &Parts, services: &[&str]) -> Statement {
    access::use_key("PlatformConfigKey", &parts.common.config_key, services)
}
