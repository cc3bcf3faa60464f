//! The lock under which agents are moved to another region.

use std::time::Duration;

use clap::Args;
use runtime_core::model::{LockName, OpsLock};
use runtime_core::runtime_region::LOCK;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::Ctx;
use crate::cli::context::Connection;
use crate::cli::leases::{self, ACQUIRE, Wanted};
use crate::cli::lock::{LockReport, show, value};
use crate::cli::session::{Purpose, Session, arguments};
use crate::config::{LeaseTime, Settings};
use crate::error::Result;
use crate::journal::Entry;
use crate::lock::protocol::{self, Failure, Held};
use crate::lock::{Backend, System, busy, explained, holder_lines};
use crate::ui::{Block, Report};

/// What is locked, as errors name it.
pub(super) const WHAT: &str = "the runtime region";

/// Take the lock of the runtime region
///
/// It outlives this command: `ops set-runtime-region` on this machine uses it, and
/// `ops failover-lock-release` gives it back. Nobody renews it meanwhile, unless --hold:
/// then this command goes on until it is interrupted, and gives it back.
#[derive(Debug, Clone, Args, Serialize)]
#[command(
    after_help = "Examples:\n  platformctl ops failover-lock-acquire --reason 'eu-west-1 is down'\n  platformctl ops failover-lock-acquire --reason 'drill' --wait 5m --lease 30m\n  platformctl ops failover-lock-acquire --reason 'manual work' --hold"
)]
pub struct AcquireArgs {
    /// Why; kept in the journal, and shown to whoever wants the lock
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// How long to wait while somebody else has it, such as 5m; default: not at all
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// How long it lasts without a sign of life: 5s to 1h
    #[arg(long, value_name = "TIME", default_value = "10m")]
    lease: LeaseTime,
    /// Renew it until interrupted, and give it back then
    #[arg(long)]
    hold: bool,
    /// Show who has it and stop
    #[arg(long)]
    dry_run: bool,
}

/// Give the lock of the runtime region back
#[derive(Debug, Clone, Args, Serialize)]
#[command(
    after_help = "Examples:\n  platformctl ops failover-lock-release\n  platformctl ops failover-lock-release --token 12     taken on another machine"
)]
pub struct ReleaseArgs {
    /// The fencing token that `failover-lock-acquire` printed; default: that of this
    /// machine's last one
    #[arg(long, value_name = "N")]
    token: Option<u64>,
    /// Show who has it and stop
    #[arg(long)]
    dry_run: bool,
}

/// Show who holds the lock of the runtime region
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  platformctl ops failover-lock-show\n  platformctl ops failover-lock-show -o json --query holder.who"
)]
pub struct ShowArgs {}

/// What came of taking or giving back.
#[derive(Debug)]
pub struct Handed {
    done: &'static str,
    place: String,
    record: Option<OpsLock>,
    token: Option<u64>,
    run: Option<String>,
}

/// Runs `ops failover-lock-show`.
pub async fn shown(ctx: &Ctx, _: &ShowArgs) -> Result<Box<dyn Report>> {
    let report: LockReport = show(ctx, name()?).await?;
    Ok(Box::new(report))
}

/// Runs `ops failover-lock-acquire`.
pub async fn acquire(ctx: &Ctx, args: &AcquireArgs) -> Result<Box<dyn Report>> {
    if args.dry_run {
        return shown(ctx, &ShowArgs {}).await;
    }
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    ctx.show_place(&settings, &connection.identity.account);
    let mut session =
        begin(ctx, &settings, &connection, ACQUIRE, arguments(args), args.reason.clone())?;
    let wanted = Wanted {
        name: name()?,
        verb: if args.hold { "ops failover-lock-acquire --hold" } else { ACQUIRE },
        reason: args.reason.as_deref(),
        lease_seconds: args.lease.seconds(),
        wait: args.wait,
    };
    let taking = take(ctx, &session, &settings, &connection, &backend, wanted).await;
    let result = match taking {
        Ok((held, _)) => {
            let (record, token) = (held.record().clone(), Some(held.token()));
            if args.hold {
                session.keep(ctx, backend.clone(), held, WHAT);
                ctx.ui.must_see(&format!("the lock is held with token {}", record.token));
                session.guarded(ctx).cancel.cancelled().await;
                // Ctrl-C is how it ends; losing it is a failure.
                let lost = !ctx.cancel.is_cancelled();
                if lost { Err(session.guarded(ctx).cancel.error()) } else { Ok((record, token)) }
            } else {
                leases::remember(ctx, &settings, &connection, held.token())
                    .map(|()| (record, token))
            }
        }
        Err(error) => Err(error),
    };
    let (record, token) = session.end(ctx, &settings, &connection, result).await?;
    let done = if args.hold { "given back" } else { "taken" };
    let run = Some(session.journal.run().short().to_owned());
    Ok(Box::new(Handed { done, place: backend.place(), record: Some(record), token, run }))
}

/// Runs `ops failover-lock-release`.
pub async fn release(ctx: &Ctx, args: &ReleaseArgs) -> Result<Box<dyn Report>> {
    if args.dry_run {
        return shown(ctx, &ShowArgs {}).await;
    }
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    let token = args.token.or_else(|| leases::remembered(ctx, &settings, &connection));
    let place = backend.place();
    let Some(token) = token else {
        let (done, record) = ("not held", None);
        return Ok(Box::new(Handed { done, place, record, token, run: None }));
    };
    let verb = "ops failover-lock-release";
    let session = begin(ctx, &settings, &connection, verb, arguments(args), None)?;
    let name = name()?;
    let machine = System;
    let given_back = async {
        let held = protocol::adopt(&backend, &machine, &name, token).await?;
        let record = held.record().clone();
        held.release(&backend, &machine).await?;
        Ok(record)
    };
    let detail = json!({ "fence": token });
    let work = session.journal.mutate("lock:Release", name.as_str(), detail, async {
        given_back.await.map_err(|failure: Failure| explained(WHAT, failure))
    });
    let record = session.end(ctx, &settings, &connection, work.await).await?;
    leases::forget(ctx, &settings, &connection)?;
    let run = Some(session.journal.run().short().to_owned());
    let (done, record) = ("given back", Some(record));
    Ok(Box::new(Handed { done, place, record, token: Some(token), run }))
}

/// The lock's name.
pub(super) fn name() -> Result<LockName> {
    leases::name(LOCK)
}

/// A run under the lock of the runtime region.
pub(super) fn begin(
    ctx: &Ctx,
    settings: &Settings,
    connection: &Connection,
    verb: &'static str,
    args: Value,
    reason: Option<String>,
) -> Result<Session> {
    let purpose = Purpose {
        verb,
        args,
        reason,
        settings,
        identity: Some(&connection.identity),
        // Stacks may be deployed meanwhile.
        part: Some(LOCK.to_owned()),
        resumed: None,
    };
    Session::begin(ctx, purpose)
}

/// Takes the lock for a run, or uses the one that this machine took before; says which.
pub(super) async fn take(
    ctx: &Ctx,
    session: &Session,
    settings: &Settings,
    connection: &Connection,
    backend: &Backend,
    wanted: Wanted<'_>,
) -> Result<(Held, bool)> {
    let name = wanted.name.clone();
    let machine = System;
    if let Some(token) = leases::remembered(ctx, settings, connection) {
        match protocol::adopt(backend, &machine, &name, token).await {
            Ok(held) => {
                let text = format!("the lock {name} is held since before, with token {token}");
                session.journal.write(Entry::Note { text })?;
                return Ok((held, true));
            }
            // It ran out, or was given back elsewhere.
            Err(Failure::Lost(_)) => leases::forget(ctx, settings, connection)?,
            Err(failure) => return Err(explained(WHAT, failure)),
        }
    }
    let taking = leases::take(ctx, backend, wanted, session.journal.run());
    let taken = tokio::select! {
        taken = taking => taken,
        () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
    };
    let held = taken.map_err(|failure| match failure {
        Failure::Busy(record) => busy(WHAT, &record).hint(
            "if its machine is gone: `platformctl lock break runtime-region --if-dead --reason TEXT`",
        ),
        Failure::Missing(error) => {
            error.hint("the table is part of the platform stack: `platformctl deploy platform`")
        }
        failure => explained(WHAT, failure),
    })?;
    let text = format!("the lock {name} is held with token {}", held.token());
    session.journal.write(Entry::Note { text })?;
    Ok((held, false))
}

impl Report for Handed {
    fn value(&self) -> Value {
        let lock = name().ok();
        let state = lock.map(|lock| value(&lock, &self.place, self.record.as_ref()));
        json!({ "done": self.done, "fence": self.token, "run": self.run, "lock": state })
    }

    fn blocks(&self) -> Vec<Block> {
        let text = match (&self.record, self.token) {
            (Some(record), Some(token)) if self.done == "taken" => format!(
                "the lock runtime-region is yours, with token {token}\n  {}\n  lease  {} s, {}",
                holder_lines(record).join("\n  "),
                record.lease_seconds,
                self.place
            ),
            (_, Some(token)) => format!("the lock runtime-region was given back; token {token}"),
            _ => "this machine does not hold the lock runtime-region".to_owned(),
        };
        vec![Block::Text(text)]
    }
}
