//! The run of a runbook: its journal, and the locks that it names. The environment's lock is
//! taken by the verbs that change it, each for its own time.

use serde::{Deserialize, Serialize};

use crate::cli::Ctx;
use crate::cli::context::whoami;
use crate::cli::session::{Kept, arguments, refuse_elsewhere};
use crate::config::{Config, Settings};
use crate::deploy;
use crate::error::{Context as _, Kind, Result};
use crate::journal::{Entry, Journal, Mask, RunStart, RunSummary};
use crate::local;
use crate::lock::{LocalHolder, LocalLock};
use crate::runbook::History;
use crate::runbook::report::Begun;

/// What a run of a runbook keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Arguments {
    pub begun: Begun,
    /// Whether it waits for people that do not sit here.
    #[serde(default)]
    pub wait: bool,
}

/// A run under way.
pub(super) struct Session {
    pub journal: Journal,
    pub history: History,
    _locks: Vec<LocalLock>,
}

impl Session {
    /// Begins a run.
    pub(super) fn begin(
        ctx: &Ctx,
        settings: &Settings,
        locks: &[String],
        args: &Arguments,
        reason: Option<String>,
    ) -> Result<Self> {
        let by = whoami();
        let verb = format!("runbook {}", args.begun.id);
        let mut held = take(ctx, settings, locks, &verb, "")?;
        let Config { region, project, environment, .. } = &settings.config;
        let scope = ctx.global.scope(settings.file());
        let kept = Kept { scope, args: arguments(args), parent: None };
        let start = RunStart {
            verb: verb.clone(),
            arguments: serde_json::to_value(kept).context("cannot serialize the arguments")?,
            account: account(settings),
            region: region.clone(),
            project: project.clone(),
            environment: environment.clone(),
            local: settings.local,
            by,
            reason,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        ctx.paths.make_state()?;
        let journal = Journal::begin(&ctx.runs(), Mask::from_environment(), start)?;
        // Now the run has a name: whoever waits is told.
        let run = journal.run().as_str().to_owned();
        describe(&mut held, &verb, &run)?;
        Ok(Self { journal, history: History::default(), _locks: held })
    }

    /// Goes on with a run.
    pub(super) fn resume(
        ctx: &Ctx,
        settings: &Settings,
        locks: &[String],
        run: &RunSummary,
    ) -> Result<Self> {
        refuse_elsewhere(run, settings, None)?;
        let held = take(ctx, settings, locks, &run.start.verb, &run.run)?;
        let (journal, records) = Journal::resume(&run.path, Mask::from_environment(), &whoami())?;
        Ok(Self { journal, history: History::of(&records), _locks: held })
    }

    /// Records how the run ended, and keeps a copy of its journal in the audit bucket. That
    /// the copy failed is said, and is no failure of the run.
    pub(super) async fn end<T>(
        &self,
        ctx: &Ctx,
        settings: &Settings,
        result: Result<T>,
    ) -> Result<T> {
        let (exit_code, error) = match &result {
            Ok(_) => (crate::error::exit::OK, None),
            Err(error) => (error.exit_code(), Some(error.to_string())),
        };
        self.journal.write(Entry::RunFinished { exit_code, error })?;
        if let Err(error) = Box::pin(self.copy(ctx, settings)).await {
            ctx.events.warn(format!("the journal was not copied to the audit bucket: {error}"));
        }
        let run = self.journal.run().short();
        result.map_err(|error| match error.kind() {
            Kind::Usage | Kind::Waiting | Kind::Locked => error,
            _ => error.hint(format!(
                "go on with `platformctl runbook resume {run}`, or give it up with `platformctl runbook abort {run}`"
            )),
        })
    }

    /// Nothing is started, and nobody asked for credentials, for the sake of a copy.
    async fn copy(&self, ctx: &Ctx, settings: &Settings) -> Result<()> {
        let elsewhere = crate::cli::admin::variable(crate::cli::admin::API_URL).is_some();
        let reachable = if settings.local {
            ctx.local_platform().status().await?.is_some()
        } else {
            !elsewhere
        };
        if !reachable {
            return Ok(());
        }
        let connection = ctx.connect(settings).await?;
        let account = &connection.identity.account;
        let bucket = deploy::audit_bucket(&settings.config.spec().naming(), account);
        let (path, run) = (self.journal.path(), self.journal.run().as_str());
        deploy::keep_journal(connection.aws.home(), &bucket, path, run).await.map(drop)
    }
}

fn account(settings: &Settings) -> Option<String> {
    if settings.local {
        return Some(local::ACCOUNT.to_owned());
    }
    settings.config.account.clone()
}

/// Takes locks by name, in their order: the one place that knows what they are made of.
fn take(
    ctx: &Ctx,
    settings: &Settings,
    names: &[String],
    verb: &str,
    run: &str,
) -> Result<Vec<LocalLock>> {
    let Config { region, project, environment, .. } = &settings.config;
    let account = account(settings).unwrap_or_else(|| "aws".to_owned());
    let place = if settings.local { "local" } else { &account };
    ctx.paths.make_state()?;
    let folder = ctx.paths.state.join("locks");
    let holder = holder(verb, run)?;
    let lock = |name: &String| {
        let name = format!("{place}-{region}-{project}-{environment}-{name}");
        LocalLock::acquire(&folder, &name, &holder)
    };
    names.iter().map(lock).collect()
}

fn describe(locks: &mut [LocalLock], verb: &str, run: &str) -> Result<()> {
    let holder = holder(verb, run)?;
    locks.iter().try_for_each(|lock| lock.describe(&holder))
}

fn holder(verb: &str, run: &str) -> Result<LocalHolder> {
    Ok(LocalHolder {
        run: run.to_owned(),
        verb: verb.to_owned(),
        by: whoami(),
        since: super::hands::now()?,
        pid: std::process::id(),
    })
}
