//! What the tenant's agents remember.

use super::{access, parameters, publish};
use crate::cfn::aws::{bedrockagentcore, iam};
use crate::cfn::iam::{Operator, PolicyDocument, Statement};
use crate::cfn::{Stack, Value, join, split, sub};

/// Events are kept this long, in days; AWS offers 3 to 365.
const EVENT_DAYS: i64 = 90;

/// Reads and writes of the memory, not its configuration.
const REMEMBER: [&str; 10] = [
    "bedrock-agentcore:CreateEvent",
    "bedrock-agentcore:DeleteEvent",
    "bedrock-agentcore:DeleteMemoryRecord",
    "bedrock-agentcore:GetEvent",
    "bedrock-agentcore:GetMemoryRecord",
    "bedrock-agentcore:ListActors",
    "bedrock-agentcore:ListEvents",
    "bedrock-agentcore:ListMemoryRecords",
    "bedrock-agentcore:ListSessions",
    "bedrock-agentcore:RetrieveMemoryRecords",
];

/// A memory store of the tenant's own, in the stack's region, and the policy that lets
/// the tenant's role use it. Roles are the same in every region, so the policy stands
/// beside the memory and names it exactly.
///
/// It keeps events. Strategies, which have models extract long-term memories from
/// them, cost per event: they are added to a memory by those who want them. The memory
/// goes with its stack: deleting that is how a tenant's data is deleted.
pub(super) fn memory(stack: &mut Stack, key: &Value<String>, role: Value<String>) {
    let memory = bedrockagentcore::Memory::new(EVENT_DAYS, memory_name(stack))
        .description(sub("What agents of tenant ${TenantId} remember"))
        .encryption_key_arn(key);
    let memory = stack.add("Memory", memory);
    let remember = Statement::allow(REMEMBER).sid("OwnMemory").resource(memory.memory_arn());
    let encrypt = Statement::allow(access::DATA_KEYS).sid("EncryptMemory").resource(key).when(
        Operator::StringEquals,
        "kms:ViaService",
        sub("bedrock-agentcore.${AWS::Region}.amazonaws.com"),
    );
    let policy = iam::Policy::new(PolicyDocument::new([remember, encrypt]), "memory").roles([role]);
    stack.add("MemoryPolicy", policy);
    publish(stack, "memory-id", memory.memory_id());
    publish(stack, "memory-arn", memory.memory_arn());
}

/// Names of memories have no hyphens: `acme_dev_globex`. No two tenants of an
/// environment have the same, as no id has an underscore.
pub(super) fn memory_name(stack: &Stack) -> Value<String> {
    let tenant = join("_", split("-", parameters::id()));
    let environment = stack.naming().name("").replace('-', "_");
    join("", [environment.into(), tenant])
}
