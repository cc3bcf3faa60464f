//! The function that answers for all tenants: about the platform by its own role, about
//! what is a tenant's in a session for that tenant.

use runtime_core::functions::Function;
use runtime_core::names::{
    ACCESS_PREFIX, API_KEY_SECRETS, AUDIT_BUCKET, CHANGES_PREFIX, EVENT_BUS, PARAMETERS,
    RESULTS_BUCKET, SECRETS_KEY, SILOED_TIERS,
};
use runtime_core::queues;
use runtime_core::tables::{
    AGENTS, BILLING, INVOCATIONS, JOBS, OPERATIONS, OPS_LOCKS, SESSIONS, TENANTS, TOOLS, WEBHOOKS,
};
use runtime_core::tenant::{Isolation, Tier};

use super::{Parts, access, config_key, data_key, prefix, webhook_secrets};
use crate::cfn::iam::{Operator, Statement};
use crate::cfn::{arn, sub};
use crate::construct::bucket::objects;
use crate::construct::function::OurFunction;
use crate::spec::FunctionSpec;

/// What is done with a secret that somebody may ask for again.
const KEEP_SECRETS: [&str; 5] = [
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:TagResource",
];

pub(super) fn function<'a>(parts: &Parts, spec: &'a FunctionSpec) -> OurFunction<'a> {
    let own = &[AGENTS, JOBS, SESSIONS, TOOLS, WEBHOOKS];
    let queues = [(&queues::JOBS, "Jobs"), (&queues::PROVISIONING, "Provisioning")];
    let send = queues.map(|(queue, sid)| access::send(sid, parts.queues.of(queue)));
    let parameters = parts.naming.ssm_path("platform", "");
    let mut platform = vec![
        access::write(parts, "Tenants", &[TENANTS]),
        access::write(parts, "Operations", &[OPERATIONS]),
        access::read(parts, "Bills", &[BILLING]),
        access::read(parts, "Locks", &[OPS_LOCKS]),
        access::audit(parts),
        access::announce(parts),
        config_key(parts, &["dynamodb", "s3", "secretsmanager"]),
    ];
    platform.extend(trail(parts));
    let function = OurFunction::new(
        Function::TenantApi,
        spec,
        "Answers the API's requests about tenants and what is theirs",
    )
    .variable(RESULTS_BUCKET, parts.buckets.results.id())
    .variable(AUDIT_BUCKET, parts.buckets.audit.id())
    .variable(EVENT_BUS, parts.bus.id())
    .variable(PARAMETERS, parameters.trim_end_matches('/').to_owned())
    .variable(SECRETS_KEY, parts.common.config_key.clone())
    .variable(SILOED_TIERS, siloed(parts))
    .variable(queues::JOBS.url_variable, parts.queues.of(&queues::JOBS).queue_url())
    .variable(queues::PROVISIONING.url_variable, parts.queues.of(&queues::PROVISIONING).queue_url())
    .may("platform", platform)
    .may("queues", send)
    .may("api-keys", api_keys(parts));
    function.for_tenants([
        access::of_tenant(access::write(parts, "Items", own)),
        access::of_tenant(access::read(parts, "Invocations", &[INVOCATIONS])),
        access::tenants_objects("Results", "s3:GetObject", &parts.buckets.results),
        // Exports of the audit trail.
        access::tenants_objects("Exports", "s3:PutObject", &parts.buckets.results),
        Statement::allow(KEEP_SECRETS).sid("WebhookSecrets").resource(webhook_secrets(parts)),
        data_key(parts, &["dynamodb", "s3"]),
        config_key(parts, &["secretsmanager"]),
    ])
}

/// The tiers whose tenants have a stack of their own.
fn siloed(parts: &Parts) -> String {
    let tiers = parts.common.tiers.iter();
    let siloed = tiers.filter(|(_, spec)| spec.isolation == Isolation::Silo);
    siloed.map(|(tier, _)| tier.name()).collect::<Vec<_>>().join(",")
}

/// Reads who reached for what, and who changed what: no journals.
fn trail(parts: &Parts) -> [Statement; 2] {
    let bucket = &parts.buckets.audit;
    let records = [ACCESS_PREFIX, CHANGES_PREFIX];
    let read = records.iter().fold(Statement::allow(["s3:GetObject"]), |statement, prefix| {
        statement.resource(objects(bucket, prefix))
    });
    let list = Statement::allow(["s3:ListBucket"]).resource(bucket.arn());
    let list = records.iter().fold(list, |statement, prefix| {
        statement.when(Operator::StringLike, "s3:prefix", format!("{prefix}*"))
    });
    [read.sid("ReadTrail"), list.sid("ListTrail")]
}

/// API keys of tenants and their usage plans, whose ids it reads from parameters: in a
/// variable they would make the API depend on what it calls.
fn api_keys(parts: &Parts) -> [Statement; 7] {
    let gateway =
        |path: &str| sub(format!("arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::{path}"));
    let plans = Tier::ALL.into_iter().fold(
        Statement::allow(["ssm:GetParameter"]).sid("UsagePlanIds"),
        |statement, tier| {
            let path = parts.naming.ssm_path("platform", &format!("usage-plan-{}", tier.name()));
            statement.resource(arn("ssm", &format!("parameter{path}")))
        },
    );
    let tokens = format!("secret:{}/{API_KEY_SECRETS}/*", prefix(parts.naming));
    [
        Statement::allow(["apigateway:GET", "apigateway:POST"])
            .sid("MakeKeys")
            .resource(gateway("/apikeys")),
        Statement::allow(["apigateway:DELETE"]).sid("EndKeys").resource(gateway("/apikeys/*")),
        Statement::allow(["apigateway:GET"]).sid("FindPlans").resource(gateway("/usageplans")),
        Statement::allow(["apigateway:POST"])
            .sid("AddKeysToPlans")
            .resource(gateway("/usageplans/*/keys")),
        Statement::allow(["apigateway:DELETE"])
            .sid("TakeKeysOffPlans")
            .resource(gateway("/usageplans/*/keys/*")),
        plans,
        Statement::allow(KEEP_SECRETS).sid("ApiKeyTokens").resource(arn("secretsmanager", &tokens)),
    ]
}
