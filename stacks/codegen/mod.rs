//! From provider schemas to Rust: `load` reads, `resolve` builds the model,
//! `emit` and `metadata` write source text.

mod docs;
mod emit;
mod load;
mod metadata;
mod model;
mod names;
mod resolve;

use std::path::Path;

/// The two generated files.
pub(crate) struct Generated {
    /// The resource types, one module a service.
    pub(crate) types: String,
    /// What the schemas say about each type, reachable at run time.
    pub(crate) metadata: String,
}

/// Generates code for every type in `folder/types.txt`.
pub(crate) fn generate(folder: &Path) -> Result<Generated, String> {
    let schemas = load::listed(folder)?;
    let mut resources = Vec::new();
    let mut metadata = Vec::new();
    for schema in &schemas {
        let at = |message| format!("{}: {message}", schema.type_name);
        resources.push(resolve::resource(schema).map_err(at)?);
        metadata.push(metadata::entry(schema).map_err(at)?);
    }
    Ok(Generated { types: emit::services(&resources), metadata: metadata::table(&metadata) })
}
