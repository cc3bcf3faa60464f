//! Reads platform.yaml. With its neighbour `explain`, the only user of `serde_yaml`
//! in the CLI's config, so that little changes when that archived crate is replaced.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::explain::{Shape, explain, malformed};
use super::locate::Positions;
use super::{Config, FILE_NAME};
use crate::error::{Context as _, Error, Place, Result};

/// A file is refused above this size: a platform.yaml has a few kilobytes.
const MAX_BYTES: u64 = 1 << 20;

/// A parsed file, and where its fields stand in it.
#[derive(Debug)]
pub struct LoadedConfig {
    /// What the file says.
    pub config: Config,
    /// The file as the user named it.
    pub file: String,
    positions: Positions,
}

impl LoadedConfig {
    /// Where a field (`network.cidr`) stands in the file.
    pub fn place(&self, field: &str) -> Place {
        let (line, column) = self.positions.of_field(field).unwrap_or_default();
        Place { file: self.file.clone(), line, column, field: field.to_owned() }
    }

    /// What synthesis says against the values: the first at its line, the others
    /// after it.
    pub fn spec_error(&self, errors: stacks::SpecErrors) -> Error {
        let mut errors = errors.into_iter();
        let Some(first) = errors.next() else {
            return Error::usage(format!("{} describes no platform", self.file));
        };
        let shown = Error::usage(first.message).at(self.place(&written(&first.field)));
        let shown = shown.hint(first.hint);
        errors.fold(shown, |shown, other| {
            shown.hint(format!(
                "also at {}: {} ({})",
                self.place(&written(&other.field)),
                other.message,
                other.hint
            ))
        })
    }
}

/// The name that a field of the spec has in the file.
fn written(field: &str) -> String {
    field
        .replace("budget.actual_thresholds", "budget.thresholds.actual")
        .replace("budget.forecast_thresholds", "budget.thresholds.forecast")
}

/// The file to use: the one given, or the nearest `platform.yaml` from `start` upwards.
pub fn find(given: Option<&Path>, start: &Path) -> Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file()).ok_or_else(
        || {
            Error::usage(format!("no {FILE_NAME} in {} or above", start.display()))
                .hint("make one with `platformctl init`, or name one with `--config FILE`")
        },
    )
}

/// Reads and parses one file.
pub fn load(path: &Path) -> Result<LoadedConfig> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let error_kind = error.kind();
        let shown = Error::usage(format!("cannot read {name}")).caused_by(error);
        if error_kind == std::io::ErrorKind::NotFound {
            shown.hint("make one with `platformctl init`, or name one with `--config FILE`")
        } else {
            shown
        }
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(Error::usage(format!("{name} has {size} bytes, more than {MAX_BYTES}")));
    }
    parse(&name, &std::fs::read_to_string(path).map_err(unreadable)?)
}

/// Parses the text of any YAML file of ours, called `name`; errors name the line, the
/// column and what was expected there.
pub fn parse_yaml<T: DeserializeOwned>(
    name: &str,
    text: &str,
    shape: &Shape,
) -> Result<(T, Positions)> {
    // Syntax first: the parser of fields would stop at the first odd type before it.
    serde_yaml::from_str::<serde::de::IgnoredAny>(text).map_err(|error| malformed(name, &error))?;
    let positions = Positions::of(text);
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(deserializer)
        .map_err(|error| explain(name, shape, &positions, &error))?;
    Ok((value, positions))
}

/// Parses the text of a platform.yaml called `name`.
pub fn parse(name: &str, text: &str) -> Result<LoadedConfig> {
    let shape = Shape { schema: super::json_schema, command: "platformctl config schema" };
    let (config, positions): (Config, _) = parse_yaml(name, text, &shape)?;
    let loaded = LoadedConfig { config, file: name.to_owned(), positions };
    if loaded.config.version != 1 {
        let message = format!("version {} is not known; expected 1", loaded.config.version);
        return Err(Error::usage(message).at(loaded.place("version")));
    }
    if let Some(account) = &loaded.config.account
        && !(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(Error::usage(format!("`{account}` is not an AWS account"))
            .at(loaded.place("account"))
            .hint("write its 12 digits, in quotes"));
    }
    if let Some(function) = loaded.config.platform.not_built().next() {
        let built = runtime_core::functions::Function::BUILT
            .map(runtime_core::functions::Function::name)
            .join(", ");
        let field = format!("platform.functions.{}", function.name());
        return Err(Error::usage(format!("{} has no code yet", function.name()))
            .at(loaded.place(&field))
            .hint(format!("leave it out; functions with code: {built}")));
    }
    Ok(loaded)
}

/// Whether YAML reads `text`, without quotes, as a string.
pub(super) fn is_plain_string(text: &str) -> bool {
    matches!(serde_yaml::from_str(text), Ok(serde_yaml::Value::String(_)))
}

/// A configuration as YAML.
pub fn to_yaml(config: &Config) -> Result<String> {
    serde_yaml::to_string(config).context("cannot write YAML")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n";

    fn refused(extra: &str) -> String {
        let error = parse("platform.yaml", &format!("{GOOD}{extra}")).expect_err("bad input");
        assert_eq!(error.exit_code(), crate::error::exit::USAGE);
        let mut text = error.to_string();
        for hint in error.hints() {
            text.push_str(" | ");
            text.push_str(hint);
        }
        text
    }

    #[test]
    fn a_minimal_file_gets_every_default() {
        let config = parse("p", GOOD).expect("good").config;
        assert_eq!(config.spec().budget.monthly_usd, 50);
        assert_eq!(config.spec().network.zones, 1);
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_valid_key() {
        insta::assert_snapshot!(refused("network:\n  zones: 1\n  cdir: 10.0.0.0/16\n"), @"platform.yaml:7:3: network.cdir: unknown field `cdir` | did you mean `cidr`? valid here: cidr, zones, availability_zones, subnet_prefix, nat, endpoints, interface_endpoints, flow_logs, reserved_cidrs");
        insta::assert_snapshot!(refused("nettwork: {}\n"), @"platform.yaml:5:1: nettwork: unknown field `nettwork` | did you mean `network`? valid here: version, project, environment, region, runtime_region, account, protect, tags, identity, network, runtime_network, efs, platform, agentcore, tiers, tenants, quotas, observability, budget, lock, bench, runbooks");
    }

    #[test]
    fn a_wrong_type_names_its_line_and_what_was_expected() {
        insta::assert_snapshot!(refused("network:\n  zones: two\n"), @r#"platform.yaml:6:3: network.zones: invalid type: string "two", expected a whole number | network.zones: Number of availability zones, each with a public and a private subnet (1 to 3)"#);
        insta::assert_snapshot!(refused("network:\n  nat: both\n"), @"platform.yaml:6:3: network.nat: unknown value `both`, expected one of `none`, `single`, `per-zone` | network.nat: How private subnets reach the internet");
        insta::assert_snapshot!(refused("network:\n  cidr: 10.0.0/16\n"), @"platform.yaml:6:3: network.cidr: not an address range such as 10.40.0.0/16 | network.cidr: The VPC's private address range (RFC 1918), /16 to /28");
        insta::assert_snapshot!(refused("budget:\n  thresholds:\n    actual: [50, high]\n"), @r#"platform.yaml:7:18: budget.thresholds.actual[1]: invalid type: string "high", expected a whole number | budget.thresholds.actual[1]: Percent of the limit that was spent, such as 80"#);
    }

    #[test]
    fn malformed_yaml_names_its_line() {
        insta::assert_snapshot!(refused("network:\n  zones: [1\nefs: {}\n"), @"platform.yaml:7:4: malformed YAML: did not find expected ',' or ']', while parsing a flow sequence at line 6 column 10 | indent with spaces, and close every quote and bracket");
        let error = parse("p", "project: acme\n").expect_err("incomplete");
        insta::assert_snapshot!(error, @"p:1:1: missing field `version`");
    }

    #[test]
    fn another_version_is_refused() {
        let error = parse("p", &GOOD.replace("version: 1", "version: 2")).expect_err("version 2");
        insta::assert_snapshot!(error, @"p:1:1: version: version 2 is not known; expected 1");
    }
}
