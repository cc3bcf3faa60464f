//! A bucket of S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use super::backend::{ObjectBackend, Pending};
use super::error::BackendError;
use super::objects::{ObjectOperation, ObjectReply};
use super::sdk::{BUSY, explain};

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3Bucket {
    client: Client,
    bucket: String,
}

impl S3Bucket {
    /// The bucket with this name, of the variable
    /// [`RESULTS_BUCKET`](crate::names::RESULTS_BUCKET). For a tenant's objects the client
    /// has the tenant's [narrowed credentials](super::NarrowedCredentials); addresses that
    /// it signs end with them.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    async fn dispatch(&self, operation: &ObjectOperation) -> Result<ObjectReply, BackendError> {
        let mut reply = ObjectReply::default();
        match operation {
            ObjectOperation::Get { key } => {
                let get = self.client.get_object().bucket(&self.bucket).key(key);
                let output = get.send().await.map_err(|error| failed(&error))?;
                let body = output.body.collect().await;
                let body =
                    body.map_err(|_| BackendError::Busy("the body ended early".to_owned()))?;
                reply.body = Some(body.into_bytes().into());
            }
            ObjectOperation::Put { key, body, content_type, new } => {
                let put = self.client.put_object().bucket(&self.bucket).key(key);
                let put = put
                    .content_type(content_type)
                    .set_if_none_match(new.then(|| "*".to_owned()))
                    .body(ByteStream::from(body.clone()));
                put.send().await.map_err(|error| failed(&error))?;
            }
            ObjectOperation::Delete { key } => {
                let delete = self.client.delete_object().bucket(&self.bucket).key(key);
                delete.send().await.map_err(|error| failed(&error))?;
            }
            ObjectOperation::List { prefix, after, limit } => {
                let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
                let list = list
                    .set_start_after(after.clone())
                    .max_keys(i32::try_from(*limit).unwrap_or(i32::MAX));
                let output = list.send().await.map_err(|error| failed(&error))?;
                reply.more = output.is_truncated.unwrap_or(false);
                let objects = output.contents.unwrap_or_default();
                reply.keys = objects.into_iter().filter_map(|object| object.key).collect();
            }
            ObjectOperation::PresignGet { key, lasts } => {
                let get = self.client.get_object().bucket(&self.bucket).key(key);
                let signed =
                    get.presigned(config(*lasts)?).await.map_err(|error| failed(&error))?;
                reply.url = Some(signed.uri().to_owned());
            }
            ObjectOperation::PresignPut { key, lasts, content_type } => {
                let put = self.client.put_object().bucket(&self.bucket).key(key);
                let put = put.content_type(content_type);
                let signed =
                    put.presigned(config(*lasts)?).await.map_err(|error| failed(&error))?;
                reply.url = Some(signed.uri().to_owned());
            }
        }
        Ok(reply)
    }
}

impl ObjectBackend for S3Bucket {
    fn run<'a>(&'a self, operation: &'a ObjectOperation) -> Pending<'a, ObjectReply> {
        Box::pin(self.dispatch(operation))
    }
}

fn config(lasts: std::time::Duration) -> Result<PresigningConfig, BackendError> {
    PresigningConfig::expires_in(lasts).map_err(|error| BackendError::Failed(error.to_string()))
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> BackendError {
    let code = explain(error);
    match code.as_str() {
        "NoSuchKey" => BackendError::Absent,
        "PreconditionFailed" | "ConditionalRequestConflict" => BackendError::Condition,
        it if BUSY.contains(&it) => BackendError::Busy(code),
        _ => BackendError::Failed(code),
    }
}
