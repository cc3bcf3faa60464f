//! What the function is told by its environment.

use runtime_core::names::{NAME_PREFIX, SILOED_TIERS};
use runtime_core::tenant::{Isolation, Tier};

/// What the function is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `<project>-<environment>`.
    pub prefix: String,
    /// The tiers whose tenants have a stack of their own.
    pub siloed: Vec<Tier>,
}

/// A variable is missing, or says what nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: expected {expected}")]
pub struct InvalidSettings {
    /// Its name.
    pub variable: &'static str,
    /// What it has to be.
    pub expected: &'static str,
}

impl Settings {
    /// Reads the function's variables: [`NAME_PREFIX`], and [`SILOED_TIERS`], which has to
    /// be there even when it is empty: a tenant that was promised a silo must not be
    /// pooled because somebody forgot a variable.
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidSettings> {
        let prefix = variable(NAME_PREFIX).filter(|it| !it.is_empty()).ok_or(InvalidSettings {
            variable: NAME_PREFIX,
            expected: "<project>-<environment>",
        })?;
        let unknown = InvalidSettings {
            variable: SILOED_TIERS,
            expected: "the names of tiers with commas between them, or nothing",
        };
        let tiers = variable(SILOED_TIERS).ok_or_else(|| unknown.clone())?;
        let tier = |name: &str| Tier::ALL.into_iter().find(|it| it.name() == name);
        let siloed = tiers.split(',').filter(|name| !name.is_empty()).map(tier);
        let siloed = siloed.collect::<Option<_>>().ok_or(unknown)?;
        Ok(Self { prefix, siloed })
    }

    /// What a new tenant of a tier shares.
    pub fn isolation(&self, tier: Tier) -> Isolation {
        if self.siloed.contains(&tier) { Isolation::Silo } else { Isolation::Pooled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tiers: Option<&str>) -> Result<Settings, InvalidSettings> {
        Settings::from_variables(|name| match name {
            NAME_PREFIX => Some("acme-dev".to_owned()),
            SILOED_TIERS => tiers.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn who_has_a_silo_is_never_guessed() {
        let settings = read(Some("standard,premium")).unwrap();
        assert_eq!(settings.isolation(Tier::Premium), Isolation::Silo);
        assert_eq!(settings.isolation(Tier::Basic), Isolation::Pooled);
        assert_eq!(read(Some("")).unwrap().siloed, []);
        assert!(read(None).is_err() && read(Some("gold")).is_err());
        assert_eq!(Settings::from_variables(|_| None).unwrap_err().variable, NAME_PREFIX);
    }
}
