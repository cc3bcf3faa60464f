//! What is true of every item, and what each refuses.

use std::fmt::Debug;

use super::samples::*;
use super::*;
use crate::api::{self, JobStatus};
use crate::tables::{self, Table};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// An item comes back as it was, has every key of its table, and is refused when a newer
/// release wrote it, when it stands elsewhere, and when any field is missing or wrong.
fn holds<T: Item + PartialEq + Debug>(item: &T) -> Table {
    let table = T::TABLE.name;
    let attributes = item.to_attributes().unwrap();
    assert_eq!(&T::from_attributes(attributes.clone()).unwrap(), item, "{table}");
    for key in T::TABLE.key_attributes() {
        assert!(
            matches!(&attributes[key], AttributeValue::S(it) if !it.is_empty()),
            "{table} {key}"
        );
    }
    if T::TABLE.expires && table != "ops-locks" && attributes.contains_key("created_at") {
        let expires = attributes.get(tables::EXPIRES_AT);
        assert!(expires.is_none_or(|it| matches!(it, AttributeValue::N(_))), "{table}");
    }
    let with = |name: &str, value: AttributeValue| {
        let mut changed = attributes.clone();
        changed.insert(name.to_owned(), value);
        T::from_attributes(changed)
    };
    let newer = with(VERSION, AttributeValue::N("99".into())).unwrap_err();
    assert_eq!(newer, ModelError::Newer { table, found: 99, known: T::VERSION });
    assert!(newer.to_string().contains("deploy that release"), "{newer}");
    for odd in [text("1"), AttributeValue::N("-1".into()), AttributeValue::N("1.5".into())] {
        assert!(matches!(with(VERSION, odd), Err(ModelError::Unreadable { .. })), "{table}");
    }
    for key in T::TABLE.key_attributes() {
        assert!(with(key, text("z#z")).is_err(), "{table}: {key}");
    }
    for name in attributes.keys() {
        let wrong = with(name, AttributeValue::B(vec![255])).unwrap_err().to_string();
        assert!(wrong.contains(name) || wrong.contains("match its key"), "{table} {name}: {wrong}");
    }
    assert_eq!(&with("added_by_a_newer_release", text("x")).unwrap(), item);
    let again = item.clone().with_revision(Revision(7));
    assert_eq!(again.revision(), item.revision().map(|_| Revision(7)));
    T::TABLE
}

#[test]
fn every_table_holds_what_its_model_says() {
    let webhook = webhook(&acme());
    let held = [
        holds(&tenant()),
        holds(&agent(&acme(), "helper")),
        holds(&invocation(&acme())),
        holds(&job(&acme())),
        holds(&session(&acme())),
        holds(&tool(&acme())),
        holds(&webhook),
        holds(&delivery(&acme(), webhook.webhook_id)),
        holds(&ops_lock()),
        holds(&notice()),
        holds(&failover_request()),
        holds(&account_plan()),
        holds(&approval()),
        holds(&bill(&acme())),
    ];
    for table in tables::ALL {
        assert!(held.contains(&table), "{}", table.name);
    }
}

#[test]
fn an_item_that_stands_under_anothers_key_is_not_read() {
    let one = job(&acme());
    let mut attributes = one.to_attributes().unwrap();
    attributes.insert("status_job".to_owned(), text("failed#1"));
    let error = Job::from_attributes(attributes).unwrap_err();
    assert_eq!(error, ModelError::Misplaced { table: "jobs", attribute: "status_job" });
    let mut attributes = agent(&acme(), "helper").to_attributes().unwrap();
    attributes.insert("agent_version".to_owned(), text("helpe#r"));
    let error = Agent::from_attributes(attributes).unwrap_err();
    assert_eq!(error, ModelError::Misplaced { table: "agents", attribute: "agent_version" });
    // A webhook is no delivery.
    let webhook = webhook(&acme()).to_attributes().unwrap();
    assert!(Delivery::from_attributes(webhook).is_err());
}

fn version_0(tier: &str) -> Attributes {
    [("tenant_id", "acme"), ("tier", tier), ("status", "active"), ("email", "a@b.example")]
        .into_iter()
        .chain([("created_at", "2026-01-02T03:04:05Z")])
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect()
}

#[test]
fn a_tenant_of_version_0_is_brought_up_to_date() {
    for (tier, usd, isolation) in
        [("basic", 50, "pooled"), ("standard", 250, "pooled"), ("premium", 1_000, "silo")]
    {
        let tenant = Tenant::from_attributes(version_0(tier)).unwrap();
        assert_eq!(tenant.monthly_usd.dollars(), usd);
        assert_eq!(serde_json::to_value(tenant.isolation).unwrap(), isolation);
        assert_eq!(tenant.revision, Revision(0));
        assert_eq!(tenant.updated_at, tenant.created_at);
        assert!(tenant.api_keys.is_empty());
        let written = tenant.to_attributes().unwrap();
        assert_eq!(written[VERSION], AttributeValue::N("1".into()));
        assert_eq!(Tenant::from_attributes(written).unwrap(), tenant);
    }
    // What somebody added by hand stays.
    let mut own = version_0("basic");
    own.insert("monthly_usd".to_owned(), AttributeValue::N("7".into()));
    assert_eq!(Tenant::from_attributes(own).unwrap().monthly_usd.dollars(), 7);
    let unknown = Tenant::from_attributes(version_0("gold")).unwrap_err().to_string();
    assert!(unknown.contains("tier") || unknown.contains("isolation"), "{unknown}");
}

#[test]
fn what_no_upgrade_is_known_for_is_refused() {
    let mut attributes = job(&acme()).to_attributes().unwrap();
    attributes.remove(VERSION);
    let error = Job::from_attributes(attributes).unwrap_err();
    assert_eq!(error, ModelError::TooOld { table: "jobs", found: 0 });
    let error = Tenant::upgrade(1, &mut Attributes::new()).unwrap_err();
    assert_eq!(error, ModelError::TooOld { table: "tenants", found: 1 });
}

#[test]
fn an_error_names_the_field() {
    let mut attributes = webhook(&acme()).to_attributes().unwrap();
    attributes.insert("url".to_owned(), text("https://169.254.169.254/"));
    let error = Webhook::from_attributes(attributes).unwrap_err().to_string();
    assert!(error.contains("webhooks") && error.contains("url: "), "{error}");
    assert!(!error.contains("169.254"), "{error}");
}

/// Bytes as `DynamoDB` counts them, for items of texts and numbers.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn bytes(item: &impl Item) -> usize {
    let attributes = item.to_attributes().unwrap();
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() + 1,
        _ => 1,
    };
    attributes.iter().map(|(name, it)| name.len() + value(it)).sum()
}

#[test]
fn the_fullest_items_fit_a_table() {
    // <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
    const LARGEST: usize = 400 * 1024;
    let fill = |characters| "😀".repeat(characters);
    let job = Job {
        input: fill(100_000).parse().unwrap(),
        status: JobStatus::Failed,
        error: Some(fill(2_000).parse().unwrap()),
        ..job(&acme())
    };
    let output = Some(fill(90_000).parse().unwrap());
    let invocation = Invocation { output, ..invocation(&acme()) };
    let input_schema = format!("{{\"a\": \"{}\"}}", fill(49_991)).parse().unwrap();
    let tool = Tool { input_schema, description: fill(2_000).parse().unwrap(), ..tool(&acme()) };
    for bytes in [bytes(&job), bytes(&invocation), bytes(&tool)] {
        assert!((200_000..LARGEST).contains(&bytes), "{bytes}");
    }
}

/// Each change makes an item that is refused, when it is written and when it is read.
fn refuses<T: Item>(item: &T, change: fn(&mut T)) {
    let mut wrong = item.clone();
    change(&mut wrong);
    assert!(wrong.check().is_err());
    assert!(matches!(wrong.to_attributes(), Err(ModelError::Contradictory { .. })));
    let mut attributes: Attributes = serde_dynamo::to_item(&wrong).unwrap();
    attributes.extend(wrong.key().attributes());
    attributes
        .extend(wrong.index_keys().into_iter().map(|(name, it)| (name.to_owned(), text(&it))));
    attributes.insert(VERSION.to_owned(), AttributeValue::N(T::VERSION.to_string()));
    assert!(matches!(T::from_attributes(attributes), Err(ModelError::Contradictory { .. })));
}

fn progress(work: Work, state: ProgressState) -> Progress {
    let root_cause = (state == ProgressState::Failed).then(|| Text::cut("AccessDenied"));
    Progress { work, state, step: Some(Text::cut("stack")), root_cause, since: now() }
}

#[test]
fn fields_that_contradict_each_other_are_refused() {
    let early = || "2026-11-20T00:00:00Z".parse().unwrap();
    refuses(&tenant(), |it| it.updated_at = "2026-11-20T00:00:00Z".parse().unwrap());
    refuses(&tenant(), |it| it.progress = Some(progress(Work::Create, ProgressState::Running)));
    refuses(&tenant(), |it| it.progress = Some(progress(Work::Delete, ProgressState::Running)));
    refuses(&tenant(), |it| {
        it.status = TenantStatus::Deleted;
        it.progress = Some(progress(Work::Change, ProgressState::Done));
    });
    refuses(&tenant(), |it| {
        let failed = progress(Work::Change, ProgressState::Failed);
        it.progress = Some(Progress { root_cause: None, ..failed });
    });
    refuses(&tenant(), |it| {
        let key = ApiKey::of(&ApiKeyToken::generate(acme()), now());
        it.api_keys = vec![key.clone(), key];
    });
    refuses(&tenant(), |it| {
        let key = || ApiKey::of(&ApiKeyToken::generate(acme()), now());
        it.api_keys = (0..=MOST_API_KEYS).map(|_| key()).collect();
    });
    refuses(&agent(&acme(), "a"), |it| {
        it.definition.tools = ["x", "y", "x"].map(|tool| tool.parse().unwrap()).into();
    });
    refuses(&agent(&acme(), "a"), |it| {
        it.definition.tools = (0..51).map(|i| format!("t{i}").parse().unwrap()).collect();
    });
    refuses(&invocation(&acme()), |it| it.status = InvocationStatus::Failed);
    refuses(&invocation(&acme()), |it| it.expires_at = it.created_at.seconds());
    refuses(&job(&acme()), |it| it.result = Some(Text::cut("r")));
    refuses(&job(&acme()), |it| it.error = Some(Text::cut("e")));
    refuses(&job(&acme()), |it| it.status = JobStatus::Failed);
    refuses(&job(&acme()), |it| it.expires_at = 0);
    let with_time = Job { updated_at: early(), created_at: early(), ..job(&acme()) };
    assert!(with_time.check().is_ok());
    refuses(&job(&acme()), |it| it.updated_at = "2026-11-20T00:00:00Z".parse().unwrap());
    refuses(&session(&acme()), |it| it.expires_at = 0);
    refuses(&tool(&acme()), |it| it.input_schema = "[]".parse().unwrap());
    refuses(&tool(&acme()), |it| it.input_schema = "{,".parse().unwrap());
    refuses(&webhook(&acme()), |it| it.events.clear());
    refuses(&webhook(&acme()), |it| it.events.push(it.events[0]));
    let delivery = delivery(&acme(), WebhookId::generate());
    refuses(&delivery, |it| it.attempts = MOST_ATTEMPTS + 1);
    refuses(&delivery, |it| it.attempts = 0);
    refuses(&delivery, |it| it.last_status = Some(600));
    refuses(&delivery, |it| it.last_status = Some(99));
    refuses(&delivery, |it| it.expires_at = 0);
    refuses(&ops_lock(), |it| it.token = 0);
    refuses(&ops_lock(), |it| it.lease_seconds = 0);
    refuses(&ops_lock(), |it| it.lease_seconds = 3_601);
    refuses(&bill(&acme()), |it| it.counted_until = "2026-10-31T23:59:59Z".parse().unwrap());
}

#[test]
fn a_new_key_ends_the_former_ones_and_never_makes_one_last_longer() {
    let mut tenant = tenant();
    let mut tokens = Vec::new();
    for i in 0..7_u32 {
        let token = ApiKeyToken::generate(acme());
        let at = now().plus_seconds(i);
        tenant.add_key(ApiKey::of(&token, at), at.plus_seconds(100));
        tokens.push(token);
        assert!(tenant.check().is_ok());
    }
    let at = now().plus_seconds(7);
    let good: Vec<_> = tokens.iter().map(|it| tenant.key_of(it, at).is_some()).collect();
    assert_eq!(good, [false, false, true, true, true, true, true]);
    // The first that are left end 100 seconds after the next came.
    assert!(tenant.key_of(&tokens[2], now().plus_seconds(102)).is_some());
    assert!(tenant.key_of(&tokens[2], now().plus_seconds(103)).is_none());
    assert!(tenant.key_of(&tokens[6], now().plus_seconds(100_000)).is_some());
    let much_later = now().plus_seconds(1_000);
    tenant.add_key(ApiKey::of(&ApiKeyToken::generate(acme()), much_later), much_later);
    assert_eq!(tenant.api_keys.len(), 2, "what has ended is dropped");
}

#[test]
fn a_token_of_another_tenant_is_none_of_this_ones() {
    let other = ApiKeyToken::generate("other".parse().unwrap());
    let mut tenant = tenant();
    tenant.api_keys = vec![ApiKey::of(&other, now())];
    assert!(tenant.key_of(&other, now()).is_none());
    assert!(tenant.key_of(&ApiKeyToken::generate(acme()), now()).is_none());
}

#[test]
fn tokens_of_a_lock_only_grow() {
    let lock = ops_lock();
    let renewed = lock.renew(lock_write());
    assert_eq!((renewed.token, renewed.renewed), (1, 2));
    assert_ne!(renewed.write, lock.write);
    let released = renewed.released(lock_write());
    assert_eq!((released.token, &released.holder), (1, &None));
    let next = released.taken_by(holder(), 30, lock_write());
    assert_eq!((next.token, next.lease_seconds, next.renewed), (2, 30, 0));
    // What is guarded is there for the next one, who is known by its token.
    assert_eq!(next.guarded, lock.guarded);
    let changed = next.with_value("eu-west-2".parse().unwrap(), lock_write());
    let changed_again = changed.clone();
    let guarded = changed.guarded.unwrap();
    assert_eq!((guarded.value.as_str(), guarded.token), ("eu-west-2", 2));
    assert_eq!(guarded.previous.unwrap().as_str(), "eu-west-1");
    // Who writes the same again, such as one that goes on, does not forget what was before.
    let again = changed_again.with_value("eu-west-2".parse().unwrap(), lock_write());
    assert_eq!(again.guarded.unwrap().previous.unwrap().as_str(), "eu-west-1");
    assert!(!next.to_attributes().unwrap().contains_key(tables::EXPIRES_AT));
}

#[test]
fn the_apis_status_says_what_is_being_done_before_what_may_be_used() {
    use ProgressState::{Done, Failed, Pending, Running};
    use TenantStatus::{Active, Deleted, Suspended};
    let of = |status, doing: Option<(Work, ProgressState)>| {
        let progress = doing.map(|(work, state)| progress(work, state));
        let tenant = Tenant { status, progress, ..tenant() };
        assert!(tenant.check().is_ok());
        assert_eq!(tenant.may_use_platform(), status == Active);
        api::Tenant::from(&tenant).status
    };
    assert_eq!(of(Active, None), api::TenantStatus::Active);
    assert_eq!(of(Suspended, None), api::TenantStatus::Suspended);
    assert_eq!(of(Deleted, None), api::TenantStatus::Deleting);
    assert_eq!(of(Suspended, Some((Work::Create, Pending))), api::TenantStatus::Provisioning);
    assert_eq!(of(Active, Some((Work::Change, Running))), api::TenantStatus::Provisioning);
    assert_eq!(of(Active, Some((Work::Create, Done))), api::TenantStatus::Active);
    assert_eq!(of(Active, Some((Work::Change, Failed))), api::TenantStatus::Failed);
    assert_eq!(of(Deleted, Some((Work::Delete, Running))), api::TenantStatus::Deleting);
    assert_eq!(of(Deleted, Some((Work::Delete, Failed))), api::TenantStatus::Failed);
}

#[test]
fn items_look_in_the_api_as_it_says() {
    let agent = agent(&acme(), "helper");
    let shown = api::Agent::from(&agent);
    assert_eq!((shown.name.as_str(), shown.version), ("helper", 1));
    assert_eq!(Definition::try_from(shown.definition).unwrap(), agent.definition);
    let wrong = api::AgentDefinition { instructions: String::new(), model: None, tools: vec![] };
    assert!(Definition::try_from(wrong).is_err());
    let job = job(&acme());
    assert_eq!(api::Job::from(&job).id, job.job_id.to_string());
    let shown = api::Session::from(&session(&acme()));
    assert_eq!(shown.expires_at, "2100-01-01T00:00:00.000Z");
    let endless = Session { expires_at: i64::MAX, ..session(&acme()) };
    assert_eq!(api::Session::from(&endless).expires_at, now().to_string());
    assert!(
        !endless.has_ended(now())
            && session(&acme()).has_ended("2100-01-01T00:00:00Z".parse().unwrap())
    );
    let webhook = webhook(&acme());
    assert_eq!(api::Webhook::from(&webhook).url, "https://hooks.example.com/");
    assert!(webhook.hears_of(api::WebhookEvent::JobSucceeded));
    assert!(!webhook.hears_of(api::WebhookEvent::JobFailed));
    assert_eq!(api::Invocation::from(&invocation(&acme())).output, "Yes.");
    assert_eq!(api::Tenant::from(&tenant()).monthly_usd, 250);
}
