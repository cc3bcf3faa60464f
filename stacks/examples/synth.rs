//! Writes the templates of some environments to a folder, for cfn-lint to read:
//! `cargo run -p stacks --example synth -- DIR`.

use std::error::Error;
use std::path::PathBuf;

#[path = "../tests/stacks/specs.rs"]
mod specs;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: synth DIR")?);
    for (name, spec) in specs::all() {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for stack in stacks::synthesize(&spec)? {
            let file = folder.join(&stack.name);
            std::fs::write(file.with_extension("json"), stack.template.to_json())?;
            std::fs::write(file.with_extension("yaml"), stack.template.to_yaml())?;
        }
    }
    Ok(())
}
