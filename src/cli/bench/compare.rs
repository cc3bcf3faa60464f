use serde_json::{Value, json};

use super::{common, render::number};
use crate::bench::compare::{self, Compared, Comparison, EFFECT, LEVEL, Verdict};
use crate::bench::result::Run;
use crate::cli::Ctx;
use crate::error::Result;
use crate::ui::{Align, Block, Report, Table, Tone};

/// Compare what two runs measured, series by series
///
/// A change is claimed only where the distributions separate: p below 0.01 in the Mann-Whitney
/// U test, corrected for the number of series of a metric (Holm), and a Cliff's delta of 0.33 at least.
/// Everything else is "no difference shown", which is not equality.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl bench compare k3f9 j81c\n  platformctl bench compare ./before.json ./after.json -o json --query 'changed'"
)]
pub struct CompareArgs {
    /// The run before: its name, its last four letters, or a file
    #[arg(value_name = "A")]
    first: String,
    /// The run after
    #[arg(value_name = "B")]
    second: String,
    /// Show steps and memory too, and not only times of whole calls
    #[arg(long)]
    all: bool,
}

/// What is shown without `--all`.
const MAIN: [&str; 3] = ["wall_ms", "duration_ms", "init_ms"];

/// Two runs.
#[derive(Debug)]
pub struct CompareReport {
    first: Run,
    second: Run,
    comparison: Comparison,
    all: bool,
}

pub(super) fn run(ctx: &Ctx, args: &CompareArgs) -> Result<CompareReport> {
    let folder = common::folder(ctx);
    let (first, second) = (folder.load(&args.first)?, folder.load(&args.second)?);
    let comparison = compare::compare(&first, &second);
    Ok(CompareReport { first, second, comparison, all: args.all })
}

fn changed(series: &[Compared]) -> Vec<&Compared> {
    series.iter().filter(|it| it.verdict != Verdict::NoneShown).collect()
}

impl Report for CompareReport {
    fn value(&self) -> Value {
        let Comparison { series, only_first, only_second, circumstances } = &self.comparison;
        json!({
            "first": self.first.id,
            "second": self.second.id,
            "level": LEVEL,
            "effect": EFFECT,
            "changed": changed(series).iter().map(|it| &it.name).collect::<Vec<_>>(),
            "series": series,
            "only_first": only_first,
            "only_second": only_second,
            "circumstances": circumstances,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let Comparison { series, only_first, only_second, circumstances } = &self.comparison;
        let mut table = Table::new(&[
            ("series", Align::Left),
            ("samples", Align::Right),
            ("first", Align::Right),
            ("second", Align::Right),
            ("shift", Align::Right),
            ("p", Align::Right),
            ("delta", Align::Right),
            ("difference", Align::Left),
        ]);
        for it in series.iter().filter(|it| self.all || MAIN.contains(&it.metric.as_str())) {
            let [before, after] = it.medians.map(number);
            let shift = it.difference.shift;
            let shift = match (shift.low, shift.high) {
                (Some(low), Some(high)) => {
                    format!("{} [{}–{}]", number(shift.value), number(low), number(high))
                }
                _ => number(shift.value),
            };
            let tone = match it.verdict {
                Verdict::Lower => Tone::Good,
                Verdict::Higher => Tone::Bad,
                Verdict::NoneShown => Tone::Plain,
            };
            let plain = |text: String| (text, Tone::Plain);
            table.toned_row([
                plain(it.name.clone()),
                plain(format!("{}, {}", it.counts[0], it.counts[1])),
                plain(before),
                plain(after),
                plain(shift),
                plain(format!("{:.4}", it.corrected_p)),
                plain(format!("{:+.2}", it.difference.delta)),
                (it.verdict.words().to_owned(), tone),
            ]);
        }
        let heading = format!("{}, then {}: medians", self.first.id, self.second.id);
        let mut blocks = vec![Block::Heading(heading)];
        if !circumstances.is_empty() {
            blocks.push(Block::Text(format!(
                "the runs differ in more than what they measured:\n  {}",
                circumstances.join("\n  ")
            )));
        }
        if !table.is_empty() {
            blocks.push(Block::Table(table));
        }
        for (which, only) in [("first", only_first), ("second", only_second)] {
            if !only.is_empty() {
                blocks.push(Block::Text(format!("only in the {which}: {}", only.join(", "))));
            }
        }
        let count = changed(series).len();
        blocks.push(Block::Text(match (series.len(), count) {
            (0, _) => "the runs have no series in common".to_owned(),
            (all, 0) => format!("no difference shown in {all} series"),
            (all, count) => format!("{count} of {all} series differ"),
        }));
        blocks
    }
}
