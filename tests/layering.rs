//! The architecture, held in place: what may import what, who may print, which
//! crate may depend on which, and how long a file may get.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "layering/parser.rs"]
mod parser;
#[path = "layering/source.rs"]
mod source;

/// What every module may use.
const EVERYWHERE: [&str; 4] = ["error", "event", "failpoint", "signal"];

/// What each module of `src/` may use besides itself and [`EVERYWHERE`]: nothing
/// above it in `config ← guard ← plan ← deploy ← bootstrap ← cli`. A new module
/// takes its place here.
const LAYERS: [(&str, &[&str]); 25] = [
    ("error", &[]),
    ("event", &[]),
    ("failpoint", &[]),
    ("signal", &[]),
    ("journal", &[]),
    ("lock", &["aws"]),
    ("local", &[]),
    ("http", &[]),
    ("login", &["http"]),
    ("aws", &["journal::Mask"]),
    ("ops", &["http", "journal", "aws"]),
    ("ui", &["journal::Mask"]),
    ("config", &[]),
    ("graph", &[]),
    ("guard", &["config"]),
    ("plan", &["config", "guard"]),
    ("deploy", &["config", "guard", "plan", "aws", "journal", "lock"]),
    ("failover", &["deploy", "aws", "journal", "lock"]),
    ("build", &["plan", "deploy"]),
    ("bootstrap", &["config", "guard", "plan", "deploy", "build", "aws", "journal", "lock", "ops"]),
    ("bench", &["config", "aws", "journal"]),
    ("runbook", &["config", "journal"]),
    ("trace", &[]),
    (
        "cli",
        &[
            "config",
            "graph",
            "guard",
            "plan",
            "deploy",
            "build",
            "bootstrap",
            "failover",
            "aws",
            "bench",
            "journal",
            "lock",
            "local",
            "http",
            "login",
            "ops",
            "runbook",
            "trace",
            "ui",
        ],
    ),
    // The map of modules.
    ("lib", &[]),
];

/// Modules that know nothing of the platform's stacks.
const WITHOUT_STACKS: [&str; 11] = [
    "error",
    "event",
    "failpoint",
    "signal",
    "journal",
    "local",
    "aws",
    "http",
    "login",
    "trace",
    "ui",
];

/// Who still uses the archived `serde_yaml`. A ratchet: entries are only removed.
const SERDE_YAML: [&str; 5] = [
    "src/config/explain.rs",
    "src/config/load.rs",
    "src/guard/exemptions.rs",
    "src/ui/format.rs",
    "stacks/src/cfn/yaml.rs",
];

/// Lines at which a file is too long.
const TOO_LONG: usize = 500;

struct File {
    /// As the failures name it.
    name: String,
    text: String,
}

impl File {
    /// The module path of a file of `src/`.
    fn module(&self) -> Vec<&str> {
        let path = self.name.trim_start_matches("src/").trim_end_matches(".rs");
        path.trim_end_matches("/mod").split('/').collect()
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.name)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` that end with `ending`, but for what was built.
fn files(folder: &str, ending: &str) -> Vec<File> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, ending, found);
            } else if path.is_file() && path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(folder), ending, &mut paths);
    paths.sort();
    let named = paths.into_iter().map(|path| File {
        name: path.strip_prefix(root()).expect("below the root").display().to_string(),
        text: std::fs::read_to_string(&path).expect("a text"),
    });
    named.collect()
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Imports of `file` that its place among the layers does not allow.
fn against_the_arrows(file: &File) -> Vec<String> {
    let module = file.module();
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module[0]) else {
        return vec![file.at(1, &format!("{} has no place in LAYERS", module[0]))];
    };
    let mut found = Vec::new();
    for path in source::paths(&file.text, &module) {
        let named = path.segments.join("::");
        let may = |names: &[&str]| names.iter().any(|name| path.is_in(&format!("crate::{name}")));
        if path.is_in("crate") && !(may(&[module[0]]) || may(&EVERYWHERE) || may(allowed)) {
            found.push(file.at(path.line, &format!("{} may not use {named}", module[0])));
        }
        let of_stacks = path.is_in("stacks") || path.is_in("runtime_core");
        if of_stacks && WITHOUT_STACKS.contains(&module[0]) {
            found.push(file.at(path.line, &format!("{} may not use {named}", module[0])));
        }
        if path.is_in("platformctl") {
            found.push(file.at(path.line, "the library names itself `crate`"));
        }
    }
    found
}

/// Where `file` prints, or takes stdout or stderr to do so.
fn prints(file: &File) -> Vec<String> {
    let macros = source::macros(&file.text).into_iter().filter(|(_, name)| {
        ["println", "eprintln", "print", "eprint", "dbg"].contains(&name.as_str())
    });
    let streams = source::paths(&file.text, &[]).into_iter().filter(|path| {
        path.segments.iter().any(|segment| segment == "io")
            && path.segments.iter().any(|segment| segment == "stdout" || segment == "stderr")
    });
    macros
        .map(|(line, name)| file.at(line, &format!("{name}! outside ui")))
        .chain(streams.map(|path| file.at(path.line, "stdout or stderr outside ui")))
        .collect()
}

/// What a Cargo.toml depends on: line and name.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                found.push((index + 1, name.to_owned()));
            }
        } else if inside && !line.starts_with('#') {
            let name = line.split(['.', '=']).next().unwrap_or_default().trim();
            let renamed = line.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            if !name.is_empty() {
                found.push((index + 1, renamed.unwrap_or(name).to_owned()));
            }
        }
    }
    found
}

/// Dependencies of the crates below `folder` that `forbidden` names.
fn forbidden(folder: &str, forbidden: impl Fn(&File, &str) -> bool) -> Vec<String> {
    let manifests = files(folder, "Cargo.toml");
    assert!(!manifests.is_empty(), "no Cargo.toml below {folder}");
    let mut found = Vec::new();
    for file in &manifests {
        for (line, name) in dependencies(&file.text) {
            if forbidden(file, &name) {
                found.push(file.at(line, &format!("depends on {name}")));
            }
        }
    }
    found
}

#[test]
fn imports_never_turn_back() {
    let found: Vec<_> = files("src", ".rs")
        .iter()
        .filter(|file| file.name != "src/main.rs")
        .flat_map(against_the_arrows)
        .collect();
    none(&found);
}

#[test]
fn one_file_names_the_policy_engine() {
    let mut found = Vec::new();
    for file in files("src", ".rs") {
        let words = source::words(&file.text);
        let named = words.iter().find(|(_, word)| word == "cfn_guard");
        match named {
            Some((line, _)) if file.name != "src/guard/engine.rs" => {
                found.push(file.at(*line, "cfn_guard outside src/guard/engine.rs"));
            }
            _ => {}
        }
    }
    none(&found);
}

#[test]
fn only_the_user_interface_prints() {
    let sources = files("src", ".rs").into_iter().chain(files("stacks/src", ".rs"));
    let others =
        sources.filter(|file| !file.name.starts_with("src/ui/") && file.name != "src/main.rs");
    none(&others.flat_map(|file| prints(&file)).collect::<Vec<_>>());
}

#[test]
fn synthesis_is_pure() {
    let heavy = |_: &File, name: &str| {
        name.starts_with("aws-") || ["tokio", "clap", "platformctl", "git-store"].contains(&name)
    };
    none(&forbidden("stacks", heavy));
}

#[test]
fn functions_do_not_depend_on_the_command_line() {
    // An SDK and its runtime come with a feature of the core, and are nobody's by default.
    let optional = |file: &File, name: &str| {
        file.text.contains(&format!("\n{name} = {{ workspace = true, optional = true }}\n"))
    };
    let above = |file: &File, name: &str| {
        let core = file.name == "runtime/core/Cargo.toml";
        // It makes the stacks of tenants, as a deploy does.
        let makes_stacks = file.name == "runtime/provisioner/Cargo.toml";
        name == "platformctl"
            || name == "stacks" && !makes_stacks
            || core && ["git-store", "clap"].contains(&name)
            || core && (name == "tokio" || name.starts_with("aws-sdk-")) && !optional(file, name)
    };
    none(&forbidden("runtime", above));
}

#[test]
fn serde_yaml_does_not_spread() {
    let sources = ["src", "stacks", "runtime"].into_iter().flat_map(|folder| files(folder, ".rs"));
    let users: BTreeSet<String> = sources
        .filter(|file| source::words(&file.text).iter().any(|(_, word)| word == "serde_yaml"))
        .map(|file| file.name)
        .collect();
    assert_eq!(
        users,
        SERDE_YAML.map(str::to_owned).into(),
        "it is archived: use it less, not more"
    );
}

#[test]
fn files_stay_short() {
    let sources = ["src", "stacks", "runtime"].into_iter().flat_map(|folder| files(folder, ".rs"));
    let long = sources.filter(|file| file.text.lines().count() >= TOO_LONG);
    none(&long.map(|file| file.at(TOO_LONG, "take it apart")).collect::<Vec<_>>());
}
