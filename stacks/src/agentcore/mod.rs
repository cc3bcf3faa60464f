//! The agentcore stack: the agents' runtime, what agents remember, and their way to tools.

mod gateway;
mod memory;
mod metric_stream;
mod role;
mod runtime;

use crate::artefacts::RUNTIME_ARTEFACTS;
use crate::cfn::aws::bedrockagentcore;
use crate::cfn::{Naming, Published, Stack, Value, select};
use crate::construct::function::Surroundings;
use crate::construct::watch::Watch;
use crate::identity::Keys;
use crate::metrics::Metrics;
use crate::network::{Network, RuntimeNetwork};
use crate::spec::{AgentcoreSpec, Architecture};

/// Where agents and the functions beside them are: in the home region's network, or in the
/// runtime region's.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    subnets: &'a Published<Vec<String>>,
    group: &'a Published<String>,
    zones: u8,
    /// The stack that holds the artefact bucket, where it is not the home region's.
    artefacts: Option<&'static str>,
}

impl<'a> From<&'a Network> for Place<'a> {
    fn from(network: &'a Network) -> Self {
        let Network { private_subnets, lambda_group, zones, .. } = network;
        Self { subnets: private_subnets, group: lambda_group, zones: *zones, artefacts: None }
    }
}

impl<'a> From<&'a RuntimeNetwork> for Place<'a> {
    fn from(network: &'a RuntimeNetwork) -> Self {
        let RuntimeNetwork { private_subnets, lambda_group, zones, .. } = network;
        let artefacts = Some(RUNTIME_ARTEFACTS);
        Self { subnets: private_subnets, group: lambda_group, zones: *zones, artefacts }
    }
}

impl Place<'_> {
    /// The ids of the private subnets.
    fn subnets(&self, stack: &mut Stack) -> Vec<Value<String>> {
        let subnets = stack.import(self.subnets);
        (0..self.zones).map(|zone| select(zone, &subnets)).collect()
    }

    /// What functions have around them. Their zips lie in a bucket of their region.
    fn surroundings(
        &self,
        stack: &mut Stack,
        architecture: Architecture,
        keys: &Keys,
    ) -> Surroundings {
        if let Some(artefacts) = self.artefacts {
            stack.depends_on(artefacts);
        }
        let subnets = self.subnets(stack);
        let group = stack.import(self.group);
        Surroundings::new(stack, architecture, subnets, group, keys)
    }
}

/// What the stack gives to others. In two regions, importing it needs whoever deploys.
#[derive(Debug)]
pub struct Agentcore {
    /// The ARN of the agents' runtime.
    pub runtime_arn: Option<Published<String>>,
    /// The name of the runtime's endpoint that callers use (its qualifier).
    pub endpoint_name: Option<Published<String>>,
    /// The memory's id.
    pub memory_id: Option<Published<String>>,
    /// The gateway's id.
    pub gateway_id: Option<Published<String>>,
    /// The gateway's URL.
    pub gateway_url: Option<Published<String>>,
    /// The name of the workload identity with which agents get tokens for others.
    pub workload_identity: Published<String>,
    /// What is to be watched.
    pub watched: Vec<Watch>,
    /// The stack itself.
    pub stack: Stack,
}

/// Where agents run. `keys` are those of the runtime region; `metrics` is where metrics
/// go, if they go anywhere.
pub fn agentcore(
    naming: &Naming,
    spec: &AgentcoreSpec,
    architecture: Architecture,
    place: Place<'_>,
    keys: &Keys,
    metrics: Option<&Metrics>,
) -> Agentcore {
    let mut stack = Stack::new("agentcore", naming);
    stack.describe("The agents' runtime, what agents remember, and their way to tools");
    let mut watched = Vec::new();

    let identity = stack
        .add("WorkloadIdentity", bedrockagentcore::WorkloadIdentity::new(naming.name("agents")));
    let memory = spec.memory.as_ref().map(|spec| {
        let key = stack.import(&keys.tenant_data);
        memory::memory(&mut stack, spec, &key)
    });
    let gateway = spec.gateway.as_ref().map(|gateway| {
        let interceptors = if spec.functions.is_empty() {
            Vec::new()
        } else {
            let around = place.surroundings(&mut stack, architecture, keys);
            gateway::interceptors(&mut stack, &around, &spec.functions)
        };
        watched.extend(interceptors.iter().flat_map(|it| it.deployed.watched.clone()));
        let key = stack.import(&keys.tenant_data);
        gateway::gateway(&mut stack, gateway, &interceptors, &key)
    });
    let runtime = spec.runtime.as_ref().map(|runtime| {
        let beside = runtime::Beside {
            memory: memory.as_ref(),
            gateway: gateway.as_ref(),
            identity: &identity,
            data_key: stack.import(&keys.tenant_data),
            logs_key: stack.import(&keys.logs),
            subnets: place.subnets(&mut stack),
            group: stack.import(place.group),
        };
        runtime::runtime(&mut stack, runtime, &beside)
    });
    if let Some(metrics) = metrics {
        metric_stream::stream(&mut stack, metrics, keys);
    }

    Agentcore {
        runtime_arn: runtime
            .as_ref()
            .map(|made| stack.publish("runtime-arn", made.agent_runtime_arn())),
        endpoint_name: runtime
            .as_ref()
            .map(|_| stack.publish("runtime-endpoint", runtime::ENDPOINT)),
        memory_id: memory.as_ref().map(|memory| stack.publish("memory-id", memory.memory_id())),
        gateway_id: gateway
            .as_ref()
            .map(|gateway| stack.publish("gateway-id", gateway.gateway_identifier())),
        gateway_url: gateway
            .as_ref()
            .map(|gateway| stack.publish("gateway-url", gateway.gateway_url())),
        workload_identity: stack.publish("workload-identity", identity.id()),
        watched,
        stack,
    }
}
