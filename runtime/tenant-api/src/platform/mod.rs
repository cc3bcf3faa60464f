//! What operators ask for: how full the quotas are, what looked like an attack, reports,
//! failovers, plans of accounts, approvals.

mod accounts;
mod approvals;
mod events;
mod failover;
mod quota;
mod reports;

use axum::http::StatusCode;
use runtime_core::access::OperatorDynamoDb;
use runtime_core::model::{Listing, PlatformItem};

use crate::problem::Problem;

pub(crate) use accounts::{get as account_plan, plan as split_accounts};
pub(crate) use approvals::{
    answer as answer_approval, get as approval, list as approvals, request as request_approval,
};
pub(crate) use events::list as security_events;
pub(crate) use failover::{get as failover, request as fail_over};
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
