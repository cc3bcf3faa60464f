//! Carries the steps of runbooks out: verbs run in this process, with the arguments that the
//! command line would take.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use clap::Parser as _;
use reqwest::Method;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::OnceCell;

use super::argv;
use super::desk::Desk;
use super::inbox::Inbox;
use super::who::somebody;
use crate::cli::context::whoami;
use crate::cli::session::Parent;
use crate::cli::{Cli, Ctx, resume, verb};
use crate::config::Settings;
use crate::error::{Context as _, Error, Kind, Result, exit};
use crate::http::Http;
use crate::journal::{self, RunState, RunSummary};
use crate::runbook::{Abandon, Call, Performed, Performer, Prepared, Reply, Request, Work};
use crate::ui::Report;

/// How long a request may take, and the largest answer in bytes.
const PATIENCE: Duration = Duration::from_secs(35);
const LARGEST: usize = 256 << 10;

/// How often it is looked whether somebody answered.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks between two at the API.
const EVERY: u32 = 5;

/// Lines of a failed verb's report that are shown with the error.
const LINES: usize = 12;

/// A verb at work.
type Reported<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Report>>> + 'a>>;

/// The command line, as whoever carries runbooks out.
pub(super) struct Hands<'a> {
    pub ctx: &'a Ctx,
    pub settings: Option<&'a Settings>,
    /// The run's journal; none: nothing is recorded.
    pub journal: Option<PathBuf>,
    /// Whether to wait for people that do not sit here.
    pub wait: bool,
    /// Where the platform's API is asked for answers, once it was looked for.
    pub desk: OnceCell<Option<Desk>>,
}

impl<'a> Hands<'a> {
    /// For a run with this journal.
    pub(super) fn new(
        ctx: &'a Ctx,
        settings: Option<&'a Settings>,
        journal: Option<PathBuf>,
        wait: bool,
    ) -> Self {
        Self { ctx, settings, journal, wait, desk: OnceCell::new() }
    }
}

impl Hands<'_> {
    /// To prove verbs, and nothing else.
    pub(super) fn to_prove(ctx: &Ctx) -> Hands<'_> {
        Hands::new(ctx, None, None, false)
    }

    fn inbox(&self) -> Option<Inbox> {
        self.journal.as_deref().map(Inbox::of)
    }

    async fn verb(&self, path: &str, arguments: &[String], call: &Call<'_>) -> Result<Performed> {
        let parent = call.run.map(|run| Parent { run: run.to_owned(), step: call.step.to_owned() });
        let mut ctx = self.ctx.within(parent.clone());
        ctx.cancel = call.cancel.clone();
        let child = if call.begun { self.child(parent.as_ref())? } else { None };
        if let Some(child) = &child
            && child.state == RunState::Succeeded
        {
            // Done, and cut off before that was recorded here. What it reported is gone.
            let output = json!({ "run": child.run, "recovered": true });
            return Ok(Performed { output, run: Some(child.run.clone()) });
        }
        if let Some(child) = child
            && child.resumable()
        {
            let text = format!("going on with run {}, which step {} began", child.run, call.step);
            ctx.events.info(text);
            let resumed: Reported<'_> = Box::pin(resume::go_on(&ctx, &child, true));
            return self.performed(path, resumed.await?.as_ref(), parent.as_ref());
        }
        let line = argv::line(path, arguments, call.rehearse);
        let parsed = Cli::try_parse_from(line)
            .map_err(|error| Error::usage(format!("`platformctl {path}`")).caused_by(error))?;
        // A verb may be a runbook's that may be a verb's: the type ends here.
        let run: Reported<'_> = Box::pin(verb::run(&ctx, parsed.verb));
        self.performed(path, run.await?.as_ref(), parent.as_ref())
    }

    fn performed(
        &self,
        path: &str,
        report: &dyn Report,
        parent: Option<&Parent>,
    ) -> Result<Performed> {
        let code = report.exit_code();
        if code != exit::OK {
            let text = crate::ui::text(&report.blocks());
            let lines: Vec<&str> = text.lines().take(LINES).collect();
            let kind = match code {
                exit::POLICY => Kind::Policy,
                exit::WAITING => Kind::Waiting,
                _ => Kind::Failed,
            };
            let message = format!("`platformctl {path}` ended with exit code {code}");
            return Err(Error::new(kind, message).caused_by(lines.join("\n")));
        }
        let run = self.child(parent)?.map(|child| child.run);
        Ok(Performed { output: report.value(), run })
    }

    /// The newest run that a step began.
    fn child(&self, parent: Option<&Parent>) -> Result<Option<RunSummary>> {
        let Some(parent) = parent else { return Ok(None) };
        let of = |run: &RunSummary| {
            crate::cli::session::kept(run).is_ok_and(|it| it.parent.as_ref() == Some(parent))
        };
        Ok(journal::list(&self.ctx.runs())?.into_iter().find(of))
    }

    async fn http(&self, asked: &crate::runbook::HttpRequest) -> Result<Performed> {
        let url = crate::http::address(&asked.url, "the url of a request")?;
        let method = serde_json::to_value(asked.method).context("cannot read the method")?;
        let method: Method =
            method.as_str().unwrap_or("GET").parse().context("cannot read the method")?;
        let http = Http::bounded(PATIENCE, LARGEST);
        let mut request = http.request(method, url)?;
        for (name, value) in &asked.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &asked.body {
            let body = serde_json::to_vec(body).context("cannot write the body")?;
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = http.send(request).await?;
        let headers: Map<String, Value> = answer
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
            .collect();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let status = answer.status;
        let expected = if asked.expect.is_empty() {
            (200..300).contains(&status)
        } else {
            asked.expect.contains(&status)
        };
        let output = json!({ "status": status, "headers": headers, "body": body });
        if expected {
            return Ok(Performed { output, run: None });
        }
        let shown: String = output["body"].to_string().chars().take(400).collect();
        Err(Error::failed(format!("{} answered {status}", asked.url)).caused_by(shown))
    }

    /// Asks whoever sits here.
    async fn here(&self, request: &Request) -> Result<Reply> {
        let ctx = self.ctx;
        let (by, roles) = self.somebody().await?;
        if !request.text.trim().is_empty() {
            ctx.ui.must_see(&format!("\n{}\n", request.text.trim()));
        }
        let (granted, evidence) = match &request.evidence {
            Some(what) => {
                let said = ctx.ui.ask(&format!("{}: {what}", request.step), "")?;
                (!said.trim().is_empty(), Some(said))
            }
            None => {
                let from = request.from.join(" or ");
                let question = format!("Approve step {} as {by} (needs {from})?", request.step);
                (ctx.ui.confirm(&question)?, None)
            }
        };
        Ok(Reply { granted, by, roles, at: now()?, evidence })
    }

    /// The API, where it can be reached.
    async fn desk(&self) -> Option<&Desk> {
        let settings = self.settings?;
        self.desk.get_or_init(|| Desk::find(self.ctx, settings)).await.as_ref()
    }

    async fn somebody(&self) -> Result<(String, Vec<String>)> {
        match self.settings {
            Some(settings) => somebody(self.ctx, settings).await,
            None => Ok((whoami(), Vec::new())),
        }
    }
}

/// Now, as journals write it.
pub(super) fn now() -> Result<String> {
    OffsetDateTime::now_utc().format(&Rfc3339).context("cannot format the time")
}

impl Performer for Hands<'_> {
    fn prepare(&self, path: &str, arguments: &Value) -> Result<Prepared> {
        argv::prepare(path, arguments)
    }

    async fn perform(&self, work: &Work, call: &Call<'_>) -> Result<Performed> {
        match work {
            Work::Verb { path, arguments, .. } => self.verb(path, arguments, call).await,
            Work::Http(http) => tokio::select! {
                done = self.http(http) => done,
                () = call.cancel.cancelled() => Err(call.cancel.error()),
            },
        }
    }

    async fn ask(&self, request: &Request) -> Result<Option<Reply>> {
        let Some(inbox) = self.inbox() else { return Ok(None) };
        let until = request.until.as_deref();
        let until = until.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let late = || until.is_some_and(|until| OffsetDateTime::now_utc() >= until);
        let mut turn: u32 = 0;
        loop {
            if let Some(reply) = inbox.answered(&request.step, request.number)? {
                return Ok(Some(reply));
            }
            if late() {
                return Ok(None);
            }
            // Whoever sits here runs it, mostly, and then may not always answer.
            if self.ctx.ui.can_ask() && !(request.four_eyes && request.is_by(&whoami())) {
                return self.here(request).await.map(Some);
            }
            if turn.is_multiple_of(EVERY)
                && let Some(desk) = self.desk().await
                && let Some(reply) = desk.answered(self.ctx, request).await
            {
                return Ok(Some(reply));
            }
            turn += 1;
            if !self.wait {
                return Ok(None);
            }
            if inbox.abandoned()?.is_some() {
                return Ok(None);
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.ctx.cancel.cancelled() => return Err(self.ctx.cancel.error()),
            }
        }
    }

    async fn again(&self, step: &str, what: &str) -> Result<Option<bool>> {
        if !self.ctx.ui.can_ask() {
            return Ok(None);
        }
        self.ctx.ui.must_see(&format!("step {step} was interrupted: {what}"));
        let again = self.ctx.ui.confirm("Nobody can tell whether it was done. Do it again?")?;
        if again {
            return Ok(Some(true));
        }
        let done = self.ctx.ui.confirm("Take it for done?")?;
        Ok(done.then_some(false))
    }

    async fn abandoned(&self) -> Result<Option<Abandon>> {
        self.inbox().map_or(Ok(None), |inbox| inbox.abandoned())
    }

    fn say(&self, line: &str) {
        self.ctx.ui.status(line);
    }
}

/// A run that is under way can be told something, and nothing else.
pub(super) fn is_live(run: &RunSummary) -> bool {
    run.state == RunState::Running
}
