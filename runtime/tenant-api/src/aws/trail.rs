//! The bucket of the audit trail.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use super::{Lazy, Places, failed};
use crate::services::{Answer, ServiceError, Trail};

/// The bucket.
#[derive(Debug)]
pub struct AwsTrail {
    lazy: Arc<Lazy>,
    places: Arc<Places>,
}

impl AwsTrail {
    pub(super) fn new(lazy: Arc<Lazy>, places: Arc<Places>) -> Self {
        Self { lazy, places }
    }

    async fn client(&self) -> Client {
        self.lazy.get().await.s3()
    }
}

impl Trail for AwsTrail {
    fn keep<'a>(&'a self, key: &'a str, record: &'a [u8]) -> Answer<'a, ()> {
        Box::pin(async move {
            let put = self
                .client()
                .await
                .put_object()
                .bucket(&self.places.audit)
                .key(key)
                .content_type("application/json")
                // A bucket with a lock takes nothing without one.
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .if_none_match("*")
                .body(ByteStream::from(record.to_vec()));
            put.send().await.map(drop).map_err(|error| failed("PutObject", &error))
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> Answer<'a, (Vec<String>, bool)> {
        Box::pin(async move {
            let list = self.client().await.list_objects_v2().bucket(&self.places.audit);
            let list = list
                .prefix(prefix)
                .set_start_after(after.map(str::to_owned))
                .max_keys(i32::try_from(limit).unwrap_or(1_000));
            let output = list.send().await.map_err(|error| failed("ListObjectsV2", &error))?;
            let more = output.is_truncated.unwrap_or(false);
            let objects = output.contents.unwrap_or_default();
            Ok((objects.into_iter().filter_map(|object| object.key).collect(), more))
        })
    }

    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Vec<u8>> {
        Box::pin(async move {
            let get = self.client().await.get_object().bucket(&self.places.audit).key(key);
            let output = get.send().await.map_err(|error| failed("GetObject", &error))?;
            let body = output.body.collect().await;
            let body = body.map_err(|_| ServiceError::Busy("GetObject: the body ended".into()))?;
            Ok(body.into_bytes().into())
        })
    }
}
