//! Puts the stacks of an environment together.

use crate::cfn::{Stack, StackTemplate};
use crate::spec::StackSpec;
use crate::{SpecError, SpecErrors};
use crate::{
    agentcore, artefacts, budget, efs, identity, metrics, network, observability, platform, quotas,
    tenant, validate,
};

/// All stacks of an environment, each after those it depends on.
///
/// ```
/// use stacks::spec::StackSpec;
///
/// let spec = StackSpec::new("acme", "dev", "eu-west-2");
/// let stacks = stacks::synthesize(&spec)?;
/// let names: Vec<_> = stacks.iter().map(|stack| stack.name.as_str()).collect();
/// assert_eq!(
///     names,
///     ["artefacts", "identity", "network", "efs", "platform", "observability", "budget"]
/// );
/// # Ok::<(), stacks::SpecErrors>(())
/// ```
pub fn synthesize(spec: &StackSpec) -> Result<Vec<StackTemplate>, SpecErrors> {
    validate::validate(spec)?;
    let home = spec.naming();
    let artefacts = artefacts::artefacts(&home);
    let identity = identity::identity(&home, &spec.identity);
    let keys = &identity.keys;
    let network = home_network(spec, keys)?;
    let elsewhere = Elsewhere::of(spec, keys, &network)?;
    let runtime_keys = elsewhere.as_ref().map_or(keys, |it| &it.identity.keys);

    let efs = efs::efs(&home, &spec.efs, spec.architecture, &network, keys);
    let (code, tiers) = (spec.architecture, &spec.tiers);
    let platform = platform::platform(&home, &spec.platform, tiers, code, &network, keys);
    let agentcore = (!spec.agentcore.is_empty()).then(|| {
        let place = match &elsewhere {
            Some(elsewhere) => (&elsewhere.network).into(),
            None => (&network).into(),
        };
        let metrics = elsewhere.as_ref().and_then(|elsewhere| elsewhere.metrics.as_ref());
        let naming = home.in_region(&spec.runtime_region);
        agentcore::agentcore(&naming, &spec.agentcore, code, place, runtime_keys, metrics)
    });
    let tenants = tenant::stacks(spec, &platform, keys, runtime_keys);
    let mut watched = [efs.watched.as_slice(), &platform.watched].concat();
    let mut made = vec!["efs", "platform"];
    let mut alarms_elsewhere = None;
    if let Some(agentcore) = &agentcore {
        if elsewhere.is_none() {
            watched.extend(agentcore.watched.iter().cloned());
            made.push("agentcore");
        } else if !agentcore.watched.is_empty() {
            let naming = home.in_region(&spec.runtime_region);
            let (alarms, watched) = (&spec.observability, &agentcore.watched);
            let made = observability::runtime_observability(
                &naming,
                alarms,
                runtime_keys,
                watched,
                &["agentcore"],
            );
            alarms_elsewhere = Some(made.stack);
        }
    }
    let observability =
        observability::observability(&home, &spec.observability, keys, &watched, &made);
    let budget = budget::budget(&home, &spec.budget);

    let mut stacks = vec![artefacts.stack, network.stack];
    stacks.extend(elsewhere.into_iter().flat_map(Elsewhere::stacks));
    stacks.extend([efs.stack, platform.stack]);
    stacks.extend(agentcore.map(|agentcore| agentcore.stack));
    stacks.extend(alarms_elsewhere);
    stacks.extend([observability.stack, budget.stack]);
    let mut stacks: Vec<StackTemplate> = stacks.into_iter().map(Stack::finish).collect();
    stacks.extend(tenants);
    // Pipelines may do what all the others need; their place in the order stays.
    let identity = identity::finish(identity, &home, &spec.identity, &stacks)?;
    stacks.insert(1, identity);
    quotas::check(&stacks, spec)?;
    Ok(stacks)
}

fn home_network(spec: &StackSpec, keys: &identity::Keys) -> Result<network::Network, SpecErrors> {
    let home = spec.naming();
    let network = if spec.two_regions() {
        network::peered_network(&home, &spec.network, keys, &spec.runtime_network)
    } else {
        network::network(&home, &spec.network, keys)
    };
    network.map_err(|error| SpecErrors(vec![error]))
}

/// What there is beside the home region, when agents run in another.
struct Elsewhere {
    identity: identity::Identity,
    artefacts: Option<artefacts::Artefacts>,
    network: network::RuntimeNetwork,
    peering: network::peering::Peering,
    runtime_peering: Stack,
    /// In the home region.
    metrics: Option<metrics::Metrics>,
}

impl Elsewhere {
    fn of(
        spec: &StackSpec,
        home_keys: &identity::Keys,
        home_network: &network::Network,
    ) -> Result<Option<Self>, SpecErrors> {
        if !spec.two_regions() {
            return Ok(None);
        }
        let made = Self::new(spec, home_keys, home_network);
        made.map(Some).map_err(|error| SpecErrors(vec![error]))
    }

    fn new(
        spec: &StackSpec,
        home_keys: &identity::Keys,
        home_network: &network::Network,
    ) -> Result<Self, SpecError> {
        let home = spec.naming();
        let naming = home.in_region(&spec.runtime_region);
        let identity = identity::runtime_identity(&naming);
        let (keys, range) = (&identity.keys, &spec.runtime_network);
        let network = network::runtime_network(&naming, range, keys, &spec.network)?;
        let peering = network::peering::peering(&home, home_network, &network);
        let runtime_peering =
            network::peering::runtime_peering(&naming, &peering, home_network, &network);
        let agents = &spec.agentcore;
        let functions = agents.gateway.is_some() && !agents.functions.is_empty();
        let metrics = agents.metrics.keep && !agents.is_empty();
        Ok(Self {
            artefacts: functions.then(|| artefacts::runtime_artefacts(&naming)),
            metrics: metrics.then(|| metrics::metrics(&home, &agents.metrics, home_keys)),
            identity,
            network,
            peering,
            runtime_peering,
        })
    }

    /// In the order in which they are deployed.
    fn stacks(self) -> impl Iterator<Item = Stack> {
        let networks = [self.network.stack, self.peering.stack, self.runtime_peering];
        let metrics = self.metrics.map(|metrics| metrics.stack);
        let artefacts = self.artefacts.map(|artefacts| artefacts.stack);
        std::iter::once(self.identity.stack).chain(artefacts).chain(networks).chain(metrics)
    }
}
