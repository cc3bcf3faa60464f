//! Programs with an identity of AWS: what they may sign, and what STS may say of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use authoriser::config::Config;
use authoriser::fetch::{Answer, Fetch, FetchError, Question};
use authoriser::{Allowed, Authoriser, Reason, Request};
use runtime_core::api::Caller;
use serde_json::json;

use super::support::{TestClock, bearer, encode, machines, tenants};

/// 2027-01-15T08:00:00Z, the moment at which tests begin.
const DATE: &str = "20270115T080000Z";

/// STS, which says what it is told to, and remembers what it was asked.
#[derive(Clone)]
struct Sts {
    answer: Arc<Mutex<Result<Answer, FetchError>>>,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl Fetch for Sts {
    async fn get(&self, question: Question) -> Result<Answer, FetchError> {
        self.asked.lock().unwrap().push(question);
        self.answer.lock().unwrap().clone()
    }
}

struct World {
    authoriser: Authoriser<super::support::Tenants, Sts, TestClock>,
    sts: Sts,
    clock: TestClock,
}

fn identity(account: &str, arn: &str) -> Answer {
    let result = json!({ "Account": account, "Arn": arn, "UserId": "AROA:session" });
    let body = json!({ "GetCallerIdentityResponse": { "GetCallerIdentityResult": result } });
    Answer { status: 200, body: body.to_string().into_bytes() }
}

const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/acme-dev-machine-acme/build";

impl World {
    fn new() -> Self {
        let answer = Arc::new(Mutex::new(Ok(identity("123456789012", ROLE))));
        let sts = Sts { answer, asked: Arc::default() };
        let clock = TestClock::default();
        let config = Config {
            prefix: "acme-dev".to_owned(),
            issuers: Vec::new(),
            machines: Some(machines()),
        };
        let authoriser = Authoriser::new(config, tenants(), sts.clone(), clock.clone()).unwrap();
        Self { authoriser, sts, clock }
    }

    async fn url(&self, url: &str) -> Result<Allowed, Reason> {
        let request: Request =
            serde_json::from_value(bearer(&format!("aws_{}", encode(url)))).unwrap();
        self.authoriser.decide(&request).await.map_err(|refused| refused.reason)
    }

    fn says(&self, answer: Result<Answer, FetchError>) {
        *self.sts.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.sts.asked.lock().unwrap().len()
    }
}

fn presigned(date: &str, expires: u32) -> String {
    format!(
        "https://sts.eu-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
         &X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F{}%2Feu-west-2%2Fsts%2Faws4_request\
         &X-Amz-Date={date}&X-Amz-Expires={expires}\
         &X-Amz-SignedHeaders=host%3Bx-platformctl-audience\
         &X-Amz-Security-Token=IQoJb3JpZ2lu%2F%2B%3D\
         &X-Amz-Signature={}",
        &date[..8],
        "0a".repeat(32)
    )
}

#[tokio::test]
async fn sts_says_who_signed_and_is_asked_with_our_name() {
    let world = World::new();
    let url = presigned(DATE, 900);
    let allowed = world.url(&url).await.unwrap();
    assert_eq!(allowed.context.caller, Caller::Machine);
    assert_eq!(allowed.context.tenant.unwrap().as_str(), "acme");
    let asked = world.sts.asked.lock().unwrap().clone();
    assert_eq!(asked[0].uri.to_string(), url);
    let (name, value) = &asked[0].headers[0];
    assert_eq!((name.as_str(), value.as_str()), ("x-platformctl-audience", "acme-dev"));
    // The answer is remembered for a minute, and never beyond the request's own life.
    world.clock.pass(Duration::from_secs(59));
    assert_eq!((world.url(&url).await.err(), world.asked()), (None, 1));
    world.clock.pass(Duration::from_secs(1));
    assert_eq!((world.url(&url).await.err(), world.asked()), (None, 2));
    let short = presigned("20270115T080100Z", 30);
    assert_eq!(world.url(&short).await.err(), None);
    world.clock.pass(Duration::from_secs(30));
    assert_eq!(world.url(&short).await.err(), Some(Reason::AwsRequest));
}

#[tokio::test]
async fn no_request_is_sent_that_we_would_not_have_made() {
    let world = World::new();
    let good = presigned(DATE, 900);
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let cases = [
        ("http", swap("https://", "http://")),
        ("another host", swap("sts.eu-west-2.amazonaws.com", "evil.example")),
        ("a host that begins so", swap("amazonaws.com/", "amazonaws.com.evil.example/")),
        ("a user", swap("https://", "https://evil.example@")),
        ("a user in the region", swap("sts.eu-west-2", "sts.eu-west-2@evil.example#")),
        ("a port", swap("amazonaws.com/", "amazonaws.com:8443/")),
        ("another region", good.replace("eu-west-2", "us-east-1")),
        ("no region", good.replace("sts.eu-west-2.", "sts.")),
        ("another service", good.replace("https://sts.", "https://iam.")),
        ("a path", swap("amazonaws.com/?", "amazonaws.com/x?")),
        ("another action", swap("GetCallerIdentity", "AssumeRole")),
        ("an action more", format!("{good}&Action=AssumeRole")),
        ("an action in small letters", format!("{good}&action=AssumeRole")),
        ("a parameter more", format!("{good}&RoleArn=a")),
        ("a parameter twice", format!("{good}&X-Amz-Date={DATE}")),
        ("escaped name", swap("Action=", "%41ction=")),
        ("a fragment", format!("{good}#x")),
        ("a line", format!("{good}%0d%0aHost:evil")),
        ("a plain line", format!("{good}\r\nHost: evil.example")),
        ("a space", format!("{good} ")),
        ("another version", swap("2011-06-15", "2012-01-01")),
        ("another algorithm", swap("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
        ("another service signed", swap("%2Fsts%2F", "%2Fs3%2F")),
        ("another region signed", swap("%2Feu-west-2%2F", "%2Fus-east-1%2F")),
        ("another day signed", swap("%2F20270115%2F", "%2F20270114%2F")),
        ("no audience", swap("host%3Bx-platformctl-audience", "host")),
        ("no host", swap("host%3Bx-platformctl-audience", "x-platformctl-audience")),
        ("headers more", swap("%3Bx-platformctl", "%3Bx-other%3Bx-platformctl")),
        ("no signature", swap("&X-Amz-Signature=", "&X-Amz-Signature=&X=")),
        ("a short signature", good[..good.len() - 2].to_owned()),
        ("no expiry", swap("&X-Amz-Expires=900", "")),
        ("a day", presigned(DATE, 86_400)),
        ("over 15 minutes", presigned(DATE, 901)),
        ("no time", presigned(DATE, 0)),
        ("old", presigned("20270115T074459Z", 900)),
        ("from the future", presigned("20270115T080101Z", 900)),
        ("no date", presigned("2027011508000000", 900)),
        ("nothing", String::new()),
    ];
    for (name, url) in cases {
        assert_eq!(world.url(&url).await.err(), Some(Reason::AwsRequest), "{name}");
    }
    assert_eq!(world.asked(), 0);
    for date in ["20270115T074501Z", "20270115T080100Z"] {
        assert_eq!(world.url(&presigned(date, 900)).await.err(), None, "{date}");
    }
}

#[tokio::test]
async fn only_roles_of_tenants_in_our_account_count() {
    let arn = |account: &str, rest: &str| format!("arn:aws:sts::{account}:{rest}");
    let ours = "123456789012";
    let role = |role: &str| arn(ours, &format!("assumed-role/{role}/session"));
    let cases = [
        ("999999999999", arn("999999999999", "assumed-role/acme-dev-machine-acme/s")),
        (ours, arn("999999999999", "assumed-role/acme-dev-machine-acme/s")),
        ("999999999999", ROLE.to_owned()),
        (ours, arn(ours, "federated-user/acme-dev-machine-acme")),
        (ours, format!("arn:aws:iam::{ours}:user/acme-dev-machine-acme")),
        (ours, format!("arn:aws:iam::{ours}:root")),
        (ours, role("acme-dev-machine-")),
        (ours, role("acme-dev-machine-acme.x")),
        (ours, role("x-acme-dev-machine-acme")),
        (ours, role("acme-prod-machine-acme")),
        (ours, role("Admin")),
        (ours, arn(ours, "assumed-role/Admin/acme-dev-machine-acme")),
        (ours, arn(ours, "assumed-role/acme-dev-machine-acme")),
        (ours, "acme-dev-machine-acme".to_owned()),
    ];
    for (account, arn) in cases {
        let world = World::new();
        world.says(Ok(identity(account, &arn)));
        let decision = world.url(&presigned(DATE, 900)).await;
        assert_eq!(decision.err(), Some(Reason::AwsRole), "{arn}");
    }
    let world = World::new();
    world.says(Ok(identity(ours, &role("acme-dev-machine-paused"))));
    assert_eq!(world.url(&presigned(DATE, 900)).await.err(), Some(Reason::InactiveTenant));
}

#[tokio::test]
async fn what_sts_does_not_confirm_is_nobody() {
    let status = |status| Ok(Answer { status, body: Vec::new() });
    let body = |body: &str| Ok(Answer { status: 200, body: body.as_bytes().to_vec() });
    for (answer, reason) in [
        (status(403), Reason::AwsIdentity),
        (status(400), Reason::AwsIdentity),
        (status(302), Reason::AwsUnavailable),
        (status(500), Reason::AwsUnavailable),
        (Err(FetchError::TooSlow), Reason::AwsUnavailable),
        (Err(FetchError::Unreachable), Reason::AwsUnavailable),
        (body("<GetCallerIdentityResponse/>"), Reason::AwsUnavailable),
        (body("{}"), Reason::AwsUnavailable),
    ] {
        let world = World::new();
        world.says(answer);
        let url = presigned(DATE, 900);
        assert_eq!(world.url(&url).await.err(), Some(reason));
        // A failure is not remembered.
        world.says(Ok(identity("123456789012", ROLE)));
        assert_eq!(world.url(&url).await.err(), None);
    }
}
