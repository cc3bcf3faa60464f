//! Every template that we make: of the environments that the stacks are tested with, and
//! of the examples. A new stack, environment or example is picked up by itself.

use std::path::Path;

use stacks::StackTemplate;
use stacks::spec::StackSpec;

#[path = "../../../stacks/tests/stacks/specs.rs"]
mod specs;

/// The stacks of one environment, in the order of deployment.
pub(crate) struct Environment {
    pub(crate) stacks: Vec<StackTemplate>,
}

pub(crate) fn environments() -> Vec<Environment> {
    let tested = specs::all().into_iter().map(|(name, spec)| (name.to_owned(), spec));
    tested.chain(examples()).map(|(name, spec)| environment(&name, &spec)).collect()
}

fn environment(name: &str, spec: &StackSpec) -> Environment {
    let stacks = stacks::synthesize(spec).unwrap_or_else(|error| panic!("{name}: {error}"));
    Environment { stacks }
}

fn examples() -> Vec<(String, StackSpec)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder examples")
        .filter_map(|entry| Some(entry.ok()?.path().join(platformctl::config::FILE_NAME)))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no example");
    files
        .iter()
        .map(|path| {
            let loaded = platformctl::config::load(path).expect("an example");
            (path.display().to_string(), loaded.config.spec())
        })
        .collect()
}
