//! Reads `types.txt` and the schema of each type in it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// A resource type and its provider schema.
pub(super) struct Schema {
    /// Such as `AWS::EC2::VPC`.
    pub(super) type_name: String,
    /// The whole schema file.
    pub(super) root: Value,
}

/// The schemas of all listed types, sorted by type name.
pub(super) fn listed(folder: &Path) -> Result<Vec<Schema>, String> {
    let list = folder.join("types.txt");
    let mut names = BTreeSet::new();
    for (number, line) in read(&list)?.lines().enumerate() {
        let name = line.trim();
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        let at = format!("{}:{}", list.display(), number + 1);
        if name.split("::").count() != 3 {
            return Err(format!("{at}: `{name}` is not a type name such as AWS::EC2::VPC"));
        }
        if !names.insert(name.to_owned()) {
            return Err(format!("{at}: `{name}` is listed twice"));
        }
    }
    names.into_iter().map(|name| schema(folder, name)).collect()
}

fn schema(folder: &Path, type_name: String) -> Result<Schema, String> {
    let file = folder.join(format!("{}.json", type_name.to_lowercase().replace("::", "-")));
    if !file.exists() {
        return Err(format!(
            "types.txt lists {type_name}, but {} is missing; schemas/vendor.py fetches it",
            file.display()
        ));
    }
    let root: Value = serde_json::from_str(&read(&file)?)
        .map_err(|error| format!("{} is not JSON: {error}", file.display()))?;
    match root["typeName"].as_str() {
        Some(name) if name == type_name => Ok(Schema { type_name, root }),
        other => Err(format!("{} describes {other:?}, not {type_name}", file.display())),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
