use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::dlq::{Opened, SelectionArgs, span, visibility};
use crate::cli::Ctx;
use crate::error::{Error, Result};
use crate::event::Outcome;
use crate::http::printable;
use crate::ops::dlq::{self, By, Depth, Group, INSPECT, Sample};
use crate::ui::{Align, Block, Report, Table};

/// Look at dead letters without consuming them
///
/// Messages are received, grouped and put back; bodies are shown without what looks like a
/// secret or names a person. While they are looked at, nobody else receives them: for
/// --visibility at most, also when platformctl is killed. In an ordered queue that holds for
/// everything behind them in their message group, so that only the first messages of each
/// group are seen.
///
/// Each look counts as a receive (`ApproximateReceiveCount`). That matters only where the queue
/// of dead letters has a redrive policy of its own, by which messages that were received too
/// often move on: then it has to be meant, with --counted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops dlq-inspect jobs\n  platformctl ops dlq-inspect jobs --group-by tenant,age --samples 3\n  platformctl ops dlq-inspect webhooks --tenant acme --older-than 1h\n  platformctl ops dlq-inspect arn:aws:sqs:eu-west-2:111122223333:other-dead-letters -o json"
)]
pub struct InspectArgs {
    /// The queue: its name, URL or ARN; `dlq-list` lists the platform's
    #[arg(value_name = "QUEUE")]
    queue: String,
    /// How many messages to look at
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max: u32,
    /// What to group by
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',', default_values = ["error", "function", "tenant"])]
    group_by: Vec<By>,
    /// How many messages to show
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    samples: usize,
    #[command(flatten)]
    selection: SelectionArgs,
    /// How long messages are hidden at most; default: 30s, 10s for an ordered queue
    #[arg(long, value_name = "TIME", value_parser = visibility)]
    visibility: Option<Duration>,
    /// Also look where looking counts: the queue has a redrive policy of its own
    #[arg(long)]
    counted: bool,
}

impl ValueEnum for By {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

/// What was seen.
#[derive(Debug)]
pub struct Inspected {
    queue: String,
    region: String,
    ordered: bool,
    depth: Depth,
    seen: usize,
    more: bool,
    by: Vec<By>,
    groups: Vec<Group>,
    samples: Vec<Sample>,
}

/// Runs `ops dlq-inspect`.
pub async fn run(ctx: &Ctx, args: &InspectArgs) -> Result<Inspected> {
    let selection = args.selection.selection()?;
    let opened = Opened::connect(ctx, &args.queue).await?;
    let queue = &opened.queue;
    ctx.show_place(&opened.settings, &opened.connection.identity.account);
    if let (Some((to, count)), false) = (&queue.redrives_to, args.counted) {
        return Err(Error::usage(format!(
            "looking counts as receiving, and {} moves messages that were received {count} times to {to}",
            queue.name
        ))
        .hint("look nevertheless: `--counted`"));
    }
    let short = Duration::from_secs(if queue.ordered { 10 } else { 30 });
    let hide = args.visibility.unwrap_or(short);
    let broker = opened.broker(None, None)?;
    let most = usize::try_from(args.max).unwrap_or(usize::MAX);
    let total = queue.depth.visible.min(u64::from(args.max));
    ctx.events.started(INSPECT, format!("inspect {}", opened.name()), Some(total));
    let listeners = (&ctx.events, &ctx.cancel);
    let result = dlq::inspect(&broker, most, hide, &selection, listeners).await;
    let (outcome, detail) = match &result {
        Ok(seen) => (Outcome::Done, format!("{} messages, put back", seen.letters.len())),
        Err(_) => (Outcome::Failed, "failed".to_owned()),
    };
    ctx.events.finished(INSPECT, outcome, detail);
    let seen = result?;
    let now = dlq::Broker::now(&broker);
    let samples = seen.letters.iter().take(args.samples).map(|it| dlq::sample(it, now));
    Ok(Inspected {
        queue: queue.name.clone(),
        region: queue.region.clone(),
        ordered: queue.ordered,
        depth: queue.depth,
        seen: seen.letters.len(),
        more: seen.more,
        by: args.group_by.clone(),
        groups: dlq::groups(&seen.letters, &args.group_by, opened.function(), now),
        samples: samples.collect(),
    })
}

impl Report for Inspected {
    fn value(&self) -> Value {
        json!({
            "queue": self.queue,
            "region": self.region,
            "ordered": self.ordered,
            "messages": self.depth,
            "seen": self.seen,
            "more": self.more,
            "grouped_by": self.by,
            "groups": self.groups,
            "samples": self.samples,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        if self.seen == 0 {
            let hidden = match self.depth.hidden {
                0 => String::new(),
                count => format!("; {count} are in somebody's hands"),
            };
            return vec![Block::Text(format!("no such messages in {}{hidden}", self.queue))];
        }
        let mut columns: Vec<_> = self.by.iter().map(|by| (by.name(), Align::Left)).collect();
        columns.extend([("messages", Align::Right), ("oldest", Align::Right)]);
        columns.extend([("newest", Align::Right), ("redriven", Align::Right)]);
        let mut table = Table::new(&columns);
        for group in &self.groups {
            let keys = self.by.iter().map(|by| {
                group.keys.get(by.name()).cloned().flatten().unwrap_or_else(|| "-".to_owned())
            });
            let rest = [
                group.count.to_string(),
                span(group.oldest_seconds),
                span(group.newest_seconds),
                format!("{}×", group.most_redrives),
            ];
            table.row(keys.chain(rest));
        }
        let mut blocks = vec![Block::Table(table)];
        blocks.extend(self.samples.iter().map(|it| Block::Text(shown(it))));
        let limited = if self.more { "; there may be more (`--max`, `--visibility`)" } else { "" };
        let ordered =
            if self.ordered { "; of each message group, only the first are seen" } else { "" };
        let total = self.depth.total();
        let seen = self.seen;
        blocks.push(Block::Text(format!("{seen} seen of about {total}{limited}{ordered}")));
        blocks.push(Block::Next(vec![format!(
            "platformctl ops dlq-redrive {} --dry-run",
            self.queue
        )]));
        blocks
    }
}

/// A message in a few lines.
pub(super) fn shown(sample: &Sample) -> String {
    let said = [&sample.tenant, &sample.error, &sample.error_message];
    let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
    let body = match &sample.body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!(
        "{}  sent {} ago, received {}×, redriven {}×  {}\n  {}",
        sample.id,
        span(sample.age_seconds),
        sample.receive_count,
        sample.redrive_count,
        said.join(" · "),
        printable(&body, 400)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::dlq::{Attribute, Letter};

    #[test]
    fn a_report_has_the_same_shape_each_time() {
        const NOW: u64 = 1_800_000_000_000;
        let system = [("SentTimestamp", "1799999900000"), ("ApproximateReceiveCount", "4")];
        let letter = Letter {
            id: "8f2c".into(),
            handle: "h".into(),
            body: r#"{"tenant_id": "acme", "job_id": "1", "token": "x"}"#.into(),
            system: system.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            attributes: [("ERROR_CODE".to_owned(), Attribute::text("Timeout"))].into(),
        };
        let by = vec![By::Error, By::Function, By::Tenant, By::Age];
        let letters = [letter];
        let report = Inspected {
            queue: "acme-dev-jobs-queue-dead-letters".into(),
            region: "eu-west-2".into(),
            ordered: false,
            depth: Depth { visible: 1, hidden: 0, delayed: 0 },
            seen: 1,
            more: false,
            groups: dlq::groups(&letters, &by, Some("jobs"), NOW),
            by,
            samples: letters.iter().map(|it| dlq::sample(it, NOW)).collect(),
        };
        insta::assert_json_snapshot!(report.value());
        insta::assert_snapshot!(crate::ui::text(&report.blocks()));
    }
}
