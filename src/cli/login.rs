use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Ctx;
use super::admin::{TOKEN, check_issuer, local_login, logins, variable};
use super::local::token::Role;
use crate::config::{Issuers, Settings};
use crate::error::{Context as _, Error, Result, exit};
use crate::http::{Http, Secret};
use crate::login::{
    Application, Clock, Login, Prompt, client_credentials, device, discover, said_of,
};
use crate::ui::{Align, Block, Report, Table};

/// The secret of a program that logs in.
const CLIENT_SECRET: &str = "PLATFORMCTL_CLIENT_SECRET";
/// The longest secret that is read, in bytes.
const LONGEST_SECRET: u64 = 64 << 10;
/// How long a login to the local platform is good.
const LOCAL: Duration = Duration::from_hours(8);

/// Log in as somebody who runs the platform
///
/// People type a code on another device; programs show a secret. Whom to ask stands in
/// platform.yaml under identity.issuers. The token is kept in a file that only this user
/// may read, for this environment alone; PLATFORMCTL_TOKEN wins over it. With --local the
/// local platform's own issuer gives the token.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl login\n  platformctl login --status\n  platformctl login --issuer staff --client-credentials < secret.txt\n  platformctl login --local --role Platform.Operator"
)]
pub struct LoginArgs {
    /// Type a code on another device; the default
    #[arg(long, conflicts_with_all = ["client_credentials", "status"])]
    device: bool,
    /// Show a secret: PLATFORMCTL_CLIENT_SECRET, or what comes on stdin
    #[arg(long, conflicts_with = "status")]
    client_credentials: bool,
    /// Issuer to ask, by its name in platform.yaml; default: the only one
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Id by which the issuer knows platformctl; default: that in platform.yaml
    #[arg(long, value_name = "ID", env = "PLATFORMCTL_CLIENT_ID")]
    client_id: Option<String>,
    /// What to ask for; default: what suits the kind of issuer
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// Role to log in with, with --local only; default: Platform.Admin
    #[arg(long, value_enum, value_name = "ROLE", conflicts_with = "status")]
    role: Option<Role>,
    /// Say who is logged in, and until when
    #[arg(long)]
    status: bool,
}

/// Log out: forget the tokens of this environment
///
/// Nobody else is told: a token that others may have is good until it expires.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl logout\n  platformctl logout --env prod\n  platformctl logout --local"
)]
pub struct LogoutArgs {}

/// Who is logged in.
#[derive(Debug)]
pub struct LoginReport {
    environment: String,
    logins: Vec<Login>,
    /// Whose the token in the environment is, if there is one.
    given: Option<String>,
    asked: bool,
}

/// What was forgotten.
#[derive(Debug)]
pub struct LogoutReport {
    environment: String,
    forgotten: usize,
}

/// Runs `login`.
pub async fn run(ctx: &Ctx, args: &LoginArgs) -> Result<LoginReport> {
    let settings = ctx.settings()?;
    let store = logins(ctx, &settings);
    let environment = settings.config.environment.clone();
    let given = variable(TOKEN)
        .map(|token| said_of(&Secret::new(token.trim())).unwrap_or_else(|| "unknown".to_owned()));
    if args.status {
        return Ok(LoginReport { environment, logins: store.all()?, given, asked: true });
    }
    let login = if settings.local {
        if args.device || args.client_credentials {
            return Err(Error::usage("the local platform's issuer asks nobody who they are")
                .hint("leave out `--device` and `--client-credentials`"));
        }
        local_login(ctx, args.role.unwrap_or(Role::Admin), LOCAL).await?
    } else {
        if args.role.is_some() {
            return Err(Error::usage("whoever signs people in says which role they have")
                .hint("`--role` goes with `--local`"));
        }
        sign_in(ctx, &settings, args).await?
    };
    ctx.paths.make_state()?;
    store.keep(&login)?;
    if given.is_some() {
        ctx.events.warn(format!("{TOKEN} is set, and wins over this login"));
    }
    Ok(LoginReport { environment, logins: vec![login], given: None, asked: false })
}

/// Runs `logout`.
pub fn logout(ctx: &Ctx, _: &LogoutArgs) -> Result<LogoutReport> {
    let settings = ctx.settings()?;
    let forgotten = logins(ctx, &settings).forget_all()?;
    if variable(TOKEN).is_some() {
        ctx.events.warn(format!("{TOKEN} is still set"));
    }
    Ok(LogoutReport { environment: settings.config.environment, forgotten })
}

async fn sign_in(ctx: &Ctx, settings: &Settings, args: &LoginArgs) -> Result<Login> {
    let application = application(settings, args)?;
    let http = Http::default();
    let since = OffsetDateTime::now_utc();
    let work = async {
        if args.client_credentials {
            let secret = secret()?;
            let endpoints = discover(&http, &application.issuer).await?;
            return client_credentials(&http, &endpoints, &application, &secret).await;
        }
        let endpoints = discover(&http, &application.issuer).await?;
        let tell = |prompt: &Prompt| tell(ctx, prompt);
        device(&http, &endpoints, &application, Clock::default(), &ctx.cancel, tell).await
    };
    let granted = tokio::select! {
        granted = work => granted?,
        () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
    };
    let who = said_of(&granted.token).unwrap_or_else(|| application.client_id.clone());
    Ok(Login { issuer: application.issuer, who, since, granted })
}

fn tell(ctx: &Ctx, prompt: &Prompt) {
    let Prompt { page, code, page_with_code, seconds } = prompt;
    let minutes = seconds / 60;
    ctx.ui.must_see(&format!("Open {page} and type the code {code} (good for {minutes} min)"));
    if let Some(page) = page_with_code {
        ctx.ui.must_see(&format!("or open {page}"));
    }
}

/// Whom to ask, and what for.
fn application(settings: &Settings, args: &LoginArgs) -> Result<Application> {
    let issuers = &settings.config.identity.issuers;
    let names = || issuers.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    let at = match (&args.issuer, issuers.len()) {
        (_, 0) => {
            return Err(Error::usage("platform.yaml names nobody who signs people in")
                .at(settings.place("identity"))
                .hint("name one under identity.issuers, or set PLATFORMCTL_TOKEN"));
        }
        (Some(name), _) => issuers.iter().position(|it| it.name == *name).ok_or_else(|| {
            Error::usage(format!("there is no issuer {name}")).hint(format!("issuers: {}", names()))
        })?,
        (None, 1) => 0,
        (None, _) => {
            return Err(Error::usage("platform.yaml names several issuers")
                .hint(format!("choose one with `--issuer`: {}", names())));
        }
    };
    let Some(config) = issuers.get(at) else { return Err(Error::usage("there is no issuer")) };
    let resolved = config.resolve();
    check_issuer(settings, at, &resolved.issuer)?;
    let client_id = args.client_id.clone().or_else(|| config.client_id.clone());
    let client_id = client_id.filter(|id| !id.is_empty()).ok_or_else(|| {
        Error::usage(format!("issuer {} has no client_id to log in with", config.name))
            .at(settings.place(&format!("identity.issuers[{at}]")))
            .hint("give it as client_id, with `--client-id`, or as PLATFORMCTL_CLIENT_ID")
    })?;
    let scope = match (&args.scope, config.kind) {
        (Some(scope), _) => scope.clone(),
        // Whatever the application was allowed, in a token for the platform itself.
        (None, Issuers::Entra) => format!("{}/.default", resolved.audience),
        // A program has no identity of its own to tell of.
        (None, _) if args.client_credentials => String::new(),
        (None, _) => "openid".to_owned(),
    };
    let oidc = matches!(config.kind, Issuers::Oidc);
    let audience = oidc.then_some(resolved.audience);
    Ok(Application { issuer: resolved.issuer, client_id, scope, audience })
}

/// The secret of the program: never from the command line, where others could read it.
fn secret() -> Result<Secret> {
    if let Some(secret) = variable(CLIENT_SECRET) {
        return Ok(Secret::new(secret.trim()));
    }
    let missing = || {
        Error::usage("a program logs in with a secret, and there is none")
            .hint(format!("set {CLIENT_SECRET}, or send the secret to stdin"))
    };
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(missing());
    }
    let mut text = String::new();
    stdin.take(LONGEST_SECRET).read_to_string(&mut text).context("cannot read stdin")?;
    match text.trim() {
        "" => Err(missing()),
        secret => Ok(Secret::new(secret)),
    }
}

fn time(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

impl Report for LoginReport {
    fn value(&self) -> Value {
        let logins: Vec<Value> = self
            .logins
            .iter()
            .map(|login| {
                json!({
                    "who": login.who,
                    "issuer": login.issuer,
                    "since": time(login.since),
                    "expires_at": time(login.granted.expires),
                    "good": login.is_good(),
                })
            })
            .collect();
        json!({ "environment": self.environment, "from_environment": self.given, "logins": logins })
    }

    fn exit_code(&self) -> u8 {
        let anybody = self.given.is_some() || self.logins.iter().any(Login::is_good);
        if anybody { exit::OK } else { exit::FAILED }
    }

    fn blocks(&self) -> Vec<Block> {
        let environment = &self.environment;
        let mut blocks = Vec::new();
        if let Some(who) = &self.given {
            blocks.push(Block::Text(format!("{TOKEN} is set and wins: {who}")));
        }
        if !self.asked {
            for login in &self.logins {
                let until = time(login.granted.expires);
                let who = &login.who;
                blocks.push(Block::Text(format!(
                    "{who} is logged in to {environment} until {until}"
                )));
            }
            return blocks;
        }
        if self.logins.is_empty() && blocks.is_empty() {
            return vec![Block::Text(format!("nobody is logged in to {environment}"))];
        }
        let mut table = Table::new(&[
            ("who", Align::Left),
            ("issuer", Align::Left),
            ("expires", Align::Left),
            ("state", Align::Left),
        ]);
        for login in &self.logins {
            let state = if login.is_good() { "good" } else { "expired" };
            let expires = time(login.granted.expires);
            table.row([login.who.clone(), login.issuer.clone(), expires, state.to_owned()]);
        }
        if !table.is_empty() {
            blocks.push(Block::Table(table));
        }
        blocks
    }
}

impl Report for LogoutReport {
    fn value(&self) -> Value {
        json!({ "environment": self.environment, "forgotten": self.forgotten })
    }

    fn blocks(&self) -> Vec<Block> {
        let environment = &self.environment;
        vec![Block::Text(match self.forgotten {
            0 => format!("nobody was logged in to {environment}"),
            _ => format!("logged out of {environment}"),
        })]
    }
}
