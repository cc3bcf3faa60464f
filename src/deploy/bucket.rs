//! Deletes the artefact bucket, with every version of every object in it.

use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use serde_json::json;

use crate::aws::{Regional, explain, has_code};
use crate::error::{Context as _, Error, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
use crate::signal::Cancel;

/// Whether there is a bucket of this name that we may look at.
pub async fn bucket_exists(aws: &Regional, bucket: &str) -> Result<bool> {
    match aws.s3.head_bucket().bucket(bucket).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(HeadBucketError::is_not_found) => {
            Ok(false)
        }
        Err(error) => Err(explain(format!("cannot look up bucket {bucket}"), error)),
    }
}

/// Empties and deletes `bucket`. Its stack keeps the bucket, and no new stack could
/// have its name while it is there.
pub async fn delete_bucket(
    aws: &Regional,
    bucket: &str,
    journal: &Journal,
    events: &Events,
    cancel: &Cancel,
) -> Result<()> {
    let task = format!("destroy.bucket.{}", aws.region);
    let task = task.as_str();
    events.started(task, format!("delete the bucket in {}", aws.region), None);
    journal.write(Entry::StepStarted { step: task.to_owned() })?;
    failpoint::hit(task, cancel).await;
    let work = async {
        empty(aws, bucket, task, events, cancel).await?;
        match aws.s3.delete_bucket().bucket(bucket).send().await {
            Err(error) if !has_code(&error, "NoSuchBucket") => {
                Err(explain(format!("cannot delete bucket {bucket}"), error))
            }
            _ => Ok(()),
        }
    };
    let target = format!("s3://{bucket}");
    let result =
        journal.mutate("s3:DeleteBucket", &target, json!({ "region": aws.region }), work).await;
    let outcome = result.as_ref().err().map_or(StepOutcome::Done, StepOutcome::of);
    journal.write(Entry::StepFinished { step: task.to_owned(), outcome, detail: json!({}) })?;
    match &result {
        Ok(()) => events.finished(task, Outcome::Done, "deleted"),
        Err(error) => events.finished(task, Outcome::Failed, error.message()),
    }
    result
}

/// Deletes every version and every delete marker, a page of up to 1,000 at a time.
async fn empty(
    aws: &Regional,
    bucket: &str,
    task: &str,
    events: &Events,
    cancel: &Cancel,
) -> Result<()> {
    let mut deleted = 0;
    loop {
        cancel.check()?;
        let page = aws
            .s3
            .list_object_versions()
            .bucket(bucket)
            .send()
            .await
            .map_err(|error| explain(format!("cannot list the objects of {bucket}"), error))?;
        let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
        let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
        let objects: Vec<ObjectIdentifier> = versions
            .chain(markers)
            .filter_map(|(key, version)| {
                let object = ObjectIdentifier::builder().key(key?);
                object.set_version_id(version.map(str::to_owned)).build().ok()
            })
            .collect();
        if objects.is_empty() {
            return Ok(());
        }
        let count = objects.len() as u64;
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .context("cannot name the objects to delete")?;
        let answer =
            aws.s3.delete_objects().bucket(bucket).delete(delete).send().await.map_err(
                |error| explain(format!("cannot delete the objects of {bucket}"), error),
            )?;
        if let Some(refused) = answer.errors().first() {
            let key = refused.key().unwrap_or_default();
            let why = refused.message().unwrap_or("without a reason");
            return Err(Error::failed(format!("cannot delete s3://{bucket}/{key}: {why}")));
        }
        deleted += count;
        events.progress(task, deleted, format!("{deleted} objects deleted"));
    }
}
