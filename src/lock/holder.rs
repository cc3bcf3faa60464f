//! Who holds a lease: user, machine, pipeline job.

use runtime_core::model::{Holder, Invalid, RunId, Text};

/// Environment variables with the name of a pipeline's job, and how to call it: GitHub,
/// GitLab, Jenkins, Buildkite, `CodeBuild`.
const JOBS: [&str; 5] =
    ["GITHUB_RUN_ID", "CI_JOB_ID", "BUILD_TAG", "BUILDKITE_BUILD_URL", "CODEBUILD_BUILD_ID"];

/// Who runs this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The operating system's user.
    pub user: String,
    /// The machine.
    pub host: String,
    /// The pipeline's job, in a pipeline.
    pub job: Option<String>,
}

impl Identity {
    /// From the environment and the operating system.
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let user = variable("USER").or_else(|| variable("LOGNAME"));
        Self {
            user: user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw())),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            job: JOBS.into_iter().find_map(variable),
        }
    }

    /// As a lease names the holder. `verb`: what it does.
    pub fn holder(&self, verb: &str, reason: &str, run_id: RunId) -> Holder {
        let who = match &self.job {
            Some(job) => format!("{}, pipeline job {job}", self.user),
            None => self.user.clone(),
        };
        Holder {
            who: Text::cut(&who),
            host: Text::cut(&self.host),
            job: Text::cut(verb),
            reason: Text::cut(reason),
            run_id,
        }
    }
}

/// The id of a run, as a lease names it.
pub fn run_id(run: &str) -> Result<RunId, Invalid> {
    run.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipelines_job_is_named_and_an_empty_variable_is_none() {
        let identity = Identity::new(|name| match name {
            "USER" => Some(String::new()),
            "LOGNAME" => Some("runner".to_owned()),
            "CI_JOB_ID" => Some("48213".to_owned()),
            _ => None,
        });
        let run = run_id("2026-11-20-j81c").expect("a run");
        let holder = identity.holder("deploy", "", run);
        assert_eq!(holder.who.as_str(), "runner, pipeline job 48213");
        assert_eq!((holder.job.as_str(), holder.reason.as_str()), ("deploy", "-"));
        assert_eq!(holder.host.as_str(), identity.host);
    }
}
