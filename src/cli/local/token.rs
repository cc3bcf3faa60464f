use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::Ctx;
use crate::error::{Context as _, Error, Result};
use crate::local::issuer::{self, Algorithm, Claims};
use crate::ui::{Block, Format, Report};

/// The longest a token may be good.
const LONGEST: Duration = Duration::from_hours(24 * 30);

/// Print a token of the local platform's own issuer
///
/// Really signed, and checked like any other; only the local platform trusts it. What is
/// printed is a secret of that platform alone.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl local token --tenant acme\n  platformctl local token --role Platform.Admin --expires 10m\n  curl -H \"Authorization: Bearer $(platformctl local token --tenant acme)\" $URL/v1/agents"
)]
pub struct TokenArgs {
    /// Role of those who run the platform; may be given twice
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Vec<Role>,
    /// Tenant that its owner is a user of
    #[arg(long, value_name = "ID")]
    tenant: Option<runtime_core::tenant::TenantId>,
    /// Who its owner is; default: the tenant's or the platform's `local-user`
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// How long it is good, such as 90s, 10m or 1h; at most 30days
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    expires: Duration,
    /// How it is signed
    #[arg(long, value_enum, default_value = "rs256", value_name = "ALGORITHM")]
    algorithm: Algorithm,
}

/// A role that the local issuer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Sees all tenants and changes none.
    #[value(name = "Platform.Operator")]
    Operator,
    /// May change the platform.
    #[value(name = "Platform.Admin")]
    Admin,
}

impl Role {
    /// As a token has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "Platform.Operator",
            Self::Admin => "Platform.Admin",
        }
    }
}

/// A token that was made.
#[derive(Debug)]
pub struct TokenReport {
    token: String,
    issuer: String,
    claims: Claims,
}

/// Runs `local token`.
pub async fn run(ctx: &Ctx, args: &TokenArgs) -> Result<TokenReport> {
    let platform = ctx.local_platform();
    let running = platform.status().await?.ok_or_else(|| {
        Error::failed("the local platform is down, and a token is for the one that runs")
            .hint("start it: `platformctl local up`")
    })?;
    let subject = args.subject.clone().unwrap_or_else(|| match &args.tenant {
        Some(tenant) => format!("local-user@{tenant}"),
        None => "local-user".to_owned(),
    });
    let claims = Claims {
        subject,
        roles: args.role.iter().map(|role| role.name().to_owned()).collect(),
        tenant: args.tenant.as_ref().map(ToString::to_string),
        issued: now(),
        lifetime: args.expires,
    };
    if claims.roles.is_empty() && claims.tenant.is_none() {
        return Err(Error::usage("a token of nobody lets nobody in")
            .hint("say whose it is: `--tenant ID` for a tenant's user, `--role Platform.Admin` or `--role Platform.Operator` for staff"));
    }
    let token = platform.issuer().sign(&running.endpoint, args.algorithm, &claims)?;
    Ok(TokenReport { token, issuer: issuer::address(&running.endpoint), claims })
}

/// Now, in whole seconds: tokens know no others.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_secs(1) || time > LONGEST {
        return Err("a token is good for 1s to 30days".to_owned());
    }
    Ok(Duration::from_secs(time.as_secs()))
}

impl Report for TokenReport {
    fn value(&self) -> Value {
        let expires = self.claims.expires().format(&Rfc3339).context("cannot format the time");
        json!({
            "token": self.token,
            "issuer": self.issuer,
            "subject": self.claims.subject,
            "roles": self.claims.roles,
            "tenant_id": self.claims.tenant,
            "expires_at": expires.ok(),
        })
    }

    /// The token is what was asked for.
    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.token.clone())]
    }

    fn special(&self, format: Format) -> Option<String> {
        (format == Format::Markdown).then(|| format!("{}\n", self.token))
    }
}
