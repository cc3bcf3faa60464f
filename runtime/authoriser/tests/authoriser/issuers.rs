//! Issuers that are down, slow, or send what they should not, and keys that change.

use std::time::{Duration, Instant};

use authoriser::Reason;
use authoriser::keys::{COOL_DOWN, FRESH, STALE};
use serde_json::json;

use super::support::{Behaviour, EC, KeyServer, OTHER_RSA, RSA, World, document, encode, user};

const SECOND: Duration = Duration::from_secs(1);

/// A token that lives as long as the clock of the test has gone on.
fn later(time: Duration) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap();
    let draft = user();
    let moved = ["iat", "nbf", "exp"].iter().fold(draft, |draft, name| {
        let moment = draft.claims[*name].as_i64().unwrap() + seconds;
        draft.claim(name, moment)
    });
    moved.sign(&RSA)
}

#[tokio::test]
async fn without_keys_nobody_is_let_in() {
    let evil = KeyServer::with(&[("k1", &RSA)]).await;
    let mut many = document(&[("k1", &RSA)]);
    let key = EC.jwk("e");
    many["keys"].as_array_mut().unwrap().extend(vec![key; 50]);
    let good = document(&[("k1", &RSA)]).to_string();
    let huge = [good.as_bytes(), &vec![b' '; 200_000]].concat();
    let cases = [
        ("down", Behaviour::Down),
        ("500", Behaviour::Status(500)),
        ("404", Behaviour::Status(404)),
        ("201", Behaviour::Status(201)),
        ("redirect", Behaviour::Redirect(evil.url.clone())),
        ("garbage", Behaviour::Raw(b"<html>".to_vec())),
        ("nothing", Behaviour::Raw(Vec::new())),
        ("no keys", Behaviour::Keys(json!({ "keys": [] }))),
        ("no list", Behaviour::Keys(json!({ "keys": { "k1": RSA.jwk("k1") } }))),
        ("no document", Behaviour::Keys(json!([RSA.jwk("k1")]))),
        ("strange key", Behaviour::Keys(json!({ "keys": [RSA.jwk("k1"), 1] }))),
        ("twice", Behaviour::Raw(format!(r#"{{"keys":[],{}"#, &good[1..]).into_bytes())),
        ("huge", Behaviour::Raw(huge)),
        ("many", Behaviour::Keys(many)),
    ];
    for (name, behaviour) in cases {
        let world = World::new().await;
        world.keys.turn(behaviour);
        let token = user().sign(&RSA);
        assert_eq!(world.token(&token).await.err(), Some(Reason::KeysUnavailable), "{name}");
        // It is not asked again at once, and when it is, it may be well.
        assert_eq!(world.token(&token).await.err(), Some(Reason::KeysUnavailable), "{name}");
        assert_eq!(world.keys.asked(), 1, "{name}");
        world.keys.turn(Behaviour::Keys(document(&[("k1", &RSA)])));
        world.clock.pass(COOL_DOWN);
        assert_eq!(world.token(&token).await.err(), None, "{name}");
    }
    assert_eq!(evil.asked(), 0);
}

#[tokio::test]
async fn a_slow_issuer_is_not_waited_for() {
    let world = World::new().await;
    world.keys.turn(Behaviour::Slow);
    let began = Instant::now();
    let token = user().sign(&RSA);
    assert_eq!(world.token(&token).await.err(), Some(Reason::KeysUnavailable));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn known_keys_serve_while_their_issuer_is_away_but_not_for_ever() {
    let world = World::new().await;
    assert_eq!(world.token(&later(Duration::ZERO)).await.err(), None);
    world.keys.turn(Behaviour::Down);
    for (time, expected) in [
        (FRESH.saturating_sub(SECOND), None),
        (FRESH + SECOND, None),
        (STALE.saturating_sub(SECOND), None),
        (STALE, Some(Reason::KeysUnavailable)),
    ] {
        let world = World::new().await;
        assert_eq!(world.token(&later(Duration::ZERO)).await.err(), None);
        world.keys.turn(Behaviour::Down);
        world.clock.pass(time);
        assert_eq!(world.token(&later(time)).await.err(), expected, "{time:?}");
        // One that it does not know stays one that it does not know.
        let unknown = user().header("kid", "k2").sign(&RSA);
        let reason = expected.unwrap_or(Reason::UnknownKey);
        assert_eq!(world.token(&unknown).await.err(), Some(reason), "{time:?}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_a_former_one_is_forgotten() {
    let world = World::new().await;
    let (old, new) = (user().sign(&RSA), user().header("kid", "k2").sign(&OTHER_RSA));
    assert_eq!(world.token(&old).await.err(), None);
    world.keys.turn(Behaviour::Keys(document(&[("k2", &OTHER_RSA)])));
    // Whoever sends ids that are not there cannot make it ask more often.
    assert_eq!(world.token(&new).await.err(), Some(Reason::UnknownKey));
    assert_eq!(world.keys.asked(), 1);
    world.clock.pass(COOL_DOWN);
    assert_eq!(world.token(&new).await.err(), None);
    assert_eq!(world.token(&old).await.err(), Some(Reason::UnknownKey));
    assert_eq!(world.keys.asked(), 2);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_forgotten_in_time() {
    let world = World::new().await;
    assert_eq!(world.token(&later(Duration::ZERO)).await.err(), None);
    world.keys.turn(Behaviour::Keys(document(&[("k2", &OTHER_RSA)])));
    world.clock.pass(FRESH.saturating_sub(SECOND));
    assert_eq!(world.token(&later(FRESH)).await.err(), None);
    world.clock.pass(SECOND);
    assert_eq!(world.token(&later(FRESH)).await.err(), Some(Reason::UnknownKey));
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let world = std::sync::Arc::new(World::new().await);
    let token = user().sign(&RSA);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (world, token) = (world.clone(), token.clone());
            tokio::spawn(async move { world.token(&token).await.err() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), None);
    }
    assert_eq!(world.keys.asked(), 1);
}

#[tokio::test]
async fn what_is_refused_without_keys_asks_for_none() {
    let world = World::new().await;
    let good = user().sign(&RSA);
    for token in [
        user().claim("iss", "https://evil.example").sign(&RSA),
        user().header("alg", "HS256").sign(&RSA),
        user().header("typ", "id+jwt").sign(&RSA),
        format!("{good}="),
        encode("{}"),
    ] {
        assert!(world.token(&token).await.is_err());
    }
    assert_eq!((world.keys.asked(), world.tenants.asked()), (0, 0));
}
