//! What the authoriser is told: from its environment alone, so that a start needs no
//! network, and a former version of the function has the former configuration.

use http::Uri;
use runtime_core::auth::{AWS_MACHINES, AwsMachines, ISSUERS, IssuerConfig};
use runtime_core::names::NAME_PREFIX;

/// The configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `<project>-<environment>`.
    pub prefix: String,
    /// Who signs users in.
    pub issuers: Vec<IssuerConfig>,
    /// Programs with identities of AWS; none: there are none.
    pub machines: Option<AwsMachines>,
}

/// A configuration with which nobody could be let in safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {message}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Config {
    /// Reads the configuration; `variable` finds an environment variable.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let error = |variable, message: String| ConfigError { variable, message };
        let prefix = variable(NAME_PREFIX).filter(|prefix| !prefix.is_empty());
        let prefix = prefix.ok_or_else(|| {
            error(NAME_PREFIX, "is not set; it is <project>-<environment>".to_owned())
        })?;
        let issuers: Vec<IssuerConfig> = match variable(ISSUERS) {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|source| error(ISSUERS, format!("is no list of issuers: {source}")))?,
        };
        for (at, issuer) in issuers.iter().enumerate() {
            check(issuer).map_err(|message| error(ISSUERS, format!("[{at}].{message}")))?;
            if issuers[..at].iter().any(|other| other.issuer == issuer.issuer) {
                let message = format!("[{at}].issuer: another one is the same");
                return Err(error(ISSUERS, message));
            }
        }
        let machines: Option<AwsMachines> = match variable(AWS_MACHINES) {
            None => None,
            Some(text) => Some(serde_json::from_str(&text).map_err(|source| {
                error(AWS_MACHINES, format!("is no description of programs: {source}"))
            })?),
        };
        if let Some(machines) = &machines {
            check_machines(machines).map_err(|message| error(AWS_MACHINES, message))?;
        }
        Ok(Self { prefix, issuers, machines })
    }
}

fn check(issuer: &IssuerConfig) -> Result<(), String> {
    let texts = [
        ("name", &issuer.name),
        ("issuer", &issuer.issuer),
        ("audience", &issuer.audience),
        ("audience_claim", &issuer.audience_claim),
        ("role_claim", &issuer.role_claim),
    ];
    if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.is_empty()) {
        return Err(format!("{name}: is empty"));
    }
    if issuer.tenant_claim.as_ref().is_some_and(String::is_empty) {
        return Err("tenant_claim: is empty; leave it out if there is none".to_owned());
    }
    if issuer.algorithms.is_empty() {
        return Err("algorithms: are none; leave them out for RS256".to_owned());
    }
    if issuer.types.is_empty() && !issuer.type_optional {
        return Err("types: are none, and tokens may not be without".to_owned());
    }
    address(issuer).map(drop)
}

/// Where an issuer's keys are: `https`, or a loopback address without TLS when the issuer
/// is local.
pub(crate) fn address(issuer: &IssuerConfig) -> Result<Uri, String> {
    let wrong = || format!("jwks_url: `{}` is not an https address", issuer.jwks_url);
    let uri: Uri = issuer.jwks_url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        return Err(wrong());
    }
    let loopback = ["127.0.0.1", "[::1]", "localhost"].contains(&authority.host());
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if issuer.local && loopback => Ok(uri),
        Some("http") if issuer.local => Err(format!(
            "jwks_url: `{}` is not on this machine; without TLS it has to be",
            issuer.jwks_url
        )),
        _ => Err(wrong()),
    }
}

fn check_machines(machines: &AwsMachines) -> Result<(), String> {
    let AwsMachines { audience, regions, account, role } = machines;
    let name = |text: &str, marks: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
    };
    if !name(audience, "-_.:/") {
        return Err(format!("audience: `{audience}` is not a name that a header can carry"));
    }
    if regions.is_empty() || !regions.iter().all(|region| name(region, "-")) {
        return Err("regions: name one or more, such as eu-west-2".to_owned());
    }
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("account: `{account}` has not 12 digits"));
    }
    let around: Vec<&str> = role.split("{tenant}").collect();
    let [before, after] = around[..] else {
        return Err(format!("role: `{role}` does not have `{{tenant}}` once"));
    };
    if !name(before, "-_") || !(after.is_empty() || name(after, "-_")) {
        return Err(format!("role: `{role}` is not the name of a role that begins with a prefix"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issuer() -> Value {
        json!({
            "name": "users", "issuer": "https://id.example", "audience": "app",
            "jwks_url": "https://id.example/keys", "role_claim": "roles",
        })
    }

    fn read(issuers: &Value) -> Result<Config, ConfigError> {
        Config::read(|name| match name {
            NAME_PREFIX => Some("acme-dev".to_owned()),
            ISSUERS => Some(issuers.to_string()),
            _ => None,
        })
    }

    #[test]
    fn what_is_left_out_is_the_usual() {
        let config = read(&json!([issuer()])).unwrap();
        assert_eq!(config.issuers[0].audience_claim, "aud");
        assert!(!config.issuers[0].staff && !config.issuers[0].local);
        assert_eq!(config.machines, None);
        assert_eq!(Config::read(|_| None).unwrap_err().variable, NAME_PREFIX);
    }

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        let with = |url: &str, local: bool| {
            let mut issuer = issuer();
            issuer["jwks_url"] = url.into();
            issuer["local"] = local.into();
            read(&json!([issuer]))
        };
        assert!(with("http://127.0.0.1:4000/keys", true).is_ok());
        assert!(with("http://[::1]:4000/keys", true).is_ok());
        let wrong = [
            ("http://127.0.0.1:4000/keys", false),
            ("http://id.example/keys", true),
            ("http://127.0.0.1.id.example/keys", true),
            ("http://127.0.0.1@id.example/keys", true),
            ("https://a@id.example/keys", false),
            ("file:///etc/passwd", true),
            ("/keys", true),
            ("", true),
        ];
        for (url, local) in wrong {
            assert!(with(url, local).is_err(), "{url}");
        }
    }

    #[test]
    fn what_would_let_in_anybody_is_refused() {
        for (name, value) in [
            ("audience", json!("")),
            ("issuer", json!("")),
            ("tenant_claim", json!("")),
            ("algorithms", json!([])),
            ("algorithms", json!(["none"])),
            ("types", json!([])),
            ("unknown", json!(1)),
        ] {
            let mut issuer = issuer();
            issuer[name] = value;
            assert_eq!(read(&json!([issuer])).unwrap_err().variable, ISSUERS, "{name}");
        }
        assert!(read(&json!([issuer(), issuer()])).is_err());
    }

    #[test]
    fn programs_belong_to_one_account_and_a_pattern_of_roles() {
        let good = json!({
            "audience": "acme-dev", "regions": ["eu-west-2"], "account": "123456789012",
            "role": "acme-dev-machine-{tenant}",
        });
        let with = |name: &str, value: Value| {
            let mut machines = good.clone();
            machines[name] = value;
            Config::read(|variable| match variable {
                NAME_PREFIX => Some("acme-dev".to_owned()),
                AWS_MACHINES => Some(machines.to_string()),
                _ => None,
            })
        };
        assert!(with("audience", "acme-dev".into()).is_ok());
        for (name, value) in [
            ("audience", json!("a\nb")),
            ("regions", json!([])),
            ("regions", json!(["x.example/"])),
            ("account", json!("*")),
            ("role", json!("machine")),
            ("role", json!("{tenant}")),
            ("role", json!("a-{tenant}-{tenant}")),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name}: {value}");
        }
    }
}
