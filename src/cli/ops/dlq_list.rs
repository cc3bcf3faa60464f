use serde_json::{Value, json};

use super::dlq::prefix;
use crate::cli::Ctx;
use crate::error::Result;
use crate::ops::dlq::{self, FoundQueue};
use crate::ui::{Align, Block, Report, Table, Tone};

/// List the queues of dead letters and how many messages wait in each
///
/// Asks SQS, not the platform's API. SQS counts about, and late by up to a minute.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops dlq-list\n  platformctl ops dlq-list --all --local\n  platformctl ops dlq-list -o json --query 'queues[?visible > `0`].name'"
)]
pub struct ListArgs {
    /// Also those without messages
    #[arg(long)]
    all: bool,
}

/// The queues there are.
#[derive(Debug)]
pub struct Listed {
    queues: Vec<FoundQueue>,
    all: bool,
}

/// Runs `ops dlq-list`.
pub async fn run(ctx: &Ctx, args: &ListArgs) -> Result<Listed> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    ctx.show_place(&settings, &connection.identity.account);
    let queues = dlq::all(&connection.aws, &prefix(&settings)).await?;
    Ok(Listed { queues, all: args.all })
}

impl Listed {
    fn shown(&self) -> impl Iterator<Item = &FoundQueue> {
        self.queues.iter().filter(|queue| self.all || queue.depth.total() > 0)
    }
}

impl Report for Listed {
    fn value(&self) -> Value {
        let queues = self.shown().map(|queue| {
            let known = queue.known.as_ref();
            let function = known.and_then(|it| it.function);
            json!({
                "name": known.map_or(&queue.name, |it| &it.name),
                "queue": queue.name,
                "region": queue.region,
                "holds": known.map(|it| it.of.clone()),
                "source": known.and_then(|it| it.source),
                "function": function.map(runtime_core::functions::Function::name),
                "ordered": queue.ordered,
                "visible": queue.depth.visible,
                "hidden": queue.depth.hidden,
                "delayed": queue.depth.delayed,
                "url": queue.url,
            })
        });
        json!({ "queues": queues.collect::<Vec<_>>() })
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("queue", Align::Left),
            ("messages", Align::Right),
            ("in hand", Align::Right),
            ("what they were", Align::Left),
        ]);
        for queue in self.shown() {
            let known = queue.known.as_ref();
            let waiting = queue.depth.visible + queue.depth.delayed;
            let tone = if waiting > 0 { Tone::Bad } else { Tone::Plain };
            table.toned_row([
                (known.map_or(&queue.name, |it| &it.name).clone(), Tone::Plain),
                (waiting.to_string(), tone),
                (queue.depth.hidden.to_string(), Tone::Plain),
                (known.map(|it| it.of.clone()).unwrap_or_default(), Tone::Plain),
            ]);
        }
        if !table.is_empty() {
            return vec![Block::Table(table)];
        }
        let count = self.queues.len();
        vec![Block::Text(match count {
            0 => "no queue of dead letters is deployed".to_owned(),
            _ => format!("no dead letters in {count} queues"),
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::dlq::Depth;

    #[test]
    fn a_report_has_the_same_shape_each_time() {
        let queues =
            dlq::known().into_iter().take(2).enumerate().map(|(index, known)| FoundQueue {
                name: known.physical("acme-dev"),
                region: "eu-west-2".into(),
                url: "https://sqs.eu-west-2.amazonaws.com/111122223333/x".into(),
                arn: "arn:aws:sqs:eu-west-2:111122223333:x".into(),
                ordered: false,
                depth: Depth { visible: 12 * index as u64, hidden: index as u64, delayed: 0 },
                redrives_to: None,
                retention_seconds: 1_209_600,
                known: Some(known),
            });
        let report = Listed { queues: queues.collect(), all: false };
        insta::assert_json_snapshot!(report.value());
        insta::assert_snapshot!(crate::ui::text(&report.blocks()));
        let none = Listed { queues: Vec::new(), all: true };
        assert_eq!(crate::ui::text(&none.blocks()), "no queue of dead letters is deployed\n");
    }
}
