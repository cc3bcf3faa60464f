//! `lock`: the lock of the environment, seen and freed.

use clap::{Args, Subcommand};
use runtime_core::model::{LockName, OpsLock};
use serde::Serialize;
use serde_json::{Value, json};

use super::Ctx;
use super::context::Connection;
use super::leases::{self, DEPLOY};
use super::session::{Purpose, Session, arguments};
use crate::config::Settings;
use crate::error::{Error, Kind, Result};
use crate::lock::protocol::{self, Failure, KnownDead, lease_of};
use crate::lock::{
    Backend, Identity, LeaseStore as _, StoreError, System, explained, holder_lines,
};
use crate::ui::{Block, Report};

/// See who keeps the environment locked, and free it from the dead
///
/// Whatever changes the environment takes its lock, so that no other machine does at the
/// same time. It is renewed while the work goes on, given back at its end, and runs out
/// when its holder is gone.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl lock show\n  platformctl lock break --if-dead --reason 'ci-runner-7 is gone'"
)]
pub enum LockVerb {
    /// Show who holds a lock, since when, and what for
    #[command(
        after_help = "Examples:\n  platformctl lock show\n  platformctl lock show runtime-region -o json"
    )]
    Show {
        /// Which lock: deploy or runtime-region
        #[arg(value_name = "LOCK", default_value = DEPLOY)]
        lock: LockName,
    },
    Break(BreakArgs),
}

/// Take a lock away from a holder that is dead
///
/// Watches the lock for as long as it may go without being renewed, by this machine's
/// clock. It is left alone if its holder gives a sign of life. A run that was only held up
/// notices before its next change that the lock is no longer its own.
#[derive(Debug, Clone, Args, Serialize)]
#[command(
    after_help = "Examples:\n  platformctl lock break --if-dead --reason 'ci-runner-7 is gone'\n  platformctl lock break runtime-region --if-dead --reason 'laptop lost' --yes"
)]
pub struct BreakArgs {
    /// Which lock: deploy or runtime-region
    #[arg(value_name = "LOCK", default_value = DEPLOY)]
    lock: LockName,
    /// Only if nothing is heard of the holder for a whole lease; there is no other way
    #[arg(long, required = true)]
    if_dead: bool,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Show who would lose it and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs `lock`.
pub async fn run(ctx: &Ctx, verb: LockVerb) -> Result<Box<dyn Report>> {
    Ok(match verb {
        LockVerb::Show { lock } => Box::new(show(ctx, lock).await?),
        LockVerb::Break(args) => Box::new(free(ctx, args).await?),
    })
}

/// A lock as it is.
#[derive(Debug)]
pub(super) struct LockReport {
    lock: LockName,
    place: String,
    record: Option<OpsLock>,
}

/// Reads a lock.
pub(super) async fn show(ctx: &Ctx, lock: LockName) -> Result<LockReport> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    let record = read(&backend, &lock).await?;
    Ok(LockReport { lock, place: backend.place(), record })
}

/// Reads a lock's record; no table has none.
pub(super) async fn read(backend: &Backend, lock: &LockName) -> Result<Option<OpsLock>> {
    match backend.read(lock).await {
        Ok(seen) => Ok(seen.map(|seen| seen.record)),
        Err(StoreError::Missing(_)) if matches!(backend, Backend::DynamoDb(_)) => Ok(None),
        Err(error) => Err(error.into_error()),
    }
}

/// A record for programs.
pub(super) fn value(lock: &LockName, place: &str, record: Option<&OpsLock>) -> Value {
    let holder = record.and_then(|record| record.holder.as_ref());
    json!({
        "lock": lock.as_str(),
        "place": place,
        "held": holder.is_some(),
        "holder": holder,
        // Not called a token: those are kept secret wherever they are shown.
        "fence": record.map(|record| record.token),
        "lease_seconds": record.map(|record| record.lease_seconds),
        "renewed": record.map(|record| record.renewed),
        "acquired_at": record.map(|record| record.acquired_at),
        "written_at": record.map(|record| record.written_at),
        "guarded": record.and_then(|record| record.guarded.as_ref()).map(|guarded| json!({
            "value": guarded.value,
            "fence": guarded.token,
            "previous": guarded.previous,
            "set_at": guarded.set_at,
        })),
    })
}

impl Report for LockReport {
    fn value(&self) -> Value {
        value(&self.lock, &self.place, self.record.as_ref())
    }

    fn blocks(&self) -> Vec<Block> {
        let Self { lock, place, record } = self;
        let Some(record) = record else {
            return vec![Block::Text(format!("the lock {lock} was never taken ({place})"))];
        };
        if record.holder.is_none() {
            let text = format!("the lock {lock} is free ({place}); last token {}", record.token);
            return vec![Block::Text(text)];
        }
        let mut lines = vec![format!("the lock {lock} is held with token {}", record.token)];
        lines.extend(holder_lines(record).into_iter().map(|line| format!("  {line}")));
        lines.push(format!("  lease  {} s, {place}", record.lease_seconds));
        vec![Block::Text(lines.join("\n"))]
    }
}

/// What came of breaking a lock.
#[derive(Debug)]
struct Broken {
    lock: LockName,
    dry_run: bool,
    record: Option<OpsLock>,
    run: Option<String>,
}

async fn free(ctx: &Ctx, args: BreakArgs) -> Result<Broken> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    let lock = args.lock.clone();
    let dry_run = args.dry_run;
    let record = read(&backend, &lock).await?.filter(|record| record.holder.is_some());
    let Some(record) = record.filter(|_| !dry_run) else {
        let record = if dry_run { read(&backend, &lock).await? } else { None };
        return Ok(Broken { lock, dry_run, record, run: None });
    };
    ctx.show_place(&settings, &connection.identity.account);
    for line in holder_lines(&record) {
        ctx.ui.status(&line);
    }
    if !args.yes && !ctx.ui.confirm(&format!("Take the lock {lock} away, if nothing is heard?"))? {
        return Err(Error::new(Kind::Usage, "not confirmed; the lock was left alone"));
    }
    let session = begin(ctx, &settings, &connection, &args)?;
    let known_dead = leases::known_dead(ctx.runs(), &Identity::from_env(), None);
    let patience = humantime::format_duration(lease_of(&record));
    ctx.events.info(format!("watching the lock {lock} for up to {patience}"));
    let detail = json!({ "fence": record.token, "holder": record.holder });
    let work = Box::pin(session.journal.mutate(
        "lock:Break",
        lock.as_str(),
        detail,
        broken(ctx, &backend, &lock, &known_dead),
    ));
    let result = session.end(ctx, &settings, &connection, work.await).await?;
    let run = Some(session.journal.run().short().to_owned());
    Ok(Broken { lock, dry_run, record: result, run })
}

fn begin(
    ctx: &Ctx,
    settings: &Settings,
    connection: &Connection,
    args: &BreakArgs,
) -> Result<Session> {
    Session::begin(
        ctx,
        Purpose {
            verb: "lock break",
            args: arguments(args),
            reason: args.reason.clone(),
            settings,
            identity: Some(&connection.identity),
            // Whoever holds the lock is not in the way of taking it away.
            part: Some(format!("lock-{}", args.lock.as_str().replace('/', "-"))),
            resumed: None,
        },
    )
}

async fn broken(
    ctx: &Ctx,
    backend: &Backend,
    lock: &LockName,
    known_dead: &KnownDead,
) -> Result<Option<OpsLock>> {
    let machine = System;
    let watched = protocol::break_dead(backend, &machine, lock, known_dead);
    let watched = tokio::select! {
        watched = watched => watched,
        () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
    };
    watched.map_err(|failure| match failure {
        Failure::Busy(record) => {
            Error::new(Kind::Locked, format!("the holder of the lock {lock} is alive"))
                .caused_by(holder_lines(&record).join("\n"))
                .hint("wait for it, or stop it where it runs")
        }
        failure => explained(&format!("the lock {lock}"), failure),
    })
}

impl Report for Broken {
    fn value(&self) -> Value {
        let holder = self.record.as_ref().and_then(|record| record.holder.as_ref());
        json!({
            "lock": self.lock.as_str(),
            "dry_run": self.dry_run,
            "broken": !self.dry_run && holder.is_some(),
            "holder": holder,
            "fence": self.record.as_ref().map(|record| record.token),
            "run": self.run,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let lock = &self.lock;
        let held = self.record.as_ref().filter(|record| record.holder.is_some());
        let text = match held {
            None => format!("nobody holds the lock {lock}; there is nothing to break"),
            Some(record) => {
                let what = if self.dry_run { "would be watched, and taken" } else { "was taken" };
                format!("the lock {lock} {what} away from\n  {}", holder_lines(record).join("\n  "))
            }
        };
        vec![Block::Text(text)]
    }
}
