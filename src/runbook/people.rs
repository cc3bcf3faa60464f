//! Steps that wait for people: leave, and things that no program does.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Span;
use super::engine::Run;
use super::express;
use super::model::{Approval, Manual};
use super::performer::{Performer, Reply, Request, quoted};
use crate::error::{Context as _, Error, Kind, Result};
use crate::failpoint;
use crate::journal::StepOutcome;

impl<P: Performer> Run<'_, P> {
    /// Waits for somebody's leave.
    pub(super) async fn approval(&self, id: &str, approval: &Approval) -> Result<Value> {
        let from = approval.from.clone();
        let asked = Asked { from, evidence: None, four_eyes: approval.four_eyes };
        self.ask(id, &approval.text, asked, Some(approval.within)).await
    }

    /// Waits until somebody did something.
    pub(super) async fn manual(&self, id: &str, manual: &Manual) -> Result<Value> {
        let evidence = Some(manual.evidence.clone());
        let asked = Asked { from: Vec::new(), evidence, four_eyes: false };
        self.ask(id, &manual.text, asked, manual.within).await
    }

    async fn ask(&self, id: &str, text: &str, asked: Asked, within: Option<Span>) -> Result<Value> {
        let Asked { from, evidence, four_eyes } = asked;
        let text = express::render_text(text, &self.scope_now())
            .map_err(|fault| Error::failed(fault.message))?;
        let now = OffsetDateTime::now_utc();
        let asked = self.history().asked(id);
        let (intent, until) = match asked {
            Some(asked) => asked,
            None => {
                let until = within.map(|span| (now + span.0).format(&Rfc3339)).transpose();
                let until = until.context("cannot format the time")?;
                let detail = json!({
                    "text": text, "from": from, "evidence": evidence, "until": until,
                    "four_eyes": four_eyes,
                });
                (self.journal.intent("runbook:ask", id, detail)?, until)
            }
        };
        failpoint::hit(&format!("runbook.{id}.asked"), self.cancel).await;
        let run = self.journal.run().to_string();
        let step = id.to_owned();
        let number = intent;
        let scope = self.scope_now();
        let said = |name: &str| scope["run"][name].as_str().unwrap_or_default().to_owned();
        let (runbook, by) = (said("runbook"), said("by"));
        let request =
            Request { run, runbook, by, step, number, text, from, evidence, four_eyes, until };
        let reply = self.performer.ask(&request).await?;
        let result = judged(&request, reply, OffsetDateTime::now_utc());
        match &result {
            Ok(reply) => {
                let detail = json!({ "output": reply });
                self.journal.outcome(intent, StepOutcome::Done, detail)?;
            }
            Err(error) if error.kind() == Kind::Waiting => {}
            Err(error) => {
                let detail = json!({ "error": error.to_string() });
                self.journal.outcome(intent, StepOutcome::of(error), detail)?;
            }
        }
        result.map(|reply| json!(reply))
    }
}

/// Who may answer, and with what.
struct Asked {
    from: Vec<String>,
    evidence: Option<String>,
    four_eyes: bool,
}

/// Whether a reply is one that counts.
fn judged(request: &Request, reply: Option<Reply>, now: OffsetDateTime) -> Result<Reply> {
    let Request { run, step, from, evidence, until, .. } = request;
    let end = until.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let late = |at: OffsetDateTime| end.is_some_and(|end| at >= end);
    let short = run.rsplit('-').next().unwrap_or(run);
    let Some(reply) = reply else {
        if late(now) {
            let message = format!("nobody answered until {}", until.as_deref().unwrap_or_default());
            return Err(Error::failed(message)
                .hint(format!("ask again with `platformctl runbook resume {short}`")));
        }
        let (what, flag) = match evidence {
            Some(evidence) => (format!("for somebody: {evidence}"), " --evidence TEXT"),
            None => (format!("for the leave of {}", from.join(" or ")), ""),
        };
        return Err(Error::new(Kind::Waiting, format!("step {step} waits {what}"))
            .hint(format!("`platformctl runbook approve {short} {}{flag}`", quoted(step)))
            .hint(format!("then go on with `platformctl runbook resume {short}`")));
    };
    let at = OffsetDateTime::parse(&reply.at, &Rfc3339).unwrap_or(now);
    if !reply.granted {
        let why = reply.evidence.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        return Err(Error::failed(format!("refused by {}{why}", reply.by)));
    }
    if late(at) {
        let until = until.as_deref().unwrap_or_default();
        return Err(Error::failed(format!("{} answered at {}, after {until}", reply.by, reply.at)));
    }
    if !from.is_empty() && !reply.roles.iter().any(|role| from.contains(role)) {
        let roles =
            if reply.roles.is_empty() { "no role".to_owned() } else { reply.roles.join(", ") };
        let message = format!("{} has {roles}, and not {}", reply.by, from.join(" or "));
        return Err(Error::failed(message));
    }
    if request.four_eyes && request.is_by(&reply.by) {
        return Err(Error::failed(format!("{} asked, so somebody else has to answer", reply.by)));
    }
    if evidence.is_some() && reply.evidence.as_deref().is_none_or(|it| it.trim().is_empty()) {
        return Err(Error::failed(format!("{} gave no evidence", reply.by)));
    }
    Ok(reply)
}
