//! Builds the Lambda crates into reproducible zips: same source, same digest.

mod cargo;
mod source;
mod zip;

use std::path::{Path, PathBuf};

pub use cargo::Target;
pub use source::find_source;

use crate::deploy::Upload;
use crate::error::{Error, Result};
use crate::event::{Events, Outcome};
use crate::signal::Cancel;

/// What a build needs.
#[derive(Debug, Clone)]
pub struct Builder {
    /// The workspace with the Lambda crates.
    pub source: PathBuf,
    /// Where zips are written.
    pub out: PathBuf,
    /// What they are built for.
    pub target: Target,
    /// Where progress goes.
    pub events: Events,
    /// Whether to stop.
    pub cancel: Cancel,
}

impl Builder {
    /// Builds one function and zips it.
    pub async fn function(&self, name: &str) -> Result<Upload> {
        let task = format!("build.{name}");
        self.events.started(&task, format!("build {name}"), None);
        let result = self.build(name, &task).await;
        match &result {
            Ok(upload) => {
                let size = indicatif::HumanBytes(upload.bytes);
                self.events.finished(
                    &task,
                    Outcome::Done,
                    format!("{size}, {}", &upload.sha256[..12]),
                );
            }
            Err(error) => self.events.finished(&task, Outcome::Failed, error.message()),
        }
        result
    }

    async fn build(&self, name: &str, task: &str) -> Result<Upload> {
        let binary = cargo::build(self, name, task).await?;
        let out = self.out.clone();
        let name = name.to_owned();
        // Hashing and compressing take a while: not on a thread that others wait for.
        tokio::task::spawn_blocking(move || zip::zip_binary(&binary, &out, &name))
            .await
            .map_err(|error| Error::failed("zipping ended without a result").caused_by(error))?
    }
}

/// Zips made elsewhere: `<folder>/<function>.zip`.
pub fn prebuilt(folder: &Path, function: &str) -> Result<Upload> {
    let zip = folder.join(format!("{function}.zip"));
    if !zip.is_file() {
        return Err(Error::usage(format!("there is no {}", zip.display())).hint(format!(
            "make it with `platformctl build {function} --out {}`",
            folder.display()
        )));
    }
    zip::describe(&zip)
}
