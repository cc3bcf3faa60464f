//! What goes through the artefact bucket.

use platformctl::build;
use platformctl::deploy::StackStatus;
use platformctl::journal::StepOutcome;

use crate::harness::{BUCKET, Run, large, queue, stack};
use crate::script::Answer;

/// Longest template in a request.
const LIMIT: usize = 51_200;

#[tokio::test]
async fn a_large_template_goes_through_the_bucket_once() {
    let run = Run::new();
    let template = large(200);
    let body = template.template.to_json();
    assert!(body.len() > LIMIT);
    let (_, error) = run.deploy(std::slice::from_ref(&template)).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    let made = &run.cloud.calls("CreateChangeSet")[0];
    let key = made
        .field("TemplateURL")
        .strip_prefix(&format!("https://s3.eu-west-2.amazonaws.com/{BUCKET}/"))
        .expect("the bucket's address")
        .to_owned();
    assert!(key.starts_with("templates/large/"), "{key}");
    assert_eq!(made.field("TemplateBody"), "");
    assert_eq!(run.cloud.world().objects[&format!("{BUCKET}/{key}")], body.as_bytes());
    // The same template again: looked up, not uploaded.
    let (stacks, error) = run.deploy(&[template]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Unchanged);
    assert_eq!((run.cloud.count("HeadObject"), run.cloud.count("PutObject")), (2, 1));
}

#[tokio::test]
async fn the_largest_inline_template_goes_into_the_request() {
    let run = Run::new();
    let template = large(90);
    assert!(template.template.to_json().len() <= LIMIT);
    run.deploy(&[template]).await.expect("deploy");
    assert_eq!(run.cloud.calls("CreateChangeSet")[0].field("TemplateURL"), "");
    assert_eq!(run.cloud.count("HeadObject"), 0);
}

fn with_function() -> stacks::StackTemplate {
    stack("jobs", |stack| {
        let function = stacks::DeployValue::CodeKey { function: "git-store".into() };
        let key = stack.deploy_parameter("CodeKey", function);
        stack.add("Jobs", queue("jobs", 30));
        stack.output("Code", key);
    })
}

#[tokio::test]
async fn a_zip_is_uploaded_once_with_its_checksum() {
    let mut run = Run::new();
    std::fs::write(run.folder.path().join("git-store.zip"), b"a zip").expect("zip");
    let zip = build::prebuilt(run.folder.path(), "git-store").expect("prebuilt");
    let key = format!("{BUCKET}/functions/git-store/{}.zip", zip.sha256);
    run.engine.artefacts.functions.insert("git-store".into(), zip);
    let (_, planned) = run.plan(&[with_function()]).await.expect("plan");
    assert_eq!(run.cloud.count("PutObject"), 0, "planning uploads nothing");
    run.apply(planned, false).await.expect("deploy");
    let log = run.cloud.log();
    let position = |wanted: &str| log.iter().position(|line| line == wanted);
    let put = position(&format!("PutObject {key}")).expect("uploaded");
    assert!(position(&format!("HeadObject {key}")).expect("looked up") < put);
    assert!(put < position("CreateChangeSet acme-dev-jobs").expect("made"));
    let sent = &run.cloud.calls("PutObject")[0];
    // SHA-256 of `a zip` in Base64.
    assert_eq!(
        sent.headers["x-amz-checksum-sha256"],
        "mkRVdGXvxkS3EX6T6vE8M82Vb19PEsohvVGulOqXFpo="
    );
    assert_eq!(sent.headers["content-type"], "application/zip");
    assert_eq!(sent.body, b"a zip");
    run.deploy(&[with_function()]).await.expect("deploy");
    assert_eq!((run.cloud.count("HeadObject"), run.cloud.count("PutObject")), (2, 1));
}

#[tokio::test]
async fn a_function_without_a_zip_is_refused_before_anything_is_asked_for() {
    let run = Run::new();
    let error = run.plan(&[with_function()]).await.expect_err("no zip");
    assert!(error.message().contains("needs a value for CodeKey"), "{error}");
    assert!(error.hints()[0].contains("platformctl build"));
    assert!(run.cloud.mutations().is_empty());
}

#[tokio::test]
async fn a_refused_upload_is_journaled_and_ends_there() {
    let run = Run::new();
    let template = large(200);
    let (_, planned) = run.plan(std::slice::from_ref(&template)).await.expect("plan");
    let digest = platformctl::plan::digest(&template.template.to_json());
    let object = format!("{BUCKET}/templates/large/{digest}.json");
    let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    run.cloud.expect("s3:PutObject", &object, Answer::status(403, body));
    let (_, error) = run.apply(planned, false).await.expect("a result");
    let error = error.expect("denied");
    let said = format!("cannot write s3://{object}: Access Denied (AccessDenied)");
    assert_eq!(error.message(), said);
    assert!(run.journaled().contains(&("s3:PutObject".into(), Some(StepOutcome::Failed))));
    assert_eq!(run.cloud.count("CreateChangeSet"), 0);
}

#[tokio::test]
async fn a_bucket_that_does_not_let_us_in_is_an_error() {
    let run = Run::new();
    let template = large(200);
    let (_, planned) = run.plan(std::slice::from_ref(&template)).await.expect("plan");
    let digest = platformctl::plan::digest(&template.template.to_json());
    let object = format!("{BUCKET}/templates/large/{digest}.json");
    run.cloud.expect("s3:HeadObject", &object, Answer::status(403, ""));
    let (_, error) = run.apply(planned, false).await.expect("a result");
    let error = error.expect("denied");
    assert!(error.message().starts_with(&format!("cannot look up s3://{object}")), "{error}");
    assert_eq!(run.cloud.count("CreateChangeSet"), 0);
}
