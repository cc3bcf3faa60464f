use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dlq::{Opened, visibility};
use crate::cli::Ctx;
use crate::cli::session::{Purpose, Session, arguments};
use crate::error::{Error, Kind, Result};
use crate::event::Outcome;
use crate::journal::{self, RunSummary};
use crate::ops::dlq::{History, PURGE, Purged, Purger};
use crate::ui::{Block, Report};

/// The verb, as it is journaled.
pub(in crate::cli) const VERB: &str = "ops dlq-purge";

/// Archive all dead letters of a queue and delete them from it
///
/// The messages are written to the bucket of the audit trail, as JSON Lines with bodies and
/// attributes, up to 500 an object; each object is read back and compared before the messages
/// in it are deleted, one by one. Nothing else is deleted: what arrives meanwhile is archived
/// too, or stays. Objects stay for as long as the audit trail does. Cut off, `resume` goes on.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl ops dlq-purge jobs --dry-run\n  platformctl ops dlq-purge jobs --reason 'test data of the load test'\n  platformctl ops dlq-purge jobs --reason 'test data' --yes --confirm-name acme-dev-jobs-queue-dead-letters"
)]
pub struct PurgeArgs {
    /// The queue of dead letters: its name, URL or ARN; `dlq-list` lists the platform's
    #[arg(value_name = "QUEUE")]
    queue: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Do not ask; the queue's name has to be given with --confirm-name
    #[arg(short, long, requires = "confirm_name")]
    #[serde(default)]
    yes: bool,
    /// The queue's physical name, which is typed otherwise
    #[arg(long, value_name = "NAME")]
    confirm_name: Option<String>,
    /// Show what would be deleted and stop
    #[arg(long)]
    dry_run: bool,
    /// How long a message in hand is hidden from others
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = visibility)]
    visibility: Duration,
}

/// What a purge did.
#[derive(Debug)]
pub struct PurgeReport {
    queue: String,
    dry_run: bool,
    purged: Purged,
    bucket: String,
    run: Option<String>,
}

/// Runs `ops dlq-purge`.
pub async fn run(ctx: &Ctx, args: PurgeArgs) -> Result<PurgeReport> {
    execute(ctx, args, None).await
}

/// Runs `ops dlq-purge`, or goes on with an earlier run of it.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    args: PurgeArgs,
    resumed: Option<&RunSummary>,
) -> Result<PurgeReport> {
    let opened = Opened::connect(ctx, &args.queue).await?;
    ctx.show_place(&opened.settings, &opened.connection.identity.account);
    let bucket = opened.bucket().await?;
    let queue = opened.queue.name.clone();
    let waiting = opened.queue.depth.total();
    ctx.ui.plan(&[format!(" - {waiting} messages, about, of {queue}, into s3://{bucket}")]);
    let report = |purged, run| {
        let (queue, bucket) = (queue.clone(), bucket.clone());
        PurgeReport { queue, dry_run: args.dry_run, purged, bucket, run }
    };
    if args.dry_run || waiting == 0 && resumed.is_none() {
        return Ok(report(Purged { left: waiting, ..Purged::default() }, None));
    }
    if resumed.is_none() {
        confirm(ctx, &args, &queue)?;
    }
    let history = match resumed {
        Some(run) => {
            let records = journal::read(&run.path)?;
            History::read(records.iter().map(|record| &record.entry))
        }
        None => History::default(),
    };
    let session = Session::begin(
        ctx,
        Purpose {
            verb: VERB,
            args: arguments(&args),
            reason: args.reason.clone(),
            settings: &opened.settings,
            identity: Some(&opened.connection.identity),
            part: Some(opened.part()),
            resumed,
        },
    )?;
    ctx.events.started(PURGE, format!("purge {}", opened.name()), Some(waiting));
    let result = async {
        let purger = Purger {
            broker: Arc::new(opened.broker(None, Some(bucket.clone()))?),
            ledger: Arc::clone(&session.journal),
            queue: queue.clone(),
            archive: format!("dead-letters/{queue}/{}", session.journal.run()),
            hide: args.visibility,
            events: ctx.events.clone(),
            cancel: ctx.cancel.clone(),
            history: Mutex::new(history),
        };
        let done = purger.run().await?;
        if done.left == 0 {
            return Ok(done);
        }
        Err(Error::new(
            Kind::Partial,
            format!(
                "{} messages were deleted; {} are left, in somebody else's hands",
                done.deleted, done.left
            ),
        ))
    }
    .await;
    let (outcome, detail) = match &result {
        Ok(purged) => (Outcome::Done, format!("{} archived and deleted", purged.deleted)),
        Err(_) => (Outcome::Failed, "stopped".to_owned()),
    };
    ctx.events.finished(PURGE, outcome, detail);
    let purged = session.end(ctx, &opened.settings, &opened.connection, result).await?;
    Ok(report(purged, Some(session.journal.run().short().to_owned())))
}

fn confirm(ctx: &Ctx, args: &PurgeArgs, queue: &str) -> Result<()> {
    let confirmed = match (&args.confirm_name, args.yes) {
        (Some(name), true) if name == queue => true,
        (Some(name), _) if name != queue => {
            return Err(Error::usage(format!(
                "--confirm-name is {name}, and the queue is {queue}; nothing was deleted"
            )));
        }
        _ if ctx.ui.can_ask() => {
            let question = format!("All messages of {queue} will be archived and deleted.");
            ctx.ui.type_name(&question, queue)?
        }
        _ => {
            return Err(Error::usage(
                "a confirmation is needed and there is no terminal to ask on; nothing was deleted",
            )
            .hint(format!("confirm with `--yes --confirm-name {queue}`")));
        }
    };
    if confirmed { Ok(()) } else { Err(Error::usage("not confirmed; nothing was deleted")) }
}

impl Report for PurgeReport {
    fn value(&self) -> Value {
        json!({
            "queue": self.queue,
            "dry_run": self.dry_run,
            "archived": self.purged.archived,
            "deleted": self.purged.deleted,
            "left": self.purged.left,
            "bucket": self.bucket,
            "objects": self.purged.objects,
            "run": self.run,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let Purged { archived, deleted, objects, left } = &self.purged;
        let text = match (&self.run, self.dry_run) {
            (_, true) => format!("dry run: {left} messages, about, would be archived and deleted"),
            (None, _) => format!("no dead letters in {}", self.queue),
            (Some(run), _) => {
                let count = match objects.len() {
                    1 => "1 object".to_owned(),
                    count => format!("{count} objects"),
                };
                let folder = objects.first().and_then(|key| key.rsplit_once('/'));
                let folder = folder.map(|(folder, _)| folder).unwrap_or_default();
                format!(
                    "{archived} messages archived, {deleted} deleted\n{count} in s3://{}/{folder}/\n\nrun {run} · platformctl events {run}",
                    self.bucket
                )
            }
        };
        vec![Block::Text(text)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_same_shape_each_time() {
        let report = PurgeReport {
            queue: "acme-dev-jobs-queue-dead-letters".into(),
            dry_run: false,
            purged: Purged {
                archived: 26,
                deleted: 26,
                objects: vec!["dead-letters/q/2026-11-21-k3f9/part-00001-8f2c.jsonl".into()],
                left: 0,
            },
            bucket: "acme-dev-audit-000000000000-eu-west-2".into(),
            run: Some("k3f9".into()),
        };
        insta::assert_json_snapshot!(report.value());
        insta::assert_snapshot!(crate::ui::text(&report.blocks()));
    }
}
