//! Jobs, as callers see them.

use runtime_core::api::JobStatus;
use runtime_core::model::{Item as _, Job};
use runtime_core::tables::JOBS;
use serde_json::{Value, json};

use crate::memory::Fault;
use crate::support::{Answer, Api, Call, call, machine, user};

fn new_job(once: &str, input: &str) -> Call {
    let body = json!({ "agent": "helper", "input": input });
    call("POST", "/v1/jobs").by(&machine("globex")).once(once).json(&body)
}

fn path(job: &Answer) -> String {
    format!("/v1/jobs/{}", job.body["id"].as_str().unwrap())
}

async fn one(api: &Api) -> Job {
    let mut rows = api.rows(JOBS).await;
    assert_eq!(rows.len(), 1);
    Job::from_attributes(rows.remove(0)).unwrap()
}

async fn becomes(api: &Api, status: JobStatus, result: Option<&str>) {
    let result = result.map(|it| it.parse().unwrap());
    let error = (status == JobStatus::Failed).then(|| "It broke.".parse().unwrap());
    let job = Job { status, result, error, ..one(api).await };
    api.memory.tables.plant(&JOBS, job.to_attributes().unwrap());
}

#[tokio::test]
async fn a_job_is_recorded_and_sent_once_wherever_that_fails() {
    let mut met = 0;
    for fault in (0..8).flat_map(|call| [false, true].map(|after| Fault { call, after })) {
        let api = Api::default();
        api.agent("globex", "helper").await;
        api.memory.fail(fault);
        api.send(new_job("one", "Do it.")).await;
        if api.memory.take_fault() {
            continue;
        }
        met += 1;
        let job = api.send(new_job("one", "Do it.")).await.is(202);
        assert_eq!(job.header("location"), path(&job));
        assert_eq!(one(&api).await.job_id.to_string(), job.body["id"]);
        let mut messages = api.memory.cloud().messages.clone();
        messages.dedup();
        assert_eq!(messages.len(), 1);
        let body: Value = serde_json::from_str(&messages[0].body).unwrap();
        assert_eq!(body, json!({ "tenant_id": "globex", "job_id": job.body["id"] }));
    }
    assert!(met > 6, "only {met} faults were met");
}

#[tokio::test]
async fn the_same_name_for_another_job_is_a_conflict() {
    let api = Api::default();
    api.agent("globex", "helper").await;
    api.send(new_job("one", "Do it.")).await.is(202);
    api.send(new_job("one", "Do that.")).await.is(409);
    let wrong = json!({ "agent": "nobody", "input": "Do it." });
    let wrong = call("POST", "/v1/jobs").by(&user("globex")).once("two").json(&wrong);
    api.send(wrong).await.is(409);
    assert_eq!(api.send(new_job("three", "")).await.is(400).fields(), ["input"]);
    assert_eq!(api.memory.cloud().messages.len(), 1);
    // What has been taken is not sent again.
    becomes(&api, JobStatus::Running, None).await;
    assert_eq!(api.send(new_job("one", "Do it.")).await.is(202).body["status"], "running");
    assert_eq!(api.memory.cloud().messages.len(), 1);
}

#[tokio::test]
async fn a_result_is_read_at_an_address_that_ends() {
    let api = Api::default();
    api.agent("globex", "helper").await;
    let job = api.send(new_job("one", "Do it.")).await.is(202);
    let get = || call("GET", &path(&job)).by(&user("globex"));
    assert_eq!(api.send(get()).await.is(200).body.get("result_url"), None);
    becomes(&api, JobStatus::Succeeded, Some("jobs/1/result.json")).await;
    let url = api.send(get()).await.is(200).body["result_url"].as_str().unwrap().to_owned();
    assert!(url.contains("/tenants/globex/jobs/1/result.json?expires=300"), "{url}");
    api.send(call("GET", &path(&job)).by(&user("initech"))).await.is(404);
}

#[tokio::test]
async fn only_what_is_not_over_is_stopped() {
    let api = Api::default();
    api.agent("globex", "helper").await;
    let job = api.send(new_job("one", "Do it.")).await.is(202);
    let cancel = || call("DELETE", &path(&job)).by(&user("globex"));
    api.send(call("DELETE", &path(&job)).by(&user("initech"))).await.is(404);
    for status in [JobStatus::Succeeded, JobStatus::Failed] {
        becomes(&api, status, None).await;
        api.send(cancel()).await.is(409);
    }
    becomes(&api, JobStatus::Running, None).await;
    api.send(cancel()).await.is(204);
    assert_eq!(one(&api).await.status, JobStatus::Cancelled);
    api.send(cancel()).await.is(204);
    api.send(call("DELETE", "/v1/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV").by(&user("globex")))
        .await
        .is(404);
}

#[tokio::test]
async fn jobs_are_listed_to_the_end() {
    let api = Api::default();
    api.agent("globex", "helper").await;
    let mut made = Vec::new();
    for i in 0..11 {
        let job = api.send(new_job(&format!("job-{i}"), "Do it.")).await.is(202);
        made.push(job.body["id"].as_str().unwrap().to_owned());
    }
    made.sort();
    made.reverse();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = call("GET", &format!("/v1/jobs?limit=4{cursor}")).by(&user("globex"));
        let page = api.send(list).await.is(200).body;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, made);
}
