//! Puts the stacks of an environment together.

use crate::SpecErrors;
use crate::cfn::{Stack, StackTemplate};
use crate::elsewhere::Elsewhere;
use crate::spec::StackSpec;
use crate::{
    agentcore, artefacts, budget, efs, identity, network, observability, platform, quotas, tenant,
    validate,
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
    let elsewhere = Elsewhere::of(spec, keys, &network).map_err(|error| SpecErrors(vec![error]))?;
    let runtime_keys = elsewhere.as_ref().map_or(keys, |it| &it.identity.keys);

    let efs = efs::efs(&home, &spec.efs, spec.architecture, &network, keys);
    let (code, tiers) = (spec.architecture, &spec.tiers);
    let tenancy = serde_json::to_string(&tenant::Tenancy::of(spec)).unwrap_or_default();
    let users = platform::Users { tiers, issuers: &spec.identity.issuers, tenancy: &tenancy };
    let platform = platform::platform(&home, &spec.platform, &users, code, &network, keys);
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
    let provisioned = if spec.provisions() {
        tenant::all(spec, &platform, keys, runtime_keys)
    } else {
        Vec::new()
    };
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
    // Pipelines may do what all the others need, and so may what makes tenants' stacks;
    // the identity stack's place in the order stays.
    let identity = identity::finish(identity, &home, &spec.identity, &stacks, &provisioned)?;
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
