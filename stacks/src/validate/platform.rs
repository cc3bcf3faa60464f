//! What the platform stack cannot be.

use runtime_core::functions::Function;

use super::Check;
use crate::spec::{ApiSpec, DomainSpec, Nat, PlatformSpec, StackSpec};

/// The longest that S3 lets a default retention be, in days: 100 years.
const LONGEST_RETENTION: u32 = 36_500;

/// What WAF takes as the limit of a rate.
/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html>
const RATES: std::ops::RangeInclusive<u32> = 10..=2_000_000_000;

/// Requests a second that API Gateway lets through in an account and region, by default.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const MOST_REQUESTS: u32 = 10_000;

/// And at once.
const MOST_AT_ONCE: u32 = 5_000;

/// What a function calls that is not reached through the gateway endpoints of S3 and
/// `DynamoDB`.
enum WaysOut {
    /// Services with interface endpoints, by service suffix.
    Endpoints(&'static [&'static str]),
    /// What has no endpoint, in words.
    Internet(&'static str),
}

/// What each function of the stack calls.
fn ways_out(function: Function, spec: &StackSpec) -> WaysOut {
    match function {
        Function::Authoriser if !spec.identity.issuers.is_empty() => {
            WaysOut::Internet("the keys of those who sign users in")
        }
        Function::TenantApi => {
            WaysOut::Internet("API Gateway, to make keys: it has no endpoint for that")
        }
        Function::Webhooks => WaysOut::Internet("the receivers of webhooks"),
        Function::Provisioner => WaysOut::Endpoints(&["cloudformation", "secretsmanager", "sts"]),
        Function::Bridge | Function::Jobs => {
            WaysOut::Endpoints(&["bedrock-agentcore", "events", "sqs", "sts"])
        }
        Function::Mcp => WaysOut::Endpoints(&["sts"]),
        Function::Authoriser
        | Function::GitStore
        | Function::GatewayRequest
        | Function::GatewayResponse => WaysOut::Endpoints(&[]),
    }
}

/// Functions that answer requests of known callers, and so need the authoriser.
const BEHIND_AUTHORISER: [Function; 2] = [Function::TenantApi, Function::Bridge];

impl Check {
    pub(super) fn platform(&mut self, platform: &PlatformSpec) {
        for (function, spec) in &platform.functions {
            self.function(&format!("platform.functions.{}", function.name()), spec);
        }
        let here = |function: &Function| platform.functions.contains_key(function);
        for function in BEHIND_AUTHORISER.iter().filter(|function| here(function)) {
            let field = format!("platform.functions.{}", function.name());
            let message = format!("{} answers known callers alone", function.name());
            let hint = "add the authoriser to platform.functions: without it nobody is known";
            self.that(here(&Function::Authoriser), &field, message, hint);
        }
        let git_store = "git-store is in the efs stack, with its files".to_owned();
        let field = "platform.functions.git-store";
        self.that(!here(&Function::GitStore), field, git_store, "set its sizes in efs");
        self.range("platform.result_days", platform.result_days, 1..=3_650, " days");
        let days = platform.audit.retention_days;
        self.range("platform.audit.retention_days", days, 1..=LONGEST_RETENTION, " days");
        self.api(&platform.api);
        let rate = platform.firewall.requests_per_five_minutes;
        self.range("platform.firewall.requests_per_five_minutes", rate, RATES, " requests");
        for (index, country) in platform.firewall.countries.iter().enumerate() {
            let field = format!("platform.firewall.countries[{index}]");
            let code = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
            let message = format!("`{country}` is not the code of a country");
            self.that(code, &field, message, "write two capital letters, such as GB");
            let again = platform.firewall.countries[..index].contains(country);
            self.that(!again, &field, format!("{country} is listed twice"), "remove one");
        }
        if let Some(domain) = &platform.domain {
            self.domain(domain);
        }
    }

    /// Functions are in private subnets: without NAT they reach what has an endpoint.
    pub(super) fn functions_ways_out(&mut self, spec: &StackSpec) {
        let network = &spec.network;
        if network.nat != Nat::None {
            return;
        }
        for function in spec.platform.functions.keys() {
            let name = function.name();
            let leave = format!("or leave {name} out of platform.functions");
            match ways_out(*function, spec) {
                WaysOut::Internet(what) => {
                    let message = format!("{name} cannot reach {what}; there is no NAT gateway");
                    let hint = format!("set network.nat to single or per-zone, {leave}");
                    self.that(false, "network.nat", message, &hint);
                }
                WaysOut::Endpoints(needed) => {
                    let there =
                        |service: &&&str| network.interface_services().any(|it| it == **service);
                    let missing: Vec<&str> =
                        needed.iter().filter(|service| !there(service)).copied().collect();
                    let message = format!(
                        "{name} cannot reach {}: there is neither a NAT gateway nor an endpoint",
                        missing.join(", ")
                    );
                    let hint =
                        format!("list what is missing here, set network.nat to single, {leave}");
                    self.that(missing.is_empty(), "network.interface_endpoints", message, &hint);
                }
            }
        }
    }

    fn api(&mut self, api: &ApiSpec) {
        let classes = [
            ("read", api.read),
            ("write", api.write),
            ("invoke", api.invoke),
            ("operate", api.operate),
        ];
        for (class, limits) in classes {
            let named = |name: &str| format!("platform.api.{class}.{name}");
            let rate = limits.requests_per_second;
            self.range(&named("requests_per_second"), rate, 1..=MOST_REQUESTS, " a second");
            self.range(&named("burst"), limits.burst, 1..=MOST_AT_ONCE, " at once");
        }
        // An hour is what API Gateway takes; five minutes is how long a caller who was
        // shut out may go on at most.
        self.range("platform.api.decision_seconds", api.decision_seconds, 0..=300, " seconds");
        self.retention("platform.api.log_retention_days", api.log_retention_days);
    }

    fn domain(&mut self, domain: &DomainSpec) {
        let DomainSpec { name, certificate_arn } = domain;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let valid = name.len() <= 253 && name.contains('.') && name.split('.').all(label);
        let message = format!("`{name}` is not a domain name");
        let hint = "write one such as app.acme.example";
        self.that(valid, "platform.domain.name", message, hint);
        let parts: Vec<_> = certificate_arn.split(':').collect();
        let certificate = matches!(parts[..], ["arn", "aws", "acm", "us-east-1", account, id]
            if account.len() == 12 && id.starts_with("certificate/"));
        let message = format!("`{certificate_arn}` is not a certificate that CloudFront takes");
        let hint = "write the ARN of a certificate of ACM in us-east-1: CloudFront takes no other";
        self.that(certificate, "platform.domain.certificate_arn", message, hint);
    }
}
