//! What agents remember.

use super::role::underscored;
use crate::cfn::aws::bedrockagentcore::{self, memory};
use crate::cfn::{Handle, Options, Stack, Value};
use crate::spec::{MemorySpec, Strategy};

/// Makes the memory. It holds tenants' data: their key encrypts it, and it outlives the
/// stack.
pub(super) fn memory(
    stack: &mut Stack,
    spec: &MemorySpec,
    key: &Value<String>,
) -> Handle<bedrockagentcore::Memory> {
    let name = underscored(stack.naming(), "memory");
    let memory = bedrockagentcore::Memory::new(spec.event_days, name)
        .description("What agents remember of conversations")
        .encryption_key_arn(key);
    let strategies: Vec<_> = spec.strategies.iter().copied().map(strategy).collect();
    let memory = if strategies.is_empty() { memory } else { memory.memory_strategies(strategies) };
    stack.add_with("Memory", memory, Options::new().retain())
}

/// Every namespace has the actor in it: a search without one finds nothing of others.
fn strategy(strategy: Strategy) -> memory::MemoryStrategy {
    let name = strategy.name();
    let per_actor = [format!("/{name}/{{actorId}}")];
    let per_session = [format!("/{name}/{{actorId}}/{{sessionId}}")];
    let made = memory::MemoryStrategy::new();
    match strategy {
        Strategy::Facts => made.semantic_memory_strategy(
            memory::SemanticMemoryStrategy::new(name).namespace_templates(per_actor),
        ),
        Strategy::Summaries => made.summary_memory_strategy(
            memory::SummaryMemoryStrategy::new(name).namespace_templates(per_session),
        ),
        Strategy::Preferences => made.user_preference_memory_strategy(
            memory::UserPreferenceMemoryStrategy::new(name).namespace_templates(per_actor),
        ),
        Strategy::Episodes => made.episodic_memory_strategy(
            memory::EpisodicMemoryStrategy::new(name)
                .namespace_templates(per_session)
                .reflection_configuration(
                    memory::EpisodicReflectionConfigurationInput::new()
                        .namespace_templates(per_actor),
                ),
        ),
    }
}
