//! What people say to a run through the platform's API: a step that waits is published there,
//! and answered by whoever the runbook names, wherever they sit.

use std::sync::atomic::{AtomicBool, Ordering};

use runtime_core::api::{Approval, NewApproval};
use runtime_core::functions::Function;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::Ctx;
use crate::cli::admin::{API_URL, Admin, TOKEN, issuers, logins, variable};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::ops::{Api, approvals, idempotency_key};
use crate::runbook::{Reply, Request};

/// The longest text that the API takes, in characters.
const LONGEST: usize = 10_000;

/// The most time that the API keeps a question, in seconds: 30 days.
const KEPT: i64 = 2_592_000;

/// The API, for the questions of a run.
#[derive(Debug)]
pub(super) struct Desk {
    api: Api,
    /// Whether it was said that it does not answer.
    told: AtomicBool,
}

impl Desk {
    /// The API, if there is one that can be asked. Nothing is started for its sake, and that
    /// there is none is no failure: `runbook approve` does as well.
    pub(super) async fn find(ctx: &Ctx, settings: &Settings) -> Option<Self> {
        if settings.local {
            ctx.local_platform().status().await.ok()??;
        } else if !has_token(ctx, settings).await || !has_api(settings) {
            return None;
        }
        match Admin::connect(ctx).await {
            Ok(admin) => Some(Self { api: admin.api, told: AtomicBool::new(false) }),
            Err(error) => {
                ctx.events.info(format!("nobody is asked through the API: {error}"));
                None
            }
        }
    }

    /// What was said to a request, which is published first. A question that the API does not
    /// take, or an API that does not answer, keeps nobody from answering here.
    pub(super) async fn answered(&self, ctx: &Ctx, request: &Request) -> Option<Reply> {
        match self.look(request).await {
            Ok(reply) => reply,
            Err(error) => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    let step = &request.step;
                    ctx.events
                        .warn(format!("step {step} cannot be answered through the API: {error}"));
                }
                None
            }
        }
    }

    async fn look(&self, request: &Request) -> Result<Option<Reply>> {
        // Read first: a question that was answered is not asked again.
        let there = approvals::find(&self.api, &request.run, &request.step).await?;
        let there = match there.filter(|it| it.number == request.number) {
            Some(there) => there,
            None => {
                let asked = asked(request)?;
                let body = serde_json::to_value(&asked).unwrap_or_default();
                let key = idempotency_key(&request.run, "requestApproval", &body["number"]);
                approvals::request(&self.api, &asked, &key).await?
            }
        };
        Ok(reply(there))
    }
}

/// Whether somebody is logged in: nobody is asked to be for this.
async fn has_token(ctx: &Ctx, settings: &Settings) -> bool {
    if variable(TOKEN).is_some() {
        return true;
    }
    let store = logins(ctx, settings);
    let issuers = issuers(ctx, settings).await.unwrap_or_default();
    issuers
        .iter()
        .any(|issuer| store.find(issuer).is_ok_and(|it| it.is_some_and(|it| it.is_good())))
}

fn has_api(settings: &Settings) -> bool {
    let answers = settings.config.platform.functions.contains_key(&Function::TenantApi);
    answers || variable(API_URL).is_some()
}

fn asked(request: &Request) -> Result<NewApproval> {
    let Request { run, runbook, step, number, text, from, evidence, four_eyes, .. } = request;
    if step.contains(' ') {
        return Err(Error::failed("a question of an undo step is asked here alone"));
    }
    let until = request.until.as_deref().map(|text| OffsetDateTime::parse(text, &Rfc3339));
    let left = until.and_then(Result::ok).map(|until| {
        let seconds = (until - OffsetDateTime::now_utc()).whole_seconds();
        u32::try_from(seconds.clamp(1, KEPT)).unwrap_or(1)
    });
    Ok(NewApproval {
        run: run.clone(),
        step: step.clone(),
        number: *number,
        runbook: runbook.clone(),
        text: text.chars().take(LONGEST).collect(),
        from: from.clone(),
        evidence: evidence.clone(),
        four_eyes: *four_eyes,
        within_seconds: left,
    })
}

fn reply(approval: Approval) -> Option<Reply> {
    let answer = approval.answer?;
    let by = crate::http::printable(&answer.by, 100);
    Some(Reply {
        granted: answer.granted,
        by: format!("{by} through the API"),
        roles: answer.roles,
        at: answer.at,
        evidence: answer.evidence,
    })
}
