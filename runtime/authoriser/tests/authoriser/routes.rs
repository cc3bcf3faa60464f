//! Who may call which route, and for which tenant.

use std::time::Duration;

use authoriser::{Allowed, Reason, directory};
use runtime_core::api::{Caller, ROUTES};
use runtime_core::model::{ApiKey, ApiKeyToken, TenantStatus, Timestamp};
use serde_json::Value;

use super::support::{Draft, NOW, OTHER_RSA, RSA, World, request, staff, user};

fn headers(request: &mut Value, name: &str, value: &str) {
    request["headers"][name] = value.into();
    request["multiValueHeaders"][name] = serde_json::json!([value]);
}

/// A request about the tenant `acme`, where the path says so.
fn of_route(method: &str, path: &str, token: &str) -> Value {
    let filled =
        path.replace("{id}", "acme").replace("{name}", "helper").replace("{report}", "cost");
    request(method, path, &filled, &[("authorization", &format!("Bearer {token}"))])
}

#[tokio::test]
async fn every_route_lets_in_its_callers_and_nobody_else() {
    let world = World::new().await;
    let key = ApiKeyToken::generate("acme".parse().unwrap());
    let stored = ApiKey::of(&key, now());
    world.tenants.put("acme", TenantStatus::Active, &[stored]);
    let callers = [
        (Caller::Tenant, format!("Bearer {}", user().sign(&RSA))),
        (Caller::Machine, format!("ApiKey {}", key.expose())),
        (Caller::Operator, format!("Bearer {}", staff("Platform.Operator").sign(&OTHER_RSA))),
        (Caller::Admin, format!("Bearer {}", staff("Platform.Admin").sign(&OTHER_RSA))),
    ];
    let mut allowed = 0;
    for route in ROUTES {
        for (caller, value) in &callers {
            let mut request = of_route(route.method.as_str(), route.path, "");
            headers(&mut request, "authorization", value);
            let decision = world.decide(&request).await;
            let expected = route.callers.contains(caller);
            let name = format!("{} {caller:?}", route.operation);
            match decision {
                Ok(decision) => {
                    assert!(expected, "{name}");
                    assert_eq!(decision.context.caller, *caller, "{name}");
                    allowed += 1;
                }
                Err(reason) if route.authorised() => {
                    assert_eq!((expected, reason), (false, Reason::Caller), "{name}");
                }
                Err(reason) => assert_eq!(reason, Reason::Route, "{name}"),
            }
        }
    }
    assert!(allowed > 30, "{allowed}");
}

#[tokio::test]
async fn what_is_no_route_is_nobodys() {
    let world = World::new().await;
    let token = format!("Bearer {}", staff("Platform.Admin").sign(&OTHER_RSA));
    for (method, resource, path) in [
        ("GET", "/v1/secrets", "/v1/secrets"),
        ("GET", "/", "/"),
        ("PUT", "/v1/tenants", "/v1/tenants"),
        ("get", "/v1/tenants", "/v1/tenants"),
        ("HEAD", "/v1/tenants", "/v1/tenants"),
        ("OPTIONS", "/v1/tenants", "/v1/tenants"),
        ("GET", "/v1/tenants", "/v1/tenants/"),
        ("GET", "/v1/tenants", "/v1/platform/quota"),
        ("GET", "/v1/tenants/{id}", "/v1/tenants/acme/more"),
        ("GET", "/v1/{proxy+}", "/v1/tenants"),
        ("GET", "/v1/health", "/v1/health"),
    ] {
        let request = request(method, resource, path, &[("Authorization", &token)]);
        assert_eq!(world.decide(&request).await.err(), Some(Reason::Route), "{method} {path}");
    }
}

#[tokio::test]
async fn roles_of_staff_come_from_staffs_issuers_alone() {
    let world = World::new().await;
    let elsewhere = user().claim("roles", serde_json::json!(["Platform.Admin"]));
    let tenants = of_route("GET", "/v1/tenants", &elsewhere.sign(&RSA));
    assert_eq!(world.decide(&tenants).await.err(), Some(Reason::StaffElsewhere));
    // It is a user of its tenant still.
    let agents = of_route("GET", "/v1/agents", &elsewhere.sign(&RSA));
    assert_eq!(world.decide(&agents).await.unwrap().context.caller, Caller::Tenant);
    let nobodys = elsewhere.without("tenant_id").sign(&RSA);
    let agents = of_route("GET", "/v1/agents", &nobodys);
    assert_eq!(world.decide(&agents).await.err(), Some(Reason::StaffElsewhere));
    let roles = ["platform.admin", "Platform.Admins", "Platform.Admin ", "Admin", "Platform.*", ""];
    for role in roles {
        let token = staff(role).sign(&OTHER_RSA);
        let decision = world.decide(&of_route("GET", "/v1/tenants", &token)).await;
        assert_eq!(decision.err(), Some(Reason::NoTenant), "{role}");
    }
    // An operator looks, an administrator changes; who is both is an administrator.
    let both = staff("").claim("roles", serde_json::json!(["Platform.Operator", "Platform.Admin"]));
    let one = staff("").claim("roles", "Platform.Admin");
    for draft in [both, one] {
        let decision =
            world.decide(&of_route("POST", "/v1/tenants", &draft.sign(&OTHER_RSA))).await;
        assert_eq!(decision.unwrap().context.caller, Caller::Admin);
    }
}

async fn named(
    world: &World,
    draft: &Draft,
    path: Option<&str>,
    header: Option<&str>,
) -> Result<Allowed, Reason> {
    let key = if draft.claims["iss"] == super::support::ISSUER { &*RSA } else { &*OTHER_RSA };
    let value = format!("Bearer {}", draft.sign(key));
    let mut request = match path {
        Some(id) => {
            let path = format!("/v1/tenants/{id}");
            request("GET", "/v1/tenants/{id}", &path, &[("Authorization", &value)])
        }
        None => request("GET", "/v1/agents", "/v1/agents", &[("Authorization", &value)]),
    };
    if let Some(header) = header {
        headers(&mut request, "X-Tenant-Id", header);
    }
    world.decide(&request).await
}

#[tokio::test]
async fn token_path_and_header_name_one_tenant() {
    let world = World::new().await;
    let user = user();
    let cases = [
        (Some("acme"), None, None),
        (Some("acme"), Some("acme"), None),
        (None, Some("acme"), None),
        (Some("globex"), None, Some(Reason::OtherTenant)),
        (Some("nobody"), None, Some(Reason::OtherTenant)),
        (None, Some("globex"), Some(Reason::OtherTenant)),
        (Some("acme"), Some("globex"), Some(Reason::OtherTenant)),
        (Some("globex"), Some("acme"), Some(Reason::OtherTenant)),
        (Some("globex"), Some("globex"), Some(Reason::OtherTenant)),
        (Some("ACME"), None, Some(Reason::TenantId)),
        (Some("%61cme"), None, Some(Reason::TenantId)),
        (Some("acme%2f"), None, Some(Reason::TenantId)),
        (Some(".."), None, Some(Reason::TenantId)),
        (Some("*"), None, Some(Reason::TenantId)),
        (None, Some(""), Some(Reason::TenantId)),
        (None, Some("acme,globex"), Some(Reason::TenantId)),
    ];
    for (path, header, expected) in cases {
        let decision = named(&world, &user, path, header).await;
        assert_eq!(decision.err(), expected, "{path:?} {header:?}");
    }
    let admin = staff("Platform.Admin");
    for id in ["acme", "globex", "paused", "nobody"] {
        let allowed = named(&world, &admin, Some(id), None).await.unwrap();
        assert_eq!(allowed.context.tenant.unwrap().as_str(), id);
        assert_eq!(allowed.usage_key, None);
    }
    let decision = named(&world, &admin, Some("acme"), Some("globex")).await;
    assert_eq!(decision.err(), Some(Reason::OtherTenant));
}

#[tokio::test]
async fn what_the_function_will_act_by_is_what_was_looked_at() {
    let world = World::new().await;
    let token = user().sign(&RSA);
    let mut request = of_route("GET", "/v1/tenants/{id}", &token);
    request["pathParameters"]["id"] = "globex".into();
    assert_eq!(world.decide(&request).await.err(), Some(Reason::TenantId));
    let mut request = of_route("GET", "/v1/agents", &token);
    request["headers"]["x-tenant-id"] = "acme".into();
    request["headers"]["X-Tenant-Id"] = "globex".into();
    assert_eq!(world.decide(&request).await.err(), Some(Reason::SeveralCredentials));
}

#[tokio::test]
async fn there_is_one_credential() {
    let world = World::new().await;
    let (one, other) = (user().sign(&RSA), staff("Platform.Admin").sign(&OTHER_RSA));
    let bearer = |token: &str| format!("Bearer {token}");
    let (one, other) = (bearer(&one), bearer(&other));
    let with = |headers: &[(&str, &str)]| request("GET", "/v1/agents", "/v1/agents", headers);
    let cases = [
        (with(&[]), Some(Reason::NoCredential)),
        (with(&[("Authorization", &one)]), None),
        (with(&[("AUTHORIZATION", &one.replace("Bearer", "bEARER"))]), None),
        (
            with(&[("Authorization", &one), ("Authorization", &other)]),
            Some(Reason::SeveralCredentials),
        ),
        (
            with(&[("Authorization", &one), ("authorization", &other)]),
            Some(Reason::SeveralCredentials),
        ),
        (with(&[("Authorization", &one), ("x-api-key", "pk_a")]), Some(Reason::SeveralCredentials)),
        (with(&[("Authorization", "Basic YTpi")]), Some(Reason::Malformed)),
        (with(&[("Authorization", "Bearer")]), Some(Reason::Malformed)),
        (with(&[("Authorization", &one.replace("Bearer ", "Bearer  "))]), Some(Reason::Malformed)),
        (with(&[("Authorization", &one.replace("Bearer ", ""))]), Some(Reason::Malformed)),
        (with(&[("Authorization", "Bearer aws_aHR0cHM")]), Some(Reason::AwsRequest)),
    ];
    for (request, expected) in cases {
        assert_eq!(world.decide(&request).await.err(), expected);
    }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn api_keys_are_good_until_they_end() {
    let world = World::new().await;
    let token = |tenant: &str| ApiKeyToken::generate(tenant.parse().unwrap());
    let (current, former, foreign) = (token("acme"), token("acme"), token("globex"));
    let ends = |seconds: i64| {
        let moment = serde_json::to_value(now()).unwrap();
        let from: Timestamp = serde_json::from_value(moment).unwrap();
        from.plus_seconds(u32::try_from(NOW - from.seconds() + seconds).unwrap())
    };
    let mut ended = ApiKey::of(&former, now());
    ended.former_until = Some(ends(100));
    let keys = vec![ApiKey::of(&current, now()), ended];
    world.tenants.put("acme", TenantStatus::Active, &keys);
    // A hash that was copied to another tenant opens nothing there.
    world.tenants.put("globex", TenantStatus::Active, &keys);
    let with = |key: &str, header: &str| {
        let value =
            if header == "Authorization" { format!("ApiKey {key}") } else { key.to_owned() };
        request("GET", "/v1/agents", "/v1/agents", &[(header, &value)])
    };
    for header in ["Authorization", "x-api-key", "X-API-Key"] {
        let allowed = world.decide(&with(&current.expose(), header)).await.unwrap();
        assert_eq!(allowed.context.caller, Caller::Machine);
        assert_eq!(allowed.context.tenant.unwrap().as_str(), "acme");
        assert!(allowed.usage_key.is_some());
    }
    let good = current.expose();
    let wrong = [
        foreign.expose(),
        token("nobody").expose(),
        token("acme").expose(),
        good.replace("acme", "globex"),
        format!("{good}x"),
        good[..good.len() - 1].to_owned(),
        good.to_uppercase(),
        String::new(),
        "pk_".to_owned(),
        "pk_acme".repeat(10_000),
    ];
    for key in wrong {
        let decision = world.decide(&with(&key, "x-api-key")).await;
        assert_eq!(decision.err(), Some(Reason::ApiKey), "{}", &key[..key.len().min(80)]);
    }
    let old = with(&former.expose(), "x-api-key");
    assert_eq!(world.decide(&old).await.err(), None);
    world.clock.pass(Duration::from_secs(99));
    assert_eq!(world.decide(&old).await.err(), None);
    world.clock.pass(Duration::from_secs(1));
    assert_eq!(world.decide(&old).await.err(), Some(Reason::ApiKey));
    // Whether the tenant may use the platform is another question.
    world.tenants.put("acme", TenantStatus::Suspended, &keys);
    world.clock.pass(directory::FRESH);
    let decision = world.decide(&with(&good, "x-api-key")).await;
    assert_eq!(decision.err(), Some(Reason::InactiveTenant));
}

#[tokio::test]
async fn tenants_are_remembered_for_some_seconds() {
    let world = World::new().await;
    let token = user().sign(&RSA);
    assert_eq!(world.token(&token).await.err(), None);
    world.tenants.put("acme", TenantStatus::Suspended, &[]);
    assert_eq!((world.token(&token).await.err(), world.tenants.asked()), (None, 1));
    world.clock.pass(directory::FRESH);
    assert_eq!(world.token(&token).await.err(), Some(Reason::InactiveTenant));
    // That there is none is remembered, too.
    let nobody = user().claim("tenant_id", "nobody").sign(&RSA);
    for _ in 0..3 {
        assert_eq!(world.token(&nobody).await.err(), Some(Reason::UnknownTenant));
    }
    assert_eq!(world.tenants.asked(), 3);
    // What cannot be looked up lets nobody in.
    *world.tenants.down.lock().unwrap() = true;
    world.clock.pass(directory::FRESH);
    assert_eq!(world.token(&token).await.err(), Some(Reason::TenantsUnavailable));
    *world.tenants.down.lock().unwrap() = false;
    assert_eq!(world.token(&token).await.err(), Some(Reason::InactiveTenant));
}
