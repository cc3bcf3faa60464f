//! What those who run the platform see of a tenant: its sessions, and how many of its
//! agents' invocations failed. Each look is in the tenant's audit trail.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use runtime_core::api::{self, AgentErrors, ErrorRate, ErrorRateStep, Page};
use runtime_core::caller::VerifiedOperator;
use runtime_core::model::{Invocation, InvocationStatus, Listing, Session, Timestamp};
use runtime_core::tenant::TenantId;
use serde::Deserialize;
use time::OffsetDateTime;

use super::found;
use crate::app::{App, Own};
use crate::caller::Staff;
use crate::extract::{PageOf, Parameter, query};
use crate::problem::Problem;

/// Invocations of a page, and how many are read for one answer.
const A_PAGE: u32 = 200;
const MOST_READ: usize = 20_000;

/// The parts that a time is divided into.
const STEPS: u32 = 24;

/// How far back, in seconds, unless the request says: a day.
const USUALLY: u32 = 24 * 60 * 60;

/// The tenant's data, to be looked at.
async fn seen(app: &App, operator: &VerifiedOperator, id: &TenantId) -> Result<Own, Problem> {
    let platform = app.platform(operator).await?;
    found(&platform, id).await?;
    app.own_of(platform.look_at(id).await?).await
}

/// The sessions of a tenant that have not ended.
pub(crate) async fn sessions(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Parameter(id): Parameter<TenantId>,
    page: PageOf,
) -> Result<Response, Problem> {
    let own = seen(&app, &operator, &id).await?;
    let listing = Listing::<Session>::all().newest_first();
    let found = own.items.list(&listing, page.limit, page.cursor.as_deref()).await?;
    let shown = |it: &Session| {
        let ends = OffsetDateTime::from_unix_timestamp(it.expires_at).map_err(Problem::internal)?;
        Ok(api::Session {
            id: it.session_id.to_string(),
            agent: it.agent.to_string(),
            created_at: it.created_at.to_string(),
            expires_at: Timestamp::from(ends).to_string(),
        })
    };
    let items = found.items.iter().map(shown).collect::<Result<Vec<_>, Problem>>()?;
    Ok(axum::Json(Page { items, next: found.next }).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SinceQuery {
    since: Option<String>,
}

/// How far back, in seconds.
pub(crate) struct Since(u32);

impl<S: Send + Sync> FromRequestParts<S> for Since {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let SinceQuery { since } = query(parts, state).await?;
        let parse = |text: String| text.parse().ok().filter(|it| (60..=2_592_000).contains(it));
        let since = since.map_or(Some(USUALLY), parse);
        let expected = "expected seconds from 60 to 2592000";
        since.map(Self).ok_or_else(|| Problem::field("since", expected))
    }
}

/// How many invocations of a tenant's agents failed. What is still at work is not counted.
pub(crate) async fn error_rate(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Parameter(id): Parameter<TenantId>,
    Since(since): Since,
) -> Result<Response, Problem> {
    let own = seen(&app, &operator, &id).await?;
    let until = Timestamp::now();
    let from = until.moment() - time::Duration::seconds(since.into());
    let mut counted = Counted::new(from, since);
    let (mut read, mut cursor) = (0, None::<String>);
    // Ids that follow from an `Idempotency-Key` do not sort by time: all are looked at.
    let complete = loop {
        let listing = Listing::<Invocation>::all().newest_first();
        let page = own.items.list(&listing, A_PAGE, cursor.as_deref()).await?;
        read += page.items.len();
        page.items.iter().for_each(|it| counted.add(it, until));
        cursor = page.next;
        if cursor.is_none() {
            break true;
        }
        if read >= MOST_READ {
            break false;
        }
    };
    Ok(axum::Json(counted.answer(id, until, complete)).into_response())
}

/// Invocations that are over, and how many of them failed.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    invocations: u64,
    failed: u64,
}

struct Counted {
    from: OffsetDateTime,
    seconds: u32,
    steps: Vec<Count>,
    agents: BTreeMap<String, Count>,
}

impl Counted {
    fn new(from: OffsetDateTime, seconds: u32) -> Self {
        let steps = vec![Count::default(); STEPS as usize];
        Self { from, seconds, steps, agents: BTreeMap::new() }
    }

    fn add(&mut self, invocation: &Invocation, until: Timestamp) {
        let at = invocation.created_at;
        let over = invocation.status != InvocationStatus::Running;
        if !over || at.moment() < self.from || at > until {
            return;
        }
        let after = (at.moment() - self.from).whole_seconds();
        let step = after * i64::from(STEPS) / i64::from(self.seconds);
        let last = self.steps.len() - 1;
        let step = usize::try_from(step).unwrap_or(0).min(last);
        let agent = self.agents.entry(invocation.agent.to_string()).or_default();
        for count in [&mut self.steps[step], agent] {
            count.invocations += 1;
            count.failed += u64::from(invocation.status == InvocationStatus::Failed);
        }
    }

    fn answer(self, tenant_id: TenantId, until: Timestamp, complete: bool) -> ErrorRate {
        let text = |moment: OffsetDateTime| Timestamp::from(moment).to_string();
        let invocations = self.steps.iter().map(|it| it.invocations).sum();
        let failed = self.steps.iter().map(|it| it.failed).sum();
        let begins = |i: usize| {
            let part = time::Duration::seconds(self.seconds.into()) / STEPS;
            self.from + part * i32::try_from(i).unwrap_or(0)
        };
        let steps = self.steps.iter().enumerate().map(|(i, it)| ErrorRateStep {
            from: text(begins(i)),
            invocations: it.invocations,
            failed: it.failed,
        });
        let steps = steps.collect();
        let mut agents: Vec<_> = self
            .agents
            .into_iter()
            .map(|(agent, it)| AgentErrors {
                agent,
                invocations: it.invocations,
                failed: it.failed,
            })
            .collect();
        agents.sort_by(|one, other| {
            other.failed.cmp(&one.failed).then_with(|| one.agent.cmp(&other.agent))
        });
        ErrorRate {
            tenant_id,
            from: text(self.from),
            until: until.to_string(),
            invocations,
            failed,
            rate: share(failed, invocations),
            complete,
            steps,
            agents,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most 20,000")]
fn share(failed: u64, invocations: u64) -> f64 {
    if invocations == 0 { 0.0 } else { failed as f64 / invocations as f64 }
}
