//! `ops overview`: what an operator looks at first, on one screen.

use std::pin::{Pin, pin};
use std::sync::mpsc;

use runtime_core::api::ErrorRate;
use runtime_core::runtime_region::LOCK;
use serde_json::{Value, json};

use super::dlq::prefix;
use super::error_rate::{self, BUSY};
use crate::cli::admin::Admin;
use crate::cli::leases::{self, DEPLOY};
use crate::cli::{Ctx, Global};
use crate::cli::{lock, runs, status};
use crate::error::{Error, Result};
use crate::journal::{self, RunState, RunSummary};
use crate::ops::dlq;
use crate::ui::{Block, Mood, Overview, Panel, Report, Row, Update, can_look, show};

/// How far back errors are counted, in seconds: an hour.
const ERRORS: u64 = 3_600;

/// Runs that are shown at most.
const RUNS: usize = 20;

/// The panel of errors. Each look at a tenant's is in the tenant's audit trail.
const OF_ERRORS: usize = 2;

/// The panel of runs, which are those of this machine, wherever they act.
const OF_RUNS: usize = 4;

/// The panels, in order: what each is about, the command that shows the same, and what it says
/// when there is nothing to say.
const PANELS: [(&str, &str, &str); 5] = [
    ("stacks", "platformctl status", "no stack"),
    ("queues", "platformctl ops dlq-list --all", "no queue is deployed"),
    ("errors, last hour", "platformctl ops error-rate --since 1h", "no agent was invoked"),
    ("locks", "platformctl lock show", "no lock was taken yet"),
    ("unfinished runs", "platformctl runs --unfinished", "no run is under way or waits"),
];

/// Show stacks, queues, errors, locks and runs on one screen, live
///
/// Needs a terminal; there, `platformctl ops` alone opens it too. It only reads, again every
/// 30 seconds; error rates only at first and when you refresh, because each look is in the
/// tenant's audit trail. Enter leaves it and prints the command that shows more of the row, or
/// goes on with it: nothing is done that was not typed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops\n  platformctl ops overview --local\n  $(platformctl ops overview)               runs what was chosen"
)]
pub struct OverviewArgs {}

/// What was chosen.
#[derive(Debug)]
pub struct Left(Option<String>);

/// Runs `ops overview`.
pub(super) async fn run(ctx: &Ctx, _: &OverviewArgs) -> Result<Left> {
    if !can_look() {
        return Err(Error::usage("the overview needs a terminal")
            .hint("`platformctl status`, `ops dlq-list`, `ops error-rate`, `lock show` and `runs` tell the same"));
    }
    let settings = ctx.settings()?;
    let config = &settings.config;
    let place = place(&ctx.global);
    let panel = |(index, (title, command, nothing)): (usize, (&str, &str, &str))| {
        let place = if index == OF_RUNS { "" } else { &place };
        let panel = Panel::new(title, &format!("{command}{place}"), nothing);
        if index == OF_ERRORS { panel.by_hand() } else { panel }
    };
    let title =
        format!("{}-{} · {} · ops overview", config.project, config.environment, config.region);
    let title = if settings.local { format!("{title} · local platform") } else { title };
    let overview = Overview::new(title, PANELS.into_iter().enumerate().map(panel).collect());
    let _hushed = ctx.ui.hush();
    let (told, updates) = mpsc::channel();
    let (want, mut wanted) = tokio::sync::mpsc::unbounded_channel();
    let cancel = ctx.cancel.clone();
    let ask = move |panels: Vec<usize>| {
        // Nobody reads any more: it is being left.
        let _ = want.send(panels);
    };
    let shown = tokio::task::spawn_blocking(move || {
        show(overview, &updates, ask, || cancel.is_cancelled())
    });
    let mut shown = pin!(shown);
    let mut reading: Vec<usize> = Vec::new();
    let left = loop {
        // Whoever leaves does not wait for what is being read.
        tokio::select! {
            left = &mut shown => break left,
            Some(panels) = wanted.recv(), if reading.is_empty() => reading = panels,
            () = read(ctx, &place, &reading, &told), if !reading.is_empty() => reading.clear(),
        }
    };
    let left = left.map_err(|error| Error::failed("the screen").caused_by(error))??;
    ctx.cancel.check()?;
    Ok(Left(left))
}

/// What makes another command act where this one looks.
fn place(global: &Global) -> String {
    let config = global.config.as_ref().map(|file| file.display().to_string());
    let flags = [
        ("--config", config.as_ref()),
        ("--env", global.environment.as_ref()),
        ("--region", global.region.as_ref()),
        ("--profile", global.profile.as_ref()),
    ];
    let said = flags.into_iter().filter_map(|(flag, value)| {
        value.map(|value| format!(" {flag} {}", crate::runbook::quoted(value)))
    });
    let local = global.local.then(|| " --local".to_owned());
    said.chain(local).collect()
}

/// Reads panels at once, and tells each as soon as it is there: one that fails hides no other.
async fn read(ctx: &Ctx, place: &str, panels: &[usize], told: &mpsc::Sender<Update>) {
    let tell = |panel: usize, read: Result<Vec<Row>>| {
        let read = read.map_err(|error| {
            let said = std::iter::once(error.to_string()).chain(error.causes());
            crate::http::printable(&said.collect::<Vec<_>>().join(": "), 400)
        });
        // Nobody looks any more.
        let _ = told.send(Update { panel, read });
    };
    let one = async |panel: usize, reading: Reading<'_>| {
        if panels.contains(&panel) {
            tell(panel, reading.await);
        }
    };
    tokio::join!(
        one(0, Box::pin(stacks(ctx, place))),
        one(1, Box::pin(queues(ctx, place))),
        one(OF_ERRORS, Box::pin(errors(ctx, place))),
        one(3, Box::pin(locks(ctx, place))),
        one(OF_RUNS, Box::pin(async { unfinished(ctx) })),
    );
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>>> + 'a>>;

fn row(cells: impl IntoIterator<Item = String>, mood: Mood, command: String) -> Row {
    let cells = cells.into_iter().map(|cell| crate::http::printable(&cell, 60)).collect();
    Row { cells, mood, command }
}

async fn stacks(ctx: &Ctx, place: &str) -> Result<Vec<Row>> {
    let report = status::run(ctx, &status::StatusArgs {}).await?.value();
    let stacks = report["stacks"].as_array().cloned().unwrap_or_default();
    Ok(stacks.iter().map(|stack| stack_row(stack, place)).collect())
}

fn stack_row(stack: &Value, place: &str) -> Row {
    let text = |field: &str| stack[field].as_str().unwrap_or_default().to_owned();
    let (name, state) = (text("name"), text("status"));
    let (shown, mood) = match state.as_str() {
        "" => ("not deployed".to_owned(), Mood::Plain),
        it if it.ends_with("_IN_PROGRESS") => (state.clone(), Mood::Busy),
        it if it.contains("FAILED") || it.contains("ROLLBACK") => (state.clone(), Mood::Bad),
        _ => (state.clone(), Mood::Good),
    };
    let resources = match stack["resources"].as_u64() {
        None | Some(0) => String::new(),
        Some(1) => "1 resource".to_owned(),
        Some(count) => format!("{count} resources"),
    };
    let command = format!("platformctl diff {name}{place}");
    row([name, shown, resources], mood, command)
}

async fn queues(ctx: &Ctx, place: &str) -> Result<Vec<Row>> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let prefix = prefix(&settings);
    let mut rows = Vec::new();
    for dead in dlq::all(&connection.aws, &prefix).await? {
        let known = dead.known.as_ref();
        let source = match known.and_then(|it| it.physical_source(&prefix)) {
            Some(source) => {
                let aws = connection.aws.of(&dead.region)?;
                Some(dlq::find_target(aws, &prefix, &source).await?.depth.total())
            }
            None => None,
        };
        let name = known.map_or(dead.name.as_str(), |it| it.also.as_deref().unwrap_or(&it.name));
        rows.push(queue_row(name, source, dead.depth.total(), place));
    }
    Ok(rows)
}

fn queue_row(name: &str, waiting: Option<u64>, dead: u64, place: &str) -> Row {
    let mood = if dead > 0 { Mood::Bad } else { Mood::Good };
    let waiting = waiting.map_or_else(|| "-".to_owned(), |it| format!("{it} waiting"));
    let command = format!("platformctl ops dlq-inspect {name}{place}");
    row([name.to_owned(), waiting, format!("{dead} dead")], mood, command)
}

async fn errors(ctx: &Ctx, place: &str) -> Result<Vec<Row>> {
    let admin = Admin::connect(ctx).await?;
    let tenants = error_rate::all(&admin.api).await?;
    let mut rates = error_rate::read(admin.api, tenants, ERRORS).await?;
    rates.retain(|it| it.invocations > 0);
    rates.sort_by(|one, other| other.rate.total_cmp(&one.rate));
    Ok(rates.iter().map(|rate| error_row(rate, place)).collect())
}

fn error_row(rate: &ErrorRate, place: &str) -> Row {
    let mood = if rate.rate > BUSY { Mood::Bad } else { Mood::Good };
    let tenant = &rate.tenant_id;
    let share = format!("{:.1} %", rate.rate * 100.0);
    let of = format!("{} of {}", rate.failed, rate.invocations);
    let command = format!("platformctl ops error-rate --since 1h --tenant {tenant}{place}");
    row([tenant.to_string(), share, of, error_rate::trend(rate)], mood, command)
}

async fn locks(ctx: &Ctx, place: &str) -> Result<Vec<Row>> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    let mut names = vec![DEPLOY.to_owned(), LOCK.to_owned()];
    names.extend(crate::cli::runbook::lease_names(&settings)?);
    let mut rows = Vec::new();
    for name in names {
        let record = lock::read(&backend, &leases::name(&name)?).await?;
        let Some(record) = record else { continue };
        let command = format!("platformctl lock show {name}{place}");
        rows.push(match &record.holder {
            None => row([name, "free".to_owned()], Mood::Good, command),
            Some(holder) => {
                let by = format!("{} on {}", holder.who.as_str(), holder.host.as_str());
                let job = holder.job.as_str().to_owned();
                row([name, "held".to_owned(), by, job], Mood::Busy, command)
            }
        });
    }
    Ok(rows)
}

fn unfinished(ctx: &Ctx) -> Result<Vec<Row>> {
    let unfinished =
        |run: &RunSummary| !matches!(run.state, RunState::Succeeded | RunState::Aborted);
    let runs = journal::list(&ctx.runs())?;
    Ok(runs.iter().filter(|run| unfinished(run)).take(RUNS).map(run_row).collect())
}

fn run_row(run: &RunSummary) -> Row {
    let short = run.run.rsplit('-').next().unwrap_or(&run.run);
    let start = &run.start;
    let status = || format!("platformctl runbook status {short}");
    let (mood, command) = match run.state {
        RunState::Running => (Mood::Busy, format!("platformctl events {short} --follow")),
        RunState::Waiting => (Mood::Busy, status()),
        _ if start.verb.starts_with("runbook ") => (Mood::Bad, status()),
        _ => (Mood::Bad, format!("platformctl resume {short}")),
    };
    let local = if start.local { " (local)" } else { "" };
    let environment = format!("{}-{}{local}", start.project, start.environment);
    let state = runs::word(run.state).to_owned();
    let cells = [short.to_owned(), start.verb.clone(), state, environment, start.by.clone()];
    row(cells, mood, command)
}

impl Report for Left {
    fn value(&self) -> Value {
        json!({ "command": self.0 })
    }

    fn blocks(&self) -> Vec<Block> {
        self.0.iter().map(|command| Block::Text(command.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;
    use crate::journal::RunStart;

    #[test]
    fn rows_say_how_it_is_and_what_shows_more() {
        let stack = |status: Value| {
            let stack = json!({ "name": "efs", "status": status, "resources": 4 });
            let row = stack_row(&stack, " --local");
            (row.cells[1].clone(), row.mood, row.command)
        };
        let command = "platformctl diff efs --local".to_owned();
        let of = |text: &str, mood| (text.to_owned(), mood, command.clone());
        assert_eq!(stack(Value::Null), of("not deployed", Mood::Plain));
        assert_eq!(stack("UPDATE_COMPLETE".into()), of("UPDATE_COMPLETE", Mood::Good));
        assert_eq!(
            stack("UPDATE_ROLLBACK_COMPLETE".into()),
            of("UPDATE_ROLLBACK_COMPLETE", Mood::Bad)
        );
        assert_eq!(stack("CREATE_IN_PROGRESS".into()), of("CREATE_IN_PROGRESS", Mood::Busy));
        let queue = queue_row("jobs", Some(3), 2, "");
        assert_eq!(queue.cells, ["jobs", "3 waiting", "2 dead"]);
        assert_eq!(
            (queue.mood, queue.command.as_str()),
            (Mood::Bad, "platformctl ops dlq-inspect jobs")
        );
        assert_eq!(queue_row("git-store", None, 0, "").cells[1], "-");
    }

    #[test]
    fn errors_are_those_of_a_tenant_and_too_many_are_bad() {
        let rate = |failed: u64, rate: f64| {
            let steps = json!([
                { "from": "", "invocations": 4, "failed": 0 },
                { "from": "", "invocations": 16, "failed": failed },
            ]);
            let rate: ErrorRate = serde_json::from_value(json!({
                "tenant_id": "acme", "from": "", "until": "", "invocations": 20,
                "failed": failed, "rate": rate, "complete": true, "steps": steps, "agents": [],
            }))
            .expect("a rate");
            error_row(&rate, " --env prod")
        };
        let bad = rate(2, 0.1);
        assert_eq!(bad.cells, ["acme", "10.0 %", "2 of 20", "▁█"]);
        let command = "platformctl ops error-rate --since 1h --tenant acme --env prod";
        assert_eq!((bad.mood, bad.command.as_str()), (Mood::Bad, command));
        assert_eq!(rate(1, 0.05).mood, Mood::Good);
    }

    #[test]
    fn runs_say_how_to_go_on() {
        let run = |verb: &str, state: RunState| {
            run_row(&RunSummary {
                run: "2026-11-21-k3f9".to_owned(),
                state,
                start: RunStart {
                    verb: verb.to_owned(),
                    arguments: Value::Null,
                    account: None,
                    region: "eu-west-2".to_owned(),
                    project: "acme".to_owned(),
                    environment: "dev".to_owned(),
                    local: true,
                    by: "ada@laptop".to_owned(),
                    reason: None,
                    version: "0.1.0".to_owned(),
                },
                started: String::new(),
                last: String::new(),
                finished_steps: Vec::new(),
                open_step: None,
                exit_code: None,
                error: None,
                path: std::path::PathBuf::new(),
            })
        };
        let cut_off = run("deploy", RunState::Crashed);
        assert_eq!(cut_off.cells, ["k3f9", "deploy", "cut off", "acme-dev (local)", "ada@laptop"]);
        assert_eq!(cut_off.command, "platformctl resume k3f9");
        let command = |verb, state| run(verb, state).command;
        assert_eq!(command("deploy", RunState::Running), "platformctl events k3f9 --follow");
        for state in [RunState::Waiting, RunState::Failed] {
            assert_eq!(command("runbook 006", state), "platformctl runbook status k3f9");
        }
    }

    #[test]
    fn commands_act_where_the_overview_looks() {
        let of = |arguments: &[&str]| {
            let words = ["platformctl", "ops", "overview"].iter().chain(arguments);
            place(&Cli::try_parse_from(words).expect("arguments").global)
        };
        assert_eq!(of(&["--local"]), " --local");
        assert_eq!(
            of(&[
                "--env",
                "prod",
                "--profile",
                "ops",
                "--region",
                "eu-west-2",
                "-c",
                "my own.yaml"
            ]),
            " --config 'my own.yaml' --env prod --region eu-west-2 --profile ops"
        );
    }
}
