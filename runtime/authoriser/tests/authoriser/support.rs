//! Keys, tokens, a server of keys, tenants and a clock.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use authoriser::clock::{Clock, Moment};
use authoriser::config::Config;
use authoriser::directory::{Directory, DirectoryError};
use authoriser::fetch::Http;
use authoriser::{Allowed, Authoriser, Reason, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use graviola::signing::rsa::{KeySize, SigningKey};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self as ring_signature, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use runtime_core::auth::{Algorithm, AwsMachines, IssuerConfig};
use runtime_core::model::{ApiKey, Tenant, TenantStatus};
use runtime_core::tenant::TenantId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The moment at which tests begin.
pub const NOW: i64 = 1_800_000_000;

pub const ISSUER: &str = "https://users.example";
pub const STAFF: &str = "https://staff.example/v2.0";
pub const AUDIENCE: &str = "client_01ABC";

/// A key pair that signs, or the half of one.
pub enum Key {
    Rsa { pair: Option<RsaKeyPair>, n: Vec<u8>, e: Vec<u8> },
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        let mut room = [0; 4096];
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        let pair = RsaKeyPair::from_pkcs8(key.to_pkcs8_der(&mut room).unwrap()).unwrap();
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
        Self::Rsa { pair: Some(pair), n, e }
    }

    /// The public half of a key of 1,024 bits. Nothing here makes or takes such keys: its
    /// tokens are signed by somebody else.
    pub fn weak() -> Self {
        let mut n = vec![0; 128];
        rand::fill(&mut n[..]);
        n[0] |= 0x80;
        n[127] |= 1;
        Self::Rsa { pair: None, n, e: vec![1, 0, 1] }
    }

    pub fn p256() -> Self {
        Self::P256(Self::ec(&ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    pub fn p384() -> Self {
        Self::P384(Self::ec(&ring_signature::ECDSA_P384_SHA384_FIXED_SIGNING))
    }

    fn ec(algorithm: &'static ring_signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
    }

    /// The public half.
    pub fn jwk(&self, id: &str) -> Value {
        let point = |pair: &EcdsaKeyPair, curve: &str, size: usize| {
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(size);
            json!({ "kty": "EC", "crv": curve, "kid": id, "x": encode(x), "y": encode(y) })
        };
        match self {
            Self::Rsa { n, e, .. } => {
                json!({ "kty": "RSA", "kid": id, "use": "sig", "n": encode(n), "e": encode(e) })
            }
            Self::P256(pair) => point(pair, "P-256", 32),
            Self::P384(pair) => point(pair, "P-384", 48),
        }
    }

    pub fn sign(&self, padding: &'static dyn ring_signature::RsaEncoding, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa { pair, .. } => {
                let pair = pair.as_ref().unwrap();
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, text, &mut out).unwrap();
                out
            }
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&random, text).unwrap().as_ref().to_vec()
            }
        }
    }
}

/// Keys that all tests share: to make one takes its time.
pub static RSA: LazyLock<Key> = LazyLock::new(Key::rsa);
pub static OTHER_RSA: LazyLock<Key> = LazyLock::new(Key::rsa);
pub static EC: LazyLock<Key> = LazyLock::new(Key::p256);

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

/// A token in the making.
#[derive(Clone)]
pub struct Draft {
    pub header: Value,
    pub claims: Value,
}

/// A token of a user of the tenant `acme`.
pub fn user() -> Draft {
    Draft {
        header: json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" }),
        claims: json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "user_1", "tenant_id": "acme",
            "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 3_600,
        }),
    }
}

/// A token of somebody with a role.
pub fn staff(role: &str) -> Draft {
    user().without("tenant_id").claim("iss", STAFF).claim("roles", json!([role]))
}

impl Draft {
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        for part in [&mut self.header, &mut self.claims] {
            part.as_object_mut().unwrap().remove(name);
        }
        self
    }

    pub fn sign(&self, key: &Key) -> String {
        sign_parts(&encode(self.header.to_string()), &encode(self.claims.to_string()), key)
    }
}

/// Signs parts as they are, with the usual padding of RSA.
pub fn sign_parts(header: &str, claims: &str, key: &Key) -> String {
    let signed = format!("{header}.{claims}");
    let signature = key.sign(&ring_signature::RSA_PKCS1_SHA256, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

/// How a server of keys behaves.
#[derive(Clone)]
pub enum Behaviour {
    Keys(Value),
    Raw(Vec<u8>),
    Status(u16),
    Redirect(String),
    Slow,
    /// It hangs up.
    Down,
}

impl Behaviour {
    /// Status, a further header, body; nothing: it says nothing.
    async fn answer(self) -> Option<(u16, String, Vec<u8>)> {
        Some(match self {
            Self::Keys(keys) => (200, String::new(), keys.to_string().into_bytes()),
            Self::Raw(body) => (200, String::new(), body),
            Self::Status(status) => (status, String::new(), Vec::new()),
            Self::Redirect(to) => (302, format!("location: {to}\r\n"), Vec::new()),
            Self::Slow => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                return None;
            }
            Self::Down => return None,
        })
    }
}

/// A server of keys on a free port.
#[derive(Clone)]
pub struct KeyServer {
    pub url: String,
    behaviour: Arc<Mutex<Behaviour>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let server =
            Self { url, behaviour: Arc::new(Mutex::new(behaviour)), asked: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                serving.asked.fetch_add(1, Ordering::SeqCst);
                let behaviour = serving.behaviour.lock().unwrap().clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4_096]).await;
                    let Some((status, more, body)) = behaviour.answer().await else { return };
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(head.as_bytes()).await;
                    let _ = stream.write_all(&body).await;
                });
            }
        });
        server
    }

    pub async fn with(keys: &[(&str, &Key)]) -> Self {
        Self::start(Behaviour::Keys(document(keys))).await
    }

    /// From now on it behaves like this.
    pub fn turn(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

pub fn document(keys: &[(&str, &Key)]) -> Value {
    let keys: Vec<_> = keys.iter().map(|(id, key)| key.jwk(id)).collect();
    json!({ "keys": keys })
}

/// Tenants in memory.
#[derive(Clone, Default)]
pub struct Tenants {
    all: Arc<Mutex<HashMap<TenantId, Tenant>>>,
    pub asked: Arc<AtomicUsize>,
    pub down: Arc<Mutex<bool>>,
}

impl Tenants {
    pub fn put(&self, id: &str, status: TenantStatus, keys: &[ApiKey]) {
        let tenant = tenant(id, status.name(), keys);
        self.all.lock().unwrap().insert(tenant.tenant_id.clone(), tenant);
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Directory for Tenants {
    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, DirectoryError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if *self.down.lock().unwrap() {
            return Err(DirectoryError("down".to_owned()));
        }
        Ok(self.all.lock().unwrap().get(id).cloned())
    }
}

/// A clock that goes when it is told to.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<Moment>>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Moment { wall: NOW, steady: Duration::from_secs(1_000) })))
    }
}

impl TestClock {
    pub fn pass(&self, time: Duration) {
        let mut moment = self.0.lock().unwrap();
        moment.wall += i64::try_from(time.as_secs()).unwrap();
        moment.steady += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }
}

pub fn issuer(name: &str, issuer: &str, jwks_url: &str) -> IssuerConfig {
    IssuerConfig {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        audience: AUDIENCE.to_owned(),
        audience_claim: "aud".to_owned(),
        jwks_url: jwks_url.to_owned(),
        role_claim: "roles".to_owned(),
        tenant_claim: Some("tenant_id".to_owned()),
        staff: false,
        algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        types: vec!["JWT".to_owned(), "at+jwt".to_owned()],
        type_optional: false,
        local: true,
    }
}

/// Everything that a test needs.
pub struct World {
    pub authoriser: Authoriser<Tenants, Http, TestClock>,
    pub tenants: Tenants,
    pub clock: TestClock,
    pub keys: KeyServer,
    pub staff_keys: KeyServer,
}

impl World {
    /// Two issuers: of tenants' users, with the keys `k1` (RSA) and `e1` (P-256), and of
    /// staff, with another `k1`.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl Fn(&mut Config)) -> Self {
        let keys = KeyServer::with(&[("k1", &RSA), ("e1", &EC)]).await;
        let staff_keys = KeyServer::with(&[("k1", &OTHER_RSA)]).await;
        let users = issuer("users", ISSUER, &keys.url);
        let staff = issuer("staff", STAFF, &staff_keys.url);
        let staff = IssuerConfig { staff: true, tenant_claim: None, ..staff };
        let issuers = vec![users, staff];
        let mut config = Config { prefix: "acme-dev".to_owned(), issuers, machines: None };
        change(&mut config);
        let (tenants, clock) = (tenants(), TestClock::default());
        let authoriser =
            Authoriser::new(config, tenants.clone(), Http::default(), clock.clone()).unwrap();
        Self { authoriser, tenants, clock, keys, staff_keys }
    }

    pub async fn decide(&self, request: &Value) -> Result<Allowed, Reason> {
        let request: Request = serde_json::from_value(request.clone()).unwrap();
        self.authoriser.decide(&request).await.map_err(|refused| refused.reason)
    }

    /// Whether a token lists agents.
    pub async fn token(&self, token: &str) -> Result<Allowed, Reason> {
        self.decide(&bearer(token)).await
    }
}

/// A tenant.
pub fn tenant(id: &str, status: &str, keys: &[ApiKey]) -> Tenant {
    serde_json::from_value(json!({
        "tenant_id": id, "tier": "standard", "isolation": "pooled", "status": status,
        "monthly_usd": 100, "email": "ops@acme.example", "api_keys": keys,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "revision": 1,
    }))
    .unwrap()
}

/// `acme` and `globex` may, `paused` and `gone` may not.
pub fn tenants() -> Tenants {
    let tenants = Tenants::default();
    tenants.put("acme", TenantStatus::Active, &[]);
    tenants.put("globex", TenantStatus::Active, &[]);
    tenants.put("paused", TenantStatus::Suspended, &[]);
    tenants.put("gone", TenantStatus::Deleted, &[]);
    tenants
}

pub fn machines() -> AwsMachines {
    AwsMachines {
        audience: "acme-dev".to_owned(),
        regions: vec!["eu-west-2".to_owned()],
        account: "123456789012".to_owned(),
        role: "acme-dev-machine-{tenant}".to_owned(),
    }
}

/// A request of the gateway.
pub fn request(method: &str, resource: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let (mut single, mut multiple) = (serde_json::Map::new(), serde_json::Map::new());
    for (name, value) in headers {
        single.insert((*name).to_owned(), (*value).into());
        let values = multiple.entry(*name).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push((*value).into());
    }
    let parameters: serde_json::Map<_, _> = resource
        .split('/')
        .zip(path.split('/'))
        .filter(|(template, _)| template.starts_with('{'))
        .map(|(template, value)| (template.trim_matches(['{', '}']).to_owned(), value.into()))
        .collect();
    json!({
        "type": "REQUEST",
        "methodArn": format!("arn:aws:execute-api:eu-west-2:123456789012:abc123/live/{method}{path}"),
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": single,
        "multiValueHeaders": multiple,
        "queryStringParameters": {},
        "pathParameters": parameters,
        "stageVariables": {},
        "requestContext": {
            "path": format!("/live{path}"), "accountId": "123456789012", "stage": "live",
            "requestId": "r-1", "resourcePath": resource, "httpMethod": method, "apiId": "abc123",
        },
    })
}

/// A request for the agents, with a token.
pub fn bearer(token: &str) -> Value {
    let value = format!("Bearer {token}");
    request("GET", "/v1/agents", "/v1/agents", &[("Authorization", &value)])
}
