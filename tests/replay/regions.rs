//! Stacks in two regions: each is asked for, deployed and deleted where it is.

use platformctl::deploy::{Concurrency, Destroyer, StackStatus, Upload, needs};
use platformctl::plan::{SavedPlan, StackAction, differences, plan_lines};
use stacks::cfn::{Published, Stack};
use stacks::{DeployParameter, DeployValue, StackTemplate};

use crate::harness::{OTHER, REGION, Run, jobs, large, limited, naming, queue};

/// A producer at home, and a consumer of what it publishes in the other region.
fn across(producer_seconds: u32, consumer_seconds: u32) -> [StackTemplate; 2] {
    let mut producer = Stack::new("network", &naming());
    let queue_of = producer.add("Jobs", queue("jobs", producer_seconds));
    let url: Published<String> = producer.publish("jobs-url", queue_of.queue_url());
    let mut consumer = Stack::new("agentcore", &naming().in_region(OTHER));
    let url = consumer.import(&url);
    consumer.add("Files", queue("files", consumer_seconds));
    consumer.output("Jobs", url);
    [producer.finish(), consumer.finish()]
}

/// Both deployed, with the value that the consumer was given.
fn deployed(value: &str) -> Run {
    let run = Run::with(&across(30, 30));
    let mut world = run.cloud.world();
    let consumer = world.formation.find("acme-dev-agentcore").expect("consumer");
    consumer.parameters.insert("NetworkJobsUrl".into(), value.into());
    drop(world);
    run
}

fn sent(run: &Run) -> Vec<String> {
    let made = run.cloud.calls("CreateChangeSet");
    let consumer = made.iter().filter(|call| call.target == "acme-dev-agentcore");
    consumer.map(|call| call.parameters()["NetworkJobsUrl"].clone()).collect()
}

#[tokio::test]
async fn a_new_consumer_gets_what_its_producer_came_to_have_in_the_same_run() {
    let run = Run::new();
    let (plan, planned) = run.plan(&across(30, 30)).await.expect("plan");
    assert!(plan.stacks[1].parameters.is_empty());
    let regions: Vec<_> = plan.stacks.iter().map(|stack| stack.region.as_str()).collect();
    assert_eq!((plan.region.as_str(), regions.as_slice()), (REGION, [REGION, OTHER].as_slice()));
    let lines = plan_lines(&plan).join("\n");
    assert!(lines.contains(" network    eu-west-2  new"), "{lines}");
    assert!(lines.contains(" agentcore  eu-west-1  new"), "{lines}");
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert!(stacks.iter().all(|stack| stack.status == StackStatus::Created));
    assert_eq!(sent(&run), ["JobsUrl-1"]);
    assert_eq!(
        run.cloud.placed_mutations(),
        [
            "eu-west-2 CreateChangeSet acme-dev-network",
            "eu-west-2 ExecuteChangeSet acme-dev-network",
            "eu-west-1 CreateChangeSet acme-dev-agentcore",
            "eu-west-1 ExecuteChangeSet acme-dev-agentcore",
        ]
    );
    // Everything about a stack is asked for in its region: what it is, its events, its
    // resources. The fake has no stack elsewhere, and the address is checked in it.
    for call in &run.cloud.world().calls {
        let wanted = if call.target.contains("agentcore") { OTHER } else { REGION };
        assert_eq!(call.region, wanted, "{}", call.placed());
    }
    assert!(run.journal().contains(r#""region":"eu-west-1""#));
    // And once more: there is nothing to do.
    let (plan, _) = run.plan(&across(30, 30)).await.expect("plan");
    assert!(plan.is_empty(), "{plan:?}");
}

#[tokio::test]
async fn a_changed_producer_leads_to_a_fresh_change_set_with_the_fresh_value() {
    let run = deployed("JobsUrl-0");
    let (plan, planned) = run.plan(&across(60, 30)).await.expect("plan");
    assert_eq!(plan.stacks[1].action, StackAction::None);
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[1].status, StackStatus::Updated);
    assert_eq!(sent(&run), ["JobsUrl-0", "JobsUrl-1"]);
}

#[tokio::test]
async fn another_value_is_a_change_of_a_parameter() {
    let run = deployed("something-else");
    let (plan, _) = run.plan(&across(30, 30)).await.expect("plan");
    assert_eq!(plan.stacks[1].other, ["~ Parameter NetworkJobsUrl"]);
    assert_eq!(plan.stacks[1].parameters["NetworkJobsUrl"], "JobsUrl-0");
}

/// The producer is there, and this run gives it the output.
#[tokio::test]
async fn an_output_that_comes_with_an_update_is_waited_for() {
    let run = deployed("old");
    {
        let mut world = run.cloud.world();
        let producer = world.formation.find("acme-dev-network").expect("producer");
        producer.template = jobs("jobs", 30).template.to_json();
    }
    let (plan, planned) = run.plan(&across(30, 30)).await.expect("plan");
    assert!(!plan.stacks[1].verified);
    assert!(plan.stacks[1].other.contains(&"~ Parameter NetworkJobsUrl".to_owned()));
    let (_, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(sent(&run), ["JobsUrl-1"]);
}

#[tokio::test]
async fn an_output_that_nobody_gives_is_an_error_that_names_it() {
    let consumer = &across(30, 30)[1..];
    let absent = Run::new().plan(consumer).await.expect_err("missing");
    assert_eq!(
        absent.message(),
        "stack agentcore needs output JobsUrl of stack network in eu-west-2 for NetworkJobsUrl: \
         stack acme-dev-network is not deployed in eu-west-2"
    );
    assert_eq!(absent.hints(), ["deploy the producer first: `platformctl deploy network`"]);
    let run = Run::with(&[jobs("jobs", 30)]);
    run.cloud.world().formation.stacks[0].name = "acme-dev-network".into();
    let other = run.plan(consumer).await.expect_err("missing");
    assert!(other.message().ends_with("in eu-west-2 has no such output"), "{other}");
    assert!(run.cloud.mutations().is_empty());
}

#[tokio::test]
async fn a_value_of_its_own_is_sent_as_it_is() {
    let run = Run::new();
    let mut stack = Stack::new("tenant-globex", &naming());
    let value = DeployValue::Literal { value: "globex, inc".into() };
    let tenant = stack.deploy_parameter("Tenant", value);
    stack.add("Jobs", queue("jobs", 30));
    stack.output("Tenant", tenant);
    let template = stack.finish();
    // It needs nothing from the artefact bucket.
    assert!(needs(&template, std::slice::from_ref(&template)).is_empty());
    run.deploy(&[template]).await.expect("deploy");
    assert_eq!(run.cloud.calls("CreateChangeSet")[0].parameters()["Tenant"], "globex, inc");
}

#[tokio::test]
async fn a_region_that_the_run_was_not_begun_for_is_refused() {
    let run = Run::new();
    let stack = Stack::new("stray", &naming().in_region("us-east-1")).finish();
    let error = run.plan(&[stack]).await.expect_err("no clients");
    assert_eq!(error.message(), "this run has no clients of region us-east-1");
    assert!(run.cloud.log().is_empty());
}

#[tokio::test]
async fn a_saved_plan_is_refused_when_a_stack_is_in_another_region_now() {
    let run = deployed("JobsUrl-0");
    let (plan, planned) = run.plan(&across(30, 60)).await.expect("plan");
    run.engine.discard(&planned).await.expect("discard");
    let discarded = run.cloud.calls("DeleteChangeSet");
    assert!(discarded.iter().any(|call| call.region == OTHER), "{discarded:?}");
    let saved = SavedPlan::new(plan);
    let text = serde_json::to_string(&saved).expect("JSON");
    assert!(text.contains(r#""region":"eu-west-1""#));
    let mut now = saved.plan.clone();
    assert!(differences(&saved.plan, &now).is_empty());
    now.stacks[1].region = "us-east-1".into();
    let found = differences(&saved.plan, &now);
    assert_eq!(found, ["the region of stack agentcore was eu-west-1 and is us-east-1"]);
}

#[tokio::test]
async fn what_is_in_both_regions_is_destroyed_consumers_first() {
    let run = deployed("JobsUrl-0");
    let engine = &run.engine;
    let destroyer = Destroyer {
        aws: engine.aws.clone(),
        concurrency: engine.concurrency,
        fence: None,
        journal: engine.journal.clone(),
        events: engine.events.clone(),
        cancel: engine.cancel.clone(),
    };
    let (report, error) = limited(destroyer.destroy(&across(30, 30))).await.expect("destroy");
    assert!(error.is_none(), "{error:?}");
    let places: Vec<_> =
        report.stacks.iter().map(|it| (it.name.as_str(), it.region.as_str(), it.status)).collect();
    assert_eq!(places, [("agentcore", OTHER, "deleted"), ("network", REGION, "deleted")]);
    assert_eq!(
        run.cloud.placed_mutations(),
        ["eu-west-1 DeleteStack acme-dev-agentcore", "eu-west-2 DeleteStack acme-dev-network"]
    );
}

/// The bucket of the other region, and a function there.
fn code_elsewhere() -> [StackTemplate; 2] {
    let there = naming().in_region(OTHER);
    let mut bucket = Stack::new("runtime-artefacts", &there);
    bucket.add("Bucket", queue("stands-for-a-bucket", 30));
    let mut stack = Stack::new("agentcore", &there);
    stack.add("Files", queue("files", 30));
    let mut consumer = stack.finish();
    let key = DeployValue::CodeKey { function: "git-store".into() };
    consumer.deploy_parameters = vec![
        DeployParameter { name: "Bucket".into(), value: DeployValue::ArtefactBucket },
        DeployParameter { name: "Key".into(), value: key },
    ];
    [bucket.finish(), consumer]
}

#[tokio::test]
async fn zips_go_to_the_bucket_of_the_stacks_region() {
    let mut run = Run::new();
    let path = run.folder.path().join("git-store.zip");
    std::fs::write(&path, b"a zip").expect("zip");
    let zip = Upload { path, sha256: "0a".into(), bytes: 5 };
    run.engine.artefacts.functions.insert("git-store".into(), zip);
    let templates = code_elsewhere();
    assert_eq!(needs(&templates[1], &templates), ["runtime-artefacts"]);
    assert_eq!(needs(&templates[1], &templates[1..]), ["artefacts"]);
    // Without a bucket there it is refused: Lambda would not read the zip.
    let error = run.plan(&templates).await.expect_err("no bucket");
    assert!(error.message().contains("needs an artefact bucket in eu-west-1"), "{error}");
    let bucket = "acme-dev-artefacts-123456789012-eu-west-1";
    run.engine.artefacts.elsewhere.insert(OTHER.into(), bucket.into());
    let (_, error) = run.deploy(&templates).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    let put = &run.cloud.calls("PutObject")[0];
    let key = "functions/git-store/0a.zip";
    assert_eq!(put.placed(), format!("{OTHER} PutObject {bucket}/{key}"));
    let sets = run.cloud.calls("CreateChangeSet");
    let sent = sets.last().expect("made").parameters();
    assert_eq!((sent["Bucket"].as_str(), sent["Key"].as_str()), (bucket, key));
}

/// CloudFormation reads a template from a bucket in another region.
#[tokio::test]
async fn a_large_template_elsewhere_goes_through_the_bucket_at_home() {
    let run = Run::new();
    let mut template = large(200);
    template.region = OTHER.into();
    let (_, error) = run.deploy(&[template]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(run.cloud.calls("PutObject")[0].region, REGION);
    let made = &run.cloud.calls("CreateChangeSet")[0];
    assert_eq!(made.region, OTHER);
    assert!(made.field("TemplateURL").starts_with("https://s3.eu-west-2.amazonaws.com/"));
}

/// A stack for each of many tenants.
fn tenants(count: usize, seconds: u32) -> Vec<StackTemplate> {
    let tenant = |number: usize| {
        let mut stack = Stack::new(&format!("tenant-{number:03}"), &naming());
        stack.add("Jobs", queue("jobs", seconds));
        stack.finish()
    };
    (0..count).map(tenant).collect()
}

/// Most stacks that were under way at once, as the requests show it.
fn most_at_once(run: &Run) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for line in run.cloud.log() {
        match line.split(' ').next().expect("operation") {
            "ExecuteChangeSet" => now += 1,
            "ListStackResources" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

#[tokio::test]
async fn no_more_stacks_are_under_way_than_was_asked_for() {
    for limit in [1, 3] {
        let mut run = Run::new();
        run.engine.concurrency = Concurrency::new(limit);
        let (stacks, error) = run.deploy(&tenants(12, 30)).await.expect("deploy");
        assert!(error.is_none(), "{error:?}");
        assert_eq!(most_at_once(&run), usize::from(limit));
        let names: Vec<_> = stacks.iter().map(|stack| stack.name.clone()).collect();
        assert!(names.len() == 12 && names.is_sorted(), "{names:?}");
        // One line tells of all of them.
        let events = format!("{:?}", run.events.lock().expect("events"));
        assert!(events.contains("deploy 12 stacks") && events.contains("12 of 12"), "{events}");
    }
}

/// Change sets of stacks that were planned beside the one that failed do not stay.
#[tokio::test]
async fn a_plan_that_fails_leaves_no_change_set_behind() {
    let run = Run::with(&tenants(12, 30));
    run.cloud.world().formation.stacks[5].template = "Resources: {}".into();
    let error = run.plan(&tenants(12, 60)).await.expect_err("refused");
    assert!(error.message().contains("acme-dev-tenant-005"), "{error}");
    let world = run.cloud.world();
    assert!(world.formation.stacks.iter().all(|stack| stack.sets.is_empty()));
}
