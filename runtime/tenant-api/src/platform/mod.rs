//! What operators ask for: how full the quotas are, what looked like an attack, reports.

mod events;
mod quota;
mod reports;

use axum::http::StatusCode;
use runtime_core::access::OperatorDynamoDb;
use runtime_core::api::{AccountSplit, Failover};
use runtime_core::model::{Listing, PlatformItem};

use crate::extract::{Body, Once};
use crate::problem::Problem;

pub(crate) use events::list as security_events;
pub(crate) use quota::get as quota;
pub(crate) use reports::get as report;

/// Items of a page, where all are read.
const A_PAGE: u32 = 200;

/// The most items that are read for one answer.
const MOST_READ: usize = 20_000;

/// Reads a list to its end.
async fn all<T: PlatformItem>(
    platform: &OperatorDynamoDb,
    listing: &Listing<T>,
) -> Result<Vec<T>, Problem> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = platform.list(listing, A_PAGE, cursor.as_deref()).await?;
        items.extend(page.items);
        if items.len() > MOST_READ {
            let detail = format!("There are more than {MOST_READ} rows: too many for one answer.");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(items),
        }
    }
}

/// Nothing behind the API moves the runtime yet.
pub(crate) async fn fail_over(_: Once, Body(wanted): Body<Failover>) -> Problem {
    if wanted.reason.is_empty() || wanted.reason.chars().count() > 500 {
        return Problem::field("reason", "expected 1 to 500 characters");
    }
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "Nothing behind this route moves the agents' runtime: it takes a worker that holds the failover lock and deploys to the other region. Until there is one, change `runtime_region` and run `platformctl deploy`.",
    )
}

/// Nothing behind the API makes stacks in other accounts yet.
pub(crate) async fn split_accounts(_: Once, Body(wanted): Body<AccountSplit>) -> Problem {
    let twelve_digits = |it: &String| it.len() == 12 && it.bytes().all(|b| b.is_ascii_digit());
    if let Some(i) = wanted.accounts.iter().position(|it| !twelve_digits(it)) {
        return Problem::field(&format!("accounts[{i}]"), "expected 12 digits");
    }
    if wanted.accounts.is_empty() || wanted.accounts.len() > 100 {
        return Problem::field("accounts", "expected 1 to 100 accounts");
    }
    if wanted.reason.is_empty() || wanted.reason.chars().count() > 500 {
        return Problem::field("reason", "expected 1 to 500 characters");
    }
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "Nothing behind this route makes tenants' stacks in other accounts: it takes a stack set with the templates of the siloed tiers, and a record of which tenant is in which account.",
    )
}
