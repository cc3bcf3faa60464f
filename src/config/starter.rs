//! The commented platform.yaml that `platformctl init` writes.

/// What `init` asks for; everything else has a default.
#[derive(Debug, Clone)]
pub struct Starter {
    /// Lowercase name of the company or product.
    pub project: String,
    /// Lowercase environment name.
    pub environment: String,
    /// AWS region.
    pub region: String,
    /// The VPC's address range.
    pub cidr: String,
    /// Who is mailed about cost; may be empty.
    pub emails: Vec<String>,
}

/// A complete file with every field, its default and its meaning.
pub fn starter_yaml(starter: &Starter) -> String {
    let [project, environment, region, cidr] =
        [&starter.project, &starter.environment, &starter.region, &starter.cidr]
            .map(|text| scalar(text));
    let emails = starter.emails.iter().map(|email| scalar(email)).collect::<Vec<_>>().join(", ");
    let zone = scalar(&format!("{}a", starter.region));
    format!(
        "# The platform as platformctl builds it. `platformctl config schema` prints the JSON
# Schema of this file; `platformctl check` proves what it would deploy.
version: 1
project: {project}          # lowercase; prefix of every physical name
environment: {environment}
region: {region}
# account: \"111122223333\"    # the only account that may be touched
protect: true               # refuse to delete the stacks
tags:                       # on every resource, beside project, environment and stack
  owner: platform-team

network:
  cidr: {cidr}
  zones: 1                  # 1 to 3, each with a public and a private subnet
  # availability_zones: [{zone}]   # their names, in a fixed order; one-zone storage needs it
  nat: none                 # none | single | per-zone; functions of the API need one
  endpoints: none           # none or platform: ssm, secretsmanager, sts, logs, xray, AgentCore
  interface_endpoints: []   # further ones, such as [ecr.api, bedrock-runtime]
  flow_logs: false
  reserved_cidrs: []        # offices and peers that the VPC must not overlap

efs:
  storage: regional         # regional | one-zone (in the first of availability_zones)
  encrypted: true
  backup: true
  archive_after_days: 30    # 1, 7, 14, 30, 60, 90, 180, 270 or 365
  memory_mb: 512            # of the git-store function
  timeout_seconds: 30       # 5 to 900
  reserved_concurrency: 50
  log_retention_days: 30
  architecture: arm64       # arm64 | x86_64; the local platform uses this machine's

budget:
  monthly_usd: 50
  emails: [{emails}]
  thresholds:               # in percent of the limit
    actual: [50, 80, 100]
    forecast: [100]
"
    )
}

/// A string as YAML reads it back, in a list too: plain when that is safe, or else
/// quoted as JSON, which YAML includes.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@+".contains(c);
    // Words and numbers that would be read as something else; the short ones by YAML 1.1.
    let is_string = super::load::is_plain_string(text)
        && !["y", "n", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    if is_string && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain)
    {
        return text.to_owned();
    }
    // JSON leaves more as it is than YAML takes, or keeps.
    let hidden = |c: char| c.is_control() || "\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}".contains(c);
    serde_json::Value::from(text)
        .to_string()
        .chars()
        .map(|c| if hidden(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_is_a_valid_file() {
        let starter = Starter {
            project: "acme".into(),
            environment: "dev".into(),
            region: "eu-west-2".into(),
            cidr: "10.40.0.0/16".into(),
            emails: vec!["ops@example.com".into()],
        };
        let loaded = super::super::parse("starter", &starter_yaml(&starter)).expect("valid");
        assert!(stacks::synthesize(&loaded.config.spec()).is_ok());
    }

    const HOSTILE: [&str; 16] = [
        "a@b.c] # x",
        "dev\naccount: \"1\"",
        "- x",
        "a: b",
        "\"quoted\" \\ 'both'",
        "",
        " ",
        "no",
        "true",
        "null",
        "12",
        "1e3",
        "~",
        "*a",
        "{braces}",
        "\u{85}\u{2028}\u{7f}\u{feff}é\t",
    ];

    #[test]
    fn hostile_values_are_read_back_as_they_were() {
        for text in HOSTILE {
            let starter = Starter {
                project: text.into(),
                environment: text.into(),
                region: text.into(),
                cidr: "10.40.0.0/16".into(),
                emails: vec![text.into(), "ops@example.com".into()],
            };
            let loaded = super::super::parse("starter", &starter_yaml(&starter));
            let config = loaded.unwrap_or_else(|error| panic!("{text:?}: {error}")).config;
            assert_eq!(config.project, text);
            assert_eq!(config.environment, text);
            assert_eq!(config.region, text);
            assert_eq!(config.budget.emails, [text, "ops@example.com"]);
        }
    }

    #[test]
    fn plain_values_stay_plain() {
        for text in ["acme", "eu-west-2", "10.40.0.0/16", "first.last+aws@example.com"] {
            assert_eq!(scalar(text), text);
        }
        assert_eq!(scalar("a@b.c] # x"), "\"a@b.c] # x\"");
    }
}
