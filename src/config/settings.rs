//! Flags, environment and file resolved once, into plain values.

use std::path::PathBuf;

use super::{Config, LoadedConfig, LockBackend};
use crate::error::{Error, Result};

/// What the command line and the environment say over the file.
/// Precedence: flag > `PLATFORMCTL_*` (both arrive here as one, from clap) >
/// AWS environment > platform.yaml > default.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--env` or `PLATFORMCTL_ENV`.
    pub environment: Option<String>,
    /// `--region` or `PLATFORMCTL_REGION`.
    pub region: Option<String>,
    /// AWS_REGION or `AWS_DEFAULT_REGION`; ignored on the local platform.
    pub aws_region: Option<String>,
    /// `--profile` or `PLATFORMCTL_PROFILE`; the SDK itself reads `AWS_PROFILE`.
    pub profile: Option<String>,
    /// `--local`: the local platform, and nothing else.
    pub local: bool,
    /// `AWS_ENDPOINT_URL`: the user's own endpoint; ignored with `--local`.
    pub endpoint: Option<String>,
}

/// One run's settings.
#[derive(Debug)]
pub struct Settings {
    /// The configuration with every override applied.
    pub config: Config,
    /// Whether the local platform is meant.
    pub local: bool,
    /// The credentials profile, when one was named.
    pub profile: Option<String>,
    /// The user's own endpoint, when one was named.
    pub endpoint: Option<String>,
    loaded: LoadedConfig,
}

/// Where the environment's leases are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockSettings {
    /// The bucket; `None`: the platform's own table.
    pub bucket: Option<String>,
    /// The region of the bucket or the table.
    pub region: String,
    /// Seconds that a lease lasts.
    pub lease_seconds: u32,
}

impl Settings {
    /// Applies `overrides` to the file.
    pub fn resolve(loaded: LoadedConfig, overrides: Overrides) -> Self {
        let mut config = loaded.config.clone();
        let aws_region = overrides.aws_region.filter(|_| !overrides.local);
        if let Some(environment) = overrides.environment {
            config.environment = environment;
        }
        if let Some(region) = overrides.region.or(aws_region) {
            config.region = region;
        }
        if overrides.local {
            // The emulator runs functions as processes of this machine.
            config.efs.architecture = host_architecture();
            // An account is a promise about AWS; the local platform has its own.
            config.account = None;
        }
        Self {
            config,
            local: overrides.local,
            profile: overrides.profile,
            endpoint: overrides.endpoint.filter(|_| !overrides.local),
            loaded,
        }
    }

    /// The platform.yaml these settings come from.
    pub fn file(&self) -> PathBuf {
        PathBuf::from(&self.loaded.file)
    }

    /// Where leases are; what is wrong with that is an error at its line.
    pub fn lock(&self) -> Result<LockSettings> {
        let (home, lock) = (&self.config.region, &self.config.lock);
        let refused = |field: &str, message: &str, hint: &str| {
            Err(Error::usage(message).at(self.place(field)).hint(hint))
        };
        let region = lock.region.as_ref().unwrap_or(home);
        match (lock.backend, &lock.bucket) {
            (LockBackend::S3, None) => refused(
                "lock.backend",
                "locks in S3 need a bucket",
                "name one that exists: `bucket: NAME`, with its region as `region`",
            ),
            (LockBackend::DynamoDb, Some(_)) => refused(
                "lock.bucket",
                "locks in DynamoDB are in the platform's table, not in a bucket",
                "write `backend: s3`, or leave the bucket out",
            ),
            (LockBackend::DynamoDb, None) if region != home => refused(
                "lock.region",
                &format!("the platform's table of locks is in {home}"),
                "for another region, use a bucket there: `backend: s3` and `bucket: NAME`",
            ),
            (_, bucket) => Ok(LockSettings {
                bucket: bucket.clone(),
                region: region.clone(),
                lease_seconds: lock.lease.seconds(),
            }),
        }
    }

    /// Synthesizes every stack; what is wrong with the values is an error at its line.
    pub fn synthesize(&self) -> Result<Vec<stacks::StackTemplate>> {
        self.lock()?;
        stacks::synthesize(&self.config.spec()).map_err(|error| {
            let error = self.loaded.spec_error(error);
            let file = &self.loaded.config;
            let overridden = match error.place().map(|place| place.field.as_str()) {
                Some("region") => file.region != self.config.region,
                Some("environment") => file.environment != self.config.environment,
                _ => false,
            };
            if overridden {
                error.hint("the value comes from a flag or the environment, not from the file")
            } else {
                error
            }
        })
    }

    /// The regions other than home that stacks are deployed to, in the stacks' order.
    pub fn other_regions(&self) -> Result<Vec<String>> {
        let mut regions: Vec<String> = Vec::new();
        for stack in self.synthesize()? {
            if stack.region != self.config.region && !regions.contains(&stack.region) {
                regions.push(stack.region);
            }
        }
        Ok(regions)
    }

    /// The physical name of a stack or a function.
    pub fn physical_name(&self, name: &str) -> String {
        self.config.spec().naming().name(name)
    }

    /// Where a field stands in platform.yaml.
    pub fn place(&self, field: &str) -> crate::error::Place {
        self.loaded.place(field)
    }

    /// Refuses an account other than the configured one.
    pub fn check_account(&self, actual: &str) -> Result<()> {
        match &self.config.account {
            Some(wanted) if wanted != actual => Err(Error::usage(format!(
                "the credentials belong to account {actual}, and platform.yaml allows only {wanted}"
            ))
            .at(self.place("account"))
            .hint("choose the right profile with `--profile`, or change `account`")),
            _ => Ok(()),
        }
    }
}

fn host_architecture() -> super::file::Architecture {
    if cfg!(target_arch = "aarch64") {
        super::file::Architecture::Arm64
    } else {
        super::file::Architecture::X86_64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(extra: &str) -> LoadedConfig {
        let text =
            format!("version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n{extra}");
        super::super::parse("platform.yaml", &text).expect("good")
    }

    #[test]
    fn a_flag_wins_over_the_aws_environment_which_wins_over_the_file() {
        let region = |overrides| Settings::resolve(loaded(""), overrides).config.region;
        assert_eq!(region(Overrides::default()), "eu-west-2");
        let aws = Overrides { aws_region: Some("eu-west-1".into()), ..Overrides::default() };
        assert_eq!(region(aws.clone()), "eu-west-1");
        assert_eq!(region(Overrides { region: Some("us-east-1".into()), ..aws }), "us-east-1");
    }

    #[test]
    fn local_ignores_whatever_points_at_aws() {
        let overrides = Overrides {
            local: true,
            aws_region: Some("us-east-1".into()),
            endpoint: Some("https://example.com".into()),
            ..Overrides::default()
        };
        let settings = Settings::resolve(loaded("account: \"111122223333\"\n"), overrides);
        assert_eq!(settings.config.region, "eu-west-2");
        assert_eq!(settings.endpoint, None);
        assert!(settings.check_account("000000000000").is_ok());
    }

    #[test]
    fn locks_are_where_there_is_something_to_keep_them() {
        let lock = |extra: &str| {
            let settings = Settings::resolve(loaded(extra), Overrides::default());
            settings.lock().map_err(|error| error.to_string())
        };
        let table = lock("").expect("the table");
        assert_eq!((table.bucket, table.lease_seconds), (None, 60));
        let bucket = "lock: {backend: s3, bucket: ours, region: eu-west-1, lease: 2m}\n";
        let bucket = lock(bucket).expect("a bucket");
        assert_eq!((bucket.region.as_str(), bucket.lease_seconds), ("eu-west-1", 120));
        let refused = |extra| lock(extra).expect_err("refused");
        insta::assert_snapshot!(refused("lock:\n  backend: s3\n"), @"platform.yaml:6:3: lock.backend: locks in S3 need a bucket");
        insta::assert_snapshot!(refused("lock:\n  bucket: ours\n"), @"platform.yaml:6:3: lock.bucket: locks in DynamoDB are in the platform's table, not in a bucket");
        insta::assert_snapshot!(refused("lock:\n  region: eu-west-1\n"), @"platform.yaml:6:3: lock.region: the platform's table of locks is in eu-west-2");
        let text =
            "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\nlock:\n  lease: 2s\n";
        let error = super::super::parse("platform.yaml", text).expect_err("too short");
        insta::assert_snapshot!(error, @"platform.yaml:6:3: lock.lease: expected a time from 5s to 1h, such as 60s");
    }

    #[test]
    fn another_account_is_refused() {
        let settings =
            Settings::resolve(loaded("account: \"111122223333\"\n"), Overrides::default());
        assert!(settings.check_account("111122223333").is_ok());
        let error = settings.check_account("999999999999").expect_err("another account");
        assert_eq!(error.exit_code(), crate::error::exit::USAGE);
    }
}
