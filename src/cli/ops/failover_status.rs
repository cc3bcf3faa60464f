//! `ops failover-status`: where agents run, and who decided it.

use clap::Args;
use runtime_core::model::{FailoverRequest, OpsLock};
use runtime_core::runtime_region::RuntimeRegion;
use serde_json::{Value, json};

use super::dlq;
use super::failover_lock::name;
use super::set_runtime_region::current;
use crate::cli::Ctx;
use crate::cli::leases;
use crate::cli::lock::{read, value};
use crate::error::{Result, exit};
use crate::failover::{Mirror, Requests};
use crate::lock::holder_lines;
use crate::runbook::quoted;
use crate::ui::{Block, Report};

/// Show where agents run, and who decided it
///
/// Also where their stacks are deployed, who holds the lock, and what somebody requested
/// through the API. Exit code 1 when the copy that functions read is not what was decided.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  platformctl ops failover-status\n  platformctl ops failover-status -o json --query runtime_region"
)]
pub struct StatusArgs {}

/// Where agents run.
#[derive(Debug)]
pub struct Status {
    region: String,
    configured: String,
    decided: Option<RuntimeRegion>,
    previous: Option<String>,
    mirror: Option<RuntimeRegion>,
    mirror_path: String,
    place: String,
    record: Option<OpsLock>,
    lock: Value,
    request: Option<FailoverRequest>,
}

/// What was decided, by the record of the lock.
pub(super) fn value_of(record: &OpsLock) -> Option<RuntimeRegion> {
    let guarded = record.guarded.as_ref()?;
    Some(RuntimeRegion { region: guarded.value.as_str().to_owned(), token: guarded.token })
}

/// Runs `ops failover-status`.
pub async fn run(ctx: &Ctx, _: &StatusArgs) -> Result<Status> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    let name = name()?;
    let record = read(&backend, &name).await?;
    let config = &settings.config;
    let mirror = Mirror::new(connection.aws.home(), &config.project, &config.environment);
    let guarded = record.as_ref().and_then(|record| record.guarded.as_ref());
    // Before they were moved for the first time, agents ran where they were deployed.
    let deployed = config.spec().runtime_region;
    let previous =
        guarded.map(|it| it.previous.clone().map_or_else(|| deployed.clone(), String::from));
    // Where agents run is told whether or not it can be read what somebody wants.
    let requests = Requests::new(connection.aws.home(), &dlq::prefix(&settings));
    let request = requests.open().await.unwrap_or_else(|error| {
        ctx.events.warn(format!("nobody knows whether a failover is requested: {error}"));
        None
    });
    Ok(Status {
        region: current(&settings, record.as_ref()),
        configured: deployed,
        decided: record.as_ref().and_then(value_of),
        previous,
        mirror: mirror.read().await?,
        mirror_path: mirror.path().to_owned(),
        request,
        lock: value(&name, &backend.place(), record.as_ref()),
        place: backend.place(),
        record,
    })
}

/// A request, as the API has it.
fn request_value(request: &FailoverRequest) -> Value {
    json!({
        "id": request.request_id, "region": request.region, "reason": request.reason,
        "requested_by": request.requested_by, "requested_at": request.created_at,
    })
}

impl Status {
    fn agrees(&self) -> bool {
        self.mirror == self.decided
    }
}

impl Report for Status {
    fn exit_code(&self) -> u8 {
        if self.agrees() { exit::OK } else { exit::FAILED }
    }

    fn value(&self) -> Value {
        let text = |value: &Option<RuntimeRegion>| value.as_ref().map(ToString::to_string);
        json!({
            "runtime_region": self.region,
            "configured_region": self.configured,
            "previous_region": self.previous,
            "decided": text(&self.decided),
            "parameter": { "path": self.mirror_path, "value": text(&self.mirror) },
            "in_agreement": self.agrees(),
            "lock": self.lock,
            "request": self.request.as_ref().map(request_value),
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let text = |value: &Option<RuntimeRegion>| {
            value.as_ref().map_or("never moved".to_owned(), ToString::to_string)
        };
        let mut lines = vec![
            format!("agents run in {}", self.region),
            format!("  deployed   {} (platform.yaml)", self.configured),
            format!("  decided    {} ({})", text(&self.decided), self.place),
            format!("  parameter  {} ({})", text(&self.mirror), self.mirror_path),
        ];
        match self.record.as_ref().filter(|record| record.holder.is_some()) {
            None => lines.push("  lock       free".to_owned()),
            Some(record) => {
                lines.push(format!("  lock       held with token {}", record.token));
                lines.extend(holder_lines(record).iter().map(|line| format!("    {line}")));
            }
        }
        if let Some(request) = &self.request {
            // What others wrote, through the API.
            let plain = |text: &str| crate::http::printable(text, 500);
            let (region, by) =
                (plain(request.region.as_str()), plain(request.requested_by.as_str()));
            lines.push(format!("  requested  {region}, by {by} at {}", request.created_at));
            lines.push(format!("    {}", plain(request.reason.as_str())));
        }
        let mut blocks = vec![Block::Text(lines.join("\n"))];
        if !self.agrees() {
            let region = &self.region;
            blocks.push(Block::Next(vec![format!(
                "platformctl ops set-runtime-region {region} --reason 'repair the parameter'"
            )]));
        } else if let Some(request) =
            self.request.as_ref().filter(|it| it.region.as_str() != self.region)
        {
            let (region, reason) = (request.region.as_str(), quoted(request.reason.as_str()));
            blocks.push(Block::Next(vec![format!(
                "platformctl ops set-runtime-region {region} --reason {reason}"
            )]));
        }
        blocks
    }
}
