//! What is done in several steps, with a failure before and after each call.

use std::collections::BTreeSet;

use runtime_core::model::{ApiKeyToken, ProgressState, TenantStatus, Timestamp, Work};
use serde_json::{Value, json};

use crate::memory::Fault;
use crate::support::{Api, Call, admin, call, new_tenant};

/// Every call that a request makes, failing before and after its effect: gives what was
/// made of `api` each time. Ends with the first call that is not made.
async fn with_every_fault(
    prepare: impl AsyncFn(&Api),
    request: impl AsyncFn(&Api) -> Call,
    check: impl AsyncFn(&Api, Fault),
) {
    let mut met = 0;
    for call in 0.. {
        let mut there = false;
        for after in [false, true] {
            let api = Api::default();
            prepare(&api).await;
            let request = request(&api).await;
            let fault = Fault { call, after };
            api.memory.fail(fault);
            let first = api.send(request.clone()).await;
            if api.memory.take_fault() {
                first.is(202);
                continue;
            }
            there = true;
            met += 1;
            // What is lost after the last effect may still have been answered.
            assert!([202, 500].contains(&first.status), "{first:?}");
            check(&api, fault).await;
        }
        if !there {
            break;
        }
    }
    assert!(met > 10, "only {met} faults were met");
}

async fn nothing(_: &Api) {}

fn ids(api: &Api, kind: &str) -> BTreeSet<String> {
    let events = api.memory.cloud().events.clone();
    let events = events.iter().filter(|it| it.kind == kind);
    let id = |detail: &str| {
        serde_json::from_str::<Value>(detail).unwrap()["id"].as_str().unwrap().to_owned()
    };
    events.map(|it| id(&it.detail)).collect()
}

fn provisioning(api: &Api) -> BTreeSet<(String, String)> {
    let messages = api.memory.cloud().messages.clone();
    messages.into_iter().filter_map(|it| it.order).collect()
}

/// Exactly what belongs to one made tenant is there.
async fn check_made(api: &Api, silo: bool) {
    let tenant = api.record("globex").await.unwrap();
    let progress = tenant.progress.clone().unwrap();
    assert_eq!(progress.work, Work::Create);
    let cloud_secrets = api.memory.cloud().secrets.clone();
    assert_eq!(cloud_secrets.keys().collect::<Vec<_>>(), ["acme-dev/api-keys/globex"]);
    let token: ApiKeyToken = cloud_secrets["acme-dev/api-keys/globex"].parse().unwrap();
    assert_eq!(tenant.api_keys.len(), 1);
    assert!(tenant.key_of(&token, Timestamp::now()).is_some(), "the token is not the key");
    assert_eq!(ids(api, "platform.tenant.created").len(), 1);
    let cloud = api.memory.cloud();
    if silo {
        assert_eq!(
            (tenant.status, progress.state),
            (TenantStatus::Suspended, ProgressState::Pending)
        );
        assert_eq!(progress.step.unwrap().as_str(), "stack");
        assert!(cloud.keys.is_empty());
    } else {
        assert_eq!((tenant.status, progress.state), (TenantStatus::Active, ProgressState::Done));
        let keys: Vec<_> = cloud.keys.values().collect();
        let value = "usage-key-of-tenant-acme-dev-globex";
        assert_eq!(keys, [&("acme-dev-tenant-globex".to_owned(), value.to_owned())]);
        let on_plan: Vec<_> = cloud.on_plan.iter().map(|(plan, _)| plan.as_str()).collect();
        assert_eq!(on_plan, ["plan-standard"]);
    }
    drop(cloud);
    assert_eq!(provisioning(api).len(), usize::from(silo));
}

#[tokio::test]
async fn a_tenant_is_made_once_wherever_making_it_fails() {
    for (tier, silo) in [("standard", false), ("premium", true)] {
        let request = async |_: &Api| new_tenant("globex", tier);
        with_every_fault(nothing, request, async |api, _| {
            api.send(new_tenant("globex", tier)).await.is(202);
            check_made(api, silo).await;
            // And once more, by another name.
            api.send(new_tenant("globex", tier).once("another-name")).await.is(202);
            check_made(api, silo).await;
        })
        .await;
    }
}

async fn delete(api: &Api) -> Call {
    let revision = api.record("globex").await.unwrap().revision;
    call("DELETE", "/v1/tenants/globex").by(&admin()).if_match(&revision.etag())
}

/// Nothing is left that works.
async fn check_deleted(api: &Api) {
    let tenant = api.record("globex").await.unwrap();
    assert_eq!(tenant.status, TenantStatus::Deleted);
    assert!(tenant.api_keys.is_empty());
    let progress = tenant.progress.unwrap();
    assert_eq!((progress.work, progress.step.unwrap().as_str()), (Work::Delete, "purge"));
    assert_eq!(ids(api, "platform.tenant.deleted").len(), 1);
    let cloud = api.memory.cloud();
    assert!(cloud.keys.is_empty() && cloud.on_plan.is_empty() && cloud.secrets.is_empty());
    let bodies: BTreeSet<_> = cloud.messages.iter().map(|it| it.body.clone()).collect();
    let deletes: Vec<Value> = bodies
        .iter()
        .map(|it| serde_json::from_str(it).unwrap())
        .filter(|it: &Value| it["work"] == "delete")
        .collect();
    assert_eq!(deletes.len(), 1, "{bodies:?}");
    let purge_at: Timestamp = deletes[0]["purge_at"].as_str().unwrap().parse().unwrap();
    let days = (purge_at.seconds() - Timestamp::now().seconds()) / 86_400;
    assert!((29..=30).contains(&days), "{purge_at}");
}

#[tokio::test]
async fn a_tenant_that_was_half_made_is_deleted_without_a_rest() {
    for tier in ["basic", "premium"] {
        let request = async |_: &Api| new_tenant("globex", tier);
        with_every_fault(nothing, request, async |api, _| {
            if api.record("globex").await.is_none() {
                return;
            }
            api.send(delete(api).await).await.is(202);
            check_deleted(api).await;
            api.send(new_tenant("globex", tier)).await.is(409);
            check_deleted(api).await;
        })
        .await;
    }
}

#[tokio::test]
async fn deleting_goes_on_where_it_stopped() {
    for tier in ["basic", "premium"] {
        let made = async |api: &Api| drop(api.tenant("globex", tier).await);
        with_every_fault(made, delete, async |api, _| {
            // The same request again, whatever the revision is by now; and a third time.
            let again = || call("DELETE", "/v1/tenants/globex").by(&admin());
            let deleted = api.record("globex").await.unwrap().status == TenantStatus::Deleted;
            let etag = if deleted {
                "\"1\"".to_owned()
            } else {
                api.record("globex").await.unwrap().revision.etag()
            };
            api.send(again().if_match(&etag)).await.is(202);
            check_deleted(api).await;
            api.send(again().if_match(&etag)).await.is(202);
            check_deleted(api).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_tier_is_changed_once_wherever_changing_it_fails() {
    let change = |etag: &str| {
        let call = call("PATCH", "/v1/tenants/globex").by(&admin()).if_match(etag);
        call.json(&json!({ "tier": "basic" }))
    };
    let made = async |api: &Api| drop(api.tenant("globex", "standard").await);
    let request = async |api: &Api| {
        let revision = api.record("globex").await.unwrap().revision;
        change(&revision.etag())
    };
    with_every_fault(made, request, async |api, fault| {
        // The client sends what it sent before, with the ETag that it had; when all has
        // been done already, it hears that the tenant has changed.
        let answer = api.send(change("\"4\"")).await;
        assert!([202, 412].contains(&answer.status), "{fault:?}: {answer:?}");
        let tenant = api.record("globex").await.unwrap();
        assert_eq!(tenant.tier.name(), "basic", "{fault:?}");
        assert_eq!(tenant.status, TenantStatus::Active);
        assert_eq!(tenant.progress.unwrap().state, ProgressState::Done);
        assert_eq!(ids(api, "platform.tenant.tier_changed").len(), 1, "{fault:?}");
        let cloud = api.memory.cloud();
        let on_plan: Vec<_> = cloud.on_plan.iter().map(|(plan, _)| plan.as_str()).collect();
        assert_eq!((on_plan, cloud.keys.len()), (vec!["plan-basic"], 1));
    })
    .await;
}

#[tokio::test]
async fn a_new_key_is_one_key_wherever_making_it_fails() {
    let rotate = || call("POST", "/v1/tenants/globex/api-keys").by(&admin()).once("rotation-1");
    let mut met = 0;
    for call in 0..20 {
        for after in [false, true] {
            let api = Api::default();
            api.tenant("globex", "standard").await;
            api.memory.fail(Fault { call, after });
            api.send(rotate()).await;
            if api.memory.take_fault() {
                continue;
            }
            met += 1;
            let key = api.send(rotate()).await.is(201).body;
            let token: ApiKeyToken = key["value"].as_str().unwrap().parse().unwrap();
            let tenant = api.record("globex").await.unwrap();
            assert_eq!(tenant.api_keys.len(), 2);
            assert_eq!(tenant.key_of(&token, Timestamp::now()), Some(&tenant.api_keys[0]));
            let secret = api.memory.cloud().secrets["acme-dev/api-keys/globex"].clone();
            assert_eq!(secret, token.expose());
            // The same request gives the same key.
            assert_eq!(api.send(rotate()).await.is(201).body["value"], key["value"]);
        }
    }
    assert!(met > 8, "only {met} faults were met");
}

/// Two who make it, and one who makes it while another deletes it, at every call.
#[tokio::test]
async fn who_comes_in_between_changes_nothing_of_what_is_there_in_the_end() {
    for tier in ["standard", "premium"] {
        for call in 0.. {
            let api = Api::default();
            let other = api.clone();
            let twice = async move {
                other.send(new_tenant("globex", tier)).await.is(202);
            };
            api.memory.meanwhile(call, Box::pin(twice));
            let answer = api.send(new_tenant("globex", tier)).await;
            if api.memory.take_meanwhile() {
                assert!(call > 6, "only {call} calls");
                break;
            }
            assert_eq!(answer.status, 202, "before call {call}: {answer:?}");
            check_made(&api, tier == "premium").await;
        }
        for call in 0.. {
            let api = Api::default();
            let other = api.clone();
            let deleted = async move {
                if other.record("globex").await.is_some() {
                    let delete = delete(&other).await;
                    other.send(delete).await.is(202);
                }
            };
            api.memory.meanwhile(call, Box::pin(deleted));
            let answer = api.send(new_tenant("globex", tier)).await;
            if api.memory.take_meanwhile() {
                break;
            }
            let record = api.record("globex").await.unwrap();
            if record.status == TenantStatus::Deleted {
                assert_eq!(answer.status, 409, "before call {call}");
                check_deleted(&api).await;
            } else {
                // There was nothing to delete yet.
                assert_eq!(answer.status, 202, "before call {call}");
            }
        }
    }
}
