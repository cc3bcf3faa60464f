//! Agents of tenants. A version never changes: a change makes the next one, and the
//! agent is its newest version, whose number is its `ETag`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_core::access::{AccessError, Condition, Transaction};
use runtime_core::api::{self, AgentDefinition, NewAgent, Page};
use runtime_core::model::{
    Agent, AgentName, AgentVersion, AttributeValue, Cursor, Definition, Item as _, Key, Listing,
    Repeat, RequestDigest, Revision, SEPARATOR, Timestamp,
};
use runtime_core::tenant::TenantId;

use crate::app::{App, Own};
use crate::caller::OfTenant;
use crate::extract::{Body, IfMatch, IfNoneMatch, Once, PageOf, Parameter, versioned};
use crate::problem::{Fields, Problem};
use crate::record::digest;

/// Versions that are read and deleted at a time.
const AT_A_TIME: u32 = 100;

/// The newest version of an agent.
pub(crate) async fn newest(own: &Own, name: &AgentName) -> Result<Option<Agent>, Problem> {
    let listing = Listing::<Agent>::versions_of(name).newest_first();
    let mut page = own.items.list(&listing, 1, None).await?;
    Ok(page.items.pop())
}

fn revision(agent: &Agent) -> Revision {
    Revision(agent.version.number().into())
}

fn missing() -> Problem {
    Problem::not_found("agent")
}

/// The newest version of each agent, the names backwards: so the newest version comes
/// first, and is known by its name without reading the others.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    page: PageOf,
) -> Result<Response, Problem> {
    let own = app.own(&caller).await?;
    let listing = Listing::<Agent>::all().newest_first();
    let last = page.cursor.as_deref().map(|it| last_name(it, &own.tenant, &listing));
    let mut last = last.transpose()?;
    let found = own.items.list(&listing, page.limit, page.cursor.as_deref()).await?;
    let mut items = Vec::new();
    for agent in &found.items {
        if last.as_deref() != Some(agent.name.as_str()) {
            items.push(api::Agent::from(agent));
        }
        last = Some(agent.name.to_string());
    }
    Ok(axum::Json(Page { items, next: found.next }).into_response())
}

/// The name of the agent that the page before ended with.
fn last_name(cursor: &str, tenant: &TenantId, listing: &Listing<Agent>) -> Result<String, Problem> {
    let cursor = Cursor::parse(cursor, tenant.as_str(), listing).map_err(AccessError::from)?;
    let key = cursor.key(tenant.as_str(), listing);
    let name = Agent::TABLE.sort_key.and_then(|sort_key| match key.get(sort_key) {
        Some(AttributeValue::S(text)) => text.split(SEPARATOR).next().map(str::to_owned),
        _ => None,
    });
    Ok(name.unwrap_or_default())
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(name): Parameter<AgentName>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let own = app.own(&caller).await?;
    let agent = newest(&own, &name).await?.ok_or_else(missing)?;
    Ok(known.answer(revision(&agent), &api::Agent::from(&agent)))
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    _: Once,
    Body(new): Body<NewAgent>,
) -> Result<Response, Problem> {
    let digest = digest("createAgent", &new)?;
    let mut fields = Fields::default();
    let name = fields.take("name", new.name.parse::<AgentName>());
    let definition = definition("definition.", new.definition, &mut fields);
    let (Some(name), Some(definition)) = (name, definition) else { return Err(fields.problem()) };
    let own = app.own(&caller).await?;
    let agent = version(&own.tenant, name, AgentVersion::FIRST, definition, digest);
    let there = newest(&own, &agent.name).await?;
    let taken = || Problem::conflict("There is an agent of this name already: replace that one.");
    let agent = match there {
        Some(there) => same(there, digest).ok_or_else(taken)?,
        None => match own.items.create(&agent).await {
            Err(AccessError::Condition) => {
                let there = own.items.get(&agent.key()).await?;
                there.and_then(|it| same(it, digest)).ok_or_else(taken)?
            }
            made => made.map(|()| agent)?,
        },
    };
    let place = [(header::LOCATION, format!("/v1/agents/{}", agent.name))];
    let body = api::Agent::from(&agent);
    Ok((place, versioned(StatusCode::CREATED, revision(&agent), &body)).into_response())
}

/// The version that is there, if the same request made it.
fn same(there: Agent, digest: RequestDigest) -> Option<Agent> {
    Some(there).filter(|it| digest.repeats(it.request_digest) == Repeat::Same)
}

pub(crate) async fn replace(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(name): Parameter<AgentName>,
    IfMatch(read): IfMatch,
    Body(new): Body<AgentDefinition>,
) -> Result<Response, Problem> {
    let digest = digest("replaceAgent", &(read, &new))?;
    let mut fields = Fields::default();
    let Some(definition) = definition("", new, &mut fields) else { return Err(fields.problem()) };
    let own = app.own(&caller).await?;
    let there = newest(&own, &name).await?.ok_or_else(missing)?;
    if revision(&there) != read {
        // The same request made the version that follows the one it names.
        let agent = same(there, digest).ok_or_else(Problem::stale)?;
        return Ok(versioned(StatusCode::OK, revision(&agent), &api::Agent::from(&agent)));
    }
    let agent = version(&own.tenant, name, there.version.next(), definition, digest);
    match own.items.create(&agent).await {
        Err(AccessError::Condition) => return Err(Problem::stale()),
        made => made?,
    }
    Ok(versioned(StatusCode::OK, revision(&agent), &api::Agent::from(&agent)))
}

/// Deletes every version, the newest last: as long as it is there, so is the agent, and
/// the request can be sent again.
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(name): Parameter<AgentName>,
    IfMatch(read): IfMatch,
) -> Result<StatusCode, Problem> {
    let own = app.own(&caller).await?;
    let there = newest(&own, &name).await?.ok_or_else(missing)?;
    if revision(&there) != read {
        return Err(Problem::stale());
    }
    let listing = Listing::<Agent>::versions_of(&name);
    loop {
        let page = own.items.list(&listing, AT_A_TIME, None).await?;
        let older = page.items.iter().filter(|it| it.version < there.version);
        let older: Vec<_> = older.map(Agent::key).collect();
        if older.is_empty() {
            break;
        }
        own.items.batch_write::<Agent>(&[], &older).await?;
    }
    let next = Key::<Agent>::new(&own.tenant, &name, there.version.next());
    let last = Transaction::new()
        .delete(&there.key(), Condition::present())
        .check(&next, Condition::absent());
    match own.items.transact(last).await {
        Err(AccessError::Condition) => Err(Problem::stale()),
        deleted => deleted.map(|()| Ok(StatusCode::NO_CONTENT))?,
    }
}

fn version(
    tenant: &TenantId,
    name: AgentName,
    version: AgentVersion,
    definition: Definition,
    digest: RequestDigest,
) -> Agent {
    Agent {
        tenant_id: tenant.clone(),
        name,
        version,
        definition,
        created_at: Timestamp::now(),
        request_digest: Some(digest),
        revision: Revision::FIRST,
    }
}

/// Checks a definition; `within` is where it stands in the body.
fn definition(within: &str, new: AgentDefinition, fields: &mut Fields) -> Option<Definition> {
    let instructions = fields.take(&format!("{within}instructions"), new.instructions.try_into());
    let model = match new.model {
        Some(model) => Some(fields.take(&format!("{within}model"), model.try_into())?),
        None => None,
    };
    let mut tools = Vec::new();
    for (i, tool) in new.tools.into_iter().enumerate() {
        tools.extend(fields.take(&format!("{within}tools[{i}]"), tool.try_into()));
    }
    let valid = fields.is_empty();
    instructions.filter(|_| valid).map(|instructions| Definition { instructions, model, tools })
}
