//! Tokens that are good, and everything that is not.

use authoriser::Reason;
use ring::signature as ring_signature;
use runtime_core::api::Caller;
use runtime_core::auth::Algorithm;
use runtime_core::tenant::Tier;
use serde_json::{Value, json};

use super::support::{
    AUDIENCE, Draft, EC, ISSUER, Key, KeyServer, NOW, OTHER_RSA, RSA, STAFF, World, encode, issuer,
    staff, user,
};

#[tokio::test]
async fn good_tokens_are_let_in_as_what_they_are() {
    let world = World::new().await;
    let allowed = world.token(&user().sign(&RSA)).await.unwrap();
    let context = allowed.context;
    assert_eq!(context.tenant.unwrap().as_str(), "acme");
    assert_eq!((context.caller, context.tier), (Caller::Tenant, Some(Tier::Standard)));
    assert_eq!((context.request_id.as_str(), context.subject.len()), ("r-1", 32));
    assert_eq!(allowed.usage_key.unwrap(), "usage-key-of-tenant-acme-dev-acme");
    let good = [
        user().header("alg", "ES256").header("kid", "e1").sign(&EC),
        user().header("typ", "at+JWT").sign(&RSA),
        user().header("typ", "application/at+jwt").sign(&RSA),
        user().header("x5t", "abc").sign(&RSA),
        user().claim("aud", json!(["other", AUDIENCE])).sign(&RSA),
        user().claim("iat", NOW - 600).claim("exp", NOW - 59).sign(&RSA),
        user().claim("nbf", NOW + 60).sign(&RSA),
        user().claim("iat", NOW + 60).sign(&RSA),
        user().claim("exp", 1_800_000_100.5).sign(&RSA),
        user().without("nbf").sign(&RSA),
        user().claim("roles", "member").sign(&RSA),
    ];
    for token in good {
        assert_eq!(world.token(&token).await.err(), None, "{token}");
    }
    assert_eq!(world.keys.asked(), 1);
}

#[tokio::test]
async fn scopes_are_handed_on_and_never_shortened() {
    let world = World::new().await;
    let with = |name: &str, value: Value| user().claim(name, value).sign(&RSA);
    let lists =
        [("scp", json!("a b")), ("scope", json!("a b")), ("permissions", json!(["a", "b"]))];
    for (name, value) in lists {
        let allowed = world.token(&with(name, value)).await.unwrap();
        assert_eq!(allowed.context.scopes, ["a", "b"]);
    }
    let many: Vec<_> = (0..51).map(|at| format!("s{at}")).collect();
    for value in [json!("a\nb"), json!("x".repeat(65)), json!(many), json!(1), json!("é")] {
        assert_eq!(world.token(&with("scope", value)).await, Err(Reason::Claims));
    }
}

/// Every one is signed by the issuer's own key: what is wrong is the one thing.
#[tokio::test]
async fn what_a_token_says_has_to_be_right() {
    let world = World::new().await;
    let claim = |name: &str, value: Value| user().claim(name, value);
    let cases: Vec<(&str, Reason, Draft)> = vec![
        ("expired", Reason::Expired, claim("iat", json!(NOW - 600)).claim("exp", NOW - 60)),
        ("not yet", Reason::NotYetValid, claim("nbf", json!(NOW + 61))),
        ("from the future", Reason::IssueTime, claim("iat", json!(NOW + 61))),
        ("for ever", Reason::IssueTime, claim("exp", json!(NOW + 86_400 * 365))),
        ("ends first", Reason::IssueTime, claim("iat", json!(NOW)).claim("exp", NOW - 1)),
        ("no exp", Reason::Claims, user().without("exp")),
        ("no iat", Reason::Claims, user().without("iat")),
        ("text exp", Reason::Claims, claim("exp", json!("1900000000"))),
        ("huge exp", Reason::Claims, claim("exp", json!(1e300))),
        ("negative exp", Reason::Claims, claim("exp", json!(-1))),
        ("null exp", Reason::Claims, claim("exp", Value::Null)),
        ("text nbf", Reason::Claims, claim("nbf", json!("0"))),
        ("other issuer", Reason::Issuer, claim("iss", json!("https://evil.example"))),
        ("with slash", Reason::Issuer, claim("iss", json!(format!("{ISSUER}/")))),
        ("in capitals", Reason::Issuer, claim("iss", json!(ISSUER.to_uppercase()))),
        ("issuers", Reason::Claims, claim("iss", json!([ISSUER]))),
        ("no issuer", Reason::Claims, user().without("iss")),
        ("other audience", Reason::Audience, claim("aud", json!("other"))),
        ("audiences", Reason::Audience, claim("aud", json!(["a", "b"]))),
        ("prefix of audience", Reason::Audience, claim("aud", json!("client_01"))),
        ("no audience", Reason::Audience, user().without("aud")),
        ("strange audience", Reason::Claims, claim("aud", json!({}))),
        ("mixed audience", Reason::Claims, claim("aud", json!([AUDIENCE, 1]))),
        ("no subject", Reason::Claims, user().without("sub")),
        ("empty subject", Reason::Claims, claim("sub", json!(""))),
        ("number as subject", Reason::Claims, claim("sub", json!(1))),
        ("strange roles", Reason::Claims, claim("roles", json!([1]))),
        ("id token", Reason::TokenType, user().header("typ", "id+jwt")),
        ("logout token", Reason::TokenType, user().header("typ", "logout+jwt")),
        ("no type", Reason::TokenType, user().without("typ")),
        ("no tenant", Reason::NoTenant, user().without("tenant_id")),
        ("hostile tenant", Reason::TenantId, claim("tenant_id", json!("../acme"))),
        ("tenants", Reason::Claims, claim("tenant_id", json!(["acme"]))),
        ("unknown tenant", Reason::UnknownTenant, claim("tenant_id", json!("nobody"))),
        ("suspended", Reason::InactiveTenant, claim("tenant_id", json!("paused"))),
        ("deleted", Reason::InactiveTenant, claim("tenant_id", json!("gone"))),
    ];
    for (name, reason, token) in cases {
        assert_eq!(world.token(&token.sign(&RSA)).await.err(), Some(reason), "{name}");
    }
}

#[tokio::test]
async fn who_signed_it_has_to_be_the_issuer() {
    let world = World::new().await;
    let good = user().sign(&RSA);
    let parts: Vec<_> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!() };
    let other_claims = encode(user().claim("tenant_id", "globex").claims.to_string());
    let other_header = encode(user().header("typ", "at+jwt").header.to_string());
    let with_algorithm = |name: &str| encode(user().header("alg", name).header.to_string());
    let hmac = |algorithm: &str, secret: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        let signed = format!("{}.{claims}", with_algorithm(algorithm));
        format!("{signed}.{}", encode(ring::hmac::sign(&key, signed.as_bytes())))
    };
    let Key::Rsa { n, .. } = &*RSA else { panic!() };
    let public = RSA.jwk("k1").to_string();
    let ec = encode(user().header("alg", "ES256").header("kid", "e1").header.to_string());
    let none = with_algorithm("none");
    let cases: Vec<(&str, Reason, String)> = vec![
        ("other key", Reason::Signature, user().sign(&OTHER_RSA)),
        ("other claims", Reason::Signature, format!("{header}.{other_claims}.{signature}")),
        ("other header", Reason::Signature, format!("{other_header}.{claims}.{signature}")),
        ("none", Reason::Algorithm, format!("{none}.{claims}.{signature}")),
        ("None", Reason::Algorithm, format!("{}.{claims}.{signature}", with_algorithm("None"))),
        ("none, unsigned", Reason::Malformed, format!("{none}.{claims}.")),
        ("unsigned", Reason::Malformed, format!("{header}.{claims}.")),
        ("two parts", Reason::Malformed, format!("{header}.{claims}")),
        ("HMAC with the modulus", Reason::Algorithm, hmac("HS256", n)),
        ("HMAC with the public key", Reason::Algorithm, hmac("HS256", public.as_bytes())),
        ("HMAC called RS256", Reason::Signature, hmac("RS256", n)),
        ("HMAC called ES256", Reason::KeyMismatch, hmac("ES256", public.as_bytes())),
        ("PS256", Reason::Algorithm, user().header("alg", "PS256").sign(&RSA)),
        ("RS512", Reason::Algorithm, user().header("alg", "RS512").sign(&RSA)),
        ("rs256", Reason::Algorithm, user().header("alg", "rs256").sign(&RSA)),
        ("RSA key for ES256", Reason::KeyMismatch, user().header("alg", "ES256").sign(&EC)),
        ("EC key for RS256", Reason::KeyMismatch, user().header("kid", "e1").sign(&RSA)),
        ("EC signature for RSA", Reason::Signature, user().sign(&EC)),
        ("zero", Reason::Signature, format!("{ec}.{claims}.{}", encode([0; 64]))),
        ("staff, users' key", Reason::Signature, staff("Platform.Admin").sign(&RSA)),
        ("no algorithm", Reason::Malformed, user().without("alg").sign(&RSA)),
        ("number", Reason::Malformed, user().header("alg", 256).sign(&RSA)),
        ("no id of a key", Reason::UnknownKey, user().without("kid").sign(&RSA)),
    ];
    for (name, reason, token) in cases {
        assert_eq!(world.token(&token).await.err(), Some(reason), "{name}");
    }
}

#[tokio::test]
async fn keys_come_from_the_issuer_and_never_from_the_token() {
    let world = World::new().await;
    let evil = KeyServer::with(&[("k1", &OTHER_RSA)]).await;
    let cases = [
        ("jku", Reason::KeyInToken, json!(evil.url)),
        ("jwk", Reason::KeyInToken, OTHER_RSA.jwk("k1")),
        ("x5u", Reason::KeyInToken, json!(evil.url)),
        ("x5c", Reason::KeyInToken, json!(["MIIB"])),
        ("crit", Reason::CriticalHeader, json!(["exp"])),
        ("crit", Reason::CriticalHeader, json!([])),
        ("b64", Reason::CriticalHeader, json!(false)),
        ("cty", Reason::UnknownHeader, json!("JWT")),
        ("zip", Reason::UnknownHeader, json!("DEF")),
        ("nonce", Reason::UnknownHeader, json!("x")),
        ("kid", Reason::Malformed, json!({ "a": 1 })),
        ("typ", Reason::Malformed, json!(["JWT"])),
    ];
    for (name, reason, value) in cases {
        for key in [&*RSA, &*OTHER_RSA] {
            let token = user().header(name, value.clone()).sign(key);
            assert_eq!(world.token(&token).await.err(), Some(reason), "{name}");
        }
    }
    assert_eq!((evil.asked(), world.keys.asked()), (0, 0));
}

#[tokio::test]
async fn hostile_ids_of_keys_find_nothing() {
    let world = World::new().await;
    let long = "k".repeat(600);
    let ids = [
        "../../../../etc/passwd",
        "/dev/null",
        "k1' OR '1'='1",
        "k1; DROP TABLE keys",
        "k1\0",
        "k1 ",
        " k1",
        "K1",
        "",
        "http://127.0.0.1:1/keys",
        "${k1}",
        "{{k1}}",
        "k1\n",
        "é",
        &long,
    ];
    for id in ids {
        let token = user().header("kid", id).sign(&RSA);
        assert_eq!(world.token(&token).await.err(), Some(Reason::UnknownKey), "{id}");
    }
    let huge = user().header("kid", "k".repeat(10_000)).sign(&RSA);
    assert_eq!(world.token(&huge).await.err(), Some(Reason::TooLong));
    // However many there were, they asked once.
    assert_eq!(world.keys.asked(), 1);
    assert_eq!(world.token(&user().sign(&RSA)).await.err(), None);
}

#[tokio::test]
async fn every_configured_algorithm_works_with_its_own_keys_alone() {
    const OTHER: &str = "https://all.example";
    let p384 = Key::p384();
    let keys = KeyServer::with(&[("r", &RSA), ("p", &p384)]).await;
    let world = World::with(|config| {
        let mut other = issuer("all", OTHER, &keys.url);
        other.algorithms = vec![Algorithm::RS512, Algorithm::PS256, Algorithm::ES384];
        config.issuers.push(other);
    })
    .await;
    let draft = |algorithm: &str, id: &str| {
        user().claim("iss", OTHER).header("alg", algorithm).header("kid", id)
    };
    let with = |algorithm: &str, id: &str, key: &Key, padding| {
        let Draft { header, claims } = draft(algorithm, id);
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        format!("{signed}.{}", encode(key.sign(padding, signed.as_bytes())))
    };
    let rs512: &'static dyn ring_signature::RsaEncoding = &ring_signature::RSA_PKCS1_SHA512;
    let pss: &'static dyn ring_signature::RsaEncoding = &ring_signature::RSA_PSS_SHA256;
    for (token, expected) in [
        (with("RS512", "r", &RSA, rs512), None),
        (with("PS256", "r", &RSA, pss), None),
        (with("ES384", "p", &p384, pss), None),
        (with("PS256", "r", &RSA, rs512), Some(Reason::Signature)),
        (with("RS512", "r", &RSA, pss), Some(Reason::Signature)),
        (with("ES384", "r", &p384, pss), Some(Reason::KeyMismatch)),
        (draft("RS256", "r").sign(&RSA), Some(Reason::Algorithm)),
    ] {
        assert_eq!(world.token(&token).await.err(), expected);
    }
}

#[tokio::test]
async fn an_issuer_without_an_audience_or_a_type_is_configured_so() {
    let world = World::with(|config| {
        config.issuers[0].audience_claim = "client_id".to_owned();
        config.issuers[0].type_optional = true;
    })
    .await;
    let token = user().without("aud").without("typ").claim("client_id", AUDIENCE);
    assert_eq!(world.token(&token.sign(&RSA)).await.err(), None);
    let other = token.claim("client_id", "other").claim("aud", AUDIENCE);
    assert_eq!(world.token(&other.sign(&RSA)).await.err(), Some(Reason::Audience));
}

#[tokio::test]
async fn issuers_with_the_same_ids_of_keys_stay_apart() {
    let world = World::new().await;
    for (token, expected) in [
        (user().sign(&RSA), None),
        (user().sign(&OTHER_RSA), Some(Reason::Signature)),
        (staff("Platform.Admin").sign(&RSA), Some(Reason::Signature)),
        // Good, and not for a route of tenants.
        (staff("Platform.Admin").sign(&OTHER_RSA), Some(Reason::Caller)),
        (user().claim("iss", STAFF).sign(&OTHER_RSA), Some(Reason::NoTenant)),
    ] {
        assert_eq!(world.token(&token).await.err(), expected);
    }
}
