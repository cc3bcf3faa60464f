//! Plans of which tenants are to be in which account. No account is made and no tenant is
//! moved: the plan says what to order, and what to deploy there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime_core::access::OperatorDynamoDb;
use runtime_core::api::{self, AccountSplit, PlannedAccount, RequestState};
use runtime_core::model::{
    AccountPlan, Listing, Placed, Revision, Tenant, TenantStatus, Text, Timestamp,
};
use runtime_core::tenant::{Isolation, TenantId};
use serde_json::json;

use super::all;
use super::quota::{ROLES, of_silos};
use crate::app::App;
use crate::caller::{RequestId, Staff};
use crate::extract::{Body, Once};
use crate::problem::{Fields, Problem};
use crate::record::{Change, create_once, digest};

/// How long a plan is kept: 90 days, in seconds.
const KEPT_SECONDS: u32 = 90 * 24 * 60 * 60;

/// How full a plan makes an account, in percent of its narrowest quota.
const FULL: u64 = 70;

/// The most accounts of a plan.
const MOST_ACCOUNTS: usize = 100;

/// The newest plan.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let newest = newest(&platform).await?.ok_or_else(|| Problem::not_found("plan of accounts"))?;
    Ok(axum::Json(shown(&newest, true)).into_response())
}

async fn newest(platform: &OperatorDynamoDb) -> Result<Option<AccountPlan>, Problem> {
    let plans = all(platform, &Listing::<AccountPlan>::all()).await?;
    Ok(plans.into_iter().max_by_key(|it| (it.created_at, it.plan_id)))
}

pub(crate) async fn plan(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Once(once): Once,
    RequestId(request_id): RequestId,
    Body(wanted): Body<AccountSplit>,
) -> Result<Response, Problem> {
    let digest = digest("splitAccounts", &wanted)?;
    let (accounts, reason) = checked(&wanted)?;
    let platform = app.platform(&operator).await?;
    let mut silos = Vec::new();
    for status in TenantStatus::ALL.into_iter().filter(|it| *it != TenantStatus::Deleted) {
        let tenants = all(&platform, &Listing::<Tenant>::with_status(status)).await?;
        let own = tenants.into_iter().filter(|it| it.isolation == Isolation::Silo);
        silos.extend(own.map(|it| it.tenant_id));
    }
    let now = Timestamp::now();
    let room = u32::try_from(ROLES * FULL / 100).map_err(Problem::internal)?;
    let (accounts, unplaced) = spread(silos, accounts, room as usize);
    let plan = AccountPlan {
        plan_id: once.platform_id("splitAccounts"),
        reason,
        requested_by: Text::cut(operator.subject()),
        created_at: now,
        tenants_an_account: room,
        accounts,
        unplaced,
        expires_at: now.plus_seconds(KEPT_SECONDS).seconds(),
        request_digest: Some(digest),
        revision: Revision::FIRST,
    };
    let change = Change {
        operation: "splitAccounts",
        tenant_id: None,
        subject: operator.subject(),
        request_id: &request_id,
        reason: Some(&wanted.reason),
        wanted: json!({ "plan": plan.plan_id, "accounts": wanted.accounts }),
    };
    change.keep(&app).await?;
    let plan = create_once(&platform, plan, digest, |it| it.request_digest).await?;
    let counts = newest(&platform).await?.is_none_or(|it| it.plan_id == plan.plan_id);
    Ok((StatusCode::ACCEPTED, axum::Json(shown(&plan, counts))).into_response())
}

type Account = Text<12, 12>;

fn checked(wanted: &AccountSplit) -> Result<(Vec<Account>, Text<1, 500>), Problem> {
    let mut fields = Fields::default();
    if wanted.accounts.is_empty() || wanted.accounts.len() > MOST_ACCOUNTS {
        fields.add("accounts", "expected 1 to 100 accounts");
    }
    let mut accounts: Vec<Account> = Vec::new();
    for (i, text) in wanted.accounts.iter().enumerate() {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<Account>() {
            Ok(account) if digits && accounts.contains(&account) => {
                fields.add(&format!("accounts[{i}]"), "expected each account once");
            }
            Ok(account) if digits => accounts.push(account),
            _ => fields.add(&format!("accounts[{i}]"), "expected 12 digits"),
        }
    }
    let reason = fields.take("reason", wanted.reason.parse());
    match reason {
        Some(reason) if fields.is_empty() => Ok((accounts, reason)),
        _ => Err(fields.problem()),
    }
}

/// Spreads tenants evenly, in the order of their ids: as many in each account, and no more
/// than there is room for. The same tenants and accounts give the same plan.
fn spread(
    mut tenants: Vec<TenantId>,
    accounts: Vec<Account>,
    room: usize,
) -> (Vec<Placed>, Vec<TenantId>) {
    tenants.sort_unstable();
    let unplaced = tenants.split_off(tenants.len().min(room * accounts.len()));
    let share = tenants.len().div_ceil(accounts.len().max(1)).max(1);
    let mut chunks = tenants.chunks(share);
    let placed = accounts
        .into_iter()
        .map(|account| Placed { account, tenants: chunks.next().unwrap_or_default().to_vec() });
    (placed.collect(), unplaced)
}

/// What callers see; `counts`: there is no newer one.
fn shown(plan: &AccountPlan, counts: bool) -> api::AccountPlan {
    let account = |it: &Placed| PlannedAccount {
        account: it.account.as_str().to_owned(),
        tenants: it.tenants.clone(),
        quotas: of_silos(u64::try_from(it.tenants.len()).unwrap_or(u64::MAX)),
    };
    api::AccountPlan {
        id: plan.plan_id.to_string(),
        reason: plan.reason.as_str().to_owned(),
        requested_by: plan.requested_by.as_str().to_owned(),
        requested_at: plan.created_at.to_string(),
        state: if counts { RequestState::Requested } else { RequestState::Superseded },
        tenants_an_account: plan.tenants_an_account,
        accounts: plan.accounts.iter().map(account).collect(),
        unplaced: plan.unplaced.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_spread_evenly_and_nobody_is_lost() {
        let tenants: Vec<TenantId> =
            (0..10).map(|i| format!("tenant-{i}").parse().unwrap()).collect();
        let accounts = || ["111122223333", "444455556666"].map(|it| it.parse().unwrap()).to_vec();
        let (placed, unplaced) = spread(tenants.clone(), accounts(), 7);
        assert_eq!(placed.iter().map(|it| it.tenants.len()).collect::<Vec<_>>(), [5, 5]);
        assert!(unplaced.is_empty());
        let (placed, unplaced) = spread(tenants.clone(), accounts(), 4);
        assert_eq!(placed.iter().map(|it| it.tenants.len()).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(unplaced, tenants[8..]);
        let (placed, unplaced) = spread(Vec::new(), accounts(), 4);
        assert!(placed.iter().all(|it| it.tenants.is_empty()) && unplaced.is_empty());
    }
}
