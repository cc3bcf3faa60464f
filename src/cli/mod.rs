//! The command line: one file a verb, a folder a noun. A verb is an `Args` struct
//! whose doc comments are its help, and one function `run`.

mod admin;
mod bench;
mod bootstrap;
mod build;
mod check;
mod config;
mod context;
mod deploy;
mod destroy;
mod diff;
mod engine;
mod events;
mod explain;
mod global;
mod graph;
mod init;
mod invoke;
mod leases;
mod local;
mod lock;
mod login;
mod ops;
mod outputs;
mod resume;
mod rollback;
mod runbook;
mod runs;
mod session;
mod status;
mod synth;
mod tenant;
mod trace;
mod verb;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

pub use context::Ctx;
pub use global::{Cli, Global};
pub use verb::Verb;

use crate::error::exit;
use crate::signal;
use crate::ui::Ui;

/// Parses, runs, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match parse(arguments.into_iter().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help to stdout and errors to stderr; nobody is left to
            // tell when they are gone.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
        }
    };
    let ui = Ui::new(cli.global.ui_options());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        // Unoptimized, a deploy through the SDK takes half of the default 2 MB.
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&crate::error::Error::failed("cannot start").caused_by(error));
            return exit::FAILED;
        }
    };
    runtime.block_on(async {
        let (canceller, cancel) = signal::Cancel::new();
        let told = ui.clone();
        signal::listen(canceller, move |first| {
            if first {
                told.status("interrupted: finishing what cannot be left half done; again to abort");
            }
        });
        match execute(cli, ui.clone(), cancel).await {
            Ok(code) => code,
            Err(error) => {
                ui.error(&error);
                error.exit_code()
            }
        }
    })
}

fn parse(arguments: Vec<OsString>) -> std::result::Result<Cli, clap::Error> {
    let of = |arguments: &[OsString]| {
        let matches = Cli::command().try_get_matches_from(arguments)?;
        Cli::from_arg_matches(&matches)
    };
    of(&arguments).or_else(|error| {
        let no_verb = matches!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
        );
        if !no_verb || !crate::ui::can_look() {
            return Err(error);
        }
        // `ops` alone. No other verb has this one below it.
        let arguments: Vec<_> = arguments.into_iter().chain(["overview".into()]).collect();
        of(&arguments).map_err(|_| error)
    })
}

async fn execute(cli: Cli, ui: Ui, cancel: signal::Cancel) -> crate::error::Result<u8> {
    global::init_logging(cli.global.verbose, &ui);
    ui.check_options(matches!(cli.verb, Verb::Check(_)))?;
    let ctx = Ctx::new(cli.global, ui, cancel)?;
    let report = verb::run(&ctx, cli.verb).await?;
    ctx.ui.report(report.as_ref())?;
    Ok(report.exit_code())
}
