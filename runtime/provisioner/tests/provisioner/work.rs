use provisioner::{FormationError, Service};
use runtime_core::model::{ProgressState, TenantStatus, Work};
use runtime_core::tenant::{Isolation, Tier};
use serde_json::{Value, json};

use crate::fakes::{Fake, tenancy, with};

const HOME: &str = "acme-dev-tenant-globex";
const RUNTIME: &str = "acme-dev-tenant-globex-runtime";

async fn answer(fake: &Fake, two_regions: bool, event: Value) -> Value {
    let service = Service {
        tenancy: tenancy(two_regions),
        records: fake.clone(),
        formation: fake.clone(),
        data: fake.clone(),
    };
    service.answer(&event, fake.clone()).await.unwrap()
}

fn message(body: &str) -> Value {
    json!({ "Records": [{ "messageId": "m1", "body": body, "eventSource": "aws:sqs" }] })
}

async fn told(fake: &Fake) -> Value {
    let body = json!({ "tenant_id": "globex", "work": "create" }).to_string();
    answer(fake, false, message(&body)).await
}

fn none_failed() -> Value {
    json!({ "batchItemFailures": [] })
}

#[tokio::test]
async fn a_siloed_tenant_gets_its_stack_and_becomes_active() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    assert_eq!(told(&fake).await, none_failed());
    assert_eq!(fake.calls(), [format!("create {HOME}")]);
    let tenant = fake.tenant("globex");
    let progress = tenant.progress.unwrap();
    assert_eq!((tenant.status, progress.state), (TenantStatus::Active, ProgressState::Done));
    let stack = fake.world().stacks[HOME].clone();
    assert_eq!(stack.parameters["TenantId"], "globex");
    assert_eq!(stack.parameters["MonthlyUsd"], "300");
    assert_eq!(stack.parameters["Email"], "costs@globex.example");
    assert!(stack.template.contains("AWS::IAM::Role"));
}

#[tokio::test]
async fn the_same_message_again_does_nothing() {
    let fake = with(Tier::Premium, Work::Create, "queue");
    told(&fake).await;
    fake.calls();
    assert_eq!(told(&fake).await, none_failed());
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_api_has_not_finished_is_left_to_it() {
    let fake = with(Tier::Premium, Work::Create, "api-key");
    assert_eq!(told(&fake).await, none_failed());
    assert_eq!(fake.calls(), Vec::<String>::new());
    assert_eq!(fake.tenant("globex").progress.unwrap().state, ProgressState::Pending);
}

#[tokio::test]
async fn agents_in_another_region_get_a_second_stack_after_the_first() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    answer(&fake, true, json!({ "operation": "reconcile" })).await;
    assert_eq!(fake.calls(), [format!("create {HOME}"), format!("create {RUNTIME}")]);
    assert_eq!(fake.world().stacks.len(), 2);
    let mut fresh = fake.tenant("globex");
    let progress = fresh.progress.as_mut().unwrap();
    (progress.work, progress.state) = (Work::Delete, ProgressState::Pending);
    progress.step = Some("purge".parse().unwrap());
    let purged = progress.since.plus_seconds(31 * 24 * 60 * 60);
    fake.world().tenants.insert(fresh.tenant_id.clone(), fresh);
    // Kept for 30 days, and then gone, the last one first.
    answer(&fake, true, json!({ "operation": "reconcile" })).await;
    assert_eq!(fake.calls(), Vec::<String>::new());
    fake.world().now = Some(purged);
    answer(&fake, true, json!({ "operation": "reconcile" })).await;
    let purge = "purge globex".to_owned();
    assert_eq!(
        fake.calls(),
        [format!("delete {RUNTIME}"), format!("delete {HOME}"), purge.clone()]
    );
    assert!(fake.world().stacks.is_empty());
    // There was more than one call could take away.
    let state = |fake: &Fake| fake.tenant("globex").progress.unwrap().state;
    assert_ne!(state(&fake), ProgressState::Done);
    answer(&fake, true, json!({ "operation": "reconcile" })).await;
    assert_eq!((fake.calls(), state(&fake)), (vec![purge], ProgressState::Done));
    assert_eq!(fake.tenant("globex").progress.unwrap().state, ProgressState::Done);
}

#[tokio::test]
async fn a_stack_that_cannot_be_made_is_recorded_with_its_first_failure() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    let undone = vec!["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"];
    fake.world().next.insert(HOME.to_owned(), undone);
    assert_eq!(told(&fake).await, none_failed());
    let tenant = fake.tenant("globex");
    assert_eq!(tenant.status, TenantStatus::Suspended);
    let progress = tenant.progress.unwrap();
    assert_eq!(progress.state, ProgressState::Failed);
    assert_eq!(progress.root_cause.unwrap().as_str(), format!("Memory of {HOME}: no room"));
    // Nobody tries again by themselves.
    fake.calls();
    answer(&fake, false, json!({ "operation": "reconcile" })).await;
    assert_eq!(fake.calls(), Vec::<String>::new());
    // Asked again, what never worked is deleted and made anew.
    let mut again = fake.tenant("globex");
    let progress = again.progress.as_mut().unwrap();
    progress.state = ProgressState::Pending;
    progress.step = Some("stack".parse().unwrap());
    fake.world().tenants.insert(again.tenant_id.clone(), again);
    assert_eq!(told(&fake).await, none_failed());
    assert_eq!(fake.calls(), [format!("delete {HOME}"), format!("create {HOME}")]);
    assert_eq!(fake.tenant("globex").status, TenantStatus::Active);
}

#[tokio::test]
async fn what_takes_longer_than_a_call_is_gone_on_with_by_the_next() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    let slow = [vec!["CREATE_IN_PROGRESS"; 9], vec!["CREATE_COMPLETE"]].concat();
    fake.world().next.insert(HOME.to_owned(), slow);
    fake.world().patience = 3;
    assert_eq!(told(&fake).await, none_failed());
    let progress = fake.tenant("globex").progress.unwrap();
    assert_eq!(progress.state, ProgressState::Running);
    assert_eq!(progress.step.unwrap().as_str(), format!("stack {HOME}"));
    fake.world().patience = 20;
    answer(&fake, false, json!({ "operation": "reconcile" })).await;
    // It was asked once whether there is more to change.
    assert_eq!(fake.calls(), [format!("create {HOME}"), format!("update {HOME}")]);
    assert_eq!(fake.tenant("globex").status, TenantStatus::Active);
}

#[tokio::test]
async fn a_creation_that_was_undone_between_two_calls_is_a_failure() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    let undone = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"];
    fake.world().next.insert(HOME.to_owned(), undone.to_vec());
    fake.world().patience = 1;
    told(&fake).await;
    fake.world().patience = 20;
    answer(&fake, false, json!({ "operation": "reconcile" })).await;
    assert_eq!(fake.tenant("globex").progress.unwrap().state, ProgressState::Failed);
}

/// The tenant as it is, with another tier or isolation, and the work to make it so.
fn change(fake: &Fake, tier: Tier, isolation: Isolation) {
    let mut tenant = fake.tenant("globex");
    (tenant.tier, tenant.isolation) = (tier, isolation);
    let progress = tenant.progress.as_mut().unwrap();
    (progress.work, progress.state) = (Work::Change, ProgressState::Pending);
    progress.step = Some("stack".parse().unwrap());
    fake.world().tenants.insert(tenant.tenant_id.clone(), tenant);
}

#[tokio::test]
async fn a_tenant_keeps_what_is_its_own_when_its_tier_is_one_that_shares() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    told(&fake).await;
    fake.calls();
    change(&fake, Tier::Basic, Isolation::Silo);
    told(&fake).await;
    assert_eq!(fake.calls(), [format!("update {HOME}")]);
    let stack = fake.world().stacks[HOME].clone();
    assert!(stack.template.contains("AWS::BedrockAgentCore::Memory"));
    assert!(stack.template.contains("PlatformUsagePlanBasic"));
}

#[tokio::test]
async fn a_tenant_that_shares_everything_has_no_stack() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    told(&fake).await;
    fake.calls();
    change(&fake, Tier::Premium, Isolation::Pooled);
    told(&fake).await;
    assert_eq!(fake.calls(), [format!("delete {HOME}")]);
}

#[tokio::test]
async fn what_fails_in_passing_comes_again_and_what_is_refused_does_not() {
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "m1" }] });
    let fake = with(Tier::Premium, Work::Create, "stack");
    fake.world().refuses = Some(FormationError::Busy("Throttling".to_owned()));
    assert_eq!(told(&fake).await, failed);
    assert_eq!(fake.tenant("globex").progress.unwrap().state, ProgressState::Running);
    fake.world().refuses = Some(FormationError::Refused("AccessDenied: no".to_owned()));
    assert_eq!(told(&fake).await, none_failed());
    let progress = fake.tenant("globex").progress.unwrap();
    assert_eq!(progress.root_cause.unwrap().as_str(), "AccessDenied: no");
}

#[tokio::test]
async fn somebody_who_writes_the_record_meanwhile_is_not_overwritten() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    fake.world().conflicts = 2;
    assert_eq!(told(&fake).await, none_failed());
    assert_eq!(fake.tenant("globex").status, TenantStatus::Active);
    let fake = with(Tier::Premium, Work::Create, "stack");
    fake.world().conflicts = 9;
    assert_ne!(told(&fake).await, none_failed());
}

#[tokio::test]
async fn messages_of_no_tenant_come_again_until_they_are_dead_letters() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    for body in ["", "{}", "null", r#"{"tenant_id":"../x"}"#] {
        assert_ne!(answer(&fake, false, message(body)).await, none_failed(), "{body}");
    }
    // A tenant that is not there has no work.
    let body = json!({ "tenant_id": "nobody" }).to_string();
    assert_eq!(answer(&fake, false, message(&body)).await, none_failed());
}

#[tokio::test]
async fn nothing_of_an_ordered_batch_overtakes_what_failed() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    let record = |id: &str, body: &str| json!({ "messageId": id, "body": body });
    let batch = [record("a", "{}"), record("b", r#"{"tenant_id":"globex"}"#)];
    let answered = answer(&fake, false, json!({ "Records": batch })).await;
    let failed = [json!({ "itemIdentifier": "a" }), json!({ "itemIdentifier": "b" })];
    assert_eq!(answered, json!({ "batchItemFailures": failed }));
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_unknown_event_is_refused() {
    let fake = with(Tier::Premium, Work::Create, "stack");
    let service = Service {
        tenancy: tenancy(false),
        records: fake.clone(),
        formation: fake.clone(),
        data: fake.clone(),
    };
    assert!(service.answer(&json!({ "operation": "delete" }), fake.clone()).await.is_err());
}
