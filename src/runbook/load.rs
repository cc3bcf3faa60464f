//! Finds and reads runbooks: the embedded ones, and those of a folder of the user's own.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::model::{self, Runbook, VERSION};
use crate::config::{Positions, Shape, parse_yaml, suggest};
use crate::error::{Context as _, Error, Place, Result};

/// A file is refused above this size: a runbook has a few kilobytes.
const MAX_BYTES: u64 = 1 << 20;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$((
            concat!("runbooks/", $name),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/", $name)),
        )),*]
    };
}

/// The runbooks that come with platformctl: name and text.
const EMBEDDED: [(&str, &str); 10] = embedded!(
    "000-bootstrap.yaml",
    "001-region-failover.yaml",
    "002-tenant-quota-monitoring.yaml",
    "003-tenant-access-violation.yaml",
    "004-quota-increase-request.yaml",
    "005-dlq-drain-and-redrive.yaml",
    "006-budget-alert-and-suspension.yaml",
    "007-deployment-rollback.yaml",
    "008-developer-onboarding.yaml",
    "009-operator-onboarding.yaml",
);

/// A runbook, and where its fields stand in its file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the file says.
    pub runbook: Runbook,
    /// The file as people name it.
    pub file: String,
    /// Whether it came with platformctl.
    pub embedded: bool,
    /// SHA-256 of the file, lowercase hexadecimal.
    pub digest: String,
    positions: Positions,
}

impl Loaded {
    /// Where a field (`steps[2].retry`) stands in the file.
    pub fn place(&self, field: &str) -> Place {
        let (line, column) = self.positions.of_field(field).unwrap_or_default();
        Place { file: self.file.clone(), line, column, field: field.to_owned() }
    }
}

/// Every runbook there is.
#[derive(Debug, Default)]
pub struct Library {
    /// By id.
    pub runbooks: Vec<Loaded>,
    /// What is wrong with files that cannot be read.
    pub broken: Vec<Error>,
}

impl Library {
    /// The embedded runbooks, and those of `folder` if there is one: of two with one id, the
    /// user's own is taken.
    pub fn find(folder: Option<&Path>) -> Result<Self> {
        let mut library = Self::default();
        for (name, text) in EMBEDDED {
            let loaded = parse(name, text)?;
            library.runbooks.push(Loaded { embedded: true, ..loaded });
        }
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            library.add(folder)?;
        }
        library.runbooks.sort_by(|left, right| left.runbook.id.cmp(&right.runbook.id));
        Ok(library)
    }

    fn add(&mut self, folder: &Path) -> Result<()> {
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
            if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                files.push(path);
            }
        }
        files.sort();
        let mut own: Vec<Loaded> = Vec::new();
        for path in files {
            match load(&path) {
                Ok(loaded) => {
                    let same = |other: &&Loaded| other.runbook.id == loaded.runbook.id;
                    if let Some(other) = own.iter().find(same) {
                        let id = &loaded.runbook.id;
                        let error = Error::usage(format!("{} has the id {id} too", other.file));
                        self.broken.push(error.at(loaded.place("id")).hint("give one another id"));
                    } else {
                        own.push(loaded);
                    }
                }
                Err(error) => self.broken.push(error),
            }
        }
        self.runbooks.retain(|one| own.iter().all(|other| other.runbook.id != one.runbook.id));
        self.runbooks.extend(own);
        Ok(())
    }

    /// The runbook of an id, or of a file.
    pub fn get(&self, name: &str) -> Result<Loaded> {
        if let Some(found) = self.runbooks.iter().find(|one| one.runbook.id == name) {
            return Ok(found.clone());
        }
        let path = Path::new(name);
        if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            return load(path);
        }
        let named = self.broken.iter().find(|error| {
            error.place().is_some_and(|place| place.file.contains(&format!("/{name}")))
        });
        if let Some(error) = named {
            return Err(Error::usage(error.message()).hint(error.to_string()));
        }
        let ids: Vec<String> = self.runbooks.iter().map(|one| one.runbook.id.clone()).collect();
        Err(Error::usage(format!("there is no runbook {name}"))
            .hint(suggest(name, &ids))
            .hint("`platformctl runbook list` lists all; a file is named with its ending .yaml"))
    }
}

/// Reads one file.
pub fn load(path: &Path) -> Result<Loaded> {
    let name = path.display().to_string();
    let unreadable =
        |error: std::io::Error| Error::usage(format!("cannot read {name}")).caused_by(error);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(Error::usage(format!("{name} has {size} bytes, more than {MAX_BYTES}")));
    }
    parse(&name, &std::fs::read_to_string(path).map_err(unreadable)?)
}

/// Parses the text of a runbook called `name`.
pub fn parse(name: &str, text: &str) -> Result<Loaded> {
    let shape = Shape { schema: model::json_schema, command: "platformctl runbook schema" };
    let (runbook, positions): (Runbook, _) = parse_yaml(name, text, &shape)?;
    let digest = Sha256::digest(text.as_bytes());
    let loaded = Loaded {
        runbook,
        file: name.to_owned(),
        embedded: false,
        digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        positions,
    };
    let version = loaded.runbook.version;
    if version != VERSION {
        let message = format!("version {version} is not known; expected {VERSION}");
        return Err(Error::usage(message).at(loaded.place("version")));
    }
    Ok(loaded)
}
