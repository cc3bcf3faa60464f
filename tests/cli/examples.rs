//! Every template of every example, to the byte.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use platformctl::config;

/// Tenants of a tier share a template, and it is looked at once.
#[test]
fn templates_of_every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples: Vec<_> = fs::read_dir(folder)
        .expect("examples")
        .map(|entry| entry.expect("an example").path())
        .filter(|example| example.join(config::FILE_NAME).is_file())
        .collect();
    examples.sort();
    assert!(examples.len() >= 3);
    for example in examples {
        let name = example.file_name().expect("a name").to_string_lossy().into_owned();
        let loaded = config::load(&example.join(config::FILE_NAME)).expect("a configuration");
        let stacks = stacks::synthesize(&loaded.config.spec()).expect("stacks");
        let mut seen = BTreeSet::new();
        for stack in stacks {
            let yaml = stack.template.to_yaml();
            if seen.insert(yaml.clone()) {
                insta::assert_snapshot!(format!("{name}__{}", stack.name), yaml);
            }
        }
    }
}
