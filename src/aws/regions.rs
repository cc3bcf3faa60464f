//! Clients of several regions, made up front.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Regional;
use crate::error::{Error, Result};

/// Clients of every region of a run. Who needs one names the region; no default leaks
/// in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Regions {
    home: Regional,
    others: Arc<BTreeMap<String, Regional>>,
}

impl Regions {
    /// Clients of the home region and of others.
    pub fn new(home: Regional, others: impl IntoIterator<Item = Regional>) -> Self {
        let others = others.into_iter().map(|aws| (aws.region.clone(), aws)).collect();
        Self { home, others: Arc::new(others) }
    }

    /// Clients of the home region: identity, artefact bucket, reports.
    pub fn home(&self) -> &Regional {
        &self.home
    }

    /// Clients of `region`. An error when the run was not begun for it.
    pub fn of(&self, region: &str) -> Result<&Regional> {
        if region == self.home.region {
            return Ok(&self.home);
        }
        self.others.get(region).ok_or_else(|| {
            Error::failed(format!("this run has no clients of region {region}"))
                .hint("run the verb again: the regions of the stacks are read at its start")
        })
    }

    /// The names of all regions, home first.
    pub fn names(&self) -> Vec<&str> {
        let home = self.home.region.as_str();
        let others = self.others.keys().map(String::as_str).filter(|name| *name != home);
        std::iter::once(home).chain(others).collect()
    }
}
