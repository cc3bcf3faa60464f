//! How long a decision takes, with keys and tenants in the cache.
//!
//! `cargo bench -p authoriser` prints, for each kind of credential, percentiles over
//! single decisions: from the gateway's event to the answer, the log line included.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/authoriser/support.rs"]
mod support;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use authoriser::{Log, service};
use runtime_core::model::{ApiKey, ApiKeyToken, TenantStatus};
use serde_json::Value;
use support::{EC, OTHER_RSA, RSA, World, bearer, request, staff, user};

const WARM_UP: usize = 500;
const ROUNDS: usize = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let world = World::new().await;
    let key = ApiKeyToken::generate("acme".parse().unwrap());
    let stored = ApiKey::of(&key, "2026-01-01T00:00:00Z".parse().unwrap());
    world.tenants.put("acme", TenantStatus::Active, &[stored]);
    let admin = format!("Bearer {}", staff("Platform.Admin").sign(&OTHER_RSA));
    let ec = user().header("alg", "ES256").header("kid", "e1").sign(&EC);
    let key = key.expose();
    let cases = [
        ("RS256, 2048 bits", bearer(&user().sign(&RSA)), true),
        ("ES256", bearer(&ec), true),
        ("API key", request("GET", "/v1/agents", "/v1/agents", &[("x-api-key", &key)]), true),
        (
            "staff, RS256",
            request("GET", "/v1/tenants", "/v1/tenants", &[("Authorization", &admin)]),
            true,
        ),
        ("refused: signature", bearer(&user().sign(&OTHER_RSA)), false),
        ("refused: no token", request("GET", "/v1/agents", "/v1/agents", &[]), false),
    ];
    let mut out = io::stdout().lock();
    writeln!(out, "{:<20} {:>9} {:>9} {:>9}", "microseconds", "p50", "p99", "max")?;
    for (name, event, good) in cases {
        let mut times = measure(&world, &event, good).await;
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
        writeln!(out, "{name:<20} {:>9.1} {:>9.1} {:>9.1}", at(50), at(99), at(100))?;
    }
    Ok(())
}

async fn measure(world: &World, event: &Value, good: bool) -> Vec<Duration> {
    let log = Log::to("bench".to_owned(), io::sink());
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..WARM_UP + ROUNDS {
        let event = event.clone();
        let began = Instant::now();
        let answer = service::answer(&world.authoriser, &log, event).await;
        let took = began.elapsed();
        assert_eq!(answer.is_ok(), good);
        if round >= WARM_UP {
            times.push(took);
        }
    }
    times
}
