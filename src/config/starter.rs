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
    let Starter { project, environment, region, cidr, emails } = starter;
    let emails = emails.join(", ");
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
  nat: none                 # none | single | per-zone
  interface_endpoints: []   # such as [ssm, secretsmanager, logs]
  flow_logs: false
  reserved_cidrs: []        # offices and peers that the VPC must not overlap

efs:
  storage: regional         # regional | one-zone
  encrypted: true
  backup: true
  archive_after_days: 30    # 1, 7, 14, 30, 60, 90, 180, 270 or 365
  memory_mb: 512            # of the git-store function
  timeout_seconds: 30
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
}
