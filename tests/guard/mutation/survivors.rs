//! What no rule notices, with the reason why that is right.

use serde::Deserialize;

use super::mutant::Mutant;

/// Mutants that are known to survive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Survivor {
    class: String,
    /// Resource type.
    #[serde(rename = "type")]
    kind: String,
    /// Logical id; every one when it is missing.
    resource: Option<String>,
    /// Part of what is done, such as the `Sid`; anything when it is missing.
    what: Option<String>,
    /// Path as in the report; every one when it is missing.
    path: Option<String>,
    /// Text that the changed resource contains, as JSON; anything when it is missing.
    contains: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    survivors: Vec<Survivor>,
}

impl Survivor {
    pub(crate) fn covers(&self, mutant: &Mutant) -> bool {
        self.class == mutant.class
            && self.kind == mutant.kind
            && self.resource.as_ref().is_none_or(|id| *id == mutant.resource)
            && self.path.as_ref().is_none_or(|path| *path == mutant.path)
            && self.contains.as_ref().is_none_or(|text| {
                mutant.changed.as_ref().is_some_and(|it| it.to_string().contains(text.as_str()))
            })
            && self.what.as_ref().is_none_or(|what| mutant.what.contains(what.as_str()))
    }
}

pub(crate) fn listed() -> Vec<Survivor> {
    let file: File = serde_yaml::from_str(include_str!("survivors.yaml")).expect("survivors.yaml");
    for survivor in &file.survivors {
        assert!(survivor.reason.trim().len() > 20, "give a reason: {survivor:?}");
    }
    file.survivors
}
