//! What every verb gets: the terminal, the flags, the folders, and ways to the
//! settings and to AWS.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::aws::{Aws, Identity, Place, Regions};
use crate::cli::{Global, session};
use crate::config::{self, LoadedConfig, Settings};
use crate::error::{Context as _, Error, Result};
use crate::event::Events;
use crate::guard::{Exemptions, RuleSet};
use crate::journal;
use crate::local::{self, LocalPlatform, Paths};
use crate::signal::Cancel;
use crate::ui::Ui;

/// The context of one call.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The terminal.
    pub ui: Ui,
    /// Flags of every verb.
    pub global: Global,
    /// State and cache folders.
    pub paths: Paths,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// Where engines send events.
    pub events: Events,
    /// The step of a runbook for which this is done.
    pub(super) parent: Option<session::Parent>,
}

/// A connection to AWS or to the local platform.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Clients of the stacks' regions.
    pub aws: Regions,
    /// Clients of any other region, for verbs that need one.
    pub anywhere: Aws,
    /// Who the credentials belong to.
    pub identity: Identity,
    /// Resource types that the local platform only records; empty on AWS.
    pub recorded_only: Arc<Vec<String>>,
}

impl Ctx {
    pub(super) fn new(global: Global, ui: Ui, cancel: Cancel) -> Result<Self> {
        let events = ui.events();
        Ok(Self { ui, global, paths: Paths::from_env()?, cancel, events, parent: None })
    }

    /// The same context, acting where an earlier run did.
    pub(super) fn with_global(&self, global: Global) -> Self {
        Self { global, ..self.clone() }
    }

    /// The same context, for a step of a runbook.
    pub(super) fn within(&self, parent: Option<session::Parent>) -> Self {
        Self { parent, ..self.clone() }
    }

    /// The platform.yaml in use.
    pub fn load(&self) -> Result<LoadedConfig> {
        let here = std::env::current_dir().context("cannot find the current folder")?;
        let file = match config::find(self.global.config.as_deref(), &here) {
            Ok(file) => file,
            // After `bootstrap --local -c FILE`, the next `--local` verb means that file.
            Err(error) => self.last_local_config()?.ok_or(error)?,
        };
        // As people would name it from here.
        config::load(file.strip_prefix(&here).unwrap_or(&file))
    }

    /// With `--local`: the file of the newest run on the local platform, if it is
    /// still there.
    fn last_local_config(&self) -> Result<Option<PathBuf>> {
        if !self.global.local {
            return Ok(None);
        }
        let runs = journal::list(&self.runs())?;
        let newest = runs.iter().filter(|run| run.start.local).find_map(session::config_of);
        Ok(newest.filter(|file| file.is_file()).inspect(|file| {
            self.events.info(format!("using {}, as the last local run did", file.display()));
        }))
    }

    /// platform.yaml with flags and environment applied.
    pub fn settings(&self) -> Result<Settings> {
        Ok(Settings::resolve(self.load()?, self.global.overrides()))
    }

    /// The local platform of this user.
    pub fn local_platform(&self) -> LocalPlatform {
        LocalPlatform::new(&self.paths.state, &self.paths.cache, self.events.clone())
    }

    /// Connects to where the settings say, starting the local platform if that is
    /// meant, and asks who we are. Refuses an account that is not the configured one.
    pub async fn connect(&self, settings: &Settings) -> Result<Connection> {
        let others = settings.other_regions()?;
        let mut recorded_only = Vec::new();
        let place = if settings.local {
            let platform = self.local_platform();
            let running = tokio::select! {
                running = platform.up(None) => running?,
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            };
            recorded_only = platform.recorded_only_types()?.into_iter().collect();
            Place::Local { endpoint: running.endpoint, account: local::ACCOUNT.to_owned() }
        } else {
            Place::Aws {
                profile: settings.profile.clone(),
                region: settings.config.region.clone(),
                endpoint: settings.endpoint.clone(),
            }
        };
        let anywhere = Aws::connect(&place).await;
        let aws = anywhere.in_regions(&settings.config.region, &others);
        let identity = tokio::select! {
            identity = aws.home().identity() => identity.map_err(|error| match &settings.profile {
                Some(profile) => error.hint(format!(
                    "the profile {profile} was asked for; `aws configure list-profiles` lists all"
                )),
                None => error,
            })?,
            () = self.cancel.cancelled() => return Err(self.cancel.error()),
        };
        settings.check_account(&identity.account)?;
        Ok(Connection { aws, anywhere, identity, recorded_only: Arc::new(recorded_only) })
    }

    /// Where runs are journaled.
    pub fn runs(&self) -> std::path::PathBuf {
        self.paths.state.join("runs")
    }

    /// The rules and exemptions: embedded, and the user's own.
    pub fn rules(
        &self,
        folder: Option<&std::path::Path>,
        exemptions: Option<&std::path::Path>,
    ) -> Result<(RuleSet, Exemptions)> {
        let mut rules = RuleSet::embedded();
        if let Some(folder) = folder {
            rules = rules.with_folder(folder)?;
        }
        let mut accepted = Exemptions::embedded()?;
        if let Some(file) = exemptions {
            accepted = accepted.with_file(file)?;
        }
        Ok((rules, accepted))
    }

    /// Shows where something is about to be changed.
    pub fn show_place(&self, settings: &Settings, account: &str) {
        let config = &settings.config;
        let place = if settings.local { " · local platform" } else { "" };
        let endpoint =
            settings.endpoint.as_ref().map(|url| format!(" · endpoint {url}")).unwrap_or_default();
        let mut regions = vec![config.region.clone()];
        // What is wrong with the stacks is said where they are needed.
        regions.extend(settings.other_regions().unwrap_or_default());
        self.ui.status(&format!(
            "account {account} ({}-{}) · {} · environment {}{place}{endpoint}",
            config.project,
            config.environment,
            regions.join(" and "),
            config.environment
        ));
    }
}

/// User and host, for journals and locks.
pub fn whoami() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let user = variable("USER")
        .or_else(|| variable("LOGNAME"))
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match variable("CI_JOB_URL").or_else(|| variable("GITHUB_RUN_ID")) {
        Some(job) => format!("{user}@{host} (CI job {job})"),
        None => format!("{user}@{host}"),
    }
}

/// The chosen templates, in dependency order: the named stacks and all they need,
/// or all when none is named.
pub fn choose(
    templates: Vec<stacks::StackTemplate>,
    names: &[String],
) -> Result<Vec<stacks::StackTemplate>> {
    if names.is_empty() {
        return Ok(templates);
    }
    let mut wanted = named(&templates, names)?;
    // Consumers come after what they need, so one pass from the end finds all.
    for template in templates.iter().rev() {
        if wanted.contains(&template.name) {
            wanted.extend(crate::deploy::needs(template, &templates));
        }
    }
    Ok(templates.into_iter().filter(|stack| wanted.contains(&stack.name)).collect())
}

/// The stacks by template, both in the order of `stacks`. Few templates are shared.
pub fn by_template<'a>(
    stacks: impl IntoIterator<Item = &'a stacks::StackTemplate>,
) -> Vec<Vec<&'a stacks::StackTemplate>> {
    let mut groups: Vec<Vec<&stacks::StackTemplate>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for stack in stacks {
        let index = *known.entry(stack.template_name.as_str()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.push(stack),
            None => groups.push(vec![stack]),
        }
    }
    groups
}

/// The stacks' names; of many that share a template, the first and the last.
fn listed(templates: &[stacks::StackTemplate]) -> String {
    const FEW: usize = 4;
    let names = |group: Vec<&stacks::StackTemplate>| match group.as_slice() {
        [first, .., last] if group.len() > FEW => {
            format!("{} … {} ({} stacks)", first.name, last.name, group.len())
        }
        few => few.iter().map(|stack| stack.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    by_template(templates).into_iter().map(names).collect::<Vec<_>>().join(", ")
}

/// The short names of the stacks that `names` name: each a name, or a pattern in which
/// `*` stands for any letters, such as `tenant-*`.
pub(super) fn named(
    templates: &[stacks::StackTemplate],
    names: &[String],
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for name in names {
        let pattern = format!("^{}$", regex::escape(name).replace(r"\*", ".*"));
        let pattern = regex::Regex::new(&pattern)
            .map_err(|error| Error::usage(format!("`{name}` names no stack")).caused_by(error))?;
        let before = found.len();
        let matching = templates.iter().filter(|stack| pattern.is_match(&stack.name));
        found.extend(matching.map(|stack| stack.name.clone()));
        let any = templates.iter().any(|stack| pattern.is_match(&stack.name));
        if found.len() == before && !any {
            return Err(Error::usage(format!("there is no stack {name}"))
                .hint(format!("stacks: {}", listed(templates))));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use stacks::StackTemplate;
    use stacks::cfn::{Naming, Stack};

    use super::*;

    fn templates() -> Vec<StackTemplate> {
        let naming = Naming::new("acme", "dev", "eu-west-2");
        let names = ["network", "tenant-globex", "tenant-initech"];
        names.map(|name| Stack::new(name, &naming).finish()).to_vec()
    }

    fn chosen(names: &[&str]) -> Result<Vec<String>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(choose(templates(), &names)?.into_iter().map(|stack| stack.name).collect())
    }

    #[test]
    fn a_star_stands_for_any_letters_and_nothing_else_is_special() {
        assert_eq!(chosen(&["tenant-*"]).expect("both"), ["tenant-globex", "tenant-initech"]);
        assert_eq!(chosen(&["tenant-globex"]).expect("one"), ["tenant-globex"]);
        assert_eq!(chosen(&["*"]).expect("all").len(), 3);
        assert_eq!(chosen(&["tenant-*", "tenant-globex"]).expect("both").len(), 2);
        for unknown in ["tenant", "tenant-.*", "globex-*"] {
            let error = chosen(&[unknown]).expect_err(unknown);
            assert_eq!(error.message(), format!("there is no stack {unknown}"));
            assert!(error.hints()[0].contains("tenant-initech"));
        }
    }
}
