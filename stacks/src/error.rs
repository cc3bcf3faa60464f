//! What is wrong with a spec.

use std::fmt;

/// One impossible value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// Where it stands, such as `network.cidr`; list items and map entries as
    /// `budget.emails[0]` and `tags.team`.
    pub field: String,
    /// What is wrong, with the value.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl SpecError {
    pub(crate) fn new(
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), message: message.into(), hint: hint.into() }
    }

    /// The same of another section than `network`.
    pub(crate) fn in_section(self, section: &str) -> Self {
        let elsewhere = |text: String| text.replace("network.", &format!("{section}."));
        Self { field: elsewhere(self.field), hint: elsewhere(self.hint), ..self }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, message, hint } = self;
        write!(f, "{field}: {message} ({hint})")
    }
}

impl std::error::Error for SpecError {}

/// Everything that is wrong with a spec; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct SpecErrors(pub Vec<SpecError>);

fn lines(errors: &[SpecError]) -> String {
    errors.iter().map(SpecError::to_string).collect::<Vec<_>>().join("\n")
}

impl IntoIterator for SpecErrors {
    type Item = SpecError;
    type IntoIter = std::vec::IntoIter<SpecError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
