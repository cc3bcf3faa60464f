//! An engine on the fake AWS, small stacks to deploy, and a look at the journal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use platformctl::aws::{Regional, Regions};
use platformctl::deploy::{Artefacts, Concurrency, DeployedStack, Engine, PlannedStack};
use platformctl::error::{Error, Result};
use platformctl::event::{Event, Events};
use platformctl::journal::{self, Entry, Journal, Mask, RunStart, StepOutcome};
use platformctl::plan::Plan;
use platformctl::signal::{Cancel, Canceller};
use stacks::StackTemplate;
use stacks::cfn::aws::sqs;
use stacks::cfn::{Naming, Published, Stack};
use tempfile::TempDir;

use crate::formation::ACCOUNT;
use crate::script::Cloud;

pub const REGION: &str = "eu-west-2";
/// The region of stacks that are not at home.
pub const OTHER: &str = "eu-west-1";
pub const BUCKET: &str = "acme-dev-artefacts-123456789012-eu-west-2";

/// What a test may take at most: a run that hangs is a failure.
const LIMIT: Duration = Duration::from_secs(15);

/// A run of the engine.
pub struct Run {
    pub cloud: Cloud,
    pub engine: Engine,
    pub folder: TempDir,
    pub canceller: Arc<Canceller>,
    pub events: Arc<Mutex<Vec<Event>>>,
}

/// Clients on `cloud`, without retries.
pub fn clients(cloud: &Cloud) -> Regional {
    clients_in(cloud, REGION)
}

pub fn clients_in(cloud: &Cloud, region: &str) -> Regional {
    let credentials = Credentials::from_keys("AKIDEXAMPLE", "planted", None);
    Regional::new(&config_with(cloud, Some(credentials), RetryConfig::disabled()), region)
}

pub fn clients_with(cloud: &Cloud, keys: Option<Credentials>, retry: RetryConfig) -> Regional {
    Regional::new(&config_with(cloud, keys, retry), REGION)
}

fn config_with(cloud: &Cloud, keys: Option<Credentials>, retry: RetryConfig) -> SdkConfig {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(cloud.client())
        .retry_config(retry);
    let config = match keys {
        Some(keys) => config.credentials_provider(SharedCredentialsProvider::new(keys)),
        None => config,
    };
    config.build()
}

impl Run {
    pub fn new() -> Self {
        let cloud = Cloud::new();
        let folder = tempfile::tempdir().expect("folder");
        let journal = Journal::begin(&folder.path().join("runs"), Mask::default(), start());
        let journal = journal.expect("journal");
        cloud.world().journal = Some(journal.path().to_owned());
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let (canceller, cancel) = Cancel::new();
        let engine = Engine {
            aws: Regions::new(clients(&cloud), [clients_in(&cloud, OTHER)]),
            concurrency: Concurrency::default(),
            account: ACCOUNT.into(),
            environment: "dev".into(),
            artefacts: Artefacts { bucket: BUCKET.into(), ..Artefacts::default() },
            protect: false,
            import_existing: false,
            fence: None,
            keep: None,
            journal: Arc::new(journal),
            events: Events::new(move |event| sink.lock().expect("events").push(event)),
            cancel,
            recorded_only: Arc::default(),
        };
        Self { cloud, engine, folder, canceller: Arc::new(canceller), events }
    }

    /// A run on an AWS where `templates` are deployed already.
    pub fn with(templates: &[StackTemplate]) -> Self {
        let run = Self::new();
        for stack in templates {
            let body = stack.template.to_json();
            let formation = &mut run.cloud.world().formation;
            formation.live_in(&stack.region, &stack.stack_name, "CREATE_COMPLETE", &body);
        }
        run
    }

    pub async fn plan(&self, templates: &[StackTemplate]) -> Result<(Plan, Vec<PlannedStack>)> {
        limited(self.engine.plan(templates)).await
    }

    /// Plans and deploys, as after a "yes".
    pub async fn deploy(
        &self,
        templates: &[StackTemplate],
    ) -> Result<(Vec<DeployedStack>, Option<Error>)> {
        let (_, planned) = self.plan(templates).await?;
        self.apply(planned, false).await
    }

    /// Deploys what was planned, and proves that the journal is whole afterwards.
    pub async fn apply(
        &self,
        planned: Vec<PlannedStack>,
        recreate: bool,
    ) -> Result<(Vec<DeployedStack>, Option<Error>)> {
        let result = limited(self.engine.deploy(planned, recreate)).await;
        self.assert_journal_is_whole();
        result
    }

    /// Deploys one stack that is expected to fail.
    pub async fn failure(&self, templates: &[StackTemplate]) -> Error {
        let (_, error) = self.deploy(templates).await.expect("a result");
        error.expect("an error")
    }

    /// Mutations as the journal has them, with their outcome.
    pub fn journaled(&self) -> Vec<(String, Option<StepOutcome>)> {
        let mut found: Vec<(u64, String, Option<StepOutcome>)> = Vec::new();
        for record in journal::read(self.engine.journal.path()).expect("journal") {
            match record.entry {
                Entry::Intent { id, action, .. } => found.push((id, action, None)),
                Entry::Outcome { id, outcome, .. } => {
                    let intent = found.iter_mut().find(|(known, _, _)| *known == id);
                    intent.expect("an outcome has an intent").2 = Some(outcome);
                }
                _ => {}
            }
        }
        found.into_iter().map(|(_, action, outcome)| (action, outcome)).collect()
    }

    /// Every step and every mutation that began has ended, one way or another.
    pub fn assert_journal_is_whole(&self) {
        for (action, outcome) in self.journaled() {
            assert!(outcome.is_some(), "{action} has no outcome");
        }
        let mut open = Vec::new();
        for record in journal::read(self.engine.journal.path()).expect("journal") {
            match record.entry {
                Entry::StepStarted { step } => open.push(step),
                Entry::StepFinished { step, .. } => open.retain(|known| *known != step),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    /// The journal's text.
    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.engine.journal.path()).expect("journal")
    }
}

/// Fails instead of hanging. Boxed: unoptimized futures are large, and a test's
/// stack is small.
pub async fn limited<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, Box::pin(work)).await.expect("it hangs")
}

fn start() -> RunStart {
    RunStart {
        verb: "deploy".into(),
        arguments: serde_json::Value::Null,
        account: Some(ACCOUNT.into()),
        region: REGION.into(),
        project: "acme".into(),
        environment: "dev".into(),
        local: false,
        by: "me@here".into(),
        reason: None,
        version: "0.1.0".into(),
    }
}

pub fn naming() -> Naming {
    Naming::new("acme", "dev", "eu-west-2")
}

/// A queue whose name, which cannot be changed in place, and waiting time are these.
pub fn queue(name: &str, seconds: u32) -> sqs::Queue {
    sqs::Queue::new().queue_name(name).visibility_timeout(seconds)
}

/// A stack called `acme-dev-<name>`.
pub fn stack(name: &str, build: impl FnOnce(&mut Stack)) -> StackTemplate {
    let mut stack = Stack::new(name, &naming());
    build(&mut stack);
    stack.finish()
}

/// The stack `acme-dev-jobs`: one queue.
pub fn jobs(name: &str, seconds: u32) -> StackTemplate {
    stack("jobs", |stack| {
        stack.add("Jobs", queue(name, seconds));
    })
}

/// A producer, and a consumer of what it publishes.
pub fn pair(producer_seconds: u32, consumer_seconds: u32) -> [StackTemplate; 2] {
    let mut producer = Stack::new("network", &naming());
    let jobs = producer.add("Jobs", queue("jobs", producer_seconds));
    let url: Published<String> = producer.publish("jobs-url", jobs.queue_url());
    let consumer = stack("efs", |stack| {
        let url = stack.import(&url);
        stack.add("Files", queue("files", consumer_seconds));
        stack.output("Jobs", url);
    });
    [producer.finish(), consumer]
}

pub fn large(count: usize) -> StackTemplate {
    stack("large", |stack| {
        for number in 0..count {
            stack.add(format!("Queue{number:03}"), queue(&format!("queue-{number}"), 30));
        }
    })
}
