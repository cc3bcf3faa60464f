//! What people say to runs: that a step is approved, or done, or that a run is given up.

use serde_json::{Value, json};

use super::hands::{Hands, is_live, now};
use super::inbox::Inbox;
use super::run::{reload, scope};
use super::session::Session;
use super::told;
use super::who::somebody;
use crate::cli::Ctx;
use crate::cli::context::whoami;
use crate::cli::session::kept;
use crate::error::{Error, Kind, Result};
use crate::journal;
use crate::runbook::{Abandon, History, Reply, Run, is_same_person};
use crate::ui::{Block, Report};

/// Approve a step, or say that what a person had to do is done
///
/// The run goes on when it is resumed, or at once when it is under way with --wait.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook approve k3f9 leave\n  platformctl runbook approve k3f9 tell_tenant --evidence 'mail of 09:41, ticket OPS-112'\n  platformctl runbook approve k3f9 leave --refuse --evidence 'wrong tenant'"
)]
pub struct ApproveArgs {
    /// The run's name, or its last four letters
    #[arg(value_name = "RUN")]
    run: String,
    /// The step that waits
    #[arg(value_name = "STEP")]
    step: String,
    /// What shows that it was done, or why it is refused
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,
    /// Refuse it: the step fails
    #[arg(long)]
    refuse: bool,
}

/// Give a run up: nobody goes on with it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook abort k3f9 --reason 'false alarm'\n  platformctl runbook abort k3f9 --undo --reason 'wrong region'"
)]
pub struct AbortArgs {
    /// The run's name, or its last four letters
    #[arg(value_name = "RUN")]
    run: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Undo what was done first, in reverse order
    #[arg(long)]
    undo: bool,
}

/// What was said.
#[derive(Debug)]
pub struct Said {
    value: Value,
    text: String,
}

pub(super) async fn approve(ctx: &Ctx, args: &ApproveArgs) -> Result<Said> {
    let summary = told::find(ctx, &args.run)?;
    let history = History::of(&journal::read(&summary.path)?);
    let short = summary.run.rsplit('-').next().unwrap_or(&summary.run);
    let Some((number, until)) = history.asked(&args.step) else {
        let waiting: Vec<&str> = history.waiting().collect();
        let error = Error::usage(format!("step {} of run {short} waits for nobody", args.step));
        return Err(if waiting.is_empty() {
            error.hint(format!("`platformctl runbook status {short}` shows how far it is"))
        } else {
            error.hint(format!("waiting: {}", waiting.join(", ")))
        });
    };
    let asked = journal::read(&summary.path)?.into_iter().find_map(|record| match record.entry {
        journal::Entry::Intent { id, detail, .. } if id == number => Some(detail),
        _ => None,
    });
    let asked = asked.unwrap_or_default();
    let at = now()?;
    if until.as_deref().is_some_and(|until| at.as_str() >= until) {
        let until = until.unwrap_or_default();
        return Err(Error::usage(format!("step {} waited until {until}", args.step))
            .hint(format!("`platformctl runbook resume {short}` says so, and asks again")));
    }
    if !asked["evidence"].is_null() && args.evidence.is_none() {
        let what = asked["evidence"].as_str().unwrap_or_default();
        return Err(Error::usage(format!("step {} needs evidence: {what}", args.step))
            .hint("say it with `--evidence`"));
    }
    let settings = ctx.with_global(ctx.global.acting_in(kept(&summary)?.scope)).settings()?;
    let (by, roles) = somebody(ctx, &settings).await?;
    let from: Vec<String> = serde_json::from_value(asked["from"].clone()).unwrap_or_default();
    if !args.refuse && !from.is_empty() && !roles.iter().any(|role| from.contains(role)) {
        let has = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
        let message = format!("{by} has {has}, and not {}", from.join(" or "));
        return Err(Error::usage(message).hint("log in as somebody who has: `platformctl login`"));
    }
    let four_eyes = asked["four_eyes"].as_bool().unwrap_or_default();
    if !args.refuse && four_eyes && is_same_person(&summary.start.by, &by) {
        let message = format!("{by} runs it, so somebody else has to approve step {}", args.step);
        return Err(Error::usage(message)
            .hint("through the API, or with this journal as another user; `--refuse` refuses it"));
    }
    let evidence =
        args.evidence.as_deref().map(|text| journal::Mask::from_environment().text(text));
    let reply = Reply { granted: !args.refuse, by, roles, at, evidence };
    Inbox::of(&summary.path).answer(&args.step, number, &reply)?;
    let word = if args.refuse { "refused" } else { "granted" };
    let then = if is_live(&summary) {
        "the run takes note of it".to_owned()
    } else {
        format!("go on with `platformctl runbook resume {short}`")
    };
    Ok(Said {
        value: json!({ "run": summary.run, "step": args.step, "reply": reply }),
        text: format!("step {} is {word} by {}; {then}", args.step, reply.by),
    })
}

pub(super) async fn abort(ctx: &Ctx, args: &AbortArgs) -> Result<Said> {
    let summary = told::find(ctx, &args.run)?;
    let run = &summary.run;
    let told = Abandon { by: whoami(), reason: args.reason.clone(), undo: args.undo };
    let value = json!({ "run": run, "abort": told });
    if is_live(&summary) {
        Inbox::of(&summary.path).abandon(&told)?;
        return Ok(Said { value, text: format!("run {run} ends after the step it is in") });
    }
    told::refuse_ended(&summary)?;
    let ctx = ctx.with_global(ctx.global.acting_in(kept(&summary)?.scope));
    let settings = ctx.settings()?;
    let kept = told::arguments_of(&summary)?;
    // What is undone is what was done, whatever the file says now.
    let loaded = reload(&settings, &kept.begun, !args.undo, run)?;
    let locks: &[String] = if args.undo { &loaded.runbook.locks } else { &[] };
    let session = Session::resume(&ctx, &settings, locks, &summary).await?;
    let journal = Some(summary.path.clone());
    let hands = Hands::new(&ctx, Some(&settings), journal, kept.wait);
    let scope =
        scope(&settings, &kept.begun, run, summary.start.reason.as_deref(), &summary.start.by);
    let history = session.history.clone();
    let engine =
        Run::new(&loaded, &hands, &session.journal, (&ctx.events, &session.cancel), scope, history);
    let ended: Result<()> = match Box::pin(engine.give_up(&told)).await {
        Ok(error) => Err(error),
        Err(error) => Err(Error::new(Kind::Partial, format!("not everything was undone: {error}"))),
    };
    let aborted = ended.as_ref().is_err_and(|error| error.kind() != Kind::Partial);
    match session.end(&ctx, &settings, ended).await {
        Err(error) if !aborted => Err(error),
        _ => {
            let undone = if args.undo { ", and what was done is undone" } else { "" };
            Ok(Said { value, text: format!("run {run} is aborted{undone}") })
        }
    }
}

impl Report for Said {
    fn value(&self) -> Value {
        self.value.clone()
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.text.clone())]
    }
}
