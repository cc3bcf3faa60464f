//! What goes through the artefact bucket: Lambda zips and large templates. Keys
//! contain the digest, so that nothing is uploaded twice and nothing is overwritten.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use serde_json::json;

use crate::aws::{Regional, explain};
use crate::error::{Context as _, Error, Result};
use crate::journal::Journal;
use crate::plan;

/// A Lambda zip on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its content, lowercase hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The bucket and what belongs in it.
#[derive(Debug, Clone, Default)]
pub struct Artefacts {
    /// The bucket's name in the home region.
    pub bucket: String,
    /// Buckets of other regions, by region: Lambda reads zips of its own region only.
    pub elsewhere: BTreeMap<String, String>,
    /// Lambda zips by function.
    pub functions: BTreeMap<String, Upload>,
}

impl Artefacts {
    /// The bucket's name, as the artefacts stack gives it: known before it exists.
    pub fn bucket_name(project: &str, environment: &str, account: &str, region: &str) -> String {
        let naming = stacks::cfn::Naming::new(project, environment, region);
        naming.name(&format!("artefacts-{account}-{region}"))
    }

    /// The bucket in `region`, if there is one; `home` is the region of the first.
    pub fn bucket_in(&self, region: &str, home: &str) -> Option<&str> {
        if region == home {
            return Some(&self.bucket);
        }
        self.elsewhere.get(region).map(String::as_str)
    }

    /// The key of a function's zip, if there is one.
    pub fn code_key(&self, function: &str) -> Option<String> {
        self.functions.get(function).map(|zip| format!("functions/{function}/{}.zip", zip.sha256))
    }

    /// Uploads the zip of `function` to the bucket of these clients' region unless it is
    /// there. Returns whether it was uploaded.
    pub async fn upload_function(
        &self,
        aws: &Regional,
        journal: &Journal,
        function: &str,
    ) -> Result<bool> {
        let (Some(zip), Some(key)) = (self.functions.get(function), self.code_key(function)) else {
            return Err(Error::failed(format!("there is no zip of function {function}"))
                .hint("build it with `platformctl build`"));
        };
        if self.exists(aws, &key).await? {
            return Ok(false);
        }
        let body = tokio::fs::read(&zip.path)
            .await
            .with_context(|| format!("cannot read {}", zip.path.display()))?;
        self.put(aws, journal, &key, body, "application/zip").await?;
        Ok(true)
    }

    /// Uploads a template and returns its URL.
    pub(super) async fn upload_template(
        &self,
        aws: &Regional,
        journal: &Journal,
        stack: &str,
        body: &str,
    ) -> Result<String> {
        let key = format!("templates/{stack}/{}.json", plan::digest(body));
        if !self.exists(aws, &key).await? {
            self.put(aws, journal, &key, body.as_bytes().to_vec(), "application/json").await?;
        }
        // By path: emulators read no other.
        Ok(format!("https://s3.{}.amazonaws.com/{}/{key}", aws.region, self.bucket_of(aws)))
    }

    /// Writes an object and records it.
    pub async fn put(
        &self,
        aws: &Regional,
        journal: &Journal,
        key: &str,
        body: Vec<u8>,
        content_type: &str,
    ) -> Result<()> {
        let bucket = self.bucket_of(aws);
        let target = format!("s3://{bucket}/{key}");
        let detail = json!({ "bytes": body.len(), "region": aws.region });
        let put = aws
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type(content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(body))
            .send();
        journal
            .mutate("s3:PutObject", &target, detail, async {
                put.await
                    .map(drop)
                    .map_err(|error| explain(format!("cannot write {target}"), error))
            })
            .await
    }

    /// The bucket in the region of these clients, which is the home region if no other
    /// has one.
    pub(super) fn bucket_of(&self, aws: &Regional) -> &str {
        self.elsewhere.get(&aws.region).unwrap_or(&self.bucket)
    }

    pub(super) async fn exists(&self, aws: &Regional, key: &str) -> Result<bool> {
        let bucket = self.bucket_of(aws);
        match aws.s3.head_object().bucket(bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => {
                Ok(false)
            }
            Err(error) => Err(explain(format!("cannot look up s3://{bucket}/{key}"), error)),
        }
    }
}
