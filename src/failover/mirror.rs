//! The copy of the runtime region in Parameter Store.
//!
//! The authoritative value is in the record of the lock, and is changed only by a write
//! that checks the fencing token. Parameter Store cannot check anything: a former holder
//! that was held up between its last look at the lock and its request overwrites the copy
//! of the next one. What keeps that harmless:
//!
//! 1. The copy is written after the authoritative value, never before.
//! 2. It carries the token. A writer that finds a greater one there stops; a reader does
//!    not go back to a smaller one (`runtime_core::runtime_region`).
//! 3. The writer proves its lock before it writes, and reads the copy back after it.
//! 4. Whoever looks ([`Mirror::agrees`]) sees a copy that is not the authoritative value;
//!    `ops set-runtime-region` with the region where agents run already repairs it.

use aws_sdk_ssm::types::ParameterType;
use runtime_core::runtime_region::{PARAMETER, RuntimeRegion};

use crate::aws::{Regional, explain, has_code};
use crate::error::{Context as _, Error, Kind, Result};
use crate::lock::Fence;

/// The copy of one environment.
#[derive(Debug, Clone)]
pub struct Mirror {
    ssm: aws_sdk_ssm::Client,
    path: String,
}

impl Mirror {
    /// In the home region, beside the parameters of the platform's stack.
    pub fn new(home: &Regional, project: &str, environment: &str) -> Self {
        let path = format!("/{project}/{environment}/platform/{PARAMETER}");
        Self { ssm: home.ssm.clone(), path }
    }

    /// The parameter's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it says; `None`: agents were never moved.
    pub async fn read(&self) -> Result<Option<RuntimeRegion>> {
        let answer = match self.ssm.get_parameter().name(&self.path).send().await {
            Ok(answer) => answer,
            Err(error) if has_code(&error, "ParameterNotFound") => return Ok(None),
            Err(error) => return Err(explain(format!("cannot read {}", self.path), error)),
        };
        let text = answer.parameter.and_then(|it| it.value).unwrap_or_default();
        let value = text.parse().with_context(|| format!("{} cannot be read", self.path))?;
        Ok(Some(value))
    }

    /// Whether it says what is so.
    pub async fn agrees(&self, authoritative: Option<&RuntimeRegion>) -> Result<bool> {
        Ok(self.read().await?.as_ref() == authoritative)
    }

    /// Writes it, after the authoritative value.
    pub async fn write(&self, value: &RuntimeRegion, fence: &Fence) -> Result<()> {
        let newer = |there: &RuntimeRegion| {
            Error::new(Kind::Partial, format!("somebody else moved the runtime to {there}"))
                .hint("look at `platformctl ops failover-status`")
                .hint(format!(
                    "if locks were moved to another store, tokens began anew: delete {}",
                    self.path
                ))
        };
        if let Some(there) = self.read().await?.filter(|there| there.token > value.token) {
            return Err(newer(&there));
        }
        fence.check().await?;
        self.ssm
            .put_parameter()
            .name(&self.path)
            .value(value.to_string())
            .description("Region in which agents run, and the fencing token of whoever decided it")
            .r#type(ParameterType::String)
            .overwrite(true)
            .send()
            .await
            .map_err(|error| explain(format!("cannot write {}", self.path), error))?;
        match self.read().await? {
            Some(there) if there == *value => Ok(()),
            Some(there) => Err(newer(&there)),
            None => Err(Error::failed(format!("{} was deleted meanwhile", self.path))),
        }
    }
}
