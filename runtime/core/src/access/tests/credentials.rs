//! Credentials for one tenant, down to the request.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::super::tests::{caller, run};
use super::super::wire::Wire;
use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/p-dev-JobsTenantRole-1A2B";

fn answer(id: &str, expires: &str) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

const EARLY: &str = "2026-11-21T08:15:00Z";

fn narrowed(wire: &Wire, now: fn() -> SystemTime) -> NarrowedCredentials {
    let acting = Acting::TenantRole { role: ROLE.to_owned() };
    let results = Some("p-dev-results-123456789012".to_owned());
    let sts = wire.connections().sts();
    NarrowedCredentials { now, ..NarrowedCredentials::new(sts, acting, "p-dev", results) }
}

/// 2026-11-21, some seconds after eight.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_248_000 + seconds)
}

fn scope(tenant: &str) -> Scope {
    Scope::tenant(&caller(tenant))
}

#[test]
fn a_session_is_tagged_and_may_reach_its_tenant_alone() {
    let wire = Wire::default();
    wire.answer(200, answer("AKIDACME", EARLY));
    let given = run(narrowed(&wire, || at(0)).of(&scope("acme"))).unwrap().unwrap();
    assert_eq!((given.access_key_id(), given.session_token()), ("AKIDACME", Some("t")));
    assert_eq!(given.expiry(), Some(at(900)));
    let form = wire.last().form();
    let field = |name: &str| {
        form.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
    };
    assert_eq!(field("Action"), "AssumeRole");
    assert_eq!(field("RoleArn"), ROLE);
    assert_eq!(field("RoleSessionName"), "tenant-acme");
    assert_eq!(field("DurationSeconds"), "900");
    assert_eq!(field("Tags.member.1.Key"), "tenant_id");
    assert_eq!(field("Tags.member.1.Value"), "acme");
    assert!(!form.iter().any(|(name, _)| name.starts_with("Tags.member.2")));
    let policy: Value = serde_json::from_str(field("Policy")).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let [items, keys, secrets, objects, lists] = &policy["Statement"].as_array().unwrap()[..]
    else {
        panic!("{policy}");
    };
    let tables = [
        "agents",
        "invocations",
        "invocations/index/*",
        "jobs",
        "jobs/index/*",
        "sessions",
        "tools",
        "webhooks",
    ];
    let tables = tables.map(|name| format!("arn:aws:dynamodb:*:123456789012:table/p-dev-{name}"));
    let expected = json!({
        "Effect": "Allow", "Action": ["dynamodb:*Item", "dynamodb:Query"], "Resource": tables,
        "Condition": {
            "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["acme"] },
            "Null": { "dynamodb:LeadingKeys": "false" },
        },
    });
    assert_eq!(*items, expected);
    let expected = json!(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]);
    assert_eq!(keys["Action"], expected);
    let expected = json!({
        "Effect": "Allow", "Action": "secretsmanager:*",
        "Resource": "arn:aws:secretsmanager:*:123456789012:secret:p-dev/webhooks/acme/*",
    });
    assert_eq!(*secrets, expected);
    let bucket = "arn:aws:s3:::p-dev-results-123456789012";
    let expected = json!({
        "Effect": "Allow", "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        "Resource": format!("{bucket}/tenants/acme/*"),
    });
    assert_eq!(*objects, expected);
    let expected = json!({
        "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket,
        "Condition": { "StringLike": { "s3:prefix": "tenants/acme/*" } },
    });
    assert_eq!(*lists, expected);
}

#[test]
fn a_function_without_a_bucket_reaches_no_objects() {
    let sts = Wire::default().connections().sts();
    let acting = Acting::TenantRole { role: ROLE.to_owned() };
    let narrowed = NarrowedCredentials::new(sts, acting, "p-dev", None);
    let policy = narrowed.policy(ROLE, &"acme".parse().unwrap()).unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 3);
    assert!(!policy.to_string().contains("s3:"), "{policy}");
}

#[test]
fn the_policy_of_the_longest_names_is_short_enough() {
    // Project and environment have up to 25 characters, buckets up to 63.
    let wire = Wire::default();
    let acting = Acting::TenantRole { role: ROLE.replace("aws:iam", "aws-us-gov:iam") };
    let results = Some("b".repeat(63));
    let sts = wire.connections().sts();
    let narrowed = NarrowedCredentials::new(sts, acting, "p".repeat(25), results);
    let tenant: TenantId = "t".repeat(crate::tenant::LONGEST_ID).parse().unwrap();
    let policy = narrowed.policy(&ROLE.replace("aws:iam", "aws-us-gov:iam"), &tenant).unwrap();
    // <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    assert!(policy.len() <= 2_048, "{}", policy.len());
}

#[test]
fn credentials_are_kept_for_their_tenant_until_shortly_before_they_end() {
    let wire = Wire::default();
    let mut narrowed = narrowed(&wire, || at(0));
    wire.answer(200, answer("AKIDACME", EARLY)).answer(200, answer("AKIDOTHER", EARLY));
    let id = |narrowed: &NarrowedCredentials, tenant: &str| {
        run(narrowed.of(&scope(tenant))).map(|it| it.unwrap().access_key_id().to_owned())
    };
    assert_eq!(id(&narrowed, "acme").unwrap(), "AKIDACME");
    assert_eq!(id(&narrowed, "acme").unwrap(), "AKIDACME");
    assert_eq!(id(&narrowed, "other").unwrap(), "AKIDOTHER");
    assert_eq!(wire.sent().len(), 2);
    narrowed.now = || at(900 - 91);
    assert_eq!(id(&narrowed, "acme").unwrap(), "AKIDACME");
    narrowed.now = || at(900 - 90);
    wire.answer(200, answer("AKIDAGAIN", "2026-11-21T09:00:00Z"));
    assert_eq!(id(&narrowed, "acme").unwrap(), "AKIDAGAIN");
    assert_eq!(wire.sent().len(), 3);
}

#[test]
fn no_more_are_kept_than_there_is_room_for() {
    let wire = Wire::default();
    let narrowed = narrowed(&wire, || at(0));
    for i in 0..=MOST_KEPT.get() {
        wire.answer(200, answer("AKID", EARLY));
        run(narrowed.of(&scope(&format!("tenant-{i}")))).unwrap();
    }
    assert_eq!(narrowed.kept.lock().unwrap().len(), MOST_KEPT.get());
    assert!(narrowed.kept(&"tenant-0".parse().unwrap()).is_none());
}

#[test]
fn what_sts_refuses_or_does_not_give_is_an_error_and_nothing_is_kept() {
    let wire = Wire::default();
    let narrowed = narrowed(&wire, || at(0));
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for arn:x</Message></Error></ErrorResponse>";
    let empty = "<AssumeRoleResponse><AssumeRoleResult></AssumeRoleResult></AssumeRoleResponse>";
    wire.answer(403, denied).answer(200, empty).answer(200, answer("A", "1900-01-01T00:00:00Z"));
    let error = |result: Result<Option<Credentials>, AccessError>| match result {
        Err(AccessError::Credentials(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(run(narrowed.of(&scope("acme")))), "AccessDenied");
    assert_eq!(error(run(narrowed.of(&scope("acme")))), "STS gave none");
    // What ended long ago is not used again.
    run(narrowed.of(&scope("acme"))).unwrap();
    assert!(narrowed.kept(&"acme".parse().unwrap()).is_none());
    assert_eq!(error(run(narrowed.of(&scope("acme")))), "no connection");
    let shown = format!("{narrowed:?}");
    assert!(shown.contains(ROLE) && !shown.to_lowercase().contains("secret"), "{shown}");
}

#[test]
fn a_role_that_is_none_is_refused_before_anything_is_sent() {
    let wire = Wire::default();
    for role in [
        "",
        "p-dev-role",
        "arn:aws:iam::1:role/x",
        "arn:aws:s3::123456789012:role/x",
        "arn:aws:iam::123456789012:user/x",
        "arn::iam::123456789012:role/x",
        "arn:aws:iam:eu-west-2:123456789012:role/x",
    ] {
        let acting = Acting::TenantRole { role: role.to_owned() };
        let narrowed = NarrowedCredentials::new(wire.connections().sts(), acting, "p-dev", None);
        assert!(run(narrowed.of(&scope("acme"))).is_err(), "{role}");
    }
    assert!(wire.sent().is_empty());
}

#[test]
fn a_function_that_does_not_know_as_whom_it_acts_does_not_begin() {
    let acting = |variables: &[(&str, &str)]| {
        Acting::from_variables(|name| {
            variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
        })
    };
    let role = Acting::TenantRole { role: ROLE.to_owned() };
    assert_eq!(acting(&[("TENANT_ROLE", ROLE)]), Ok(role));
    let local = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
    assert_eq!(acting(&[local, ("TENANT_ROLE", ROLE)]), Ok(Acting::Own));
    assert!(matches!(acting(&[]), Err(AccessError::Credentials(_))));
    assert!(acting(&[("TENANT_ROLE", ""), ("AWS_ENDPOINT_URL", "")]).is_err());
    let wire = Wire::default();
    let own = NarrowedCredentials::new(wire.connections().sts(), Acting::Own, "p-dev", None);
    assert!(run(own.of(&scope("acme"))).unwrap().is_none());
    assert!(wire.sent().is_empty());
}
