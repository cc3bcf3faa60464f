//! No tenant's role reaches what is another tenant's.
//!
//! Decided by evaluating policies on requests, and not by looking at them: everything
//! that a role of one tenant could ask for of another one's.
//!
//! Not every pair of tenants is looked at, and need not be. Tenants of a tier share a
//! template, and their stacks differ in nothing that a policy sees but `TenantId` (the
//! e-mail address and the sum of the budget go into the budget alone): a policy's texts for
//! one tenant are those for another with the id replaced. Ids have a grammar
//! ([`TenantId`]: lowercase letters, digits and inner dashes), which is checked here of
//! every stack, so no id holds a wildcard, a separator of ARNs and paths or a policy
//! variable: it can stand for itself alone. Whether a text with an id in it matches
//! what holds another id then depends on how the two begin and end, and on nothing else:
//! if they share neither a beginning nor an end with what stands around the id, every
//! such pair decides alike. So each template is proved once, with ids made up to be as
//! close as two can be (one longer, one shorter, one with a dash, one with a letter before,
//! and one that is unrelated), in both directions. A few pairs of real tenants, those whose
//! ids begin alike first, are there for what such an argument could miss, such as two
//! tiers' templates that differ.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use runtime_core::tenant::TenantId;
use stacks::{DeployValue, StackTemplate};

use super::iam::{Decision, Request, Trust, decide};
use super::principals::{Role, roles, roles_of};
use super::requests;
use super::resolve::Environment;
use super::{OWN, TENANTS_APART, about};
use crate::guard::{Finding, Severity};

/// The parameter that says whose stack it is.
const PARAMETER: &str = "TenantId";

/// Pairs of real tenants that are looked at for each template, beside the neighbours.
const MOST_PAIRS: usize = 20;

/// What is shown of one role: the rest has the same cause.
const MOST_FINDINGS: usize = 3;

/// The tenant of a stack of its own.
fn tenant_of(stack: &StackTemplate) -> Option<&str> {
    let parameter = stack.deploy_parameters.iter().find(|it| it.name == PARAMETER)?;
    match &parameter.value {
        DeployValue::Literal { value } => Some(value),
        _ => None,
    }
}

/// Findings about every pair of tenants that could be in each other's way.
pub(super) fn isolation(stacks: &[StackTemplate]) -> Vec<Finding> {
    let (own, shared): (Vec<_>, Vec<_>) =
        stacks.iter().partition(|stack| tenant_of(stack).is_some());
    let mut tenants: BTreeMap<&str, Vec<&StackTemplate>> = BTreeMap::new();
    for stack in own.into_iter().filter(|stack| misnamed(stack).is_none()) {
        tenants.entry(tenant_of(stack).unwrap_or_default()).or_default().push(stack);
    }
    // Tenants with the same templates are told apart by their values alone.
    let mut alike: BTreeMap<Vec<usize>, Vec<&str>> = BTreeMap::new();
    for (id, stacks) in &tenants {
        let address = |stack: &&StackTemplate| std::ptr::from_ref(stack.template.as_value()).addr();
        alike.entry(stacks.iter().map(address).collect()).or_default().push(id);
    }
    let mut findings: Vec<Finding> = stacks.iter().filter_map(misnamed).collect();
    for ids in alike.values() {
        let Some(first) = ids.first() else { continue };
        let stacks = &tenants[first];
        let own = Tenant { id: first, stacks, named: stacks };
        for other in neighbours(first) {
            let moved: Vec<_> = stacks.iter().map(|stack| moved(stack, first, &other)).collect();
            let moved: Vec<_> = moved.iter().collect();
            findings.extend(pair(
                &shared,
                own,
                Tenant { id: &other, stacks: &moved, named: stacks },
            ));
        }
    }
    for (one, other) in related(tenants.keys().copied()) {
        let [one, other] =
            [one, other].map(|id| Tenant { id, stacks: &tenants[id], named: &tenants[id] });
        findings.extend(pair(&shared, one, other));
    }
    findings.extend(by_tags(&shared));
    first_of_each(findings)
}

/// A tenant with an id that is none: what is proved of other ids says nothing about it.
fn misnamed(stack: &StackTemplate) -> Option<Finding> {
    let id = tenant_of(stack)?;
    let error = id.parse::<TenantId>().err()?;
    let place = (PARAMETER, "Parameter");
    Some(about(TENANTS_APART, stack, place, "", id, error.to_string()))
}

/// Ids that begin or end like another one, or have nothing to do with it.
fn neighbours(id: &str) -> Vec<String> {
    let shorter = &id[..id.len().saturating_sub(1)];
    [format!("{id}2"), format!("{id}-b"), shorter.to_owned(), format!("x{id}"), "other".to_owned()]
        .into_iter()
        .filter(|other| other != id && other.parse::<TenantId>().is_ok())
        .collect()
}

/// Pairs of real tenants of which one's id begins like the other's, and a few more.
fn related<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    let ids: Vec<&str> = ids.collect();
    let neighbours = || ids.windows(2).map(|two| (two[0], two[1]));
    let alike = neighbours().filter(|(one, other)| other.starts_with(one));
    let pairs: BTreeSet<_> = alike.take(MOST_PAIRS).chain(neighbours().take(2)).collect();
    pairs.into_iter().collect()
}

/// The stack of another tenant from the same template.
fn moved(stack: &StackTemplate, from: &str, to: &str) -> StackTemplate {
    let mut other = stack.clone();
    other.name = stack.name.replacen(from, to, 1);
    let prefix = stack.stack_name.strip_suffix(&stack.name).unwrap_or_default();
    other.stack_name = format!("{prefix}{}", other.name);
    for parameter in &mut other.deploy_parameters {
        if let DeployValue::Literal { value } = &mut parameter.value
            && value == from
        {
            to.clone_into(value);
        }
    }
    other
}

/// A tenant, real or made up.
#[derive(Debug, Clone, Copy)]
struct Tenant<'a> {
    id: &'a str,
    stacks: &'a [&'a StackTemplate],
    /// The real stacks that findings name, one for each of `stacks`.
    named: &'a [&'a StackTemplate],
}

/// Both directions of a pair.
fn pair(shared: &[&StackTemplate], one: Tenant<'_>, other: Tenant<'_>) -> Vec<Finding> {
    let all = shared.iter().chain(one.stacks).chain(other.stacks).copied();
    let environment = Environment::new(all);
    let of_one = shared.len()..shared.len() + one.stacks.len();
    let of_other = of_one.end..of_one.end + other.stacks.len();
    let roles = roles_of(&environment, &(of_one.start..of_other.end));
    let roles_in = |range: &Range<usize>| -> Vec<&Role> {
        roles.iter().filter(|role| range.contains(&role.stack)).collect()
    };
    let mut findings = Vec::new();
    for (tenant, stacks, victim, theirs) in
        [(one, &of_one, other.id, &of_other), (other, &of_other, one.id, &of_one)]
    {
        let victims = Victim {
            id: victim,
            asked: requests::of_tenant(&environment, tenant.id, victim, theirs),
            roles: roles_in(theirs),
        };
        for role in roles_in(stacks) {
            let stack = tenant.named[role.stack - stacks.start];
            findings.extend(reaches(stack, role, tenant.id, &victims));
            findings.extend(own_is_reached(stack, role, tenant.id));
        }
    }
    findings
}

/// Whom a role must not reach.
struct Victim<'a> {
    id: &'a str,
    /// Everything of the victim that could be asked for: the same of every role.
    asked: Vec<Request>,
    roles: Vec<&'a Role>,
}

/// What a role reaches of another tenant.
fn reaches(stack: &StackTemplate, role: &Role, id: &str, victim: &Victim<'_>) -> Vec<Finding> {
    let own: BTreeSet<_> = requests::named_by(role, id).into_iter().map(|(_, it)| it).collect();
    let named = victim.roles.iter().flat_map(|role| requests::named_by(role, victim.id));
    // What both ask for in the same words is shared by both.
    let named = named.map(|(_, request)| request).filter(|request| !own.contains(request));
    let asked = victim.asked.iter().map(Cow::Borrowed).chain(named.map(Cow::Owned));
    let (victim, victims) = (victim.id, &victim.roles);
    let mut findings = Vec::new();
    for request in asked {
        let request = match role.tags.as_slice() {
            [] => request,
            tags => Cow::Owned(requests::tagged(request.into_owned(), tags, id)),
        };
        if let Decision::Allowed(sid) = decide(&role.policies, &request) {
            let shown = requests::show(&request);
            let found = format!("a tenant called {id} may, of one called {victim}: {shown}");
            findings.push(finding(TENANTS_APART, stack, role, &sid, found));
        }
    }
    for other in victims {
        let assume = requests::assume(&other.arn);
        if other.trust.trusts(&role.arn, &assume) == Trust::ByName {
            let found =
                format!("a tenant called {id} may assume {} of one called {victim}", other.arn);
            findings.push(finding(TENANTS_APART, stack, role, "", found));
        }
    }
    findings
}

/// Every statement lets the tenant do something: a condition that nothing meets is a
/// mistake, too.
fn own_is_reached(stack: &StackTemplate, role: &Role, id: &str) -> Vec<Finding> {
    let mut reached: BTreeMap<String, (bool, String)> = BTreeMap::new();
    for (sid, request) in requests::named_by(role, id) {
        let request = requests::tagged(request, &role.tags, id);
        let allowed = decide(&role.policies, &request).is_allowed();
        let entry = reached.entry(sid).or_insert_with(|| (false, requests::show(&request)));
        entry.0 |= allowed;
    }
    let not = reached.into_iter().filter(|(_, (allowed, _))| !allowed);
    let found = |shown| format!("a tenant called {id} may not: {shown}");
    not.map(|(sid, (_, shown))| finding(OWN, stack, role, &sid, found(shown))).collect()
}

/// Roles that many tenants share, told apart by a tag of the session.
fn by_tags(shared: &[&StackTemplate]) -> Vec<Finding> {
    let environment = Environment::new(shared.iter().copied());
    let mut findings = Vec::new();
    for role in roles(&environment).iter().filter(|role| !role.tags.is_empty()) {
        let Some((_, stack)) = environment.stacks().nth(role.stack) else { continue };
        for (id, victim) in [("acme", "acme2"), ("acme2", "acme"), ("acme", "other")] {
            let asked = requests::of_tenant(&environment, id, victim, &(0..0));
            let victim = Victim { id: victim, asked, roles: vec![role] };
            findings.extend(reaches(stack, role, id, &victim));
        }
        findings.extend(own_is_reached(stack, role, "acme"));
    }
    findings
}

fn finding(id: &str, stack: &StackTemplate, role: &Role, sid: &str, found: String) -> Finding {
    let info = super::info(id);
    let wanted = if id == OWN { "what it names to be allowed" } else { "only its own" };
    let mut finding = Finding::new(
        id,
        Severity::Error,
        &stack.name,
        &role.id,
        "AWS::IAM::Role",
        "Policies",
        found,
        wanted,
        info.why,
        info.fix,
    );
    finding.statement = Some(sid.to_owned()).filter(|sid| !sid.is_empty());
    finding
}

/// A few of each role.
fn first_of_each(findings: Vec<Finding>) -> Vec<Finding> {
    let mut count: BTreeMap<(String, String, Option<String>), usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for finding in findings {
        let key = (finding.stack.clone(), finding.rule.clone(), finding.statement.clone());
        let seen = count.entry(key).or_default();
        *seen += 1;
        if *seen <= MOST_FINDINGS && !kept.contains(&finding) {
            kept.push(finding);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use runtime_core::tenant::Tier;
    use serde_json::json;
    use stacks::spec::{StackSpec, TenantSpec};

    use super::super::fixtures::{shared, tenant};
    use super::*;

    #[test]
    fn an_id_that_is_none_is_found() {
        let allowed = json!([{
            "Sid": "S", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": { "Fn::Sub": "arn:aws:s3:::acme-dev-results-1/results/${TenantId}/x" },
        }]);
        for id in ["a*", "acme/results", "ä", ""] {
            let found = isolation(&[shared(), tenant(id, allowed.clone())]);
            let found: Vec<_> = found.iter().map(|it| (it.rule.as_str(), &*it.found)).collect();
            assert_eq!(found, [(TENANTS_APART, id)]);
        }
        assert_eq!(isolation(&[shared(), tenant("acme", allowed)]), []);
    }

    /// One tenant stands for the others of its template only if policies see nothing of a
    /// tenant but its id.
    #[test]
    fn what_policies_see_of_a_tenant_is_its_id() {
        let mut spec = StackSpec::new("acme", "dev", "eu-west-2");
        spec.runtime_region = "eu-west-1".to_owned();
        spec.tenants = vec![TenantSpec {
            id: "globex".parse().expect("an id"),
            tier: Tier::Premium,
            monthly_usd: None,
            email: "globex@example.com".to_owned(),
        }];
        let stacks = stacks::synthesize(&spec).expect("stacks");
        let own: Vec<_> = stacks.iter().filter(|stack| tenant_of(stack).is_some()).collect();
        assert_eq!(own.len(), 2, "home and runtime region");
        for stack in own {
            let others = stack.literals().map(|(name, _)| name).filter(|name| *name != PARAMETER);
            let others: Vec<&str> = others.collect();
            for resource in stack.template.resources() {
                let text = resource.body.to_string();
                let seen = others.iter().any(|name| {
                    text.contains(&format!("\"Ref\":\"{name}\""))
                        || text.contains(&format!("${{{name}}}"))
                });
                let id = resource.id;
                assert!(!seen || resource.type_name == "AWS::Budgets::Budget", "{id}: {text}");
            }
        }
    }
}
