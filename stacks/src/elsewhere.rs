//! The runtime region, when it is another one than the home region.

use crate::SpecError;
use crate::artefacts::{self, Artefacts};
use crate::cfn::Stack;
use crate::identity::{self, Identity, Keys};
use crate::metrics::{self, Metrics};
use crate::network::peering::{self, Peering};
use crate::network::{self, Network, RuntimeNetwork};
use crate::spec::StackSpec;

/// What there is beside the home region, when agents run in another.
pub(crate) struct Elsewhere {
    pub(crate) identity: Identity,
    artefacts: Option<Artefacts>,
    pub(crate) network: RuntimeNetwork,
    peering: Peering,
    runtime_peering: Stack,
    /// Where metrics go: in the home region.
    pub(crate) metrics: Option<Metrics>,
}

impl Elsewhere {
    /// None, when agents run in the home region.
    pub(crate) fn of(
        spec: &StackSpec,
        home_keys: &Keys,
        home_network: &Network,
    ) -> Result<Option<Self>, SpecError> {
        if !spec.two_regions() {
            return Ok(None);
        }
        let home = spec.naming();
        let naming = home.in_region(&spec.runtime_region);
        let identity = identity::runtime_identity(&naming);
        let (keys, range) = (&identity.keys, &spec.runtime_network);
        let network = network::runtime_network(&naming, range, keys, &spec.network)?;
        let peering = peering::peering(&home, home_network, &network);
        let runtime_peering = peering::runtime_peering(&naming, &peering, home_network, &network);
        let agents = &spec.agentcore;
        let functions = agents.gateway.is_some() && !agents.functions.is_empty();
        let metrics = agents.metrics.keep && !agents.is_empty();
        Ok(Some(Self {
            artefacts: functions.then(|| artefacts::runtime_artefacts(&naming)),
            metrics: metrics.then(|| metrics::metrics(&home, &agents.metrics, home_keys)),
            identity,
            network,
            peering,
            runtime_peering,
        }))
    }

    /// In the order in which they are deployed.
    pub(crate) fn stacks(self) -> impl Iterator<Item = Stack> {
        let networks = [self.network.stack, self.peering.stack, self.runtime_peering];
        let metrics = self.metrics.map(|metrics| metrics.stack);
        let artefacts = self.artefacts.map(|artefacts| artefacts.stack);
        std::iter::once(self.identity.stack).chain(artefacts).chain(networks).chain(metrics)
    }
}
