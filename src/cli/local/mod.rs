pub(super) mod token;

use serde_json::{Value, json};

use super::Ctx;
use crate::error::{Error, Kind, Result};
use crate::local::issuer::{self, Rotated};
use crate::local::{ACCOUNT, EMULATOR, Running};
use crate::ui::{Align, Block, Report, Table};

/// Start, stop and clear the local platform
///
/// An AWS emulator on a loopback port, managed by platformctl. Any verb with
/// --local starts it.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl local up\n  platformctl local status\n  platformctl local token --tenant acme\n  platformctl local down\n  platformctl local reset"
)]
pub enum LocalVerb {
    /// Start it, unless it runs
    #[command(after_help = "Examples:\n  platformctl local up\n  platformctl local up --port 4566")]
    Up {
        /// Port on the loopback interface; default: the last one, else a free one
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
    },
    /// Stop it; its state is kept
    #[command(after_help = "Example:\n  platformctl local down")]
    Down,
    /// Say whether it runs, and where
    #[command(
        after_help = "Examples:\n  platformctl local status\n  platformctl local status --query endpoint"
    )]
    Status,
    Token(token::TokenArgs),
    /// Give its token issuer new keys
    ///
    /// New tokens are signed by the new keys. Those signed before stay good until they
    /// expire, or until --forget-old takes the old keys away.
    #[command(
        after_help = "Examples:\n  platformctl local rotate-keys\n  platformctl local rotate-keys --forget-old"
    )]
    RotateKeys {
        /// Make no new keys, but take away the old ones: what they signed is refused
        #[arg(long)]
        forget_old: bool,
    },
    /// Stop it and clear its state: every stack, page and bucket on it
    #[command(after_help = "Examples:\n  platformctl local reset\n  platformctl local reset --yes")]
    Reset {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// The local platform's state.
#[derive(Debug)]
struct LocalReport {
    said: String,
    running: Option<Running>,
}

/// Runs `local`.
pub async fn run(ctx: &Ctx, verb: &LocalVerb) -> Result<Box<dyn Report>> {
    let platform = ctx.local_platform();
    let report = match verb {
        LocalVerb::Token(args) => return Ok(Box::new(token::run(ctx, args).await?)),
        LocalVerb::RotateKeys { forget_old } => {
            let rotated = platform.rotate_keys(*forget_old).await?;
            return Ok(Box::new(RotationReport(rotated)));
        }
        LocalVerb::Up { port } => {
            let running = tokio::select! {
                running = platform.up(*port) => running?,
                () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
            };
            LocalReport {
                said: format!("the local platform is up at {}", running.endpoint),
                running: Some(running),
            }
        }
        LocalVerb::Down => {
            let was_up = platform.down().await?;
            let said = if was_up {
                "the local platform is down; its state is kept"
            } else {
                "the local platform was not up"
            };
            LocalReport { said: said.to_owned(), running: None }
        }
        LocalVerb::Status => match platform.status().await? {
            Some(running) => LocalReport {
                said: format!(
                    "up at {}, process {}, log {}\ntoken issuer {}",
                    running.endpoint,
                    running.pid,
                    platform.log().display(),
                    issuer::address(&running.endpoint)
                ),
                running: Some(running),
            },
            None => LocalReport { said: "the local platform is down".to_owned(), running: None },
        },
        LocalVerb::Reset { yes } => {
            let confirmed = *yes
                || ctx.ui.confirm("Clear every stack, page and bucket of the local platform?")?;
            if !confirmed {
                return Err(Error::new(Kind::Usage, "not confirmed; nothing was cleared"));
            }
            platform.reset().await?;
            LocalReport {
                said: "the local platform is down and its state is cleared".to_owned(),
                running: None,
            }
        }
    };
    Ok(Box::new(report))
}

impl Report for LocalReport {
    fn value(&self) -> Value {
        let running = self.running.as_ref();
        json!({
            "up": running.is_some(),
            "endpoint": running.map(|running| &running.endpoint),
            "port": running.map(|running| running.port),
            "pid": running.map(|running| running.pid),
            "issuer": running.map(|running| issuer::address(&running.endpoint)),
            "account": ACCOUNT,
            "emulator": EMULATOR,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.said.clone())]
    }
}

/// The keys of the token issuer after a change.
#[derive(Debug)]
struct RotationReport(Rotated);

impl Report for RotationReport {
    fn value(&self) -> Value {
        let Rotated { signing, former, forgotten } = &self.0;
        json!({ "signing": signing, "former": former, "forgotten": forgotten })
    }

    /// The ids of public keys are no secrets.
    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let Rotated { signing, former, forgotten } = &self.0;
        let mut table = Table::new(&[("key", Align::Left), ("state", Align::Left)]);
        let states = [
            (signing, "signs"),
            (former, "good for tokens signed before"),
            (forgotten, "forgotten"),
        ];
        for (ids, state) in states {
            for id in ids {
                table.row([id.clone(), state.to_owned()]);
            }
        }
        vec![Block::Table(table)]
    }
}
