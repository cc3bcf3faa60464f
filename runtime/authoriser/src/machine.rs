//! Programs that come with an identity of AWS.
//!
//! A method of the gateway with `AWS_IAM` asks no authoriser, and an authoriser hears
//! nothing of who signed a request. So a program signs a request to STS,
//! `GetCallerIdentity`, does not send it, and shows it as its token: `aws_` and the
//! base64url of the presigned address. We send it; STS says who signed it. That is how
//! clusters of EKS know roles.
//!
//! The request is the caller's, and so nothing of it is used but what it has to be:
//! address and parameters are taken apart, each is checked, and others are refused. A
//! header that names us has to be signed, so that nobody to whom the program shows who it
//! is can show that to us.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, Uri};
use lru::LruCache;
use ring::digest::{SHA256, digest};
use runtime_core::api::Caller;
use runtime_core::auth::{AUDIENCE_HEADER, AwsMachines};
use runtime_core::tenant::TenantId;
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use crate::clock::Clock;
use crate::decide::{Principal, subject};
use crate::fetch::{Fetch, Question};
use crate::jwt::{SKEW_SECONDS, strict};
use crate::reason::Reason;

/// What tokens of this kind begin with.
pub(crate) const PREFIX: &str = "aws_";

/// The longest token. Session tokens in the address have up to some 2,000 characters.
const LONGEST: usize = 8_192;

/// How long a signed request is good for at the most, in seconds: as long as STS itself
/// takes it.
const LONGEST_LIFE_SECONDS: i64 = 15 * 60;

/// For how long an answer of STS is remembered.
const FRESH: Duration = Duration::from_mins(1);

/// How many answers are remembered.
const MOST: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// Who programs are.
#[derive(Debug)]
pub(crate) struct Machines {
    config: AwsMachines,
    /// By the hash of the token.
    remembered: Mutex<LruCache<[u8; 32], (Duration, Identity)>>,
}

#[derive(Debug, Clone)]
struct Identity {
    tenant: TenantId,
    role: String,
}

impl Machines {
    pub(crate) fn new(config: AwsMachines) -> Self {
        Self { config, remembered: Mutex::new(LruCache::new(MOST)) }
    }

    /// Asks STS who signed a request.
    pub(crate) async fn identify(
        &self,
        token: &str,
        fetch: &impl Fetch,
        clock: &impl Clock,
    ) -> Result<Principal, Reason> {
        if token.len() > LONGEST {
            return Err(Reason::TooLong);
        }
        let address = strict::base64url(token).and_then(|bytes| String::from_utf8(bytes).ok());
        let address = address.ok_or(Reason::AwsRequest)?;
        let now = clock.now();
        let uri = self.check(&address, now.wall).ok_or(Reason::AwsRequest)?;
        let hash = hash(token);
        if let Some(identity) = self.remembered(&hash, now.steady) {
            return Ok(identity.principal());
        }
        let header = HeaderName::from_static(AUDIENCE_HEADER);
        let question = Question { uri, headers: vec![(header, self.config.audience.clone())] };
        let answer = fetch.get(question).await.map_err(|error| {
            tracing::warn!(%error, "STS is out of reach");
            Reason::AwsUnavailable
        })?;
        match answer.status {
            200 => {}
            400..=403 => return Err(Reason::AwsIdentity),
            status => {
                tracing::warn!(status, "STS did not answer");
                return Err(Reason::AwsUnavailable);
            }
        }
        let identity = self.identity(&answer.body)?;
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.put(hash, (now.steady, identity.clone()));
        Ok(identity.principal())
    }

    fn remembered(&self, hash: &[u8; 32], now: Duration) -> Option<Identity> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, identity) = remembered.get(hash)?;
        (now.saturating_sub(*asked) < FRESH).then(|| identity.clone())
    }

    /// The address to ask, if it is one that we would have made ourselves.
    fn check(&self, address: &str, now: i64) -> Option<Uri> {
        let rest = address.strip_prefix("https://sts.")?;
        let (region, query) = rest.split_once(".amazonaws.com/?")?;
        if !self.config.regions.iter().any(|allowed| allowed == region) {
            return None;
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%=&".contains(&byte);
        if !query.bytes().all(plain) {
            return None;
        }
        let mut parameters = Parameters::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=')?;
            parameters.put(name, value)?;
        }
        parameters.check(region, now)?;
        address.parse().ok()
    }

    /// Who STS says it is, if that is a program of a tenant.
    fn identity(&self, body: &[u8]) -> Result<Identity, Reason> {
        let body = strict::object(body).ok_or(Reason::AwsUnavailable)?;
        let result = &Value::Object(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"];
        let (Some(account), Some(arn)) = (result["Account"].as_str(), result["Arn"].as_str())
        else {
            return Err(Reason::AwsUnavailable);
        };
        self.role(account, arn).ok_or(Reason::AwsRole)
    }

    /// The tenant of a role in our account: `arn:aws:sts::<account>:assumed-role/<role>/…`.
    fn role(&self, account: &str, arn: &str) -> Option<Identity> {
        let (before, after) = self.config.role.split_once("{tenant}")?;
        let [partition, service, region, owner, resource] = {
            let mut parts = arn.strip_prefix("arn:")?.splitn(5, ':');
            [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?]
        };
        let ours = account == self.config.account && owner == account;
        if !ours || service != "sts" || !region.is_empty() || !partition.starts_with("aws") {
            return None;
        }
        let (role, _session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
        let tenant = role.strip_prefix(before)?.strip_suffix(after)?.parse().ok()?;
        Some(Identity { tenant, role: role.to_owned() })
    }
}

impl Identity {
    fn principal(&self) -> Principal {
        Principal::OfTenant {
            caller: Caller::Machine,
            tenant: self.tenant.clone(),
            subject: subject("aws", &self.role),
            scopes: Vec::new(),
            staff_role: false,
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    out
}

/// The parameters of a presigned request, each there once.
#[derive(Debug, Default)]
struct Parameters {
    found: Vec<(&'static str, String)>,
}

/// Every parameter that may be there; all but the last have to be.
const NAMES: [&str; 9] = [
    "Action",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];

impl Parameters {
    fn put(&mut self, name: &str, value: &str) -> Option<()> {
        let name = NAMES.into_iter().find(|known| *known == name)?;
        if self.get(name).is_some() {
            return None;
        }
        self.found.push((name, decoded(value)?));
        Some(())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.found.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    fn check(&self, region: &str, now: i64) -> Option<()> {
        let date = self.get("X-Amz-Date")?;
        let day = date.get(..8)?;
        let (key, scope) = self.get("X-Amz-Credential")?.split_once('/')?;
        let signature = self.get("X-Amz-Signature")?;
        let headers = format!("host;{AUDIENCE_HEADER}");
        let good = self.get("Action")? == "GetCallerIdentity"
            && self.get("Version")? == "2011-06-15"
            && self.get("X-Amz-Algorithm")? == "AWS4-HMAC-SHA256"
            && self.get("X-Amz-SignedHeaders")? == headers
            && scope == format!("{day}/{region}/sts/aws4_request")
            && (16..=128).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && signature.len() == 64
            && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        let life: i64 = self.get("X-Amz-Expires")?.parse().ok()?;
        let signed = PrimitiveDateTime::parse(
            date,
            format_description!("[year][month][day]T[hour][minute][second]Z"),
        );
        let signed = OffsetDateTime::unix_timestamp(signed.ok()?.assume_utc());
        let lives = (1..=LONGEST_LIFE_SECONDS).contains(&life)
            && (signed - SKEW_SECONDS..signed + life).contains(&now);
        (good && lives).then_some(())
    }
}

/// A value without its escapes, which stand for bytes of ASCII.
fn decoded(value: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        let digits = after.get(..2)?;
        let byte = digits.bytes().all(|it| it.is_ascii_hexdigit()).then_some(digits)?;
        let byte = u8::from_str_radix(byte, 16).ok().filter(u8::is_ascii_graphic)?;
        out.push_str(before);
        out.push(char::from(byte));
        rest = &after[2..];
    }
    out.push_str(rest);
    Some(out)
}
