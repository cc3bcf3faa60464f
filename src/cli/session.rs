//! A run that changes something: locked, journaled, and resumable.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Ctx;
use super::context::{Connection, whoami};
use super::global::Scope;
use super::leases;
use crate::aws::Identity;
use crate::config::{Config, Settings};
use crate::deploy;
use crate::error::{Context as _, Error, Kind, Result};
use crate::journal::{self, Entry, Journal, Mask, RunStart, RunState, RunSummary};
use crate::lock::protocol::{Failure, Held};
use crate::lock::{Backend, Fence, Lease, LocalHolder, LocalLock, busy, explained};
use crate::signal::Cancel;

/// A run under way. Ends with [`Session::finish`].
#[derive(Debug)]
pub(in crate::cli) struct Session {
    pub journal: Arc<Journal>,
    /// Steps that an earlier attempt of the same run finished.
    pub done: Vec<String>,
    /// `None`: nothing will be changed.
    lock: Option<LocalLock>,
    /// What keeps other machines out, where there is a place for it.
    lease: Option<Lease>,
    /// Whether `resume` can go on with it.
    resumable: bool,
    /// Raised when the user wants to stop, and when the lease is lost.
    cancel: Option<Cancel>,
}

/// What a journal says of a run that only the lock file of its machine guards.
const NO_TABLE: &str = "there is no table of locks yet: other machines are not kept out";

/// What `resume` needs, as the journal keeps it.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(super) struct Kept {
    pub scope: Scope,
    pub args: Value,
    /// The step of a runbook that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// A step of a runbook's run, of which another run is part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Parent {
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
}

/// What a session is for.
pub(super) struct Purpose<'a> {
    pub verb: &'static str,
    pub args: Value,
    pub reason: Option<String>,
    pub settings: &'a Settings,
    /// None: the work needs no account, such as that of the platform's API.
    pub identity: Option<&'a Identity>,
    /// What of the environment is changed, when that is not all of it, such as
    /// `tenant-acme`: others may change the rest meanwhile.
    pub part: Option<String>,
    /// The run to go on with.
    pub resumed: Option<&'a RunSummary>,
}

impl Session {
    /// Takes the environment's lock and begins the journal, or goes on with one.
    pub(super) fn begin(ctx: &Ctx, purpose: Purpose<'_>) -> Result<Self> {
        let Purpose { verb, args, reason, settings, identity, part, resumed } = purpose;
        if let Some(run) = resumed {
            refuse_elsewhere(run, settings, identity)?;
        }
        let config = &settings.config;
        let by = whoami();
        let mask = Mask::from_environment();
        let account = identity.map(|identity| identity.account.as_str());
        let place = if settings.local { "local" } else { account.unwrap_or("api") };
        let part = part.map(|part| format!("-{part}")).unwrap_or_default();
        let Config { region, project, environment, .. } = config;
        let name = format!("{place}-{region}-{project}-{environment}{part}");
        let now = OffsetDateTime::now_utc().format(&Rfc3339).context("cannot format the time")?;
        let mut holder = LocalHolder {
            run: resumed.map(|run| run.run.clone()).unwrap_or_default(),
            verb: verb.to_owned(),
            by: by.clone(),
            since: now,
            pid: std::process::id(),
        };
        // Before anything is made in it: the folder is for this user only.
        ctx.paths.make_state()?;
        let locks = ctx.paths.state.join("locks");
        let lock = LocalLock::acquire(&locks, &name, &holder)?;
        let (journal, done) = match resumed {
            Some(run) => (Journal::resume(&run.path, mask, &by)?.0, run.finished_steps.clone()),
            None => {
                let scope = ctx.global.scope(settings.file());
                let kept = Kept { scope, args, parent: ctx.parent.clone() };
                let start = RunStart {
                    verb: verb.to_owned(),
                    arguments: serde_json::to_value(kept)
                        .context("cannot serialize the arguments")?,
                    account: account.map(str::to_owned),
                    region: config.region.clone(),
                    project: config.project.clone(),
                    environment: config.environment.clone(),
                    local: settings.local,
                    by,
                    reason,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                };
                (Journal::begin(&ctx.runs(), mask, start)?, Vec::new())
            }
        };
        // Now the run has a name: whoever waits is told.
        journal.run().as_str().clone_into(&mut holder.run);
        lock.describe(&holder)?;
        Ok(Self {
            journal: Arc::new(journal),
            done,
            lock: Some(lock),
            resumable: is_resumable(verb),
            lease: None,
            cancel: None,
        })
    }

    /// As [`Session::begin`], for what changes the environment: other machines are kept out
    /// too, by a lease. Before the platform is deployed for the first time there is no
    /// table for it, and the lock of this machine does alone.
    pub(super) async fn begin_alone(
        ctx: &Ctx,
        connection: &Connection,
        purpose: Purpose<'_>,
    ) -> Result<Self> {
        let Purpose { verb, settings, .. } = purpose;
        let reason = purpose.reason.clone();
        let mut session = Self::begin(ctx, purpose)?;
        let taken = session.keep_others_out(ctx, connection, settings, verb, reason).await;
        match taken {
            Ok(()) => Ok(session),
            Err(error) => session.finish(Err(error)),
        }
    }

    async fn keep_others_out(
        &mut self,
        ctx: &Ctx,
        connection: &Connection,
        settings: &Settings,
        verb: &str,
        reason: Option<String>,
    ) -> Result<()> {
        let backend = leases::backend(settings, connection)?;
        if !leases::are_kept(&backend, settings, connection).await? {
            return self.journal.write(Entry::Note { text: NO_TABLE.to_owned() });
        }
        let run = self.journal.run();
        let wanted = leases::Wanted::environment(settings, verb, reason.as_deref())?;
        let taken = tokio::select! {
            taken = leases::take(ctx, &backend, wanted, run) => taken,
            () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
        };
        let text = match taken {
            Ok(held) => {
                let text = format!("the lock deploy is held with token {}", held.token());
                self.keep(ctx, backend, held, "the environment");
                text
            }
            Err(Failure::Missing(_)) if matches!(backend, Backend::DynamoDb(_)) => {
                NO_TABLE.to_owned()
            }
            Err(Failure::Busy(record)) => {
                return Err(busy("the environment", &record).hint(
                    "if its machine is gone: `platformctl lock break --if-dead --reason TEXT`",
                ));
            }
            Err(failure) => return Err(explained("the environment", failure)),
        };
        self.journal.write(Entry::Note { text })
    }

    /// Keeps a lease for as long as the session lasts.
    pub(super) fn keep(&mut self, ctx: &Ctx, backend: Backend, held: Held, what: &str) {
        let (canceller, cancel) = ctx.cancel.child();
        self.lease = Some(Lease::keep(backend, held, what, canceller));
        self.cancel = Some(cancel);
    }

    /// The lease, where there is one.
    pub(super) fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// What proves that the lease is still held.
    pub(super) fn fence(&self) -> Option<Fence> {
        self.lease.as_ref().map(Lease::fence)
    }

    /// The context of the work: it is to stop when the lease is lost, too.
    pub(super) fn guarded(&self, ctx: &Ctx) -> Ctx {
        let cancel = self.cancel.as_ref().unwrap_or(&ctx.cancel).clone();
        Ctx { cancel, ..ctx.clone() }
    }

    /// A session that changes nothing: without lock and journal.
    pub(super) fn dry() -> Self {
        let journal = Journal::unrecorded(Mask::from_environment());
        Self {
            journal: Arc::new(journal),
            done: Vec::new(),
            lock: None,
            resumable: false,
            lease: None,
            cancel: None,
        }
    }

    /// [`finish`](Self::finish), and a copy of the journal in the audit bucket. That the
    /// copy failed is said, and is no failure of the run.
    pub(super) async fn end<T>(
        &self,
        ctx: &Ctx,
        settings: &Settings,
        connection: impl Into<Option<&Connection>>,
        result: Result<T>,
    ) -> Result<T> {
        self.end_as(ctx, settings, connection, result, |_| crate::error::exit::OK).await
    }

    /// As [`end`](Self::end), for a run whose success has an exit code of its own.
    pub(super) async fn end_as<T>(
        &self,
        ctx: &Ctx,
        settings: &Settings,
        connection: impl Into<Option<&Connection>>,
        result: Result<T>,
        code: impl FnOnce(&T) -> u8,
    ) -> Result<T> {
        let result = self.finish_as(result, code);
        if let Some(lease) = &self.lease
            && let Err(error) = lease.release().await
        {
            ctx.events.warn(format!("the lock was not given back: {error}; it runs out by itself"));
        }
        let (Some(connection), Some(_)) = (connection.into(), &self.lock) else { return result };
        let bucket =
            deploy::audit_bucket(&settings.config.spec().naming(), &connection.identity.account);
        let (path, run) = (self.journal.path(), self.journal.run().as_str());
        let kept = deploy::keep_journal(connection.aws.home(), &bucket, path, run);
        if let Err(error) = Box::pin(kept).await {
            ctx.events.warn(format!("the journal was not copied to the audit bucket: {error}"));
        }
        result
    }

    /// Records how the run ended, and adds to its error how to go on.
    fn finish<T>(&self, result: Result<T>) -> Result<T> {
        self.finish_as(result, |_| crate::error::exit::OK)
    }

    fn finish_as<T>(&self, result: Result<T>, code: impl FnOnce(&T) -> u8) -> Result<T> {
        if self.lock.is_none() {
            return result;
        }
        let (exit_code, error) = match &result {
            Ok(done) => (code(done), None),
            Err(error) => (error.exit_code(), Some(error.to_string())),
        };
        self.journal.write(Entry::RunFinished { exit_code, error })?;
        let run = self.journal.run().short();
        result.map_err(|error| match error.kind() {
            Kind::Usage | Kind::Policy | Kind::Locked => error,
            _ if !self.resumable => error,
            _ => error
                .hint(format!("go on with `platformctl resume {run}`; `platformctl events {run}` shows what was done")),
        })
    }
}

/// Whether `resume` can go on with runs of a verb. Those that take, give back or break a
/// lock are begun again instead.
fn is_resumable(verb: &str) -> bool {
    !verb.starts_with("lock ") && !verb.starts_with("ops failover-lock-")
}

/// Refuses to go on with a run anywhere but where it began: the shell's environment
/// or platform.yaml may have changed since.
pub(super) fn refuse_elsewhere(
    run: &RunSummary,
    settings: &Settings,
    identity: Option<&Identity>,
) -> Result<()> {
    let (start, config) = (&run.start, &settings.config);
    let here = identity.map(|identity| identity.account.as_str());
    let there = start.account.as_deref().or(here).unwrap_or_default();
    let places = [
        ("account", there, here.unwrap_or(there)),
        ("region", &start.region, &config.region),
        ("project", &start.project, &config.project),
        ("environment", &start.environment, &config.environment),
    ];
    match places.iter().find(|(_, there, here)| there != here) {
        None => Ok(()),
        Some((what, there, here)) => {
            Err(Error::usage(format!("run {} acts in {what} {there}, not {here}", run.run))
                .hint("resume it with the credentials, AWS_REGION and platform.yaml it began with"))
        }
    }
}

/// Says on stderr which earlier runs of this environment crashed, and what to do.
pub(super) fn notice_crashed(
    ctx: &Ctx,
    settings: &Settings,
    account: &str,
    except: Option<&str>,
) -> Result<()> {
    for run in crashed(ctx, settings, account)? {
        if Some(run.run.as_str()) != except {
            let step =
                run.open_step.as_deref().map(|step| format!(" during {step}")).unwrap_or_default();
            ctx.events.warn(format!(
                "run {} ({}) was cut off{step}: `platformctl resume {}` goes on with it",
                run.run,
                run.start.verb,
                run.run.rsplit('-').next().unwrap_or(&run.run)
            ));
        }
    }
    Ok(())
}

/// Runs of this environment that were cut off and not superseded by a later one of
/// the same verb that succeeded, newest first.
pub(super) fn crashed(ctx: &Ctx, settings: &Settings, account: &str) -> Result<Vec<RunSummary>> {
    let config = &settings.config;
    let mut succeeded: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for run in journal::list(&ctx.runs())? {
        let start = &run.start;
        let same = start.project == config.project
            && start.environment == config.environment
            && start.region == config.region
            && start.local == settings.local
            && start.account.as_deref() == Some(account);
        if !same {
            continue;
        }
        match run.state {
            RunState::Succeeded => succeeded.push(start.verb.clone()),
            RunState::Crashed if !is_resumable(&start.verb) => {}
            RunState::Crashed if !succeeded.contains(&start.verb) => found.push(run),
            _ => {}
        }
    }
    Ok(found)
}

/// The verb's arguments out of a journal.
pub(super) fn kept(run: &RunSummary) -> Result<Kept> {
    serde_json::from_value(run.start.arguments.clone()).map_err(|error| {
        Error::failed(format!("run {} was recorded by another version of platformctl", run.run))
            .caused_by(error)
            .hint(format!("run `platformctl {}` again instead", run.start.verb))
    })
}

/// The platform.yaml that a run used.
pub(super) fn config_of(run: &RunSummary) -> Option<PathBuf> {
    kept(run).ok().and_then(|kept| kept.scope.into_config())
}

/// Arguments for the journal.
pub(super) fn arguments(args: &impl Serialize) -> Value {
    serde_json::to_value(args).unwrap_or_else(|_| json!({}))
}
