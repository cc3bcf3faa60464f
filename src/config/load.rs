//! Reads platform.yaml. The only user of `serde_yaml` in the CLI's config, so
//! that one file changes when that archived crate is replaced.

use std::path::{Path, PathBuf};

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
        let shown = Error::usage(first.message).at(self.place(&first.field)).hint(first.hint);
        errors.fold(shown, |shown, other| {
            shown.hint(format!("also at {}: {} ({})", self.place(&other.field), other.message, other.hint))
        })
    }
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

/// Parses the text of a file called `name`.
pub fn parse(name: &str, text: &str) -> Result<LoadedConfig> {
    let positions = Positions::of(text);
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let config: Config = serde_path_to_error::deserialize(deserializer)
        .map_err(|error| explain(name, &positions, &error))?;
    let loaded = LoadedConfig { config, file: name.to_owned(), positions };
    if loaded.config.version != 1 {
        let message = format!("version {} is not known; expected 1", loaded.config.version);
        return Err(Error::usage(message).at(loaded.place("version")));
    }
    Ok(loaded)
}

/// A configuration as YAML.
pub fn to_yaml(config: &Config) -> Result<String> {
    serde_yaml::to_string(config).context("cannot write YAML")
}

/// Turns a parser's error into one that names the line, the field and the fix.
fn explain(
    name: &str,
    positions: &Positions,
    error: &serde_path_to_error::Error<serde_yaml::Error>,
) -> Error {
    let message = error.inner().to_string();
    let path = error.path().to_string();
    let path = if path == "." || path == "?" { String::new() } else { path };
    let unknown = quoted_after(&message, "unknown field `");
    let field = match &unknown {
        Some(key) if path.is_empty() => key.clone(),
        // The path already ends with the unknown key when the parser saw it as a field.
        Some(key) if path == *key || path.ends_with(&format!(".{key}")) => path,
        Some(key) => format!("{path}.{key}"),
        None => path,
    };
    let from_parser = error.inner().location().map(|place| (place.line(), place.column()));
    let (line, column) = if field.is_empty() {
        from_parser.unwrap_or_default()
    } else {
        positions.of_field(&field).or(from_parser).unwrap_or_default()
    };
    let place = Place { file: name.to_owned(), line, column, field };
    let shown = Error::usage(plain(&message, &place.field)).at(place);
    match (unknown, known_keys(&message)) {
        (Some(key), known) if !known.is_empty() => shown.hint(suggest(&key, &known)),
        (None, _) if message.contains("missing field") => {
            shown.hint("`platformctl config schema` prints every field with its meaning")
        }
        _ => shown,
    }
}

/// The message without the path and position that are shown apart.
fn plain(message: &str, field: &str) -> String {
    let mut text = message.to_owned();
    if let Some(cut) = text.rfind(" at line ") {
        text.truncate(cut);
    }
    let text = text.strip_prefix(&format!("{field}: ")).unwrap_or(&text);
    match text.split_once(", expected ") {
        Some((unknown, _)) if unknown.starts_with("unknown field") => unknown.to_owned(),
        _ => match text.split_once(": ") {
            // `network: unknown field …`: the path is in the place.
            Some((head, rest)) if !head.contains(' ') => rest.split(", expected one of").next().unwrap_or(rest).to_owned(),
            _ => text.to_owned(),
        },
    }
}

fn quoted_after(message: &str, start: &str) -> Option<String> {
    let rest = message.split_once(start)?.1;
    rest.split_once('`').map(|(quoted, _)| quoted.to_owned())
}

/// The keys that the parser would have accepted, from its message.
fn known_keys(message: &str) -> Vec<String> {
    let Some((_, known)) = message.split_once(", expected ") else { return Vec::new() };
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Names the nearest valid key, and all of them.
fn suggest(key: &str, known: &[String]) -> String {
    let all = known.join(", ");
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((_, candidate)) => format!("did you mean `{candidate}`? valid here: {all}"),
        None => format!("valid here: {all}"),
    }
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
        insta::assert_snapshot!(refused("network:\n  zones: 1\n  cdir: 10.0.0.0/16\n"), @"platform.yaml:7:3: network.cdir: unknown field `cdir` | did you mean `cidr`? valid here: cidr, zones, subnet_prefix, nat, interface_endpoints, flow_logs, reserved_cidrs");
        insta::assert_snapshot!(refused("nettwork: {}\n"), @"platform.yaml:5:1: nettwork: unknown field `nettwork` | did you mean `network`? valid here: version, project, environment, region, account, tags, network, efs, budget");
    }

    #[test]
    fn a_wrong_type_names_its_line_and_what_was_expected() {
        insta::assert_snapshot!(refused("network:\n  zones: two\n"), @r#"platform.yaml:6:3: network.zones: invalid type: string "two", expected u8"#);
        insta::assert_snapshot!(refused("network:\n  nat: both\n"), @"platform.yaml:6:3: network.nat: unknown variant `both`, expected one of `none`, `single`, `per-zone`");
        insta::assert_snapshot!(refused("network:\n  cidr: 10.0.0/16\n"), @"platform.yaml:6:3: network.cidr: invalid IP address syntax");
        insta::assert_snapshot!(refused("budget:\n  thresholds:\n    actual: [50, high]\n"), @r#"platform.yaml:7:18: budget.thresholds.actual[1]: invalid type: string "high", expected u32"#);
    }

    #[test]
    fn malformed_yaml_names_its_line() {
        insta::assert_snapshot!(refused("network:\n  zones: [1\nefs: {}\n"), @"");
        let error = parse("p", "project: acme\n").expect_err("incomplete");
        insta::assert_snapshot!(error, @"");
    }

    #[test]
    fn another_version_is_refused() {
        let error = parse("p", &GOOD.replace("version: 1", "version: 2")).expect_err("version 2");
        insta::assert_snapshot!(error, @"p:1:1: version: version 2 is not known; expected 1");
    }
}
