//! What is there after a run: stacks, pages, journals.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_sdk_cloudformation::Client;
use platformctl::journal::{self, Entry, Record, RunSummary};
use serde_json::Value;

use crate::platform::{Platform, REGION, block_on};
use platformctl::local::ACCOUNT;

/// A resource as CloudFormation lists it: type, physical id, status.
pub(crate) type Resource = (String, String, String);

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenStack {
    pub(crate) status: String,
    pub(crate) changed: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) change_sets: usize,
    pub(crate) resources: BTreeMap<String, Resource>,
}

impl Platform {
    /// The templates, by the short names of their stacks.
    pub(crate) fn templates(&self) -> BTreeMap<String, Value> {
        let stacks = self.synthesized();
        stacks.into_iter().map(|it| (it.name, it.template.as_value().clone())).collect()
    }

    /// Every stack of the environment `dev` of `acme`, by short name.
    pub(crate) fn stacks(&self) -> BTreeMap<String, SeenStack> {
        self.stacks_of("acme-dev-", REGION)
    }

    /// Every stack in a region whose name begins with `prefix`, by the rest of its name.
    pub(crate) fn stacks_of(&self, prefix: &str, region: &str) -> BTreeMap<String, SeenStack> {
        let client = self.aws_in(region).cloudformation;
        let all = client.describe_stacks().into_paginator().items().send();
        let all = block_on(all.collect::<Result<Vec<_>, _>>()).unwrap();
        let named = all.iter().filter_map(|stack| {
            let name = stack.stack_name()?.strip_prefix(prefix)?;
            Some((name.to_owned(), stack))
        });
        named.map(|(name, stack)| (name, seen(&client, stack))).collect()
    }

    /// Proves that the platform is what a bootstrap leaves, however often it was
    /// cut off: complete stacks, one of everything that has a name, and one commit a
    /// page.
    pub(crate) fn is_complete(&self) {
        self.has_complete_stacks();
        let aws = self.aws();
        let buckets = block_on(aws.s3.list_buckets().send()).unwrap();
        let buckets: BTreeSet<_> =
            buckets.buckets().iter().filter_map(|it| it.name()).map(str::to_owned).collect();
        assert_eq!(buckets, self.buckets());
        let functions = block_on(aws.lambda.list_functions().send()).unwrap();
        let functions: Vec<_> =
            functions.functions().iter().filter_map(|it| it.function_name()).collect();
        assert_eq!(functions, ["acme-dev-git-store"]);
        let wiki = self.wiki("platform");
        assert_eq!(wiki.git(&["log", "--format=%s"]), "Smoke test\nSeed the first page\n");
        assert!(wiki.git(&["show", "main:home.md"]).starts_with("# acme dev\n"));
        assert!(wiki.git(&["show", "main:smoke-test.md"]).starts_with("# Smoke test\n"));
        wiki.is_sound();
    }

    /// The names of the buckets that the templates make.
    pub(crate) fn buckets(&self) -> BTreeSet<String> {
        let mut buckets = BTreeSet::new();
        for stack in self.synthesized() {
            for bucket in stack.template.resources() {
                if bucket.type_name == "AWS::S3::Bucket" {
                    let name = bucket.properties()["BucketName"]["Fn::Sub"].as_str().unwrap();
                    let name = name.replace("${AWS::AccountId}", ACCOUNT);
                    buckets.insert(name.replace("${AWS::Region}", &stack.region));
                }
            }
        }
        buckets
    }

    /// Deletes the buckets that a destroy kept, so that a platform can have their names
    /// again. They hold nothing but journals, which only an administrator can delete. The
    /// artefact bucket keeps its stack, and stays.
    pub(crate) fn forget_kept(&self) {
        let s3 = self.aws().s3;
        for bucket in self.buckets().iter().filter(|name| !name.contains("-artefacts-")) {
            let page = block_on(s3.list_object_versions().bucket(bucket).send()).unwrap();
            for version in page.versions() {
                let key = version.key().unwrap();
                assert!(bucket.contains("-audit-") && key.starts_with("journals/"), "{key}");
                let delete = s3.delete_object().bucket(bucket).key(key);
                let delete = delete.set_version_id(version.version_id().map(str::to_owned));
                block_on(delete.bypass_governance_retention(true).send()).unwrap();
            }
            block_on(s3.delete_bucket().bucket(bucket).send()).unwrap();
        }
    }

    /// Proves that there are the stacks of the templates and no others, each with all
    /// of its resources.
    pub(crate) fn has_complete_stacks(&self) {
        are_complete(&self.stacks(), &self.templates());
    }

    /// The repository of a wiki, under the only file system that is mounted.
    pub(crate) fn wiki(&self, name: &str) -> Wiki {
        let mounts = std::fs::read_dir(self.state("local/mounts")).unwrap();
        let found: Vec<PathBuf> = mounts
            .map(|mount| mount.unwrap().path().join("pages").join(format!("{name}.git")))
            .filter(|repository| repository.is_dir())
            .collect();
        let [repository] = found.as_slice() else { panic!("repositories: {found:?}") };
        Wiki { repository: repository.clone() }
    }

    /// The recorded runs, newest first.
    pub(crate) fn runs(&self) -> Vec<RunSummary> {
        journal::list(&self.state("runs")).unwrap()
    }

    /// How often runs began or went on.
    pub(crate) fn attempts(&self) -> usize {
        let runs = self.runs();
        let resumed = runs.iter().map(|run| Journal::of(run).resumed());
        runs.len() + resumed.sum::<usize>()
    }

    /// Whether the newest run is where a failpoint holds it.
    pub(crate) fn is_held_at(&self, place: &str) -> bool {
        let journal = self.newest().1;
        if let Some(step) = place.strip_prefix("step.") {
            return journal.is_at(step);
        }
        let Some(step) = place.strip_suffix(".executed") else { return journal.is_at(place) };
        // After the intent comes the call itself: an executed change set is no
        // longer available.
        let stack = step.strip_prefix("deploy.").unwrap();
        journal.executes(&format!("acme-dev-{stack}"))
            && self
                .stacks()
                .get(stack)
                .is_some_and(|stack| stack.change_sets == 0 && stack.status != "REVIEW_IN_PROGRESS")
    }

    /// The newest run, and what it recorded.
    pub(crate) fn newest(&self) -> (RunSummary, Journal) {
        let run = self.runs().remove(0);
        let journal = Journal::of(&run);
        (run, journal)
    }
}

/// Proves that `stacks` are those of `templates` and no others, each with all of its
/// resources.
pub(crate) fn are_complete(
    stacks: &BTreeMap<String, SeenStack>,
    templates: &BTreeMap<String, Value>,
) {
    assert_eq!(names(stacks.keys()), names(templates.keys()));
    for (name, template) in templates {
        let stack = &stacks[name];
        let complete = ["CREATE_COMPLETE", "UPDATE_COMPLETE"];
        assert!(complete.contains(&stack.status.as_str()), "{name}: {}", stack.status);
        assert_eq!(stack.change_sets, 0, "change sets of {name} are left");
        let wanted = template["Resources"].as_object().unwrap();
        assert_eq!(names(stack.resources.keys()), names(wanted.keys()), "{name}");
        for (id, (kind, physical, status)) in &stack.resources {
            assert_eq!(wanted[id]["Type"], **kind, "{name}.{id}");
            assert!(!physical.is_empty() && complete.contains(&status.as_str()), "{name}.{id}");
        }
    }
}

/// A stack with its resources.
fn seen(client: &Client, stack: &aws_sdk_cloudformation::types::Stack) -> SeenStack {
    let name = stack.stack_name().unwrap();
    let listed = client.list_stack_resources().stack_name(name).into_paginator().items();
    let listed = block_on(listed.send().collect::<Result<Vec<_>, _>>()).unwrap();
    let sets = block_on(client.list_change_sets().stack_name(name).send()).unwrap();
    let waiting = sets
        .summaries()
        .iter()
        .filter(|set| set.execution_status().is_some_and(|status| status.as_str() == "AVAILABLE"));
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    SeenStack {
        status: stack.stack_status().unwrap().as_str().to_owned(),
        changed: format!("{:?} {:?}", stack.creation_time(), stack.last_updated_time()),
        outputs: stack
            .outputs()
            .iter()
            .map(|output| (text(output.output_key()), text(output.output_value())))
            .collect(),
        change_sets: waiting.count(),
        resources: listed
            .iter()
            .map(|resource| {
                let status = resource.resource_status().unwrap().as_str();
                (
                    text(resource.logical_resource_id()),
                    (
                        text(resource.resource_type()),
                        text(resource.physical_resource_id()),
                        status.to_owned(),
                    ),
                )
            })
            .collect(),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> BTreeSet<&'a str> {
    names.map(String::as_str).collect()
}

/// A wiki's repository, seen by git itself.
pub(crate) struct Wiki {
    repository: PathBuf,
}

impl Wiki {
    /// What git prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = git(&self.repository, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Proves that nothing is damaged or lying about, and that history is one line.
    pub(crate) fn is_sound(&self) {
        let output = git(&self.repository, &["fsck", "--strict", "--full", "--no-dangling"]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.is_empty(), "{said}");
        assert_eq!(self.git(&["rev-list", "--min-parents=2", "main"]), "");
    }

    /// The newest commit.
    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "main"])
    }
}

fn git(repository: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap()
}

/// What a run recorded.
pub(crate) struct Journal(Vec<Record>);

impl Journal {
    /// The journal of a run.
    pub(crate) fn of(run: &RunSummary) -> Self {
        Self(journal::read(&run.path).unwrap())
    }

    /// Proves that nothing is missing in it.
    pub(crate) fn is_gapless(&self) -> &Self {
        let numbers: Vec<u64> = self.0.iter().map(|record| record.seq).collect();
        assert_eq!(numbers, (1..=self.0.len() as u64).collect::<Vec<_>>());
        self
    }

    /// What is recorded since the run began or went on.
    pub(crate) fn attempt(&self) -> &[Record] {
        let began = self.0.iter().rposition(|record| {
            matches!(record.entry, Entry::RunStarted(_) | Entry::RunResumed { .. })
        });
        &self.0[began.unwrap_or(0)..]
    }

    /// How often the run was gone on with.
    pub(crate) fn resumed(&self) -> usize {
        self.0.iter().filter(|record| matches!(record.entry, Entry::RunResumed { .. })).count()
    }

    /// The step that is under way.
    pub(crate) fn is_at(&self, wanted: &str) -> bool {
        self.attempt().iter().fold(false, |open, record| match &record.entry {
            Entry::StepStarted { step } if step == wanted => true,
            Entry::StepFinished { step, .. } if step == wanted => false,
            _ => open,
        })
    }

    /// Whether a change set of this stack was announced and has no outcome yet. Others
    /// may have been announced since: independent stacks are deployed at once.
    fn executes(&self, stack: &str) -> bool {
        let mut open = None;
        for record in self.attempt() {
            match &record.entry {
                Entry::Intent { id, action, target, .. }
                    if action.ends_with(":ExecuteChangeSet") && target == stack =>
                {
                    open = Some(*id);
                }
                Entry::Outcome { id, .. } if open == Some(*id) => open = None,
                _ => {}
            }
        }
        open.is_some()
    }

    /// Mutations of the last attempt, as `action target`.
    pub(crate) fn mutations(&self) -> Vec<String> {
        let intents = self.attempt().iter().filter_map(|record| match &record.entry {
            Entry::Intent { action, target, .. } => Some(format!("{action} {target}")),
            _ => None,
        });
        intents.collect()
    }

    /// The last entry.
    pub(crate) fn last(&self) -> &Entry {
        &self.0.last().unwrap().entry
    }
}
