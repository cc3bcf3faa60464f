//! The environment's leases, as verbs take them.

use std::path::PathBuf;
use std::time::Duration;

use runtime_core::model::{Holder, LockName};
use runtime_core::tables::OPS_LOCKS;

use super::Ctx;
use super::context::Connection;
use crate::config::Settings;
use crate::deploy::observe;
use crate::error::{Context as _, Result};
use crate::journal::{self, RunId, RunState};
use crate::lock::protocol::{self, Failure, Held, KnownDead, Order};
use crate::lock::{Backend, DynamoDbLeases, Identity, S3Leases, System, run_id};

/// The lock of the environment: stacks are changed under it.
pub(super) const DEPLOY: &str = "deploy";

/// What a lease is held for that outlives the run which took it.
pub(super) const ACQUIRE: &str = "ops failover-lock-acquire";

/// Where the leases of an environment are.
pub(super) fn backend(settings: &Settings, connection: &Connection) -> Result<Backend> {
    let lock = settings.lock()?;
    Ok(match lock.bucket {
        None => {
            let client = connection.aws.of(&lock.region)?.dynamodb.clone();
            let table = settings.physical_name(OPS_LOCKS.name);
            Backend::DynamoDb(DynamoDbLeases::new(client, table))
        }
        Some(bucket) => {
            let client = connection.anywhere.in_region(&lock.region).s3;
            let prefix = format!("{}-{}", settings.config.project, settings.config.environment);
            Backend::S3(S3Leases::new(client, bucket, prefix))
        }
    })
}

/// Whether the store keeps what is written to it. A table without the stack that makes it
/// is what a `destroy` left: it is taken over, or made anew and empty, by the next deploy.
pub(super) async fn are_kept(
    backend: &Backend,
    settings: &Settings,
    connection: &Connection,
) -> Result<bool> {
    if matches!(backend, Backend::S3(_)) {
        return Ok(true);
    }
    let stack = settings.physical_name("platform");
    let live = observe(connection.aws.home(), &stack).await?;
    Ok(live.is_some_and(|live| !live.is_empty_shell() && !live.must_be_deleted()))
}

/// A lease that a verb wants.
pub(super) struct Wanted<'a> {
    pub name: LockName,
    pub verb: &'a str,
    pub reason: Option<&'a str>,
    pub lease_seconds: u32,
    pub wait: Duration,
}

impl<'a> Wanted<'a> {
    /// The lock of the environment, at once.
    pub(super) fn environment(
        settings: &Settings,
        verb: &'a str,
        reason: Option<&'a str>,
    ) -> Result<Self> {
        let lease_seconds = settings.lock()?.lease_seconds;
        Ok(Self { name: name(DEPLOY)?, verb, reason, lease_seconds, wait: Duration::ZERO })
    }
}

/// A lock's name.
pub(super) fn name(name: &str) -> Result<LockName> {
    name.parse().with_context(|| format!("`{name}` cannot be the name of a lock"))
}

/// Takes a lease for a run.
pub(super) async fn take(
    ctx: &Ctx,
    backend: &Backend,
    wanted: Wanted<'_>,
    run: &RunId,
) -> Result<Held, Failure> {
    let Wanted { name, verb, reason, lease_seconds, wait } = wanted;
    let identity = Identity::from_env();
    let run_id = run_id(run.as_str())
        .map_err(|error| Failure::Refused(crate::error::Error::failed(error.to_string())))?;
    let holder = identity.holder(verb, reason.unwrap_or("-"), run_id);
    let known_dead = known_dead(ctx.runs(), &identity, Some(run));
    let order = Order { name, holder, lease_seconds, wait, known_dead };
    protocol::acquire(backend, &System, &order).await
}

/// Holders whose process is gone for certain: they ran here, and nobody holds their
/// journal any more; or they are the former process of `own`, the run that goes on.
pub(super) fn known_dead(runs: PathBuf, here: &Identity, own: Option<&RunId>) -> KnownDead {
    let (host, own) = (here.host.clone(), own.map(|run| run.as_str().to_owned()));
    Box::new(move |holder: &Holder| {
        let run = holder.run_id.as_str();
        let ended = || {
            let found = journal::find(&runs, run);
            found.is_ok_and(|found| found.run == run && found.state != RunState::Running)
        };
        // What was taken to be kept beyond its run is not given up with it.
        let kept = holder.job.as_str() == ACQUIRE;
        holder.host.as_str() == host && !kept && (own.as_deref() == Some(run) || ended())
    })
}

/// Where this machine remembers the token of a lease that outlives its run.
fn memory(ctx: &Ctx, settings: &Settings, connection: &Connection) -> PathBuf {
    let config = &settings.config;
    let place = if settings.local { "local" } else { &connection.identity.account };
    let (region, project, environment) = (&config.region, &config.project, &config.environment);
    let name = format!("{place}-{region}-{project}-{environment}-runtime-region.token");
    ctx.paths.state.join("locks").join(name)
}

/// Remembers the token of the lock of the runtime region.
pub(super) fn remember(
    ctx: &Ctx,
    settings: &Settings,
    connection: &Connection,
    token: u64,
) -> Result<()> {
    let path = memory(ctx, settings, connection);
    std::fs::write(&path, token.to_string())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The token that was remembered.
pub(super) fn remembered(ctx: &Ctx, settings: &Settings, connection: &Connection) -> Option<u64> {
    let text = std::fs::read_to_string(memory(ctx, settings, connection)).ok()?;
    text.trim().parse().ok()
}

/// Forgets it.
pub(super) fn forget(ctx: &Ctx, settings: &Settings, connection: &Connection) -> Result<()> {
    let path = memory(ctx, settings, connection);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
