//! What runs of runbooks ask people for, and what they say.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use runtime_core::access::{AccessError, OperatorDynamoDb};
use runtime_core::api::{self, NewApproval, NewApprovalAnswer, Page};
use runtime_core::auth::{ADMIN_ROLE, OPERATOR_ROLE};
use runtime_core::caller::VerifiedOperator;
use runtime_core::model::{
    Approval, ApprovalReply, Item as _, Key, Listing, Revision, RunId, StepId, Text, Timestamp,
};
use serde_json::json;
use time::OffsetDateTime;

use crate::app::App;
use crate::caller::{RequestId, Staff};
use crate::extract::{Body, Once, PageOf};
use crate::problem::{Fields, Problem};
use crate::record::Change;

/// How long a question is kept, and may be answered unless it says: 30 days, in seconds.
const KEPT_SECONDS: u32 = 30 * 24 * 60 * 60;

/// The most roles of whom one may answer.
const MOST_ROLES: usize = 20;

/// The run and the step of the path.
pub(crate) struct Place(Key<Approval>);

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    /// What cannot be a run or a step is none.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let place = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((run, step)) = place.map_err(|_| missing())?;
        let (run, step) = (run.parse::<RunId>(), step.parse::<StepId>());
        let (Ok(run), Ok(step)) = (run, step) else { return Err(missing()) };
        Ok(Self(Key::<Approval>::new(&run, &step)))
    }
}

fn missing() -> Problem {
    Problem::not_found("approval")
}

/// By run and step: those that wait, and those that were answered.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    page: PageOf,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let listing = Listing::<Approval>::all();
    let found = platform.list(&listing, page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(shown).collect();
    Ok(axum::Json(Page::<api::Approval> { items, next: found.next }).into_response())
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Place(key): Place,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let there = platform.get(&key).await?.ok_or_else(missing)?;
    Ok(axum::Json(shown(&there)).into_response())
}

/// Asks for something. The same question again is the one that is there; a later one of the
/// same step takes its place, if the same caller asks.
pub(crate) async fn request(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    _: Once,
    RequestId(request_id): RequestId,
    Body(wanted): Body<NewApproval>,
) -> Result<Response, Problem> {
    let approval = parsed(&wanted, &operator)?;
    let platform = app.platform(&operator).await?;
    let there = platform.get(&approval.key()).await?;
    let kept = match there {
        Some(there) if there.requested_by != approval.requested_by => {
            let detail = "Somebody else asks for this step of this run.";
            return Err(Problem::conflict(detail));
        }
        Some(there) if there.number == approval.number => there,
        former => {
            let change = Change {
                operation: "requestApproval",
                tenant_id: None,
                subject: operator.subject(),
                request_id: &request_id,
                reason: None,
                wanted: json!({ "run": wanted.run, "step": wanted.step, "number": wanted.number }),
            };
            change.keep(&app).await?;
            match former {
                Some(former) => {
                    platform.replace(Approval { revision: former.revision, ..approval }).await?
                }
                None => platform.create(&approval).await.map(|()| approval)?,
            }
        }
    };
    Ok((StatusCode::ACCEPTED, axum::Json(shown(&kept))).into_response())
}

fn parsed(wanted: &NewApproval, operator: &VerifiedOperator) -> Result<Approval, Problem> {
    let mut fields = Fields::default();
    let run_id = fields.take("run", wanted.run.parse());
    let step = fields.take("step", wanted.step.parse());
    let runbook = fields.take("runbook", wanted.runbook.parse());
    let text = fields.take("text", wanted.text.parse());
    let evidence = wanted.evidence.as_deref().map(str::parse);
    let evidence = evidence.and_then(|it| fields.take("evidence", it));
    let from = wanted.from.iter().enumerate();
    let from: Vec<_> =
        from.filter_map(|(i, role)| fields.take(&format!("from[{i}]"), role.parse())).collect();
    if from.len() > MOST_ROLES {
        fields.add("from", "expected at most 20 roles");
    }
    if wanted.number > u64::from(u32::MAX) {
        fields.add("number", "expected at most 4294967295");
    }
    let within = wanted.within_seconds.unwrap_or(KEPT_SECONDS);
    if !(1..=KEPT_SECONDS).contains(&within) {
        fields.add("within_seconds", "expected 1 to 2592000");
    }
    let (Some(run_id), Some(step), Some(runbook), Some(text), true) =
        (run_id, step, runbook, text, fields.is_empty())
    else {
        return Err(fields.problem());
    };
    let now = Timestamp::now();
    Ok(Approval {
        run_id,
        step,
        number: wanted.number,
        runbook,
        text,
        from,
        evidence,
        four_eyes: wanted.four_eyes,
        requested_by: Text::cut(operator.subject()),
        created_at: now,
        until: Some(now.plus_seconds(within)),
        reply: None,
        expires_at: now.plus_seconds(KEPT_SECONDS).seconds(),
        revision: Revision::FIRST,
    })
}

/// Grants it or refuses it. The same answer of the same caller again is the one that is
/// there; any other comes too late.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Place(key): Place,
    _: Once,
    RequestId(request_id): RequestId,
    Body(wanted): Body<NewApprovalAnswer>,
) -> Result<Response, Problem> {
    let evidence: Option<Text<1, 1_000>> =
        wanted
            .evidence
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| Problem::field("evidence", "expected 1 to 1000 characters"))?;
    let platform = app.platform(&operator).await?;
    let asked = platform.get(&key).await?.ok_or_else(missing)?;
    let by: Text<1, 200> = Text::cut(operator.subject());
    if let Some(said) = &asked.reply {
        let same = said.by == by && said.granted == wanted.granted && said.evidence == evidence;
        return if same { Ok(axum::Json(shown(&asked)).into_response()) } else { Err(answered()) };
    }
    let at = Timestamp::now();
    let roles = roles(&operator);
    permit(&asked, &by, &roles, &wanted, at)?;
    let change = Change {
        operation: "answerApproval",
        tenant_id: None,
        subject: operator.subject(),
        request_id: &request_id,
        reason: wanted.evidence.as_deref(),
        wanted: json!({ "run": asked.run_id, "step": asked.step, "granted": wanted.granted }),
    };
    change.keep(&app).await?;
    let roles = roles.iter().map(|it| Text::cut(it)).collect();
    let reply = ApprovalReply { granted: wanted.granted, by, roles, at, evidence };
    let said = replied(&platform, Approval { reply: Some(reply), ..asked }).await?;
    Ok(axum::Json(shown(&said)).into_response())
}

async fn replied(platform: &OperatorDynamoDb, said: Approval) -> Result<Approval, Problem> {
    match platform.replace(said).await {
        Err(AccessError::Condition) => Err(answered()),
        written => Ok(written?),
    }
}

fn answered() -> Problem {
    Problem::conflict("Somebody answered already.")
}

/// The roles of somebody who runs the platform: an administrator may do what operators may.
fn roles(operator: &VerifiedOperator) -> Vec<&'static str> {
    if operator.may_change() { vec![ADMIN_ROLE, OPERATOR_ROLE] } else { vec![OPERATOR_ROLE] }
}

/// Anybody who runs the platform may refuse, as on the command line: then nothing happens.
fn permit(
    asked: &Approval,
    by: &Text<1, 200>,
    roles: &[&str],
    wanted: &NewApprovalAnswer,
    now: Timestamp,
) -> Result<(), Problem> {
    let forbidden = |detail: String| Err(Problem::new(StatusCode::FORBIDDEN, detail));
    if wanted.granted && asked.four_eyes && asked.requested_by == *by {
        return forbidden("Whoever asks may not answer: somebody else has to.".to_owned());
    }
    let named = asked.from.iter().any(|role| roles.contains(&role.as_str()));
    if wanted.granted && !asked.from.is_empty() && !named {
        let from: Vec<_> = asked.from.iter().map(Text::as_str).collect();
        return forbidden(format!("It takes {}.", from.join(" or ")));
    }
    if asked.until.is_some_and(|until| now >= until) {
        return Err(Problem::conflict(
            "It waited until then, and no longer: it has to be asked again.",
        ));
    }
    if wanted.granted && asked.evidence.is_some() && wanted.evidence.is_none() {
        return Err(Problem::field("evidence", "expected what shows that it was done"));
    }
    Ok(())
}

fn shown(approval: &Approval) -> api::Approval {
    let text = |it: &Text<1, 100>| it.as_str().to_owned();
    let answer = approval.reply.as_ref().map(|reply| api::ApprovalAnswer {
        granted: reply.granted,
        by: reply.by.as_str().to_owned(),
        roles: reply.roles.iter().map(text).collect(),
        at: reply.at.to_string(),
        evidence: reply.evidence.as_ref().map(|it| it.as_str().to_owned()),
    });
    let kept = OffsetDateTime::from_unix_timestamp(approval.expires_at).map(Timestamp::from);
    let until = approval.until.or(kept.ok()).unwrap_or(approval.created_at);
    api::Approval {
        run: approval.run_id.to_string(),
        step: approval.step.to_string(),
        number: approval.number,
        runbook: approval.runbook.as_str().to_owned(),
        text: approval.text.as_str().to_owned(),
        from: approval.from.iter().map(text).collect(),
        evidence: approval.evidence.as_ref().map(|it| it.as_str().to_owned()),
        four_eyes: approval.four_eyes,
        requested_by: approval.requested_by.as_str().to_owned(),
        requested_at: approval.created_at.to_string(),
        until: until.to_string(),
        answer,
    }
}
