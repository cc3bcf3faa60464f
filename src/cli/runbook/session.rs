//! The run of a runbook: its journal, and the locks that it names. A lock by name is a lock
//! file, which keeps other runs of this machine out, and a fenced lease where there is a place
//! for leases, which keeps out those of other machines. The environment's lock is taken by the
//! verbs that change it, each for its own time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cli::Ctx;
use crate::cli::context::whoami;
use crate::cli::leases;
use crate::cli::session::{Kept, arguments, refuse_elsewhere};
use crate::config::{Config, Settings};
use crate::deploy;
use crate::error::{Context as _, Kind, Result};
use crate::journal::{Entry, Journal, Mask, RunStart, RunSummary};
use crate::local;
use crate::lock::protocol::Failure;
use crate::lock::{Lease, LocalHolder, LocalLock, busy, explained};
use crate::runbook::History;
use crate::runbook::report::Begun;
use crate::signal::Cancel;

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
    /// Raised when the user wants to stop, and when a lease is lost.
    pub cancel: Cancel,
    leases: Vec<Lease>,
    _locks: Vec<LocalLock>,
}

/// What the names of a runbook's leases begin with: those of verbs are others, which its steps
/// may take.
pub(super) const PREFIX: &str = "runbook/";

impl Session {
    /// Begins a run.
    pub(super) async fn begin(
        ctx: &Ctx,
        settings: &Settings,
        locks: &[String],
        args: &Arguments,
        reason: Option<String>,
    ) -> Result<Self> {
        let (by, told) = (whoami(), reason.clone());
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
        let session = Self {
            journal,
            history: History::default(),
            cancel: ctx.cancel.clone(),
            leases: Vec::new(),
            _locks: held,
        };
        session.keep_others_out(ctx, settings, locks, &verb, told.as_deref()).await
    }

    /// Goes on with a run.
    pub(super) async fn resume(
        ctx: &Ctx,
        settings: &Settings,
        locks: &[String],
        run: &RunSummary,
    ) -> Result<Self> {
        refuse_elsewhere(run, settings, None)?;
        let held = take(ctx, settings, locks, &run.start.verb, &run.run)?;
        let (journal, records) = Journal::resume(&run.path, Mask::from_environment(), &whoami())?;
        let session = Self {
            journal,
            history: History::of(&records),
            cancel: ctx.cancel.clone(),
            leases: Vec::new(),
            _locks: held,
        };
        let reason = run.start.reason.as_deref();
        session.keep_others_out(ctx, settings, locks, &run.start.verb, reason).await
    }

    /// Takes a lease for each lock, where there is a place for leases. A run that cannot have
    /// one is over before its first step.
    async fn keep_others_out(
        mut self,
        ctx: &Ctx,
        settings: &Settings,
        locks: &[String],
        verb: &str,
        reason: Option<&str>,
    ) -> Result<Self> {
        match self.take_leases(ctx, settings, locks, verb, reason).await {
            Ok(()) => Ok(self),
            Err(error) => {
                let text = Some(error.to_string());
                self.journal
                    .write(Entry::RunFinished { exit_code: error.exit_code(), error: text })?;
                self.give_back(ctx).await;
                Err(error)
            }
        }
    }

    async fn take_leases(
        &mut self,
        ctx: &Ctx,
        settings: &Settings,
        locks: &[String],
        verb: &str,
        reason: Option<&str>,
    ) -> Result<()> {
        if locks.is_empty() || !reachable(ctx, settings).await? {
            return Ok(());
        }
        let connection = ctx.connect(settings).await?;
        let backend = leases::backend(settings, &connection)?;
        if !leases::are_kept(&backend, settings, &connection).await? {
            let text = "there is no table of locks yet: other machines are not kept out".to_owned();
            return self.journal.write(Entry::Note { text });
        }
        let (canceller, cancel) = ctx.cancel.child();
        self.cancel = cancel;
        // Always in the same order: two runs that want the same two locks do not wait for each
        // other, and one of them has both.
        let mut names: Vec<&String> = locks.iter().collect();
        names.sort_unstable();
        for name in names {
            let what = format!("the lock {name}");
            let wanted = leases::Wanted {
                name: leases::name(&format!("{PREFIX}{name}"))?,
                verb,
                reason,
                lease_seconds: settings.lock()?.lease_seconds,
                wait: Duration::ZERO,
            };
            let taken = tokio::select! {
                taken = leases::take(ctx, &backend, wanted, self.journal.run()) => taken,
                () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
            };
            let held = taken.map_err(|failure| match failure {
                Failure::Busy(record) => busy(&what, &record).hint(format!(
                    "if its machine is gone: `platformctl lock break {PREFIX}{name} --if-dead --reason TEXT`"
                )),
                failure => explained(&what, failure),
            })?;
            let text = format!("the lock {PREFIX}{name} is held with token {}", held.token());
            self.journal.write(Entry::Note { text })?;
            self.leases.push(Lease::keep(backend.clone(), held, what, canceller.clone()));
        }
        Ok(())
    }

    async fn give_back(&self, ctx: &Ctx) {
        for lease in &self.leases {
            if let Err(error) = lease.release().await {
                ctx.events
                    .warn(format!("a lock was not given back: {error}; it runs out by itself"));
            }
        }
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
        self.give_back(ctx).await;
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
        if !reachable(ctx, settings).await? {
            return Ok(());
        }
        let connection = ctx.connect(settings).await?;
        let account = &connection.identity.account;
        let bucket = deploy::audit_bucket(&settings.config.spec().naming(), account);
        let (path, run) = (self.journal.path(), self.journal.run().as_str());
        deploy::keep_journal(connection.aws.home(), &bucket, path, run).await.map(drop)
    }
}

/// Whether there is an account to be asked: a local platform that is up; elsewhere, one that
/// nobody replaced by the address of an API.
async fn reachable(ctx: &Ctx, settings: &Settings) -> Result<bool> {
    if settings.local {
        return Ok(ctx.local_platform().status().await?.is_some());
    }
    Ok(crate::cli::admin::variable(crate::cli::admin::API_URL).is_none())
}

fn account(settings: &Settings) -> Option<String> {
    if settings.local {
        return Some(local::ACCOUNT.to_owned());
    }
    settings.config.account.clone()
}

/// Takes lock files by name, in their order.
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
