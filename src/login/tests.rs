use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::http::fake::{Asked, Reply, Server};
use crate::signal::Cancel;

const TOKEN: &str =
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJlbWFpbCI6ImFkYUBhY21lLmV4YW1wbGUifQ.c2ln";

fn granted() -> Reply {
    Reply::json(200, &json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 600 }))
}

fn refused(code: &str) -> Reply {
    Reply::json(400, &json!({ "error": code, "error_description": "so\u{1b}[2J it is" }))
}

fn code() -> Value {
    json!({
        "device_code": "device-secret", "user_code": "WDJB-MJHT",
        "verification_uri": "https://login.acme.example/device",
        "expires_in": 600, "interval": 1,
    })
}

/// An issuer that answers discovery, and all else with `answer`; it hears how many
/// requests for tokens came before.
fn issuer(answer: impl Fn(&Asked, usize) -> Option<Reply> + Send + Sync + 'static) -> Server {
    let tokens = AtomicUsize::new(0);
    Server::new(move |asked, _| {
        let base = format!("http://{}", asked.header("host").unwrap());
        match asked.path.as_str() {
            "/.well-known/openid-configuration" => Some(Reply::json(
                200,
                &json!({
                    "issuer": base,
                    "token_endpoint": format!("{base}/token"),
                    "device_authorization_endpoint": format!("{base}/device"),
                }),
            )),
            "/token" => answer(asked, tokens.fetch_add(1, Ordering::SeqCst)),
            _ => answer(asked, 0),
        }
    })
}

fn application(server: &Server) -> Application {
    Application {
        issuer: server.url(),
        client_id: "platformctl".to_owned(),
        scope: "openid".to_owned(),
        audience: None,
    }
}

/// Seconds that take a millisecond.
fn clock() -> Clock {
    Clock::with_second(Duration::from_millis(1))
}

async fn signed_in(server: &Server) -> Result<Granted> {
    let http = Http::bounded(Duration::from_millis(500), 64 << 10);
    let endpoints = discover(&http, &server.url()).await?;
    let application = application(server);
    device(&http, &endpoints, &application, clock(), &Cancel::never(), |prompt| {
        assert_eq!(prompt.code, "WDJB-MJHT");
    })
    .await
}

fn tokens_asked(server: &Server) -> Vec<Asked> {
    server.asked().into_iter().filter(|asked| asked.path == "/token").collect()
}

/// What an operator would see of an error.
fn shown(error: &Error) -> String {
    format!("{error} {:?} {:?} {error:?}", error.causes(), error.hints())
}

#[tokio::test]
async fn a_person_signs_in_by_a_code() {
    let server = issuer(|asked, number| {
        Some(match (asked.path.as_str(), number) {
            ("/device", _) => Reply::json(200, &code()),
            (_, 0) => refused("authorization_pending"),
            (_, 1) => refused("slow_down"),
            (_, 2) => Reply::text(503, "<html>"),
            _ => granted(),
        })
    });
    let before = OffsetDateTime::now_utc();
    let granted = signed_in(&server).await.expect("signed in");
    assert_eq!(granted.token.expose(), TOKEN);
    let left = granted.expires - before;
    assert!(left >= time::Duration::seconds(600) && left < time::Duration::seconds(700));
    assert_eq!(said_of(&granted.token).as_deref(), Some("ada@acme.example"));
    let asked = tokens_asked(&server);
    assert_eq!(asked.len(), 4);
    assert!(asked[0].body.contains("device_code=device-secret"));
    assert!(asked[0].body.contains("device_code&") || asked[0].body.contains("%3Adevice_code"));
}

#[tokio::test]
async fn slow_down_is_obeyed() {
    let server = issuer(|asked, number| {
        Some(match (asked.path.as_str(), number) {
            ("/device", _) => Reply::json(200, &code()),
            (_, 0..=3) => refused("slow_down"),
            _ => granted(),
        })
    });
    let http = Http::default();
    let endpoints = discover(&http, &server.url()).await.expect("found");
    let clock = Clock::with_second(Duration::from_millis(4));
    let begun = std::time::Instant::now();
    let application = application(&server);
    device(&http, &endpoints, &application, clock, &Cancel::never(), |_| {}).await.expect("in");
    // 1, 6, 11, 16 and 21 seconds.
    assert!(begun.elapsed() >= Duration::from_millis(4 * 55), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_code_that_nobody_types_expires() {
    let server = issuer(|asked, _| {
        let mut code = code();
        code["expires_in"] = 40.into();
        Some(if asked.path == "/device" {
            Reply::json(200, &code)
        } else {
            refused("authorization_pending")
        })
    });
    let error = signed_in(&server).await.unwrap_err();
    assert!(error.message().contains("expired_token"), "{error}");
    assert!(error.hints()[0].contains("not typed in time"));
    assert!(tokens_asked(&server).len() < 50);
}

#[tokio::test]
async fn nobody_waits_who_was_interrupted() {
    let server = issuer(|asked, _| {
        let pending = || refused("authorization_pending");
        Some(if asked.path == "/device" { Reply::json(200, &code()) } else { pending() })
    });
    let http = Http::default();
    let endpoints = discover(&http, &server.url()).await.expect("found");
    let (canceller, cancel) = Cancel::new();
    let application = application(&server);
    let tell = |_: &Prompt| canceller.cancel();
    let clock = Clock::default();
    let error = device(&http, &endpoints, &application, clock, &cancel, tell).await.unwrap_err();
    assert_eq!(error.exit_code(), crate::error::exit::INTERRUPTED);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (refusal, hint) in [
        ("access_denied", "refused on the other device"),
        ("invalid_client", "PLATFORMCTL_CLIENT_SECRET"),
        ("unsupported_grant_type", "allow this way"),
    ] {
        let server = issuer(move |asked, _| {
            Some(if asked.path == "/device" { Reply::json(200, &code()) } else { refused(refusal) })
        });
        let error = signed_in(&server).await.unwrap_err();
        assert!(error.hints()[0].contains(hint), "{error}");
        assert!(!shown(&error).contains('\u{1b}'));
        assert!(!shown(&error).contains("device-secret"));
    }
}

#[tokio::test]
async fn no_answer_of_an_issuer_harms() {
    let hostile: [fn() -> Option<Reply>; 7] = [
        || Some(Reply::text(200, "<html>secret-in-a-page</html>")),
        || Some(Reply::text(200, &"secret-in-a-page".repeat(10_000))),
        || Some(Reply::text(302, "secret-in-a-page").header("location", "https://evil.example/")),
        || Some(Reply::json(200, &json!({ "access_token": 7, "token_type": "secret-in-a-page" }))),
        || {
            let token =
                json!({ "access_token": "secret-in-a-page\r\nx: y", "token_type": "bearer" });
            Some(Reply::json(200, &token))
        },
        || {
            Some(Reply::json(
                200,
                &json!({ "access_token": "secret-in-a-page", "token_type": "mac" }),
            ))
        },
        || Some(Reply::json(404, &json!("secret-in-a-page"))),
    ];
    for (number, reply) in hostile.into_iter().enumerate() {
        let server =
            issuer(
                move |asked, _| {
                    if asked.path == "/device" { Some(Reply::json(200, &code())) } else { reply() }
                },
            );
        let error = signed_in(&server).await.expect_err("refused");
        assert!(!shown(&error).contains("secret-in-a-page"), "{number}: {}", shown(&error));
        assert_eq!(tokens_asked(&server).len(), 1, "{number}");
    }
}

#[tokio::test]
async fn an_issuer_that_says_nothing_is_given_up_on() {
    let server = issuer(|asked, _| if asked.path == "/device" { None } else { Some(granted()) });
    let error = signed_in(&server).await.unwrap_err();
    assert!(error.message().contains("within 500ms"), "{error}");
}

#[tokio::test]
async fn nobody_is_sent_to_a_page_in_the_clear() {
    for (field, value) in [
        ("verification_uri", "http://login.acme.example/device"),
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri_complete", "http://evil.example/?code=x"),
    ] {
        let server = issuer(move |_, _| {
            let mut code = code();
            code[field] = value.into();
            Some(Reply::json(200, &code))
        });
        let error = signed_in(&server).await.unwrap_err();
        assert!(error.message().contains("sign-in page"), "{error}");
    }
}

#[tokio::test]
async fn an_issuer_speaks_for_itself_alone() {
    let about = |about: Value| Server::new(move |_, _| Some(Reply::json(200, &about)));
    let http = Http::default();
    let server = about(json!({ "issuer": "https://evil.example", "token_endpoint": "x" }));
    let error = discover(&http, &server.url()).await.unwrap_err();
    assert!(error.message().contains("speaks for another issuer"), "{error}");

    let server = Server::new(|asked, _| {
        let base = format!("http://{}", asked.header("host").unwrap());
        let endpoint = "http://evil.example/token";
        Some(Reply::json(200, &json!({ "issuer": base, "token_endpoint": endpoint })))
    });
    let error = discover(&http, &server.url()).await.unwrap_err();
    assert!(error.message().contains("could be read on the way"), "{error}");

    let error = discover(&http, "http://login.acme.example").await.unwrap_err();
    assert_eq!(error.exit_code(), crate::error::exit::USAGE);
}

#[tokio::test]
async fn a_program_signs_in_by_its_secret() {
    let server = issuer(|_, _| Some(granted()));
    let http = Http::default();
    let endpoints = discover(&http, &server.url()).await.expect("found");
    let application =
        Application { audience: Some("https://api".to_owned()), ..application(&server) };
    let secret = Secret::new("p:ä ss");
    client_credentials(&http, &endpoints, &application, &secret).await.expect("in");
    let asked = tokens_asked(&server);
    // platformctl:p%3A%C3%A4%20ss
    let basic = "Basic cGxhdGZvcm1jdGw6cCUzQSVDMyVBNCUyMHNz";
    assert_eq!(asked[0].header("authorization"), Some(basic));
    assert_eq!(
        asked[0].body,
        "grant_type=client_credentials&scope=openid&audience=https%3A%2F%2Fapi"
    );
    let endpoints = Endpoints { secret_in_body: true, ..endpoints };
    client_credentials(&http, &endpoints, &application, &secret).await.expect("in");
    let asked = tokens_asked(&server);
    assert_eq!(asked[1].header("authorization"), None);
    assert!(asked[1].body.ends_with("client_id=platformctl&client_secret=p%3A%C3%A4+ss"));
}

fn login(issuer: &str) -> Login {
    let now = OffsetDateTime::now_utc();
    let expires = now + time::Duration::hours(1);
    let granted = Granted { token: Secret::new("opaque-token"), expires };
    Login { issuer: issuer.to_owned(), who: "ada".to_owned(), since: now, granted }
}

#[test]
fn logins_are_kept_apart_and_private() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::new(state.path(), "acme-dev");
    let here = login("https://a.example");
    assert_eq!(store.find(&here.issuer).unwrap(), None);
    store.keep(&here).unwrap();
    assert_eq!(store.find(&here.issuer).unwrap(), Some(here.clone()));
    assert_eq!(store.find("https://b.example").unwrap(), None);
    for other in ["acme-prod", "acme"] {
        let other = Store::new(state.path(), other);
        assert_eq!((other.find(&here.issuer).unwrap(), other.forget_all().unwrap()), (None, 0));
    }
    assert_eq!(store.all().unwrap(), std::slice::from_ref(&here));
    let file = std::fs::read_dir(state.path().join("logins")).unwrap().next().unwrap().unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = store.find(&here.issuer).unwrap_err();
    assert!(error.message().contains("can be read by others (mode 640)"), "{error}");
    assert_eq!((store.forget_all().unwrap(), store.forget_all().unwrap()), (1, 0));

    store.keep(&here).unwrap();
    std::fs::write(file.path(), "{\"version\": 1, \"token\": \"opaque-token\"").unwrap();
    let error = store.find(&here.issuer).unwrap_err();
    assert!(error.message().contains("holds no login") && !shown(&error).contains("opaque"));
}

#[test]
fn a_token_is_not_used_in_its_last_seconds() {
    let mut login = login("https://a.example");
    assert!(login.is_good());
    login.granted.expires = OffsetDateTime::now_utc() + time::Duration::seconds(10);
    assert!(!login.is_good());
    assert!(!format!("{login:?}").contains("opaque-token"));
}
